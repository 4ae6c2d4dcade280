"""A file whose folders give a column that it has itself: whether both say the same, as far as its first rows show."""

from dataclasses import replace
from typing import Any

import pyarrow as pa

from pipeline.errors import UserError
from pipeline.files.local import Files
from pipeline.files.text_stream import READ_SIZES
from pipeline.sources.columns import INTEGER_TIME, ISO_TIME, WEIGHT, Column, ColumnNames
from pipeline.sources.folder_columns import given_columns, with_given_columns
from pipeline.sources.formats import FORMATS, folders
from pipeline.sources.formats.labels import labels
from pipeline.sources.formats.slices import slice_name
from pipeline.sources.formats.times import integer_times, iso_times
from pipeline.sources.formats.values import names
from pipeline.sources.formats.weights import weights
from pipeline.sources.schema import excerpt
from pipeline.sources.tasks import ReadTask


def check_given(task: ReadTask, columns: ColumnNames, files: Files) -> None:
    """Looks into a file whose folders give columns.

    What a table's log gives is not in the table's files, and texts in folders have no columns: these are not looked
    into. Nor is an id, which decides nothing.

    Raises:
      UserError: the file has such a column, and another value in it.
    """
    if task.format == folders.NAME or task.table_columns is not None:
        return
    in_file = with_given_columns(task, columns)[1]
    for column, value in given_columns(task, columns):
        if column.field == "id":
            continue
        for own in _own_values(replace(task, table_columns=()), column, in_file, files):
            if own is not None and own != _as_read(column, value, columns):
                raise UserError(
                    f"{column.setting}: {column.name!r} is a column of {task.path}, with other values than the name of "
                    f"its folder, {column.name}={excerpt(value)}; rename the column or the folder"
                )


def _own_values(task: ReadTask, column: Column, in_file: ColumnNames, files: Files) -> list[object]:
    """The distinct values of a column in the first rows of a file; none: it has no such column."""
    attribute = column.field.partition(".")[0]  # of "text.1", "time.integer" and "slices.0"
    alone: dict[str, Any] = {attribute: (column.name,) if attribute == "slices" else column.name}
    columns = replace(in_file, **alone)
    try:
        has_rows = FORMATS[task.format].check(task, columns, files)
    except UserError:
        return []
    if has_rows:
        for batch in FORMATS[task.format].read_all([task], columns, files, sizes=READ_SIZES):
            if batch.count:
                values = batch.rows[attribute]
                return list((values.flatten() if attribute == "slices" else values).unique().to_pylist())
    return []


def _as_read(column: Column, value: str | None, columns: ColumnNames) -> object:
    """The value of a folder's name as rows of a batch hold it."""
    if column.field in (ISO_TIME, INTEGER_TIME):
        times, _ = (iso_times if column.field == ISO_TIME else integer_times)([value])
        return times[0].as_py()
    if column.field.partition(".")[0] == "text":
        return None if value is None else value.encode()
    given = pa.array([value], pa.string())
    if column.field == WEIGHT:
        return weights(given)[0][0].as_py()
    if column.field.partition(".")[0] == "slices":
        return slice_name(value)
    found = labels(given, columns) if column.field == "label" else names(given, column=column.field)
    return found[0][0].as_py()

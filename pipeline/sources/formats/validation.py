"""Columns as a format holds them -> a batch: rows that can be used, and rejected rows with their reasons."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa

from pipeline.contract import UNLABELLED
from pipeline.sources.columns import INTEGER_TIME, ISO_TIME, WEIGHT, ColumnNames, slice_field, text_field
from pipeline.sources.folder_columns import completed
from pipeline.sources.formats.labels import labels, plain_lists
from pipeline.sources.formats.slices import slices
from pipeline.sources.formats.times import integer_times, iso_times
from pipeline.sources.formats.values import Problems, Values, is_label_list, joined, names, python_values, texts
from pipeline.sources.formats.weights import weights
from pipeline.sources.schema import ROWS_SCHEMA, SHOWN_CHARACTERS, Batch, RejectedRow, excerpt, rejected_batch
from pipeline.sources.tasks import ReadTask, positions
from pipeline.support.arrays import Int64s

# The most rows that are validated together. A rejected row takes up to 1 kB: 8 MiB of rows of two bytes took 2.6 GB.
ROWS_PER_BATCH: Final = 1 << 17


# Of a list in an excerpt, no more values than these are shown.
SHOWN_VALUES: Final = 100

# The columns asked for, as a format holds them, by their field (`Column.field`), equally long.
RawColumns: TypeAlias = Mapping[str, Values]


def validated(
    task: ReadTask,
    columns: RawColumns,
    asked: ColumnNames,
    *,
    ordinals: Int64s,
    places: Int64s,
    content: Callable[[int], str],
    rejected: Sequence[RejectedRow] = (),
) -> Batch:
    """The batch of some rows: each row whose values are all valid is used, each other row is rejected.

    Args:
      task: the range that the rows come from.
      columns: the columns, [n].
      asked: the columns that are asked for, and the form of their labels.
      ordinals: int64 [n], each row's number in the task; the numbers of `rejected` are missing.
      places: int64 [n], each row's place in the file.
      content: index in the columns -> an excerpt of that row.
      rejected: rows of the same range that have no columns.
    """
    columns = completed(columns, task.given)
    text, problems = _texts(columns)
    label, label_problems = _labels(columns.get("label"), asked, rows=len(text))
    split, split_problems = _names(columns.get("split"), column="split", rows=len(text))
    if "split" not in columns and task.splits not in (None, UNLABELLED):
        split = pa.repeat(pa.scalar(task.splits, pa.string()), len(text))
    group, group_problems = _names(columns.get("group"), column="group", rows=len(text))
    time, time_problems = _times(columns, rows=len(text))
    weight, weight_problems = _weights(columns.get(WEIGHT), rows=len(text))
    # A row has one reason: that of its text, else of its label, else of what decides on its split, else of its weight.
    problems = {**weight_problems, **time_problems, **group_problems, **split_problems, **label_problems, **problems}
    position = pa.array(positions(task, places))
    arrays = [
        text, label, split, group, time, weight, _slices(columns, asked, rows=len(text)), position, pa.array(ordinals)
    ]  # fmt: skip
    rows = pa.RecordBatch.from_arrays(arrays, schema=ROWS_SCHEMA)
    if problems:
        usable = np.ones(rows.num_rows, bool)
        usable[list(problems)] = False
        rows = rows.filter(pa.array(usable))
    invalid = [
        RejectedRow(int(ordinals[row]), reason, content(row), _id(columns.get("id"), row))
        for row, reason in problems.items()
    ]
    return Batch(rows, rejected_batch(task, [*rejected, *invalid]))


def _texts(columns: RawColumns) -> tuple[pa.Array, Problems]:
    """The texts of all columns of the text."""
    parts: list[Values] = []
    while (values := columns.get(text_field(len(parts)))) is not None:
        parts.append(values)
    return texts(parts[0]) if len(parts) == 1 else joined(list(map(texts, parts)))


def _labels(values: Values | None, asked: ColumnNames, *, rows: int) -> tuple[pa.Array, Problems]:
    """The column of labels, null if it is not asked for."""
    return (pa.nulls(rows, pa.string()), {}) if values is None else labels(values, asked)


def _names(values: Values | None, *, column: str, rows: int) -> tuple[pa.Array, Problems]:
    """A column of names, null if it is not asked for."""
    return (pa.nulls(rows, pa.string()), {}) if values is None else names(values, column=column)


def _times(columns: RawColumns, *, rows: int) -> tuple[pa.Array, Problems]:
    """The column of times, null if it is not asked for."""
    if (values := columns.get(ISO_TIME)) is not None:
        return iso_times(values)
    if (values := columns.get(INTEGER_TIME)) is not None:
        return integer_times(values)
    return pa.nulls(rows, pa.int64()), {}


def _weights(values: Values | None, *, rows: int) -> tuple[pa.Array, Problems]:
    """The column of weights, null if it is not asked for."""
    return (pa.nulls(rows, pa.float32()), {}) if values is None else weights(values)


def _slices(columns: RawColumns, asked: ColumnNames, *, rows: int) -> pa.Array:
    """The columns of metrics.slices, null if none is asked for."""
    if not asked.slices:
        return pa.nulls(rows, pa.list_(pa.string()))
    return slices([columns[slice_field(number)] for number in range(len(asked.slices))], rows=rows)


def excerpt_of_columns(names: ColumnNames, columns: RawColumns, row: int) -> str:
    """An excerpt of a row as JSON, for formats whose rows are not lines of text."""
    # What identifies the row is first, and the weight, which a long text would push out of the excerpt.
    wanted = sorted(names.wanted(), key=lambda column: column.field not in ("id", WEIGHT))
    values = {name: _shown(_python(columns[field], row)) for field, _, name in wanted}
    return excerpt(json.dumps(values, ensure_ascii=False, default=str))[:SHOWN_CHARACTERS]


def _shown(value: object) -> object:
    """A value for JSON; of a text, and of a list, the beginning."""
    if isinstance(value, list):
        return [_shown(part) for part in value[:SHOWN_VALUES]]
    return excerpt(value) if isinstance(value, str | bytes) else value


def _python(values: Values, row: int) -> object:
    part = values[row : row + 1]
    if isinstance(part, pa.Array) and is_label_list(part.type):
        part = plain_lists(part)
        return list(python_values(part.flatten()[:SHOWN_VALUES])) if part[0].is_valid else None
    return python_values(part)[0]


def _id(values: Values | None, row: int) -> str | None:
    value = None if values is None else _python(values, row)
    return None if value is None else excerpt(value)

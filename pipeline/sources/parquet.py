"""Parquet -> rows. A column is a column's name, `review.text` the field text of the struct review.

A large file is cut into ranges of row groups. A row's place is its number in the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import UserError
from pipeline.sources.files import Files, open_file
from pipeline.sources.schema import Batch, Columns, DAMAGED, ReadTask, Reject, missing_column, rejects_only, shown
from pipeline.sources.rows import Fields, columns_shown, finish
from pipeline.sources.streams import Damaged
from pipeline.sources.values import is_name, is_textual

MAGIC: Final = b"PAR1"

# Pages are fetched in pieces of this size, so that a row group of gigabytes is never held whole.
FETCHED: Final = 8 << 20

# Rows that are decoded together: so many, or fewer where texts are long, so that they stay within some megabytes.
DECODED_ROWS: Final = 4096
DECODED_BYTES: Final = 8 << 20

Path = tuple[int, ...]


def cut(task: ReadTask, size: int, files: Files, *, range_bytes: int) -> list[ReadTask]:
    """Ranges of row groups, of `range_bytes` decompressed bytes or one group; a damaged file stays whole."""
    ranges = []
    start = held = 0
    with open_file(files, task.path) as file:
        try:
            metadata = _open(file).metadata
        except Damaged:
            return [task]
    for group in range(metadata.num_row_groups):
        held += metadata.row_group(group).total_byte_size
        if held >= range_bytes or group == metadata.num_row_groups - 1:
            ranges.append(replace(task, start=start, stop=group + 1))
            start, held = group + 1, 0
    return ranges or [task]


def check(task: ReadTask, columns: Columns, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell.

    Raises:
      UserError: the file is not Parquet, lacks a column, or has one of a type that cannot be used.
    """
    with open_file(files, task.path) as file:
        if not MAGIC.startswith(file.read(len(MAGIC))):
            raise UserError(f"input.path: {task.path} is not Parquet: it does not begin with PAR1; set input.format")
        try:
            parquet = _open(file)
        except Damaged:
            return True
        schema = parquet.schema_arrow
        paths = _paths(parquet, task, columns)
        _check_type("input.text_column", columns.text, _type_at(schema, paths["text"]), task, is_textual, "texts")
        kind = _type_at(schema, paths["label"])
        _check_type("input.label_column", columns.label, kind, task, is_name, "strings, integers or booleans")
        return parquet.metadata.num_rows > 0


def read(task: ReadTask, columns: Columns, files: Files) -> Iterator[Batch]:
    """The rows of a range of row groups, a few thousand at a time.

    Raises:
      UserError: the file lacks a column.
    """
    row = 0
    with open_file(files, task.path) as file:
        try:
            parquet = _open(file)
            paths = _paths(parquet, task, columns)
            sizes = [parquet.metadata.row_group(group).num_rows for group in range(parquet.metadata.num_row_groups)]
            first = sum(sizes[: task.start])
            for table in _decoded(parquet, task, columns):
                yield _finish(table, paths, task, columns, first_row=row, first_place=first + row)
                row += table.num_rows
        except Damaged as damage:
            yield rejects_only(task, Reject(row, DAMAGED, shown(f"from here on: {damage}")))


def _finish(
    table: pa.RecordBatch,
    paths: dict[str, Path],
    task: ReadTask,
    columns: Columns,
    *,
    first_row: int,
    first_place: int,
) -> Batch:
    fields = Fields(**{field: _column_at(table, path) for field, path in paths.items()})
    numbers = np.arange(table.num_rows)
    return finish(
        task,
        fields,
        ordinals=first_row + numbers,
        places=first_place + numbers,
        content=lambda row: columns_shown(columns, fields, row),
    )


def _decoded(parquet: pq.ParquetFile, task: ReadTask, columns: Columns) -> Iterator[pa.RecordBatch]:
    names = list(columns.by_setting().values())
    groups = range(parquet.metadata.num_row_groups)[task.start : task.stop]
    sizes = [(group.num_rows, group.total_byte_size) for group in map(parquet.metadata.row_group, groups)]
    widest = max((size / rows for rows, size in sizes if rows), default=1)
    rows = max(1, min(DECODED_ROWS, int(DECODED_BYTES / max(widest, 1))))
    with _damage():
        yield from parquet.iter_batches(batch_size=rows, row_groups=list(groups), columns=names, use_threads=False)

"""Parquet files -> rows. `review.text` is the field text of the struct column review.

A large file is cut into ranges of row groups. A row's place is its number in the file.

The checksums of pages are compared where the file has them. Nothing in Parquet guards the footer, nor a page's header;
so the rows of each row group are counted.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import ReadSizes, read_up_to
from pipeline.sources.columns import ColumnNames, missing_column
from pipeline.sources.formats.format import Description, Format, one_by_one
from pipeline.sources.formats.parquet_columns import column_names, column_of, find, type_of, typed_columns
from pipeline.sources.formats.parquet_pages import FewerRowsError, StoppedReadError, WatchedFile
from pipeline.sources.formats.times import is_time
from pipeline.sources.formats.validation import excerpt_of_columns, validated
from pipeline.sources.formats.values import can_hold_labels, can_hold_texts
from pipeline.sources.schema import DAMAGED, Batch, only_lost
from pipeline.sources.tasks import ReadTask

MAGIC: Final = b"PAR1"

# Pages are read 8 MiB at a time, so a row group of gigabytes is never in memory as a whole.
READ_BUFFER_BYTES: Final = 8 << 20

# Rows that are validated together: 4,096, or fewer if texts are long, so that they need about 8 MiB.
TABLE_ROWS: Final = 4096
TABLE_BYTES: Final = 8 << 20

# The rows that pyarrow decodes together. With a dictionary of 1 MiB each may be as long as that, see `parquet_pages`.
# 256 rows at a time cost as much as 4,096; 128 take 8% longer.
DECODED_ROWS: Final = 256


def cut(task: ReadTask, files: Files, *, range_bytes: int) -> list[ReadTask]:
    """Ranges of row groups, each of one group or of `range_bytes` decompressed bytes; a damaged file stays whole."""
    ranges = []
    start = size = 0
    with open_file(files, task.path) as file:
        try:
            metadata = _open(file).metadata
        except DamagedFileError:
            return [task]
    for group in range(metadata.num_row_groups):
        size += metadata.row_group(group).total_byte_size
        if size >= range_bytes or group == metadata.num_row_groups - 1:
            ranges.append(replace(task, start=start, stop=group + 1))
            start, size = group + 1, 0
    return ranges or [task]


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell.

    Raises:
      UserError: the file is not Parquet, lacks a column, or has one of a type that cannot be used.
    """
    with open_file(files, task.path) as file:
        if not MAGIC.startswith(read_up_to(file, len(MAGIC))):
            raise UserError(f"input.path: {task.path} is not Parquet (it does not begin with PAR1); set input.format")
        try:
            parquet = _open(file)
        except DamagedFileError:
            return True
        fields = list(parquet.schema_arrow)
        _check_columns(fields, task, columns)
        _check_types(fields, task, columns)
        return bool(parquet.metadata.num_rows)


def describe(task: ReadTask, files: Files) -> Description:
    """The columns of a file; those of a struct follow it."""
    with open_file(files, task.path) as file:
        try:
            fields = list(_open(file).schema_arrow)
        except DamagedFileError:
            return Description()
    return Description(columns=typed_columns(fields))


def _check_types(fields: Sequence[pa.Field], task: ReadTask, columns: ColumnNames) -> None:
    for name in columns.texts():
        text = type_of(fields, name)
        if not can_hold_texts(text):
            raise UserError(f"input.text_column: {name!r} in {task.path} holds {text}; it must hold texts")
    if columns.time is not None and not is_time(type_of(fields, columns.time), integer=columns.time_is_integer):
        wanted = "integers" if columns.time_is_integer else "dates, timestamps, or texts in ISO 8601"
        raise UserError(
            f"split.time_column: {columns.time!r} in {task.path} holds {type_of(fields, columns.time)}; it must hold "
            f"{wanted}, as split.eval_from and test_from are given"
        )
    if columns.group is not None and not can_hold_labels(type_of(fields, columns.group)):
        raise UserError(
            f"split.group_column: {columns.group!r} in {task.path} holds {type_of(fields, columns.group)}; "
            "it must hold strings, integers or booleans"
        )
    if columns.label is None:
        return
    label = type_of(fields, columns.label)
    if not can_hold_labels(label):
        raise UserError(
            f"input.label_column: {columns.label!r} in {task.path} holds {label}; "
            "it must hold strings, integers or booleans"
        )


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a range of row groups, up to 4,096 at a time.

    Raises:
      UserError: the file lacks a column.
    """
    del sizes  # A file is read by row groups; READ_BUFFER_BYTES is the block.
    row = 0
    with open_file(files, task.path) as opened:
        file = WatchedFile(opened, task.path)
        try:
            parquet = _open(file)
            _check_columns(list(parquet.schema_arrow), task, columns)
            first = sum(parquet.metadata.row_group(group).num_rows for group in range(task.start))
            for table in _tables(parquet, file, task, columns):
                yield _batch(table, task, columns, first_row=row, first_place=first + row)
                row += table.num_rows
        except DamagedFileError as damage:
            yield only_lost(task, row, DAMAGED, str(damage))


def _batch(table: pa.RecordBatch, task: ReadTask, columns: ColumnNames, *, first_row: int, first_place: int) -> Batch:
    values = {field: column_of(table, name) for field, _, name in columns.wanted()}
    numbers = np.arange(table.num_rows)
    return validated(
        task,
        values,
        ordinals=first_row + numbers,
        places=first_place + numbers,
        content=lambda row: excerpt_of_columns(columns, values, row),
    )


def _open(file: BinaryIO | WatchedFile) -> pq.ParquetFile:
    with _damage():
        parquet = pq.ParquetFile(file, pre_buffer=False, buffer_size=READ_BUFFER_BYTES, page_checksum_verification=True)
        column_names(list(parquet.schema_arrow))  # pyarrow decodes a name when it is asked for
    metadata = parquet.metadata
    rows = sum(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
    if rows != metadata.num_rows:
        raise DamagedFileError(f"its row groups have {rows} rows, and the footer says {metadata.num_rows}")
    return parquet


def _tables(
    parquet: pq.ParquetFile, file: WatchedFile, task: ReadTask, columns: ColumnNames
) -> Iterator[pa.RecordBatch]:
    """The rows of a range, in tables of 4,096 rows or 8 MiB; one longer row is a table of its own."""
    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    damage = None
    try:
        for table in _decoded(parquet, file, task, columns):
            waiting.append(table)
            rows, size = rows + table.num_rows, size + table.get_total_buffer_size()
            if rows >= TABLE_ROWS or size >= TABLE_BYTES:
                yield waiting[0] if len(waiting) == 1 else pa.concat_batches(waiting)
                waiting, rows, size = [], 0, 0
    except DamagedFileError as error:
        damage = error
    if waiting:
        yield pa.concat_batches(waiting)
    if damage is not None:
        raise damage


def _decoded(
    parquet: pq.ParquetFile, file: WatchedFile, task: ReadTask, columns: ColumnNames
) -> Iterator[pa.RecordBatch]:
    names = [column.name for column in columns.wanted()]
    for group in range(parquet.metadata.num_row_groups)[task.start : task.stop]:
        _check_group(parquet, file, group, names)
        about = parquet.metadata.row_group(group)
        rows = min(DECODED_ROWS, max(1, TABLE_BYTES * about.num_rows // max(1, about.total_byte_size)))
        done = 0
        while True:
            file.watch(parquet.metadata, group, columns=names, rows=rows)
            try:
                for table in _tables_of_group(parquet, group, names, rows=rows, skipped=done):
                    done += table.num_rows
                    if done <= about.num_rows:
                        yield table
                break
            except FewerRowsError as fewer:  # some of its texts are long; it is read again without the rows before
                rows = fewer.rows
        # A page whose header is damaged is passed over: only the bytes after the header have a checksum.
        if done != about.num_rows:
            raise DamagedFileError(f"row group {group} has {done} rows, and the footer says {about.num_rows}")


def _check_group(parquet: pq.ParquetFile, file: WatchedFile, group: int, names: Sequence[str]) -> None:
    """Checks what the footer says of columns of a row group.

    Where it is wrong, pyarrow raises an error when it begins to read them. But it ends the process (SIGABRT) when it is
    asked for it, as `watch` does. So reading is begun here, and stopped at the first byte.

    Raises:
      DamagedFileError: it is wrong.
    """
    with _damage(), suppress(StoppedReadError), file.stopped():
        next(parquet.iter_batches(batch_size=1, row_groups=[group], columns=names, use_threads=False), None)


def _tables_of_group(
    parquet: pq.ParquetFile, group: int, names: Sequence[str], *, rows: int, skipped: int
) -> Iterator[pa.RecordBatch]:
    """The rows of a row group after the first `skipped` ones, `rows` rows at a time, without dictionaries."""
    schema: pa.Schema | None = None
    with _damage():
        for table in parquet.iter_batches(batch_size=rows, row_groups=[group], columns=names, use_threads=False):
            before = min(skipped, table.num_rows)
            skipped -= before
            if before < table.num_rows:
                schema = schema or pa.schema([field.with_type(_plain(field.type)) for field in table.schema])
                yield (table if table.schema.equals(schema) else table.cast(schema)).slice(before)


def _plain(kind: pa.DataType) -> pa.DataType:
    """A type without dictionaries: the size of a table of it tells the memory that its rows take.

    >>> _plain(pa.struct({"text": pa.dictionary(pa.int32(), pa.string())}))
    StructType(struct<text: string>)
    """
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    return kind


@contextmanager
def _damage() -> Iterator[None]:
    """Turns pyarrow's errors into DamagedFileError. Errors of the filesystem, which have an errno, stay as they are."""
    try:
        yield
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise DamagedFileError(str(error)) from error


def _check_columns(fields: Sequence[pa.Field], task: ReadTask, columns: ColumnNames) -> None:
    for _, setting, name in columns.wanted():
        if find(fields, name) is None:
            raise missing_column(setting, name, task.path, column_names(fields))


def _begins(head: bytes) -> bool:
    return head.startswith(MAGIC)


PARQUET: Final = Format(
    (".parquet", ".pq"), check, one_by_one(read), cut, begins=_begins, is_compressible=False, describe=describe
)

"""Parquet files -> rows. `review.text` is the field text of the struct column review.

A large file is cut into ranges of row groups. A row's place is its number in the file.

The checksums of pages are compared where the file has them. Nothing in Parquet guards the footer, nor a page's header;
so the rows of each row group are counted.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DamagedFileError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import ReadSizes, read_up_to
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats.arrow_tables import (
    TABLE_BYTES,
    TABLE_ROWS,
    as_damage,
    batch_of,
    check_columns,
    check_types,
    columns_of_table,
)
from pipeline.sources.formats.format import Format, described_by, not_of_format, one_by_one
from pipeline.sources.formats.parquet_columns import column_names
from pipeline.sources.formats.parquet_pages import FewerRowsError, StoppedReadError, WatchedFile
from pipeline.sources.schema import DAMAGED, Batch, only_lost
from pipeline.sources.tasks import ReadTask

MAGIC: Final = b"PAR1"

# Pages are read 8 MiB at a time, so a row group of gigabytes is never in memory as a whole.
READ_BUFFER_BYTES: Final = 8 << 20

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
        head = read_up_to(file, 16)
        if not MAGIC.startswith(head[: len(MAGIC)]):
            raise not_of_format(task.path, head, "Parquet", mark="PAR1")
        try:
            parquet = _open(file)
        except DamagedFileError:
            return True
        fields = list(parquet.schema_arrow)
        check_columns(fields, task, columns)
        check_types(fields, task, columns)
        return bool(parquet.metadata.num_rows)


def fields_of(task: ReadTask, files: Files) -> list[pa.Field]:
    """The columns of a file; none, where it is too damaged to tell."""
    with open_file(files, task.path) as file, suppress(DamagedFileError):
        return list(_open(file).schema_arrow)
    return []


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
            check_columns(list(parquet.schema_arrow), task, columns)
            first = sum(parquet.metadata.row_group(group).num_rows for group in range(task.start))
            for table in _tables(parquet, file, task, columns):
                values = columns_of_table(table, columns)
                yield batch_of(values, task, columns, first_row=row, first_place=first + row)
                row += table.num_rows
        except DamagedFileError as error:
            yield only_lost(task, row, DAMAGED, str(error))


def _open(file: BinaryIO | WatchedFile) -> pq.ParquetFile:
    with as_damage():
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
    with as_damage(), suppress(StoppedReadError), file.stopped():
        next(parquet.iter_batches(batch_size=1, row_groups=[group], columns=names, use_threads=False), None)


def _tables_of_group(
    parquet: pq.ParquetFile, group: int, names: Sequence[str], *, rows: int, skipped: int
) -> Iterator[pa.RecordBatch]:
    """The rows of a row group after the first `skipped` ones, `rows` rows at a time, without dictionaries."""
    schema: pa.Schema | None = None
    with as_damage():
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
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_plain(kind.value_type)))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(kind.value_field.with_type(_plain(kind.value_type)), kind.list_size)
    return kind


def _begins(head: bytes) -> bool:
    return head.startswith(MAGIC)


PARQUET: Final = Format(
    (".parquet", ".pq"),
    check,
    one_by_one(read),
    cut,
    begins=_begins,
    is_compressible=False,
    describe=described_by(fields_of),
    fields=fields_of,
)

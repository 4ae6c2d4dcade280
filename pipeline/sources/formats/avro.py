"""Avro files -> rows. `review.text` is the field text of the record in the field review.

A row's place is its number in the file. A large file on a disk is cut between blocks. Texts are strings, bytes or
enums; dates and decimals become what they are in Parquet.

Each block ends with the file's mark, and its values must end where it does. Blocks packed by snappy, bzip2 or xz have
checksums, others have none.
"""

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import fastavro
import numpy as np
import pyarrow as pa

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import ReadSizes, read_up_to
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats.arrow_tables import check_columns, check_types
from pipeline.sources.formats.avro_blocks import CODECS, MAGIC, Block, Header, blocks, read_header, unpacked
from pipeline.sources.formats.avro_schema import AvroSchema, Schema, SchemaError, arrow_fields, parse_schema, projected
from pipeline.sources.formats.format import Format, described_by, not_of_format, one_by_one
from pipeline.sources.formats.json_objects import getter
from pipeline.sources.formats.parquet_columns import type_of
from pipeline.sources.formats.validation import excerpt_of_columns, validated
from pipeline.sources.formats.values import Nested, Values
from pipeline.sources.schema import DAMAGED, Batch, only_lost
from pipeline.sources.tasks import ReadTask

# Blocks are decoded together until they have so many bytes: fastavro parses the schema for each call, in 0.6 ms. Blocks
# of 16 kB one by one took nine times as long.
DECODED_BYTES: Final = 1 << 20

# A decimal of more bytes than this has more digits than any other format's.
_DECIMAL_BYTES: Final = 64


Rows: TypeAlias = list[dict[str, Any]]


class _File(NamedTuple):
    """What the header of a file says. fields: its columns, with their types in Arrow."""

    header: Header
    schema: AvroSchema
    fields: list[pa.Field]


def cut(task: ReadTask, files: Files, *, range_bytes: int) -> list[ReadTask]:
    """Ranges of blocks, of `range_bytes` bytes each; a file of a store, and a damaged one, stays whole.

    The beginning of each block is read, because a row's place is its number. In a store that would take as long as to
    read the file.
    """
    if "://" in task.path:
        return [task]
    starts = [(0, 0)]
    rows = last = 0
    with open_file(files, task.path) as file:
        try:
            header = read_header(file)
            for block in blocks(file, header, task.path, start=header.end, stop=None, with_bytes=False):
                if block.start - last >= range_bytes and rows:
                    starts.append((block.start, rows))
                    last = block.start
                rows += block.rows
        except DamagedFileError:
            return [task]
    stops = [*(start for start, _ in starts[1:]), None]
    return [
        replace(task, start=start, stop=stop, first_row=before)
        for (start, before), stop in zip(starts, stops, strict=True)
    ]


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell.

    Raises:
      UserError: the file is not Avro, lacks a column, or has one of a type that cannot be used.
    """
    with open_file(files, task.path) as file:
        head = read_up_to(file, 16)
        if not MAGIC.startswith(head[: len(MAGIC)]):
            raise not_of_format(task.path, head, "Avro", mark="Obj")
        try:
            about = _about(file, task, columns)
            found = blocks(file, about.header, task.path, start=about.header.end, stop=None, with_bytes=False)
            return any(block.rows for block in found)
        except DamagedFileError:
            return True


def fields_of(task: ReadTask, files: Files) -> list[pa.Field]:
    """The fields of a file, with their types in Arrow; none, where it is too damaged to tell."""
    with open_file(files, task.path) as file, suppress(DamagedFileError, SchemaError):
        return arrow_fields(parse_schema(read_header(file).schema))
    return []


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a range of blocks, a megabyte at a time.

    Raises:
      UserError: the file lacks a column, has one of a type that can't be used, or a block is too large.
    """
    del sizes  # A file is read by blocks.
    row = 0
    with open_file(files, task.path) as file:
        try:
            about = _about(file, task, columns)
            start = task.start or about.header.end
            found = blocks(file, about.header, task.path, start=start, stop=task.stop, with_bytes=True)
            part = projected(about.schema, [column.name for column in columns.wanted()])
            for rows in _rows(found, about, part, task):
                yield _batch(rows, about, task, columns, first_row=row)
                row += len(rows)
        except DamagedFileError as error:
            yield only_lost(task, row, DAMAGED, str(error))


def _about(file: BinaryIO, task: ReadTask, columns: ColumnNames) -> _File:
    header = read_header(file)
    try:
        schema = parse_schema(header.schema)
        fields = arrow_fields(schema)
    except SchemaError as error:
        raise UserError(
            f"input.path: the schema of {task.path} can't be read: {error}; write its texts and labels to another file"
        ) from error
    if header.codec not in CODECS:
        raise UserError(
            f"input.path: {task.path} is packed by {header.codec!r}; write it anew with one of {', '.join(CODECS)}"
        )
    check_columns(fields, task, columns)
    check_types(fields, task, columns)
    return _File(header, schema, fields)


def _rows(found: Iterator[Block], about: _File, part: Schema, task: ReadTask) -> Iterator[Rows]:
    """The rows of some blocks together, with the fields of `part`.

    Raises:
      DamagedFileError: after the last whole block.
    """
    waiting: list[tuple[int, bytes]] = []
    damage = None
    try:
        for block in found:
            if block.rows:
                waiting.append((block.rows, unpacked(block, about.header.codec, task.path)))
            if sum(len(content) for _, content in waiting) >= DECODED_BYTES:
                yield from _decoded(waiting, about, part)
                waiting = []
    except DamagedFileError as error:
        damage = error
    yield from _decoded(waiting, about, part)
    if damage is not None:
        raise damage


def _decoded(contents: Sequence[tuple[int, bytes]], about: _File, part: Schema) -> Iterator[Rows]:
    """The rows of blocks, given by the number of rows and the bytes of each; if one is damaged, of those before it."""
    if contents:
        try:
            yield _decode(contents, about, part)
        except DamagedFileError:
            if len(contents) == 1:
                raise
            for one in contents:
                yield _decode([one], about, part)


def _decode(contents: Sequence[tuple[int, bytes]], about: _File, part: Schema) -> Rows:
    """As one list, of which Avro writes the number of items and the items, again and again, and 0 at its end.

    Raises:
      DamagedFileError: the bytes are not those of the rows, or more.
    """
    parts = []
    for count, content in contents:
        if count > len(content):
            raise DamagedFileError(f"a block of {len(content)} bytes has {count} rows")
        parts += [_zigzag(count), content]
    data = io.BytesIO(b"".join([*parts, b"\0"]))
    try:
        rows: Any = fastavro.schemaless_reader(data, about.schema.rows, part, handle_unicode_errors="surrogateescape")
    except Exception as error:  # fastavro raises whatever comes up: EOFError, IndexError, OverflowError ...
        raise DamagedFileError(f"a block can't be read ({type(error).__name__}: {error})") from error
    if len(rows) != sum(count for count, _ in contents) or data.read(1):
        raise DamagedFileError("a block is longer than its rows")
    return rows


def _batch(rows: Rows, about: _File, task: ReadTask, columns: ColumnNames, *, first_row: int) -> Batch:
    values: dict[str, Values] = {}
    for field, _, name in columns.wanted():
        get = getter(name)
        values[field] = _arrow([get(row) for row in rows], type_of(about.fields, name))
    numbers = first_row + np.arange(len(rows))
    return validated(
        task,
        values,
        columns,
        ordinals=numbers,
        places=task.first_row + numbers,
        content=lambda row: excerpt_of_columns(columns, values, row),
    )


def _arrow(values: list[object], kind: pa.DataType) -> Values:
    """Dates, times and decimals as Arrow has them; other values as they are."""
    if pa.types.is_decimal(kind):
        return [_decimal(value, kind.scale) if isinstance(value, bytes) else value for value in values]
    if pa.types.is_list(kind) and pa.types.is_decimal(kind.value_type):
        return [_arrow(value, kind.value_type) if isinstance(value, list) else value for value in values]
    if not pa.types.is_temporal(kind):
        return values
    try:
        return pa.array(values, pa.int32() if kind.bit_width == 32 else pa.int64()).cast(kind)
    except (pa.ArrowException, OverflowError):  # a value of another type, or a date too far away
        return [Nested(str(kind)) if isinstance(value, int) else value for value in values]


def _decimal(value: bytes, scale: int) -> object:
    if len(value) > _DECIMAL_BYTES:
        return Nested("decimal")
    number = int.from_bytes(value, "big", signed=True)
    return Decimal((int(number < 0), tuple(map(int, str(abs(number)))), -scale))


def _zigzag(number: int) -> bytes:
    """A number as Avro writes it."""
    number <<= 1
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    return bytes([*data, number])


def _begins(head: bytes) -> bool:
    return head.startswith(MAGIC)


AVRO: Final = Format(
    (".avro",),
    check,
    one_by_one(read),
    cut,
    begins=_begins,
    is_compressible=False,
    describe=described_by(fields_of),
    fields=fields_of,
)

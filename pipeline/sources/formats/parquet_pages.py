"""The pages of a Parquet file, seen as pyarrow reads them -> an error before one of them takes too much memory.

A page of 60 kB may hold 2 GiB, and a value that is stored once in a dictionary may be the text of 100,000 rows: a file
of 95 kB needed 14 GB. The footer does not tell, and pyarrow has no limit. So the headers of pages are read on their way
to pyarrow, without reading more of the file. From them follows how many rows may be decoded together.

A header is a Thrift struct, in Thrift's compact protocol.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import pyarrow.parquet as pq

from pipeline.errors import DamagedFileError, UserError

# The largest page. Writers aim at 1 MiB, but pyarrow puts 1,024 rows into a page however long they are: books of 400 kB
# make 400 MiB.
PAGE_BYTES: Final = 512 << 20
# The most bytes of one column that pyarrow decodes together, in the worst case. Dictionaries of texts have 1 to 3 MiB,
# and any of their values may be nearly as long, so this leaves room for 128 to 256 rows.
DECODED_BYTES: Final = 384 << 20
# A header holds the page's smallest and largest value, cut by most writers. pyarrow has the same limit.
_HEADER_BYTES: Final = 16 << 20

# Numbers of the Parquet format: types of pages, encodings.
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_OF_DICTIONARY: Final = (2, 8)  # PLAIN_DICTIONARY, RLE_DICTIONARY
_OF_PREFIXES: Final = 7  # DELTA_BYTE_ARRAY: a value repeats the beginning of the one before
_LENGTH_BYTES: Final = 4  # before each value of a dictionary

# The types of Thrift's compact protocol.
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_INTEGERS: Final = (4, 5, 6)
_DEEPEST: Final = 8


Bytes: TypeAlias = bytes | memoryview


class FewerRowsError(Exception):
    """Fewer rows must be decoded together. rows: how many."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


class StoppedReadError(Exception):
    """Nothing is read, as `WatchedFile.stopped` asks for."""


class Page(NamedTuple):
    """A page's type, sizes in bytes, number of values and encoding, and the length of its header."""

    kind: int
    unpacked: int
    stored: int
    values: int
    encoding: int
    header: int


def parse_header(data: Bytes) -> Page | None:
    """The header with which some bytes begin; None: they end within it.

    Raises:
      ValueError: they do not begin with a header.

    >>> parse_header(bytes.fromhex("1500 1580 10 1540 2c 1508 1500 1506 1506 00 00") + b"page")
    Page(kind=0, unpacked=1024, stored=32, values=4, encoding=0, header=18)
    """
    try:
        fields, end = _struct(data, 0, depth=0)
    except IndexError:
        return None
    kind, unpacked, stored = (fields.get(number) for number in (1, 2, 3))
    if not isinstance(kind, int) or not isinstance(unpacked, int) or not isinstance(stored, int) or stored < 0:
        raise ValueError("a page has no size")
    about = fields.get({_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}.get(kind, 0), {})
    if not isinstance(about, dict):
        raise ValueError("a page's header has a number where it should have fields")
    values, encoding = about.get(1, 0), about.get(4 if kind == _DATA_V2 else 2, 0)
    if not isinstance(values, int) or not isinstance(encoding, int):
        raise ValueError("a page has no number of values, or no encoding")
    return Page(kind, unpacked, stored, values, encoding, end)


@dataclass
class _Chunk:
    """A column of a row group. at: of the next header. head: the bytes of it that were read already."""

    at: int
    stop: int
    holds_bytes: bool
    is_nested: bool
    head: bytes = b""
    longest: int = 8  # the most bytes that a value of the dictionary may have


class WatchedFile:
    """A file for pyarrow. Once `watch` is called, a page that is too large raises an error when it is read."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file = file
        self._path = path
        self._chunks: Sequence[_Chunk] = ()
        self._group = 0
        self._rows = 0
        self._is_stopped = False
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file.closed

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Within it, `read` raises a StoppedReadError."""
        self._is_stopped = True
        try:
            yield
        finally:
            self._is_stopped = False

    def watch(self, metadata: pq.FileMetaData, group: int, *, columns: Sequence[str], rows: int) -> None:
        """Watches the pages of some columns of a row group, of which `rows` rows are going to be decoded together.

        The footer's part on these columns must have been checked: if it is wrong, pyarrow ends the process here.
        """
        about, schema = metadata.row_group(group), metadata.schema
        self._group, self._rows = group, rows
        self._chunks = [
            _chunk(about.column(number), schema.column(number))
            for number in range(about.num_columns)
            if any(f"{schema.column(number).path}.".startswith(f"{name}.") for name in columns)
        ]

    def read(self, size: int = -1) -> bytes:
        """The next bytes of the file.

        Raises:
          DamagedFileError: the header of a page is not one.
          UserError: a page is too large.
          FewerRowsError: the rows may be too large together.
          StoppedReadError: within `stopped`.
        """
        if self._is_stopped:
            raise StoppedReadError
        at = self._file.tell()
        data = self._file.read(size)
        for chunk in self._chunks:
            self._see(chunk, at, data)
        return data

    def _see(self, chunk: _Chunk, at: int, data: bytes) -> None:
        """Reads the headers in some bytes of a column; `at` is the offset of the first byte."""
        needed = chunk.at + len(chunk.head) - at
        if not 0 <= needed < len(data):
            return
        rest = memoryview(chunk.head + data[needed:] if chunk.head else data[needed:])
        while rest and chunk.at < chunk.stop:
            try:
                page = parse_header(rest)
            except ValueError as error:
                raise DamagedFileError(f"row group {self._group}: {error}") from error
            if page is None:
                break
            end = page.header + page.stored
            self._check(chunk, page)
            chunk.at += end
            rest = rest[end:]
        chunk.head = bytes(rest) if chunk.at < chunk.stop else b""
        if len(rest) > _HEADER_BYTES:
            raise DamagedFileError(f"row group {self._group}: the header of a page does not end")

    def _check(self, chunk: _Chunk, page: Page) -> None:
        if page.unpacked > PAGE_BYTES:
            raise self._too_large(page.unpacked)
        if page.kind == _DICTIONARY:
            # All other values may be empty.
            chunk.longest = max(8, page.unpacked - _LENGTH_BYTES * page.values) if chunk.holds_bytes else 8
            return
        if page.encoding in _OF_DICTIONARY:
            a_row = chunk.longest
        elif page.encoding == _OF_PREFIXES:
            a_row = page.unpacked
        else:
            a_row = -(-page.unpacked // max(1, page.values))
        if chunk.is_nested and page.values * max(8, a_row) > PAGE_BYTES:  # all of them may be in one row
            raise self._too_large(page.values * max(8, a_row))
        if self._rows > 1 and self._rows * a_row > DECODED_BYTES:
            # At most half, so that a row group is begun again only a few times.
            raise FewerRowsError(max(1, min(DECODED_BYTES // a_row, self._rows // 2)))

    def _too_large(self, size: int) -> UserError:
        return UserError(
            f"input.path: {self._path}: row group {self._group} has a page of {size >> 20} MiB, and the largest that "
            f"is read has {PAGE_BYTES >> 20} MiB; write the file anew with fewer values a page"
        )


def _chunk(column: pq.ColumnChunkMetaData, schema: pq.ColumnSchema) -> _Chunk:
    start = column.data_page_offset
    if column.dictionary_page_offset:
        start = min(start, column.dictionary_page_offset)
    return _Chunk(
        start,
        start + column.total_compressed_size,
        holds_bytes=column.physical_type == "BYTE_ARRAY",
        is_nested=schema.max_repetition_level > 0,
    )


def _struct(data: Bytes, at: int, *, depth: int) -> tuple[dict[int, Any], int]:
    """The fields of a struct by number, and where it ends.

    Raises:
      IndexError: the bytes end within it.
      ValueError: they are not a struct.
    """
    fields: dict[int, Any] = {}
    number = 0
    while data[at]:
        step, kind = data[at] >> 4, data[at] & 15
        at += 1
        if step:
            number += step
        else:
            number, at = _integer(data, at)
        fields[number], at = _value(data, at, kind, depth=depth)
    return fields, at + 1


def _value(data: Bytes, at: int, kind: int, *, depth: int) -> tuple[Any, int]:
    if depth > _DEEPEST:
        raise ValueError("its header is too deep")
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind in _INTEGERS:
        return _integer(data, at)
    if kind == _STRUCT:
        return _struct(data, at, depth=depth + 1)
    if kind in (_LIST, _SET, _MAP):
        return None, _collection_end(data, at, kind, depth=depth)
    if kind == _BINARY:
        size, at = _varint(data, at)
    elif kind in (_BYTE, _DOUBLE):
        size = 1 if kind == _BYTE else 8
    else:
        raise ValueError(f"its header has a field of the unknown type {kind}")
    if at + size > len(data):
        raise IndexError
    return None, at + size


def _collection_end(data: Bytes, at: int, kind: int, *, depth: int) -> int:
    """Where a list, set or map ends. The format has none in a page's header yet."""
    if kind == _MAP:
        size, at = _varint(data, at)
        kinds = [data[at] >> 4, data[at] & 15] if size else []
        at += bool(size)
    else:
        size, kinds = data[at] >> 4, [data[at] & 15]
        at += 1
        if size == 15:
            size, at = _varint(data, at)
    for _ in range(size):
        for item in kinds:
            # A boolean is a byte here, and none as a field.
            at = at + 1 if item in (_TRUE, _FALSE) else _value(data, at, item, depth=depth + 1)[1]
            if at > len(data):
                raise IndexError
    return at


def _integer(data: Bytes, at: int) -> tuple[int, int]:
    """A signed integer, in zigzag."""
    number, at = _varint(data, at)
    return number >> 1 ^ -(number & 1), at


def _varint(data: Bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at
        if shift > 63:
            raise ValueError("a number is too long")

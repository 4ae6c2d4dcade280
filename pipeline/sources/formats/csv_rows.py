"""Whole rows of a csv or tsv file, as bytes -> batches. pyarrow parses them."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats.csv_checks import spanning_rows
from pipeline.sources.formats.csv_escapes import for_pyarrow, null_values
from pipeline.sources.formats.csv_quotes import first_row_end, last_row_end
from pipeline.sources.formats.dialect import Dialect
from pipeline.sources.formats.validation import ROWS_PER_BATCH, excerpt_of_columns, validated
from pipeline.sources.schema import RAGGED, Batch, Findings, RejectedRow, excerpt
from pipeline.sources.tasks import ReadTask
from pipeline.support.arrays import Int64s

# The most rows that are parsed together. It is above 131,072 because 8 MiB of short texts should be parsed only once.
MAX_ROWS: Final = 1 << 20
# In so few bytes a name is found in less time than Arrow's call needs; in 8 MiB Arrow is faster.
_FEW_BYTES: Final = 64 << 10
# A byte of a row: an empty line is not one.
ROW_BYTE: Final = re.compile(rb"[^\r\n]")


class _TooManyRowsError(Exception):
    """Some bytes have more rows than are parsed together."""


@dataclass(frozen=True)
class Header:
    """The dialect of a file, the names of its columns, and the number of each column asked for, by its field."""

    dialect: Dialect
    names: tuple[str, ...]
    numbers: Mapping[str, int]

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.names)


def row_batches(
    data: bytes,
    header: Header,
    task: ReadTask,
    columns: ColumnNames,
    *,
    first_row: int,
    first_place: int,
    flips: Int64s | None = None,
) -> Iterator[Batch]:
    """Whole rows -> a batch of them. Bytes with very many rows are cut in two and parsed again, for the memory.

    first_row, first_place: the numbers of the first row in the task, without and with repeated headers. flips: as in
    RowEnd.
    """
    try:
        batch = _parse(data, header, task, columns, first_row=first_row, first_place=first_place, flips=flips)
    except _TooManyRowsError:
        end = last_row_end(data[: len(data) // 2], dialect=header.dialect).end
        end = end or first_row_end(data, dialect=header.dialect) + 1
        for part in (data[:end], data[end:]):
            if ROW_BYTE.search(part):
                for batch in row_batches(part, header, task, columns, first_row=first_row, first_place=first_place):
                    first_row += batch.count
                    first_place += batch.count + batch.findings.repeated_headers
                    yield batch
    else:
        yield batch


def has_too_few_fields(row: bytes, header: Header) -> bool:
    """Whether a row has fewer fields than the header names.

    >>> header = Header(Dialect(","), ("text", "label"), numbers={"text": 0, "label": 1})
    >>> [has_too_few_fields(row, header) for row in (b"text", b"text,", b"text,label,more")]
    [True, False, False]
    """
    _, ragged = _parse_table(row.decode("latin-1").encode("utf-8"), header)
    return any(invalid.actual_columns < header.width for invalid in ragged)


def _parse(
    data: bytes,
    header: Header,
    task: ReadTask,
    columns: ColumnNames,
    *,
    first_row: int,
    first_place: int,
    flips: Int64s | None,
) -> Batch:
    # pyarrow gives a ragged row as a string, and fails if it is not UTF-8. Then every byte is parsed as one character,
    # as in Latin-1, and turned back into a byte afterwards.
    is_utf8 = _is_utf8(data)
    parsed = data if is_utf8 else data.decode("latin-1").encode("utf-8")
    table, ragged = _parse_table(parsed, header)
    # pyarrow numbers rows from 1, ragged rows included and empty lines not.
    ragged_places = [row.number - 1 for row in ragged]
    rows = table.num_rows + len(ragged)
    places = np.delete(np.arange(rows), ragged_places) if ragged else np.arange(rows)
    repeated = places[_repeats_header(table, parsed, header)]
    ordinals = np.delete(np.arange(rows), repeated) if repeated.size else None
    if ordinals is not None:
        table = table.filter(pa.array(~np.isin(places, repeated)))
        places = np.setdiff1d(places, repeated, assume_unique=True)

    def column(number: int) -> pa.Array:
        array = table.column(str(number)).combine_chunks()
        return array if is_utf8 else pa.array([_from_latin1(value) for value in array.to_pylist()], pa.large_binary())

    def ordinal(places: Int64s) -> Int64s:
        return first_row + (places if ordinals is None else np.searchsorted(ordinals, places))

    values = {field: column(number) for field, number in header.numbers.items()}
    batch = validated(
        task, values, columns,
        ordinals=ordinal(places),
        places=task.first_row + first_place + places,
        content=lambda row: excerpt_of_columns(columns, values, row),
        rejected=[
            RejectedRow(
                int(ordinal(np.array([row.number - 1]))[0]),
                RAGGED,
                excerpt(row.text if is_utf8 else _from_latin1(row.text.encode())),
            )
            for row in ragged
        ],
    )  # fmt: skip
    spanning = spanning_rows(
        data,
        header.dialect,
        width=header.width,
        rows=rows,
        path=task.path,
        first_row=task.first_row + first_place,
        flips=flips,
    )
    if not spanning and not repeated.size:
        return batch
    return replace(batch, findings=Findings(spanning, repeated_headers=int(repeated.size)))


def _repeats_header(table: pa.Table, data: bytes, header: Header) -> npt.NDArray[np.bool_]:
    """Which rows of a table are the header again, as in part files that were put together: bool [rows].

    A single column may hold its own name as a text. Then nothing is a header.
    """
    none = np.zeros(table.num_rows, bool)
    if header.width == 1 or (len(data) < _FEW_BYTES and header.names[0].encode() not in data):
        return none
    if not (found := _are_names(table, header)).any():
        return none
    whole, _ = _parse_table(data, header, numbers=range(header.width))
    return found & _are_names(whole, header)


def _are_names(table: pa.Table, header: Header) -> npt.NDArray[np.bool_]:
    """Whether each column of a row holds its own name; the first may begin with the mark of a file that was joined."""
    found = np.ones(table.num_rows, bool)
    # The first column comes last: it has three names, and mostly another one has told by then that there are none.
    for number in sorted(table.column_names, key="0".__eq__):
        name = header.names[int(number)].encode()
        marked = (codecs.BOM_UTF8 + name, codecs.BOM_UTF8 + b'"%b"' % name) if number == "0" else ()
        is_name = np.zeros(table.num_rows, bool)
        for writing in (name, *marked):
            equal = pc.equal(table.column(number), pa.scalar(writing, pa.large_binary()))
            is_name |= pc.fill_null(equal, False).to_numpy()
        found &= is_name
        if not found.any():
            break
    return found


def _parse_table(
    data: bytes, header: Header, *, numbers: Iterable[int] | None = None
) -> tuple[pa.Table, list[pa.csv.InvalidRow]]:
    """Rows -> a table of columns, named by their numbers, as large_binary; and the ragged rows.

    numbers: of the columns; None: those asked for.

    Raises:
      _TooManyRowsError: there are too many of them.
    """
    ragged: list[pa.csv.InvalidRow] = []

    def collect(row: pa.csv.InvalidRow) -> str:
        ragged.append(row)
        return "error" if len(ragged) > ROWS_PER_BATCH else "skip"

    names = sorted({str(number) for number in (header.numbers.values() if numbers is None else numbers)})
    data = for_pyarrow(data, header.dialect)
    try:
        table = _read_csv(data, header, names, collect)
    except pa.ArrowInvalid as error:
        if len(ragged) > ROWS_PER_BATCH:
            raise _TooManyRowsError from error
        raise
    if table.num_rows > MAX_ROWS:
        raise _TooManyRowsError
    return table, ragged


def _read_csv(
    data: bytes, header: Header, names: list[str], invalid_row: Callable[[pa.csv.InvalidRow], str]
) -> pa.Table:
    return pa.csv.read_csv(
        pa.BufferReader(data),
        # One block: the data is one chunk already.
        read_options=pa.csv.ReadOptions(
            use_threads=False,
            block_size=len(data) + 1,
            column_names=[str(number) for number in range(header.width)],
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=header.dialect.delimiter,
            quote_char='"' if header.dialect.quotes else False,
            escape_char="\\" if header.dialect.escapes else False,
            newlines_in_values=True,
            invalid_row_handler=invalid_row,
        ),
        convert_options=pa.csv.ConvertOptions(
            include_columns=names,
            column_types=dict.fromkeys(names, pa.large_binary()),
            null_values=null_values(header.dialect),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _is_utf8(data: bytes) -> bool:
    # Arrow's check is ten times as fast as bytes.decode on text that is not all ASCII.
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        whole.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _from_latin1(characters: bytes) -> bytes:
    """The bytes that were parsed as characters of Latin-1; the characters are in UTF-8."""
    return characters.decode("utf-8").encode("latin-1")

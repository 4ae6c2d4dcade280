"""Whole rows of a csv or tsv file, as bytes -> batches. pyarrow parses them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.csv

from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats.csv_quotes import first_row_end, last_row_end
from pipeline.sources.formats.validation import ROWS_PER_BATCH, excerpt_of_columns, validated
from pipeline.sources.schema import RAGGED, Batch, RejectedRow, excerpt
from pipeline.sources.tasks import ReadTask

# The most rows that are parsed together. It is above 131,072 because 8 MiB of short texts should be parsed only once.
MAX_ROWS: Final = 1 << 20
# A byte of a row: an empty line is not one.
ROW_BYTE: Final = re.compile(rb"[^\r\n]")


class _TooManyRowsError(Exception):
    """Some bytes have more rows than are parsed together."""


@dataclass(frozen=True)
class Header:
    """The delimiter of a file, its number of columns, and the number of each column asked for, by its field."""

    delimiter: str
    width: int
    numbers: Mapping[str, int]


def row_batches(
    data: bytes, header: Header, task: ReadTask, columns: ColumnNames, *, first_row: int
) -> Iterator[Batch]:
    """Whole rows -> a batch of them. Bytes with very many rows are cut in two and parsed again, for the memory."""
    try:
        batch = _parse(data, header, task, columns, first_row=first_row)
    except _TooManyRowsError:
        end = last_row_end(data[: len(data) // 2], delimiter=header.delimiter).end
        end = end or first_row_end(data, delimiter=header.delimiter) + 1
        for part in (data[:end], data[end:]):
            if ROW_BYTE.search(part):
                for batch in row_batches(part, header, task, columns, first_row=first_row):
                    first_row += batch.count
                    yield batch
    else:
        yield batch


def has_too_few_fields(row: bytes, header: Header) -> bool:
    """Whether a row has fewer fields than the header names.

    >>> header = Header(",", width=2, numbers={"text": 0, "label": 1})
    >>> [has_too_few_fields(row, header) for row in (b"text", b"text,", b"text,label,more")]
    [True, False, False]
    """
    _, ragged = _parse_table(row.decode("latin-1").encode("utf-8"), header)
    return any(invalid.actual_columns < header.width for invalid in ragged)


def _parse(data: bytes, header: Header, task: ReadTask, columns: ColumnNames, *, first_row: int) -> Batch:
    # pyarrow gives a ragged row as a string, and fails if it is not UTF-8. Then every byte is parsed as one character,
    # as in Latin-1, and turned back into a byte afterwards.
    is_utf8 = _is_utf8(data)
    table, ragged = _parse_table(data if is_utf8 else data.decode("latin-1").encode("utf-8"), header)

    def column(number: int) -> pa.Array:
        array = table.column(str(number)).combine_chunks()
        return array if is_utf8 else pa.array([_from_latin1(value) for value in array.to_pylist()], pa.large_binary())

    values = {field: column(number) for field, number in header.numbers.items()}
    # pyarrow numbers rows from 1, ragged rows included and empty lines not.
    numbers = np.arange(first_row, first_row + table.num_rows + len(ragged))
    ordinals = np.delete(numbers, [row.number - 1 for row in ragged])
    return validated(
        task,
        values,
        ordinals=ordinals,
        places=task.first_row + ordinals,
        content=lambda row: excerpt_of_columns(columns, values, row),
        rejected=[
            RejectedRow(
                first_row + row.number - 1,
                RAGGED,
                excerpt(row.text if is_utf8 else _from_latin1(row.text.encode())),
            )
            for row in ragged
        ],
    )


def _parse_table(data: bytes, header: Header) -> tuple[pa.Table, list[pa.csv.InvalidRow]]:
    """Rows -> a table of the columns asked for, named by their numbers, as large_binary; and the ragged rows.

    Raises:
      _TooManyRowsError: there are too many of them.
    """
    ragged: list[pa.csv.InvalidRow] = []

    def collect(row: pa.csv.InvalidRow) -> str:
        ragged.append(row)
        return "error" if len(ragged) > ROWS_PER_BATCH else "skip"

    names = sorted({str(number) for number in header.numbers.values()})
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
            delimiter=header.delimiter, newlines_in_values=True, invalid_row_handler=invalid_row
        ),
        convert_options=pa.csv.ConvertOptions(
            include_columns=names, column_types=dict.fromkeys(names, pa.large_binary()), null_values=[]
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

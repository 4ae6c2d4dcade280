"""CSV and TSV files -> rows. The first row is the header: it names the columns.

A field may be in double quotes. Then it may hold line breaks, delimiters, and quotes that are doubled. LF, CRLF and CR
end a row; an empty line is not a row. Text is UTF-8, or UTF-16 with a byte order mark. A row's place is its number.

A large file is cut into ranges of bytes. `csv_ranges` makes ranges of whole rows of them before they are read.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import BinaryIO, Final

from pipeline.errors import UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import READ_SIZES, ReadSizes, check_compression, strip_mark, text_blocks
from pipeline.sources.columns import ColumnNames, missing_column
from pipeline.sources.formats.chunks import Chunk, cut_in, whole_rows
from pipeline.sources.formats.csv_quotes import first_row_end, last_row_end
from pipeline.sources.formats.csv_rows import ROW_BYTE, Header, has_too_few_fields, row_batches
from pipeline.sources.formats.format import Format, one_by_one
from pipeline.sources.formats.lines import LINE_BLOCK_BYTES, bytes_between, line_ranges
from pipeline.sources.schema import (
    DAMAGED,
    TOO_LONG,
    UNCLOSED_QUOTE,
    Batch,
    RejectedRow,
    excerpt,
    only_lost,
    only_rejected,
)
from pipeline.sources.tasks import ReadTask

DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
LINE_ENDS: Final = b"\r\n"
# Python's own limit for a field is 131,072 characters, for all readers of the process. No header is longer than this:
# a row, and so a header, has 256 MiB at most.
LONGEST_NAME: Final = 2**31 - 1
# The most columns of a file: a header of 100 MB needed 8 GB for its names.
MAX_COLUMNS: Final = 1_000_000


def cut(task: ReadTask, files: Files, *, range_bytes: int) -> list[ReadTask]:
    """Nominal ranges of `range_bytes` bytes; the whole file if it can only be read from its beginning."""
    with open_file(files, task.path) as file:
        return line_ranges(task, file, range_bytes=range_bytes)


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell.

    Raises:
      UserError: the file is not compressed as its name says, is not text, or lacks a column.
    """
    with open_file(files, task.path) as file:
        check_compression(file, task.path)
        chunks = _chunks(file, task, columns, sizes=READ_SIZES)
        return any(chunk.reason or ROW_BYTE.search(chunk.data) for _, chunk in chunks)


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a file, or of a range of whole rows; a batch for each chunk of it.

    Raises:
      UserError: the file is not text, or lacks a column.
    """
    row = 0
    with open_file(files, task.path) as file:
        for header, chunk in _chunks(file, task, columns, sizes=sizes):
            if chunk.reason == UNCLOSED_QUOTE and _is_one_row(chunk.data, sizes):
                if chunk.data.endswith((b"\n", b"\r")):
                    yield only_rejected(task, RejectedRow(row, UNCLOSED_QUOTE, excerpt(chunk.data)))
                else:
                    yield only_lost(task, row, DAMAGED, cut_in(chunk.data))
            elif header is None or chunk.reason:
                why = excerpt(chunk.data) if chunk.reason == UNCLOSED_QUOTE else chunk.why
                yield only_lost(task, row, chunk.reason or DAMAGED, why)
            elif ROW_BYTE.search(chunk.data):
                is_cut = bool(chunk.open_row) and has_too_few_fields(chunk.open_row, header)
                data = chunk.without_open_row().data if is_cut else chunk.data
                batches = row_batches(data, header, task, columns, first_row=row) if ROW_BYTE.search(data) else ()
                for batch in batches:
                    row += batch.count
                    yield batch
                if is_cut:
                    yield only_lost(task, row, DAMAGED, cut_in(chunk.open_row))


def _is_one_row(rest: bytes, sizes: ReadSizes) -> bool:
    """Whether the rest of a file is one row, however its open quote is read: no line ends before its end.

    A longer rest than a row may be is not read to its end.
    """
    line = rest.rstrip(LINE_ENDS)
    return len(rest) <= sizes.max_row_bytes and b"\n" not in line and b"\r" not in line


def _chunks(
    file: BinaryIO, task: ReadTask, columns: ColumnNames, *, sizes: ReadSizes
) -> Iterator[tuple[Header | None, Chunk]]:
    """The header, and chunks of rows after it; no header if it is too long, or the file is damaged before its end."""
    delimiter = DELIMITERS[task.format]
    header = None
    if task.start:
        header = _first_header(file, task, columns, sizes=sizes)
        if header is None:
            yield None, Chunk(b"", task.start, TOO_LONG)
            return
    if task.stop is None:
        blocks = text_blocks(file, task.path, sizes=sizes)
    else:
        blocks = bytes_between(file, task.start, task.stop, sizes=sizes)
    if not task.start:
        blocks = strip_mark(blocks)
    for chunk in whole_rows(blocks, partial(last_row_end, delimiter=delimiter), sizes=sizes):
        if header is None and not chunk.reason:
            data = chunk.data.lstrip(LINE_ENDS)
            if not data:
                continue
            end = first_row_end(data, delimiter=delimiter)
            header = _header(data[:end], task, columns)
            chunk = replace(chunk, data=data[end:], open_bytes=chunk.open_bytes if end < len(data) else 0)
        yield header, chunk


def _first_header(file: BinaryIO, task: ReadTask, columns: ColumnNames, *, sizes: ReadSizes) -> Header | None:
    """The header of the file, for a range that does not begin with it; None: it is longer than a row may be."""
    head = b""
    # Each time as much as before is read, so that a long header is scanned some times in all, not for each block.
    while block := file.read(max(LINE_BLOCK_BYTES, len(head))):
        head += block
        data = head.removeprefix(codecs.BOM_UTF8).lstrip(LINE_ENDS)
        end = first_row_end(data, delimiter=DELIMITERS[task.format])
        if end < len(data):
            return _header(data[:end], task, columns)
        if len(data) > sizes.max_row_bytes:
            return None
    return _header(head, task, columns)


def _header(line: bytes, task: ReadTask, columns: ColumnNames) -> Header:
    """The header that a file's first row gives.

    Raises:
      UserError: a column is missing, or two columns have its name.
    """
    names = _names(line, task)
    if len(names) == 1 and len(columns.wanted()) > 1:
        raise UserError(
            f"input.path: {task.path} has one column, {excerpt(names[0])!r}; "
            f"in {task.format}, columns are separated by {DELIMITERS[task.format]!r}"
        )
    for _, setting, name in columns.wanted():
        if name not in names:
            raise missing_column(setting, name, task.path, names)
        if names.count(name) > 1:
            raise UserError(f"{setting}: {task.path} has {names.count(name)} columns {name!r}; rename all but one")
    numbers = {field: names.index(name) for field, _, name in columns.wanted()}
    return Header(delimiter=DELIMITERS[task.format], width=len(names), numbers=numbers)


def _names(line: bytes, task: ReadTask) -> list[str]:
    delimiter = DELIMITERS[task.format]
    csv.field_size_limit(LONGEST_NAME)
    if line.count(delimiter.encode()) > MAX_COLUMNS:
        raise UserError(
            f"input.path: the first row of {task.path} has more than {MAX_COLUMNS} columns; set input.format"
        )
    try:
        text = line.decode("utf-8")
        (fields,) = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        if "\0" in text:
            raise ValueError
    except (ValueError, csv.Error) as error:
        raise UserError(
            f"input.path: {task.path} does not begin with the column names of {task.format} in UTF-8; "
            "convert it, or set input.format"
        ) from error
    return [field.strip() for field in fields]


CSV: Final = Format((".csv",), check, one_by_one(read), cut, is_quoted=True)
TSV: Final = Format((".tsv", ".tab"), check, one_by_one(read), cut, is_quoted=True)

"""CSV and TSV files -> rows. The first row is the header: it names the columns.

A field may be in double quotes. Then it may hold line breaks, delimiters, and quotes that are doubled. There are other
dialects as well; `csv_dialects` finds that of each file. LF, CRLF and CR end a row; an empty line is not a row. A row's
place is its number.

A large file is cut into ranges of bytes. `csv_ranges` makes ranges of whole rows of them before they are read.
"""

import codecs
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import BinaryIO, Final

from pipeline.errors import DamagedFileError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import (
    READ_SIZES,
    ReadSizes,
    check_compression,
    read_up_to,
    strip_mark,
    text_blocks,
)
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats.chunks import Chunk, cut_in, whole_rows
from pipeline.sources.formats.csv_checks import check_quotes
from pipeline.sources.formats.csv_dialects import HEAD_BYTES, LINE_ENDS, described_dialect, find_dialect, first_fields
from pipeline.sources.formats.csv_header import header_of
from pipeline.sources.formats.csv_quotes import RowEnds, first_row_end
from pipeline.sources.formats.csv_rows import ROW_BYTE, Header, has_too_few_fields, row_batches
from pipeline.sources.formats.dialect import Dialect
from pipeline.sources.formats.format import Description, Format, one_by_one
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


def cut(task: ReadTask, files: Files, *, range_bytes: int) -> list[ReadTask]:
    """Nominal ranges of `range_bytes` bytes; the whole file if it can only be read from its beginning.

    Where backslashes escape, a line end does not show alone whether a row ends there. So such a file is not cut.

    Raises:
      UserError: its dialect can't be told.
    """
    with open_file(files, task.path) as file:
        ranges = line_ranges(task, file, range_bytes=range_bytes)
        return [task] if len(ranges) > 1 and dialect_of(file, task).escapes else ranges


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell.

    Raises:
      UserError: the file is not compressed as its name says, is not text, or lacks a column; or its dialect can't be
        told.
    """
    with open_file(files, task.path) as file:
        check_compression(file, task.path)
        chunks = _chunks(file, task, columns, sizes=READ_SIZES)
        return any(chunk.reason or ROW_BYTE.search(chunk.data) for _, chunk in chunks)


def describe(task: ReadTask, files: Files) -> Description:
    """The dialect, and the names of the columns."""
    with open_file(files, task.path) as file:
        head, _ = _with_head(strip_mark(text_blocks(file, task.path, encoding=task.form.encoding)))
    dialect = _dialect(head, task)
    names = dialect.names or first_fields(head[dialect.prelude :].lstrip(LINE_ENDS), dialect)
    return Description(described_dialect(dialect), tuple((excerpt(name), "text") for name in names))


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a file, or of a range of whole rows; a batch for each chunk of it.

    Raises:
      UserError: the file is not text, or lacks a column; or its dialect can't be told, or does not fit a row.
    """
    row = place = 0
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
                check_quotes(
                    data,
                    header.dialect,
                    width=header.width,
                    path=task.path,
                    first_row=task.first_row + place,
                    stray=chunk.stray,
                )
                if not ROW_BYTE.search(data):
                    batches: Iterator[Batch] = iter(())
                else:
                    batches = row_batches(
                        data, header, task, columns, first_row=row, first_place=place, flips=chunk.flips
                    )
                for batch in batches:
                    row += batch.count
                    place += batch.count + batch.findings.repeated_headers
                    yield batch
                if is_cut:
                    yield only_lost(task, row, DAMAGED, cut_in(chunk.open_row))


def _is_one_row(rest: bytes, sizes: ReadSizes) -> bool:
    """Whether the rest of a file is one row, however its open quote is read: no line ends before its end.

    A longer rest than a row may be is not read to its end.
    """
    line = rest.rstrip(LINE_ENDS)
    return len(rest) <= sizes.max_row_bytes and b"\n" not in line and b"\r" not in line


def dialect_of(file: BinaryIO, task: ReadTask) -> Dialect:
    """The dialect of a file that can be read anywhere.

    Raises:
      UserError: it can't be told.
    """
    file.seek(0)
    head = read_up_to(file, len(codecs.BOM_UTF8) + HEAD_BYTES + 1).removeprefix(codecs.BOM_UTF8)
    return _dialect(head, task)


def _dialect(head: bytes, task: ReadTask, row_ends: RowEnds | None = None) -> Dialect:
    """The dialect; head: more than HEAD_BYTES bytes, or the whole file. row_ends: keeps the row end of a whole file."""
    is_whole = len(head) <= HEAD_BYTES
    return find_dialect(
        head[:HEAD_BYTES], task.form, format=task.format, path=task.path, is_whole=is_whole, row_ends=row_ends
    )


def _chunks(
    file: BinaryIO, task: ReadTask, columns: ColumnNames, *, sizes: ReadSizes
) -> Iterator[tuple[Header | None, Chunk]]:
    """The header, and chunks of rows after it; no header if it is too long, or the file is damaged before its end."""
    header = None
    row_ends = RowEnds()
    if task.stop is None:
        blocks = strip_mark(text_blocks(file, task.path, sizes=sizes, encoding=task.form.encoding))
        head, blocks = _with_head(blocks)
        dialect = _dialect(head, task, row_ends)
    else:
        dialect = dialect_of(file, task)
        if task.start:
            header = _first_header(file, task, columns, dialect, sizes=sizes)
            if header is None:
                yield None, Chunk(b"", task.start, TOO_LONG)
                return
        blocks = bytes_between(file, task.start, task.stop, sizes=sizes)
        blocks = blocks if task.start else strip_mark(blocks)
    if not task.start:
        blocks = _without_beginning(blocks, dialect.prelude)
    for chunk in whole_rows(blocks, partial(row_ends.find, dialect=dialect), sizes=sizes):
        if header is None and not chunk.reason:
            data = chunk.data.lstrip(LINE_ENDS)
            if not data:
                continue
            end = first_row_end(data, dialect=dialect)
            header = header_of(data[:end], task, columns, dialect)
            if dialect.has_header:
                chunk = chunk.without_beginning(len(chunk.data) - len(data) + end)
        yield header, chunk


def _with_head(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """HEAD_BYTES + 1 bytes, or all there are; and the same blocks from their beginning."""
    first: list[bytes] = []
    size = 0
    try:
        for block in blocks:
            first.append(block)
            size += len(block)
            if size > HEAD_BYTES:
                return b"".join(block[: HEAD_BYTES + 1] for block in first)[: HEAD_BYTES + 1], chain(first, blocks)
    except DamagedFileError as error:
        return b"".join(first), _then(first, error)
    return b"".join(first), iter(first)


def _then(blocks: list[bytes], error: DamagedFileError) -> Iterator[bytes]:
    yield from blocks
    raise error


def _without_beginning(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The bytes without the first `size`."""
    for block in blocks:
        yield block[size:]
        size = max(0, size - len(block))


def _first_header(
    file: BinaryIO, task: ReadTask, columns: ColumnNames, dialect: Dialect, *, sizes: ReadSizes
) -> Header | None:
    """The header of the file, for a range that does not begin with it; None: it is longer than a row may be."""
    file.seek(0)
    head = b""
    # Each time as much as before is read, so that a long header is scanned some times in all, not for each block.
    while block := file.read(max(LINE_BLOCK_BYTES, len(head))):
        head += block
        data = head.removeprefix(codecs.BOM_UTF8)[dialect.prelude :].lstrip(LINE_ENDS)
        end = first_row_end(data, dialect=dialect)
        if end < len(data):
            return header_of(data[:end], task, columns, dialect)
        if len(data) > sizes.max_row_bytes:
            return None
    return header_of(head.removeprefix(codecs.BOM_UTF8)[dialect.prelude :], task, columns, dialect)


CSV: Final = Format((".csv",), check, one_by_one(read), cut, is_encoded=True, is_quoted=True, describe=describe)
TSV: Final = Format((".tsv", ".tab"), check, one_by_one(read), cut, is_encoded=True, is_quoted=True, describe=describe)

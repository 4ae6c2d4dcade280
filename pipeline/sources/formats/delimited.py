"""CSV and TSV -> rows. The first row names the columns.

Fields may stand in double quotes, and then hold line breaks, delimiters and doubled quotes. LF, CRLF and CR
end a row; an empty line is no row. Text is UTF-8, or UTF-16 with a byte order mark. A row's place is its
number.

A large file is cut into ranges of bytes, which `ranges` turns into ranges of whole rows before they are read.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv

from pipeline.errors import UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import check_promise, text_blocks, without_mark
from pipeline.sources.formats.chunks import Chunk, whole_rows
from pipeline.sources.formats.csv_quotes import first_row_end, last_row_end
from pipeline.sources.formats.lines import LINE_BLOCK, bytes_between, line_ranges
from pipeline.sources.formats.validation import Fields, columns_shown, finish
from pipeline.sources.schema import (
    DAMAGED,
    RAGGED,
    Batch,
    Columns,
    ReadTask,
    Reject,
    missing_column,
    rejects_only,
    shown,
)

DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
LINE_ENDS: Final = b"\r\n"
ROW_BYTE: Final = re.compile(rb"[^\r\n]")


@dataclass(frozen=True)
class Layout:
    """How many columns a file has, and the numbers of those asked for."""

    delimiter: str
    width: int
    text: int
    label: int
    id: int | None
    split: int | None


def cut(task: ReadTask, files: Files, *, range_bytes: int) -> list[ReadTask]:
    """Nominal ranges of `range_bytes` bytes; the whole file where it can be read from its beginning only."""
    with open_file(files, task.path) as file:
        return line_ranges(task, file, range_bytes=range_bytes)


def check(task: ReadTask, columns: Columns, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell.

    Raises:
      UserError: the file is not compressed as its name says, is no text, or lacks a column.
    """
    with open_file(files, task.path) as file:
        check_promise(file, task.path)
        return any(chunk.reason or ROW_BYTE.search(chunk.data) for _, chunk in _chunks(file, task, columns))


def read(task: ReadTask, columns: Columns, files: Files) -> Iterator[Batch]:
    """The rows of a file, or of a range that begins and ends with rows, some megabytes at a time.

    Raises:
      UserError: the file is no text, or lacks a column.
    """
    row = 0
    with open_file(files, task.path) as file:
        for layout, chunk in _chunks(file, task, columns):
            if layout is None or chunk.reason:
                yield rejects_only(task, Reject(row, chunk.reason or DAMAGED, shown(chunk.data)))
            elif ROW_BYTE.search(chunk.data):
                batch = _parse(chunk.data, layout, task, columns, first_row=row)
                row += batch.count
                yield batch


def _chunks(file: BinaryIO, task: ReadTask, columns: Columns) -> Iterator[tuple[Layout | None, Chunk]]:
    """Whole rows without the header; no layout where the file ends badly before its header is whole."""
    delimiter = DELIMITERS[task.format]
    layout = _first_layout(file, task, columns) if task.start else None
    blocks = text_blocks(file, task.path) if task.stop is None else bytes_between(file, task.start, task.stop)
    if not task.start:
        blocks = without_mark(blocks)
    for chunk in whole_rows(blocks, partial(last_row_end, delimiter=delimiter)):
        if layout is None and not chunk.reason:
            data = chunk.data.lstrip(LINE_ENDS)
            if not data:
                continue
            end = first_row_end(data, delimiter=delimiter)
            layout = _layout(data[:end], task, columns)
            chunk = Chunk(data[end:], chunk.offset)
        yield layout, chunk


def _first_layout(file: BinaryIO, task: ReadTask, columns: Columns) -> Layout:
    """The layout that the file's first row tells, for a range further behind."""
    head = b""
    for block in iter(lambda: file.read(LINE_BLOCK), b""):
        head += block
        data = head.removeprefix(codecs.BOM_UTF8).lstrip(LINE_ENDS)
        end = first_row_end(data, delimiter=DELIMITERS[task.format])
        if end < len(data):
            return _layout(data[:end], task, columns)
    return _layout(head, task, columns)


def _layout(header: bytes, task: ReadTask, columns: Columns) -> Layout:
    """Where in a row the columns stand.

    Raises:
      UserError: a column is not there, or there twice.
    """
    names = _names(header, task)
    for setting, name in columns.by_setting().items():
        if name not in names:
            raise missing_column(setting, name, task.path, names)
        if names.count(name) > 1:
            raise UserError(f"{setting}: {task.path} has {names.count(name)} columns {name!r}; rename all but one")
    return Layout(
        delimiter=DELIMITERS[task.format],
        width=len(names),
        text=names.index(columns.text),
        label=names.index(columns.label),
        id=None if columns.id is None else names.index(columns.id),
        split=None if columns.split is None else names.index(columns.split),
    )


def _names(header: bytes, task: ReadTask) -> list[str]:
    delimiter = DELIMITERS[task.format]
    try:
        text = header.decode("utf-8")
        (fields,) = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        if "\0" in text:
            raise ValueError
    except (ValueError, csv.Error) as error:
        raise UserError(
            f"input.path: {task.path} does not begin with the column names of {task.format} in UTF-8; "
            "convert it, or set input.format"
        ) from error
    if len(fields) == 1:
        raise UserError(
            f"input.path: {task.path} has one column, {shown(fields[0])!r}; "
            f"in {task.format}, columns are separated by {delimiter!r}"
        )
    return [field.strip() for field in fields]


def _parse(data: bytes, layout: Layout, task: ReadTask, columns: Columns, *, first_row: int) -> Batch:
    # pyarrow hands a ragged row over as a string, and gives up where it is no UTF-8. Every byte of such data
    # is taken for a character, and turned back afterwards.
    plain = _is_utf8(data)
    table, ragged = _parse_table(data if plain else data.decode("latin-1").encode("utf-8"), layout)

    def column(number: int | None) -> pa.Array | None:
        if number is None:
            return None
        array = table.column(str(number)).combine_chunks()
        return array if plain else pa.array([_bytes_again(value) for value in array.to_pylist()], pa.large_binary())

    fields = Fields(
        text=column(layout.text), label=column(layout.label), split=column(layout.split), id=column(layout.id)
    )
    # pyarrow numbers the rows that it parses from 1, ragged ones too, empty lines not.
    numbers = np.arange(first_row, first_row + table.num_rows + len(ragged))
    ordinals = np.delete(numbers, [row.number - 1 for row in ragged])
    return finish(
        task,
        fields,
        ordinals=ordinals,
        places=task.first_row + ordinals,
        content=lambda row: columns_shown(columns, fields, row),
        rejects=[
            Reject(
                first_row + row.number - 1,
                RAGGED,
                shown(row.text if plain else _bytes_again(row.text.encode())),
            )
            for row in ragged
        ],
    )


def _parse_table(data: bytes, layout: Layout) -> tuple[pa.Table, list[pa.csv.InvalidRow]]:
    """Rows -> a table with the columns asked for, named by number, as large_binary; and the ragged rows."""
    ragged: list[pa.csv.InvalidRow] = []

    def keep(row: pa.csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    wanted = (layout.text, layout.label, layout.id, layout.split)
    names = sorted({str(number) for number in wanted if number is not None})
    table = pa.csv.read_csv(
        pa.BufferReader(data),
        # One block, so that nothing is cut again.
        read_options=pa.csv.ReadOptions(
            use_threads=False,
            block_size=len(data) + 1,
            column_names=[str(number) for number in range(layout.width)],
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=keep
        ),
        convert_options=pa.csv.ConvertOptions(
            include_columns=names, column_types=dict.fromkeys(names, pa.large_binary()), null_values=[]
        ),
    )
    return table, ragged


def _is_utf8(data: bytes) -> bool:
    # Ten times as fast as bytes.decode on text that is not all ASCII.
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        whole.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _bytes_again(latin: bytes) -> bytes:
    return latin.decode("utf-8").encode("latin-1")

r"""A text a line, without labels -> rows. Plain .txt files, and standard input, of which only the texts are wanted.

LF or CRLF ends a line; the last line needs no end. An empty line is an empty text, so there are as many rows as lines.
Text is UTF-8, or UTF-16 with a byte order mark; files may be compressed. A row's place is its number.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import ReadSizes, check_compression, strip_mark, text_blocks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats.chunks import whole_rows
from pipeline.sources.formats.foreign import check_foreign
from pipeline.sources.formats.format import Format, one_by_one
from pipeline.sources.formats.lines import last_line_end
from pipeline.sources.formats.validation import ROWS_PER_BATCH, validated
from pipeline.sources.schema import Batch, excerpt, only_lost
from pipeline.sources.tasks import ReadTask

NAME: Final = "lines"

# Lines are parsed once there are at least 64 KiB of them: some hundred texts. A file gives blocks of 8 MiB, so that
# much is parsed together. Standard input may be slow, and its first answers should not wait for megabytes.
PARSE_BYTES: Final = 64 << 10

# English in UTF-16 without a mark is half NUL bytes, in UTF-32 three quarters. A text rarely has any.
MAX_NUL_SHARE: Final = 1 / 4


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell.

    Raises:
      UserError: a label, id or split is asked for; or the file is not compressed as its name says, or is not text.
    """
    for _, setting, name in columns.wanted():
        if name not in columns.texts():
            raise UserError(f"{setting}: {name!r} is a column, and {task.path} has none: each of its lines is a text")
    with open_file(files, task.path) as file:
        check_compression(file, task.path)
        head = b""
        try:
            for block in strip_mark(text_blocks(file, task.path, encoding=task.form.encoding)):
                head += block
                if len(head) >= PARSE_BYTES:
                    break
        except DamagedFileError:
            return True
    _check_text(head, task)
    return bool(head)


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a file, a batch for each block of it: 8 MiB of a file, 64 KiB at least of standard input.

    Raises:
      UserError: the file is not text.
    """
    row = 0
    with open_file(files, task.path) as file:
        blocks = strip_mark(text_blocks(file, task.path, sizes=sizes, encoding=task.form.encoding))
        sizes = replace(sizes, chunk_bytes=min(PARSE_BYTES, sizes.chunk_bytes))
        for chunk in whole_rows(blocks, last_line_end, sizes=sizes):
            if chunk.reason:
                yield only_lost(task, row, chunk.reason, chunk.why)
                continue
            if row == 0:
                _check_text(chunk.data, task)
            lines = split_lines(chunk.data)
            for start in range(0, len(lines), ROWS_PER_BATCH):
                batch = _parse(lines[start : start + ROWS_PER_BATCH], task, columns, first_row=row)
                row += batch.count
                yield batch


def split_lines(data: bytes) -> list[bytes]:
    r"""Whole lines without their ends.

    >>> split_lines(b"good\r\n\nbad\n"), split_lines(b"no end")
    ([b'good', b'', b'bad'], [b'no end'])
    """
    lines = data.removesuffix(b"\n").split(b"\n")
    return [line.removesuffix(b"\r") for line in lines] if b"\r" in data else lines


def _parse(lines: list[bytes], task: ReadTask, columns: ColumnNames, *, first_row: int) -> Batch:
    numbers = first_row + np.arange(len(lines))
    return validated(
        task,
        {"text": pa.array(lines, pa.large_binary())},
        columns,
        ordinals=numbers,
        places=numbers,
        content=lambda row: excerpt(lines[row]),
    )


def _check_text(data: bytes, task: ReadTask) -> None:
    head = data[:PARSE_BYTES]
    check_foreign(head, task.path, may_be_text=True)
    if head.count(b"\0") > MAX_NUL_SHARE * len(head):
        raise UserError(
            f"input.path: {task.path} is not lines of text in UTF-8, nor in UTF-16 with a byte order mark; "
            "convert it, or set input.format"
        )


TEXT_LINES: Final = Format((), check, one_by_one(read), is_encoded=True, has_labels=False)

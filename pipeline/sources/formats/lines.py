"""Byte offsets in a plain text file -> the lines that begin there, so that ranges of a file consist of whole lines."""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from pipeline.files.encodings import UTF8
from pipeline.files.text_stream import READ_SIZES, ReadSizes, compression_ending, is_plain, read_up_to
from pipeline.sources.formats.chunks import RowEnd
from pipeline.sources.tasks import ReadTask

# The end of a line is near, so 64 KiB are read at a time to find it; more would be fetched for nothing.
LINE_BLOCK_BYTES: Final = 64 << 10


def line_ranges(task: ReadTask, file: BinaryIO, *, range_bytes: int) -> list[ReadTask]:
    """Ranges of `range_bytes` bytes; the whole file if it can only be read from its beginning.

    A file whose lines end with CR stays whole too, because the search for the end of a line knows only LF; and so does
    one in another encoding.
    """
    if task.form.encoding is not None and task.form.encoding not in UTF8:
        return [task]
    head = read_up_to(file, LINE_BLOCK_BYTES)
    if compression_ending(task.path) or not is_plain(head) or (b"\r" in head and b"\n" not in head):
        return [task]
    size = file.seek(0, io.SEEK_END)
    starts = range(0, size, range_bytes)
    return [replace(task, start=start, stop=min(start + range_bytes, size)) for start in starts]


def line_start(file: BinaryIO, offset: int) -> int:
    """The offset of the first line that begins at `offset` or after it; the end of the file if none does."""
    if offset == 0:
        return 0
    offset -= 1
    file.seek(offset)
    while block := file.read(LINE_BLOCK_BYTES):
        end = block.find(b"\n")
        if end >= 0:
            return offset + end + 1
        offset += len(block)
    return offset


def bytes_between(file: BinaryIO, start: int, stop: int, *, sizes: ReadSizes = READ_SIZES) -> Iterator[bytes]:
    """The bytes of a range, in blocks."""
    file.seek(start)
    while start < stop and (block := file.read(min(sizes.plain_block_bytes, stop - start))):
        yield block
        start += len(block)


def last_line_end(data: bytes) -> RowEnd:
    r"""The end of the last whole line; 0 if there is none.

    >>> last_line_end(b"one\ntwo\nthr")
    RowEnd(end=8, in_quotes=False, stray=None)
    """
    return RowEnd(data.rfind(b"\n") + 1)

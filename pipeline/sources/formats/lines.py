"""Places in a plain text file -> the lines that begin there, so that a file can be cut into ranges of whole lines."""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, Final

from pipeline.files import text_stream
from pipeline.files.text_stream import compression_ending, is_plain, read_up_to
from pipeline.sources.formats.chunks import RowEnd
from pipeline.sources.schema import ReadTask

# The end of a line is near: no need to fetch megabytes to find it.
LINE_BLOCK_BYTES: Final = 64 << 10


def line_ranges(task: ReadTask, file: BinaryIO, *, range_bytes: int) -> list[ReadTask]:
    """Ranges of `range_bytes` bytes; the whole file where it can be read from its beginning only.

    So is one whose lines end with CR: only LF is looked for.
    """
    head = read_up_to(file, LINE_BLOCK_BYTES)
    if compression_ending(task.path) or not is_plain(head) or (b"\r" in head and b"\n" not in head):
        return [task]
    size = file.seek(0, io.SEEK_END)
    starts = range(0, size, range_bytes)
    return [replace(task, start=start, stop=min(start + range_bytes, size)) for start in starts]


def line_start(file: BinaryIO, place: int) -> int:
    """Where the first line begins that begins at `place` or behind it; the file's end where none does."""
    if place == 0:
        return 0
    place -= 1
    file.seek(place)
    while block := file.read(LINE_BLOCK_BYTES):
        end = block.find(b"\n")
        if end >= 0:
            return place + end + 1
        place += len(block)
    return place


def bytes_between(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    """The bytes of a range, in blocks."""
    file.seek(start)
    while start < stop and (block := file.read(min(text_stream.PLAIN_BLOCK_BYTES, stop - start))):
        yield block
        start += len(block)


def last_line_end(data: bytes) -> RowEnd:
    """Where the last whole line ends."""
    return RowEnd(data.rfind(b"\n") + 1)

"""Blocks of a text file, cut anywhere -> chunks of whole rows, and what is left where the file ends badly.

What a row is only its format knows: it tells where the last whole row of some bytes ends.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.errors import DamagedFileError
from pipeline.sources.schema import DAMAGED, TOO_LONG, UNCLOSED_QUOTE

# Rows are parsed in chunks of this size: large enough that a chunk's fixed costs vanish; a chunk makes a few batches.
CHUNK_BYTES: Final = 8 << 20

# No row is longer than this. A file without line ends, or a quote left open, would fill the memory otherwise.
MAX_ROW_BYTES: Final = 256 << 20


@dataclass(frozen=True)
class RowEnd:
    """Where the last whole row of some bytes ends, and whether a quote is open where the bytes end."""

    end: int
    in_quotes: bool = False


FindRowEnd = Callable[[bytes], RowEnd]


@dataclass(frozen=True)
class Chunk:
    """Whole rows (reason None), or the last bytes of a file, with the reason why they are no row.

    `offset` is the place of the first byte in the decoded text.
    """

    data: bytes
    offset: int
    reason: str | None = None


def whole_rows(
    blocks: Iterable[bytes], find_row_end: FindRowEnd, *, offset: int = 0, chunk_bytes: int | None = None
) -> Iterator[Chunk]:
    """Chunks of whole rows; at most one chunk with a reason follows, and ends the file.

    offset: the place of the first byte; chunk_bytes: the size of a chunk at least (None: CHUNK_BYTES).
    """
    chunk_bytes = chunk_bytes or CHUNK_BYTES
    pending: list[bytes] = []
    size, wanted = 0, chunk_bytes
    damaged = False
    try:
        for block in blocks:
            pending.append(block)
            size += len(block)
            if size < wanted:
                continue
            data = b"".join(pending)
            last = find_row_end(data)
            if last.end:
                yield Chunk(data[: last.end], offset)
            elif size > MAX_ROW_BYTES:
                yield Chunk(data, offset, UNCLOSED_QUOTE if last.in_quotes else TOO_LONG)
                return
            offset += last.end
            pending, size = [data[last.end :]], size - last.end
            # A row longer than a chunk is looked at again once it has doubled: the looks add up to its
            # length.
            wanted = size + max(size, chunk_bytes)
    except DamagedFileError:
        damaged = True
    yield from _rest(b"".join(pending), find_row_end, offset=offset, damaged=damaged)


def _rest(data: bytes, find_row_end: FindRowEnd, *, offset: int, damaged: bool) -> Iterator[Chunk]:
    last = find_row_end(data)
    # The last row of a file needs no line end.
    end = last.end if damaged or last.in_quotes else len(data)
    if end:
        yield Chunk(data[:end], offset)
    if damaged:
        yield Chunk(data[end:], offset + end, DAMAGED)
    elif last.in_quotes:
        yield Chunk(data[end:], offset + end, UNCLOSED_QUOTE)

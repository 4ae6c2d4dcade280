"""Blocks of a text file, cut anywhere -> chunks of whole rows, and the rest of a file that ends in the middle of a row.

Each format has its own rows, so it brings a function that says where the last whole row of some bytes ends.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from pipeline.errors import DamagedFileError
from pipeline.files.text_stream import READ_SIZES, ReadSizes
from pipeline.sources.schema import DAMAGED, TOO_LONG, UNCLOSED_QUOTE, excerpt
from pipeline.support.arrays import Int64s

_SHOWN_CHARACTERS: Final = 40


@dataclass(frozen=True)
class RowEnd:
    """The end of the last whole row of some bytes (0: there is none), and whether a quote is open at their end.

    stray: the first offset at which text follows a quoted field, if that is looked for. flips: the offsets at which
    quotes begin and end, in turn; None: they are not known.
    """

    end: int
    in_quotes: bool = False
    stray: int | None = None
    flips: Int64s | None = field(default=None, compare=False, repr=False)


# Some programs end a file with spaces, or with Ctrl-Z as DOS did. That is no row, so no row is cut there.
_NO_ROW: Final = b" \x1a"

FindRowEnd = Callable[[bytes], RowEnd]


@dataclass(frozen=True)
class Chunk:
    """Whole rows (reason None); or the last bytes of a file, and the reason why they are not a row.

    offset: of the first byte in the decoded text. why: what is wrong with a damaged file, for a person. open_bytes: the
    length of a last row that has no line end, which only the end of a file may have; 0: there is none. stray, flips: as
    in RowEnd.
    """

    data: bytes
    offset: int
    reason: str | None = None
    why: str = ""
    open_bytes: int = 0
    stray: int | None = None
    flips: Int64s | None = field(default=None, compare=False, repr=False)

    @property
    def open_row(self) -> bytes:
        """The last row, if it has no line end."""
        return self.data[len(self.data) - self.open_bytes :]

    def without_beginning(self, size: int) -> "Chunk":
        """The chunk without its first `size` bytes, which are whole rows."""
        flips = self.flips
        return Chunk(
            self.data[size:],
            self.offset + size,
            self.reason,
            self.why,
            self.open_bytes if size < len(self.data) else 0,
            None if self.stray is None else self.stray - size,
            flips[np.searchsorted(flips, size, side="right") :] - size if flips is not None and flips.size else flips,
        )

    def without_open_row(self) -> "Chunk":
        """The rows that have a line end."""
        return replace(self, data=self.data[: len(self.data) - self.open_bytes], open_bytes=0)


def whole_rows(
    blocks: Iterable[bytes], find_row_end: FindRowEnd, *, offset: int = 0, sizes: ReadSizes = READ_SIZES
) -> Iterator[Chunk]:
    """Chunks of whole rows; at most one chunk with a reason follows, and ends the file.

    offset: the place of the first byte. sizes: of chunks, and of the longest row.
    """
    pending: list[bytes] = []
    size, wanted = 0, sizes.chunk_bytes
    damage: DamagedFileError | None = None
    try:
        for block in blocks:
            pending.append(block)
            size += len(block)
            if size < wanted:
                continue
            data = b"".join(pending)
            last = find_row_end(data)
            if last.end:
                yield Chunk(data[: last.end], offset, stray=_before(last.end, last.stray), flips=last.flips)
            elif size > sizes.max_row_bytes:
                yield Chunk(data, offset, UNCLOSED_QUOTE if last.in_quotes else TOO_LONG)
                return
            offset += last.end
            pending, size = [data[last.end :]], size - last.end
            # A row longer than a chunk is scanned again once its bytes have doubled. So all scans of it together read
            # twice its length at most.
            wanted = size + max(size, sizes.chunk_bytes)
    except DamagedFileError as error:
        damage = error
    yield from _rest(b"".join(pending), find_row_end, offset=offset, damage=damage)


def _rest(data: bytes, find_row_end: FindRowEnd, *, offset: int, damage: DamagedFileError | None) -> Iterator[Chunk]:
    last = find_row_end(data)
    # The last row of a file needs no line end.
    end = last.end if damage or last.in_quotes else len(data)
    if end:
        is_row = bool(data[last.end : end].strip(_NO_ROW))
        open_bytes = end - last.end if is_row else 0
        yield Chunk(data[:end], offset, open_bytes=open_bytes, stray=_before(end, last.stray), flips=last.flips)
    if damage:
        yield Chunk(data[end:], offset + end, DAMAGED, str(damage))
    elif last.in_quotes:
        yield Chunk(data[end:], offset + end, UNCLOSED_QUOTE)


def _before(end: int, stray: int | None) -> int | None:
    return stray if stray is not None and stray < end else None


def cut_in(row: bytes) -> str:
    """What is wrong with a file whose last row has no line end and can't be read. Then the file is cut in that row.

    >>> cut_in(b"seven,")
    "its last row, 'seven,', ends early and has no line end"
    """
    return f"its last row, {excerpt(row)[:_SHOWN_CHARACTERS]!r}, ends early and has no line end"

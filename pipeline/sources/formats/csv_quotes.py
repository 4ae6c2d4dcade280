"""Bytes of a CSV or TSV file -> which of them are in quotes, and so where its rows begin and end.

A quote opens only at the beginning of a field, as in the parsers of pyarrow and Python. So in `5" disk` it is a plain
character.
"""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.sources.formats.chunks import RowEnd
from pipeline.support.arrays import Int64s

QUOTE: Final = ord('"')
LINE_FEED: Final = ord("\n")
CARRIAGE_RETURN: Final = ord("\r")

# Bytes that are looked at together. Tens of bytes are needed for each quote in them: 240 MB of quotes took 6 GB.
SEGMENT_BYTES: Final = 16 << 20
_OTHER_BYTE: Final = re.compile(rb'[^"]')

Span = tuple[int, int]


def last_row_end(data: bytes, *, delimiter: str) -> RowEnd:
    """The end of the last whole row (0: there is none), and whether a quote is open at the end of the bytes.

    >>> last_row_end(b'a,1\\n"b\\nb",2\\n"c\\n', delimiter=",")
    RowEnd(end=12, in_quotes=True)
    """
    last = 0
    in_quotes = False
    for begin, segment in _segments(data):
        spans, in_quotes = _unquoted(segment, delimiter, in_quotes=in_quotes)
        for start, stop in reversed(spans):
            end = max(segment.rfind(b"\n", start, stop), segment.rfind(b"\r", start, stop)) + 1
            if end:
                last = begin + end
                break
    return RowEnd(last, in_quotes)


def first_row_end(data: bytes, *, delimiter: str) -> int:
    """The offset of the line end of the first row; the number of bytes if there is none.

    >>> first_row_end(b'"a\\nb",c\\nd', delimiter=",")
    7
    """
    in_quotes = False
    for begin, segment in _segments(data):
        spans, in_quotes = _unquoted(segment, delimiter, in_quotes=in_quotes)
        for start, stop in spans:
            ends = [end for end in (segment.find(b"\n", start, stop), segment.find(b"\r", start, stop)) if end >= 0]
            if ends:
                return begin + min(ends)
    return len(data)


class Quotes:
    """The quotes in bytes that begin with a field, or that begin in quotes: each method takes either case."""

    def __init__(self, data: bytes, delimiter: str) -> None:
        self._characters = np.frombuffer(data, np.uint8)
        begins, lengths = _runs(self._characters == QUOTE)
        # In a quoted field two quotes are one character, and the field "" opens and closes. So only a run of an odd
        # number of quotes opens or closes a field.
        odd = lengths % 2 == 1
        self._runs, self._lengths = begins[odd], lengths[odd]
        before = self._characters[self._runs - 1] if self._runs.size else self._characters[:0]
        self._opens = (self._runs == 0) | np.isin(before, np.frombuffer(f"{delimiter}\r\n".encode(), np.uint8))

    def flips(self, *, in_quotes: bool) -> Int64s:
        """The offsets at which bytes in quotes begin or end, in turn; in_quotes: whether the first bytes are in quotes.

        A run at the beginning of a field opens if no quote is open, else it closes: it flips the state. Any other run
        can only close. So a quote is open if the number of flipping runs since the last closing run is odd.
        """
        openers = np.cumsum(self._opens)
        closers = np.where(self._opens, -1, np.arange(self._runs.size))
        last_closer = np.maximum.accumulate(closers) if closers.size else closers
        since = np.where(last_closer < 0, openers + in_quotes, openers - openers[np.maximum(last_closer, 0)])
        after = since % 2 == 1
        before = np.concatenate([[in_quotes], after[:-1]]) if after.size else after
        changes = after != before
        # The quotes of a run are in quotes themselves, whether it opens or closes.
        return np.where(after, self._runs, self._runs + self._lengths)[changes]

    def row_ends(self, flips: Int64s, *, in_quotes: bool) -> Int64s:
        """The offsets of the LF and CR that are not in quotes; `flips` as the method of that name gives them."""
        ends = np.flatnonzero((self._characters == LINE_FEED) | (self._characters == CARRIAGE_RETURN))
        if not flips.size:
            return ends[:0] if in_quotes else ends
        is_quoted = (np.searchsorted(flips, ends, side="right") + in_quotes) % 2 == 1
        return ends[~is_quoted]


def _runs(is_quote: npt.NDArray[np.bool_]) -> tuple[Int64s, Int64s]:
    """Where runs of quotes begin, and how long each is."""
    if np.count_nonzero(is_quote) < len(is_quote) // 4:
        quotes = np.flatnonzero(is_quote)
        begins = np.flatnonzero(np.diff(quotes, prepend=-2) > 1)
        return quotes[begins], np.diff(begins, append=quotes.size)
    # The same without the place of each quote, for the memory. It takes twice as long where quotes are few.
    edges = np.flatnonzero(np.diff(is_quote, prepend=False, append=False))
    return edges[::2], edges[1::2] - edges[::2]


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The bytes in parts, each with its offset. No part but the first begins with a quote, so no run of them is cut."""
    begin = 0
    while begin < len(data):
        other = _OTHER_BYTE.search(data, begin + SEGMENT_BYTES)
        end = other.start() if other else len(data)
        yield begin, data[begin:end]
        begin = end


def _unquoted(data: bytes, delimiter: str, *, in_quotes: bool) -> tuple[list[Span], bool]:
    """The spans outside of quotes, and whether a quote is open at the end; in_quotes: whether one is at the beginning.

    A quote at the beginning opens a field.
    """
    if QUOTE not in data:
        return ([] if in_quotes else [(0, len(data))]), in_quotes
    flips = Quotes(data, delimiter).flips(in_quotes=in_quotes).tolist()
    edges = flips if in_quotes else [0, *flips]
    if len(edges) % 2:
        edges.append(len(data))
        return list(zip(edges[::2], edges[1::2], strict=True)), False
    return list(zip(edges[::2], edges[1::2], strict=True)), True

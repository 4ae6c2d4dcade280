"""Bytes of a CSV or TSV file -> which of them stand in quotes, and so where its rows begin and end.

A quote opens only where a field begins, as in pyarrow's parser and Python's: `5" disk` holds a plain character.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.sources.formats.chunks import RowEnd

QUOTE: Final = ord('"')
LINE_FEED: Final = ord("\n")
CARRIAGE_RETURN: Final = ord("\r")

Span = tuple[int, int]
Places = npt.NDArray[np.int64]


def last_row_end(data: bytes, *, delimiter: str) -> RowEnd:
    """Where the last whole row ends (0: there is none), and whether a quote is open where the bytes end.

    >>> last_row_end(b'a,1\\n"b\\nb",2\\n"c\\n', delimiter=",")
    RowEnd(end=12, in_quotes=True)
    """
    spans, in_quotes = _unquoted(data, delimiter)
    for start, stop in reversed(spans):
        end = max(data.rfind(b"\n", start, stop), data.rfind(b"\r", start, stop)) + 1
        if end:
            return RowEnd(end, in_quotes)
    return RowEnd(0, in_quotes)


def first_row_end(data: bytes, *, delimiter: str) -> int:
    """Where the first row's line end stands; the bytes' length where there is none.

    >>> first_row_end(b'"a\\nb",c\\nd', delimiter=",")
    7
    """
    for start, stop in _unquoted(data, delimiter)[0]:
        ends = [end for end in (data.find(b"\n", start, stop), data.find(b"\r", start, stop)) if end >= 0]
        if ends:
            return min(ends)
    return len(data)


class Quotes:
    """Where quotes open and close in bytes that begin with a field or, it may be, within quotes."""

    def __init__(self, data: bytes, delimiter: str) -> None:
        self._characters = np.frombuffer(data, np.uint8)
        quotes = np.flatnonzero(self._characters == QUOTE)
        # Inside a field two quotes are one character, and a field of "" opens and closes: only a run of an odd
        # number of quotes opens or closes anything.
        begins = np.flatnonzero(np.diff(quotes, prepend=-2) > 1)
        lengths = np.diff(begins, append=quotes.size)
        odd = lengths % 2 == 1
        self._runs, self._lengths = quotes[begins[odd]], lengths[odd]
        before = self._characters[self._runs - 1] if self._runs.size else self._characters[:0]
        self._opens = (self._runs == 0) | np.isin(before, np.frombuffer(f"{delimiter}\r\n".encode(), np.uint8))

    def flips(self, *, in_quotes: bool) -> Places:
        """The places from which on what is quoted is not, or the other way round; in_quotes: how the bytes begin.

        A run that may open turns the state over, as it closes as well; any other only closes. So the state is whether
        a number of openers is odd: of those since the last run that can only close.
        """
        openers = np.cumsum(self._opens)
        closers = np.where(self._opens, -1, np.arange(self._runs.size))
        last_closer = np.maximum.accumulate(closers) if closers.size else closers
        since = np.where(last_closer < 0, openers + in_quotes, openers - openers[np.maximum(last_closer, 0)])
        after = since % 2 == 1
        before = np.concatenate([[in_quotes], after[:-1]]) if after.size else after
        changes = after != before
        # An opening run is quoted itself, a closing one too.
        return np.where(after, self._runs, self._runs + self._lengths)[changes]

    def row_ends(self, flips: Places, *, in_quotes: bool) -> Places:
        """The places of the LF and CR that are not quoted."""
        ends = np.flatnonzero((self._characters == LINE_FEED) | (self._characters == CARRIAGE_RETURN))
        if not flips.size:
            return ends[:0] if in_quotes else ends
        is_quoted = (np.searchsorted(flips, ends, side="right") + in_quotes) % 2 == 1
        return ends[~is_quoted]


def _unquoted(data: bytes, delimiter: str) -> tuple[list[Span], bool]:
    """The stretches outside of quotes, and whether a quote is open at the end."""
    if QUOTE not in data:
        return [(0, len(data))], False
    flips = Quotes(data, delimiter).flips(in_quotes=False).tolist()
    edges = [0, *flips] if len(flips) % 2 else [0, *flips, len(data)]
    return list(zip(edges[::2], edges[1::2], strict=True)), len(flips) % 2 == 1

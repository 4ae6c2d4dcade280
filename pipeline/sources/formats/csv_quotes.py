"""Bytes of a CSV or TSV file -> which of them are in quotes, and so where its rows begin and end.

A quote opens only at the beginning of a field, as in the parsers of pyarrow and Python. So in `5" disk` it is a plain
character. Where a backslash escapes, it and the next character are looked at as two letters.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.sources.formats.chunks import RowEnd
from pipeline.sources.formats.dialect import Dialect
from pipeline.support.arrays import Int64s

QUOTE: Final = ord('"')
_NONE: Final = np.zeros(0, np.int64)
LINE_FEED: Final = ord("\n")
CARRIAGE_RETURN: Final = ord("\r")

# Bytes that are looked at together. Tens of bytes are needed for each quote in them: 240 MB of quotes took 6 GB.
SEGMENT_BYTES: Final = 16 << 20
# The first bytes in which the end of a first row is looked for; then as many as before.
_FIRST_BYTES: Final = 4 << 10
_OTHER_BYTE: Final = re.compile(rb'[^"]')
_ESCAPED: Final = re.compile(rb"\\[\s\S]")
_LETTERS: Final = b"aa"

Span = tuple[int, int]


def without_escapes(data: bytes, dialect: Dialect) -> bytes:
    r"""The bytes, as many, with two letters in place of a backslash and what it escapes.

    >>> without_escapes(rb'"a \"b\"",1', Dialect(",", escapes=True))
    b'"a aabaa",1'
    """
    return _ESCAPED.sub(_LETTERS, data) if dialect.escapes and b"\\" in data else data


def last_row_end(data: bytes, *, dialect: Dialect) -> RowEnd:
    """The end of the last whole row (0: there is none), and whether a quote is open at the end of the bytes.

    >>> last_row_end(b'a,1\\n"b\\nb",2\\n"c\\n', dialect=Dialect(","))
    RowEnd(end=12, in_quotes=True, stray=None)
    """
    data = without_escapes(data, dialect)
    if not dialect.quotes or QUOTE not in data:
        feed = data.rfind(b"\n")
        return RowEnd(max(feed, data.rfind(b"\r", feed + 1)) + 1, flips=_NONE)
    last = 0
    in_quotes = False
    stray: int | None = None
    flips = _NONE
    checks = dialect.checks_quotes or dialect.checks_escapes
    for begin, segment in _segments(data):
        quotes = _quotes(segment, dialect)
        flips = _NONE if quotes is None else quotes.flips(in_quotes=in_quotes)
        if checks and quotes is not None and stray is None:
            following = data[begin + len(segment) : begin + len(segment) + 1]
            found = quotes.stray(flips, in_quotes=in_quotes, following=following)
            stray = None if found is None else begin + found
        end = _last_line_end(segment, flips, in_quotes=in_quotes)
        last = begin + end if end else last
        in_quotes = (flips.size + in_quotes) % 2 == 1
    return RowEnd(last, in_quotes, stray, flips=flips if len(data) <= SEGMENT_BYTES else None)


class RowEnds:
    """Finds row ends as `last_row_end` does, and keeps what it finds of the first bytes of a file until it is asked.

    These bytes are looked at to find the dialect, and their quotes only then.
    """

    def __init__(self) -> None:
        self._known: tuple[bytes, tuple[object, ...], RowEnd] | None = None

    def keep(self, data: bytes, *, dialect: Dialect) -> RowEnd:
        """The row end of the first bytes."""
        found = last_row_end(data, dialect=dialect)
        self._known = data, _read_as(dialect), found
        return found

    def find(self, data: bytes, *, dialect: Dialect) -> RowEnd:
        """The row end of any bytes."""
        known, self._known = self._known, None
        if known is None or known[1] != _read_as(dialect) or not data.startswith(known[0]):
            return last_row_end(data, dialect=dialect)
        return known[2] if len(data) == len(known[0]) else _continued(known[2], data, dialect)


def _continued(first: RowEnd, data: bytes, dialect: Dialect) -> RowEnd:
    """The row end of bytes, by that of their first ones: quotes are looked at after the last whole row of these."""
    end = first.end
    rest = last_row_end(data[end:], dialect=dialect)
    stray = None if rest.stray is None else end + rest.stray
    flips = None
    if first.flips is not None and rest.flips is not None and len(data) <= SEGMENT_BYTES:
        flips = np.concatenate([first.flips[: np.searchsorted(first.flips, end)], end + rest.flips])
    is_before = first.stray is not None and first.stray < end
    return RowEnd(end + rest.end, rest.in_quotes, first.stray if is_before else stray, flips)


def _read_as(dialect: Dialect) -> tuple[object, ...]:
    """What row ends depend on."""
    checks = dialect.checks_quotes or dialect.checks_escapes
    return dialect.delimiter, dialect.quotes, dialect.escapes, checks


def _last_line_end(data: bytes, flips: Int64s, *, in_quotes: bool) -> int:
    """The end of the last line that ends outside of quotes; 0: there is none. flips: as Quotes gives them."""
    stop = len(data)
    for number in range(flips.size, -1, -1):
        start = int(flips[number - 1]) if number else 0
        if (number + in_quotes) % 2 == 0:
            end = max(data.rfind(b"\n", start, stop), data.rfind(b"\r", start, stop)) + 1
            if end:
                return end
        stop = start
    return 0


def first_row_end(data: bytes, *, dialect: Dialect) -> int:
    """The offset of the line end of the first row; the number of bytes if there is none.

    >>> first_row_end(b'"a\\nb",c\\nd', dialect=Dialect(","))
    7
    """
    end = _first_line_end(data, 0, len(data))
    if not dialect.escapes or data.find(b"\\", 0, end) < 0:
        has_quotes = dialect.quotes and data.find(b'"', 0, end) >= 0
        if not has_quotes or (end <= _FIRST_BYTES and _whole_row(dialect.delimiter).fullmatch(data, 0, end)):
            return end
    data = without_escapes(data, dialect)
    in_quotes = False
    for begin, segment in _segments(data, first=_FIRST_BYTES):
        quotes = _quotes(segment, dialect)
        flips = _NONE if quotes is None else quotes.flips(in_quotes=in_quotes)
        spans, in_quotes = _unquoted(flips, len(segment), in_quotes=in_quotes)
        for start, stop in spans:
            end = _first_line_end(segment, start, stop)
            if end < stop:
                return begin + end
    return len(data)


@cache
def _whole_row(delimiter: str) -> re.Pattern[bytes]:
    """One line that is a row: each quoted field is closed in it. Names in quotes are common, and this is fast."""
    end = re.escape(delimiter.encode())
    field = rb'(?:"[^"\r\n]*"|[^"\r\n' + end + rb"]*)"
    return re.compile(field + rb"(?:" + end + field + rb")*")


def _first_line_end(data: bytes, start: int, stop: int) -> int:
    """The offset of the first LF or CR between two offsets; `stop` if there is none."""
    feed = data.find(b"\n", start, stop)
    end = feed if feed >= 0 else stop
    carriage = data.find(b"\r", start, end)
    return carriage if carriage >= 0 else end


class Quotes:
    """The quotes in bytes that begin with a field, or that begin in quotes: each method takes either case.

    A dialect without quotes has none. Of one with escapes the bytes are those of `without_escapes`.
    """

    def __init__(self, data: bytes, dialect: Dialect) -> None:
        self._characters = np.frombuffer(data, np.uint8)
        begins, lengths = _runs(self._characters == QUOTE) if dialect.quotes else (_NONE, _NONE)
        self._is_end = _field_ends(dialect.delimiter)
        # In a quoted field two quotes are one character, and the field "" opens and closes. So only a run of an odd
        # number of quotes opens or closes a field.
        odd = lengths & 1 == 1
        self._even, self._even_lengths = _NONE, _NONE
        if not odd.all():
            self._even, self._even_lengths = begins[~odd], lengths[~odd]
            begins, lengths = begins[odd], lengths[odd]
        self._runs, self._lengths = begins, lengths
        self._opens = self._begin_fields(begins)

    def _begin_fields(self, runs: Int64s) -> npt.NDArray[np.bool_]:
        """Whether a field may begin at each of some offsets."""
        before = self._characters[runs - 1] if runs.size else self._characters[:0]
        return (runs == 0) | self._is_end[before]

    def flips(self, *, in_quotes: bool) -> Int64s:
        """The offsets at which bytes in quotes begin or end, in turn; in_quotes: whether the first bytes are in quotes.

        A run at the beginning of a field opens if no quote is open, else it closes: it flips the state. Any other run
        can only close. So a quote is open if the number of flipping runs since the last closing run is odd.
        """
        first = int(in_quotes)
        if self._opens[first::2].all() and not self._opens[1 - first :: 2].any():
            # Each run at the beginning of a field opens, and each other one closes: so it is in most files.
            flips = self._runs.copy()
            flips[1 - first :: 2] += self._lengths[1 - first :: 2]
            return flips
        openers = np.cumsum(self._opens)
        closers = np.where(self._opens, -1, np.arange(self._runs.size))
        last_closer = np.maximum.accumulate(closers) if closers.size else closers
        since = np.where(last_closer < 0, openers + in_quotes, openers - openers[np.maximum(last_closer, 0)])
        after = since % 2 == 1
        before = np.concatenate([[in_quotes], after[:-1]]) if after.size else after
        changes = after != before
        # The quotes of a run are in quotes themselves, whether it opens or closes.
        return np.where(after, self._runs, self._runs + self._lengths)[changes]

    def stray(self, flips: Int64s, *, in_quotes: bool, following: bytes) -> int | None:
        """The first offset at which a quoted field has ended, and neither a delimiter nor a line end follows.

        flips: as the method of that name gives them. following: the byte after these; empty: there is none.
        """
        closed = flips[int(not in_quotes) :: 2]
        if self._even.size:
            # A run of an even number of quotes at the beginning of a field is the whole field.
            fields = self._begin_fields(self._even)
            begins = self._even[fields]
            outside = (np.searchsorted(flips, begins, side="right") + in_quotes) % 2 == 0
            closed = np.concatenate([closed, (begins + self._even_lengths[fields])[outside]])
        within = closed[closed < self._characters.size]
        strays = within[~self._is_end[self._characters[within]]]
        if strays.size:
            return int(strays.min())
        ends_here = closed.size > within.size and following and not self._is_end[following[0]]
        return int(self._characters.size) if ends_here else None

    def row_ends(self, flips: Int64s, *, in_quotes: bool) -> Int64s:
        """The offsets of the LF and CR that are not in quotes; `flips` as the method of that name gives them."""
        ends = np.flatnonzero((self._characters == LINE_FEED) | (self._characters == CARRIAGE_RETURN))
        if not flips.size:
            return ends[:0] if in_quotes else ends
        is_quoted = (np.searchsorted(flips, ends, side="right") + in_quotes) % 2 == 1
        return ends[~is_quoted]


@cache
def _field_ends(delimiter: str) -> npt.NDArray[np.bool_]:
    """Whether each byte ends a field: bool [256]. Looked up, as np.isin takes 20 times as long for few bytes."""
    is_end = np.zeros(256, bool)
    is_end[[ord(delimiter), CARRIAGE_RETURN, LINE_FEED]] = True
    return is_end


def _runs(is_quote: npt.NDArray[np.bool_]) -> tuple[Int64s, Int64s]:
    """Where runs of quotes begin, and how long each is."""
    if np.count_nonzero(is_quote) < len(is_quote) // 4:
        quotes = is_quote.nonzero()[0]
        # Not np.diff(prepend=...): its fixed cost is ten times that of a subtraction, which counts for small files.
        begins = np.concatenate([quotes[:1] >= 0, quotes[1:] - quotes[:-1] > 1]).nonzero()[0]
        if begins.size == quotes.size:
            return quotes, np.ones(quotes.size, np.int64)
        return quotes[begins], np.append(begins[1:], quotes.size) - begins
    # The same without the place of each quote, for the memory. It takes twice as long where quotes are few.
    edges = np.flatnonzero(np.diff(is_quote, prepend=False, append=False))
    return edges[::2], edges[1::2] - edges[::2]


def _segments(data: bytes, *, first: int | None = None) -> Iterator[tuple[int, bytes]]:
    """The bytes in parts, each with its offset. No part but the first begins with a quote, so no run of them is cut.

    first: bytes of the first part, and each further one is as long as all before it; None: all are long.
    """
    begin = 0
    while begin < len(data):
        size = SEGMENT_BYTES if first is None else min(SEGMENT_BYTES, max(first, begin))
        other = _OTHER_BYTE.search(data, begin + size)
        end = other.start() if other else len(data)
        yield begin, data[begin:end]
        begin = end


def _quotes(data: bytes, dialect: Dialect) -> Quotes | None:
    return Quotes(data, dialect) if dialect.quotes and QUOTE in data else None


def _unquoted(flips: Int64s, size: int, *, in_quotes: bool) -> tuple[list[Span], bool]:
    """The spans of `size` bytes outside of quotes, and whether a quote is open at the end; in_quotes: at the beginning.

    flips: as Quotes gives them.
    """
    edges = flips.tolist() if in_quotes else [0, *flips.tolist()]
    if len(edges) % 2:
        edges.append(size)
        return list(zip(edges[::2], edges[1::2], strict=True)), False
    return list(zip(edges[::2], edges[1::2], strict=True)), True

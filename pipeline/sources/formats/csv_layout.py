"""Rows of a csv or tsv file, as bytes, under one dialect -> the fields and lines of each: whether it fits them.

A quoted field may hold line breaks, so a row may have several lines. If these lines look like rows themselves, the
quotes may be characters of the texts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.sources.formats.chunks import RowEnd
from pipeline.sources.formats.csv_quotes import CARRIAGE_RETURN, LINE_FEED, Quotes, without_escapes
from pipeline.sources.formats.dialect import Dialect
from pipeline.support.arrays import Int64s

# So many lines that all look like rows are hardly one field: about three lines in ten of English have one comma, as
# rows of two columns have. More are needed where another row shows that quotes hold fields together (chosen, and not
# measured).
MANY_LINES: Final = 8
FEW_ROWS: Final = 3
MANY_LINES_OF_PROVEN: Final = 32


@dataclass(frozen=True)
class Layout:
    """Rows in order, without empty ones; each array is int64 [rows].

    begins: offsets of their first bytes. fields: of each. lines: of each, 2 and more if a field holds a line break.
    delimiters: in all its lines, in quotes or not. alike: lines that have as many delimiters as a row of `width`
    fields. stray, in_quotes: as in RowEnd. has_quotes: whether a quote opens somewhere.
    """

    begins: Int64s
    fields: Int64s
    lines: Int64s
    delimiters: Int64s
    alike: Int64s
    stray: int | None
    in_quotes: bool
    has_quotes: bool

    def proves_quotes(self, width: int) -> bool:
        """Whether rows have `width` fields only if quotes hold them together.

        One row on one line shows it, by a delimiter in quotes. So do rows of several lines of which most do not look
        like rows, if there are hardly others. Where quotes are text, nearly all lines within them look like rows.
        """
        is_whole = self.fields == width
        if np.any(is_whole & (self.lines == 1) & (self.delimiters >= width)):
            return True
        spans = self.lines > 1
        for_it = np.count_nonzero(is_whole & spans & (self.alike * 2 <= self.lines))
        against = np.count_nonzero(spans & (self.alike * 2 > self.lines))
        return int(for_it) >= FEW_ROWS * max(1, int(against))

    def swallowing(self, *, proven: bool) -> Int64s:
        """The numbers of the rows that may be several.

        proven: another row can't be read without quotes. Then a row is one, unless it has many lines and all of them
        look like rows.
        """
        is_many = (self.lines >= MANY_LINES_OF_PROVEN) & (self.alike == self.lines)
        if proven:
            return np.flatnonzero(is_many)
        # Two or three lines are several rows only if all of them look like rows. Among more, some may be broken.
        most = self.alike * 2 > np.maximum(self.lines, 6)
        return np.flatnonzero((self.lines > 1) & (most | (self.alike == self.lines)))


def layout(data: bytes, dialect: Dialect, *, width: int, found: RowEnd | None = None) -> Layout:
    """The layout of bytes that begin with a row. An open row at their end counts as one.

    found: the row end of the bytes, with its check for text after a quoted field, if it is known.

    >>> found = layout(b'a,1\\n"b, b\\nb",2\\n', Dialect(","), width=2)
    >>> found.fields.tolist(), found.lines.tolist(), found.alike.tolist()
    ([2, 2], [1, 2], [1, 2])
    """
    data = without_escapes(data, dialect)
    characters = np.frombuffer(data, np.uint8)
    if found is None or found.flips is None:
        quotes = Quotes(data, dialect)
        flips = quotes.flips(in_quotes=False)
        stray = quotes.stray(flips, in_quotes=False, following=b"")
    else:
        flips, stray = found.flips, found.stray
    breaks = _breaks(characters)
    delimiters = np.flatnonzero(characters == ord(dialect.delimiter))
    row_ends = breaks[~_is_quoted(breaks, flips)]
    if not row_ends.size or row_ends[-1] < len(data) - 1:
        row_ends = np.append(row_ends, len(data))
    line_ends = breaks if breaks.size and breaks[-1] == row_ends[-1] else np.append(breaks, row_ends[-1])
    begins = np.concatenate([[0], row_ends[:-1] + 1])
    # The CR of CRLF is not a row.
    filled = (row_ends - begins > 1) | ((row_ends - begins == 1) & (characters[begins % len(data)] != CARRIAGE_RETURN))
    row_of_line = np.searchsorted(row_ends, line_ends)
    in_line = np.diff(np.searchsorted(delimiters, line_ends), prepend=0)
    rows = row_ends.size
    splitting = delimiters[~_is_quoted(delimiters, flips)]
    return Layout(
        begins[filled],
        (np.diff(np.searchsorted(splitting, row_ends), prepend=0) + 1)[filled],
        np.bincount(row_of_line, minlength=rows)[filled],
        np.diff(np.searchsorted(delimiters, row_ends), prepend=0)[filled],
        np.bincount(row_of_line[in_line == width - 1], minlength=rows)[filled],
        stray,
        flips.size % 2 == 1,
        flips.size > 0,
    )


def lines_of_rows(data: bytes, dialect: Dialect, *, flips: Int64s | None = None) -> Int64s:
    """The number of lines of each row, int64 [rows], empty rows included; with less work than `layout`.

    flips: as in RowEnd.

    >>> lines_of_rows(b'a,1\\n"b\\nb",2\\n', Dialect(",")).tolist()
    [1, 2]
    """
    data = without_escapes(data, dialect)
    breaks = _breaks(np.frombuffer(data, np.uint8))
    if flips is None:
        flips = Quotes(data, dialect).flips(in_quotes=False)
    row_ends = (~_is_quoted(breaks, flips)).nonzero()[0]
    return np.concatenate([row_ends[:1] + 1, row_ends[1:] - row_ends[:-1]])


def count_lines(data: bytes) -> int:
    r"""The number of lines of some bytes, whose last line needs no end.

    >>> count_lines(b"a\r\nb\rc\nd")
    4
    """
    characters = np.frombuffer(data, np.uint8)
    # Five times as fast as bytes.count where lines are short.
    ends = np.count_nonzero(characters == LINE_FEED) + (_lone_returns(characters).size if b"\r" in data else 0)
    return int(ends) + (not data.endswith((b"\n", b"\r")))


def _breaks(characters: np.ndarray) -> Int64s:
    """The offsets of line ends: of the LF of CRLF, not of its CR."""
    feeds = (characters == LINE_FEED).nonzero()[0]
    alone = _lone_returns(characters)
    return np.sort(np.concatenate([feeds, alone]), kind="stable") if alone.size else feeds


def _lone_returns(characters: np.ndarray) -> Int64s:
    """The offsets of CRs that no LF follows."""
    returns = (characters == CARRIAGE_RETURN).nonzero()[0]
    if not returns.size:
        return returns
    following = characters[np.minimum(returns + 1, characters.size - 1)]
    return returns[following != LINE_FEED]


def _is_quoted(offsets: Int64s, flips: Int64s) -> np.ndarray:
    return np.searchsorted(flips, offsets, side="right") % 2 == 1

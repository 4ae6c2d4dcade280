"""The first rows of a csv or tsv file -> whether quotes hold fields together in it, and whether backslashes escape.

Four ways to read the rows are compared. A way fits if every quote closes at the end of its field, and if no quoted
field holds lines that look like rows. It is sure if all its rows have as many fields as the first, too.

    quotes          "a ""b"", c",1      as RFC 4180 says, and as most programs write
    quotes, escapes "a \\"b\\", c",1      Spark, MySQL with ENCLOSED BY
    text            "a b,1              a quote is a character: collections of short messages, GLUE
    text, escapes   a \\"b\\"\\, c,1      MySQL, PostgreSQL's COPY, Hive
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipeline.errors import UserError
from pipeline.sources.formats.chunks import RowEnd
from pipeline.sources.formats.csv_layout import (
    MANY_LINES,
    MANY_LINES_OF_PROVEN,
    Layout,
    count_lines,
    layout,
    lines_of_rows,
)
from pipeline.sources.formats.csv_quotes import RowEnds, first_row_end, last_row_end
from pipeline.sources.formats.csv_split import split_row
from pipeline.sources.formats.dialect import Dialect
from pipeline.sources.tasks import TextForm

# Where quotes are text, few rows happen to have a field that begins and ends with one. Where programs quote, many do.
_MAX_WHOLLY_QUOTED: Final = 0.2
# The delimiters of databases' own text files, in which a backslash before n is a line break.
_OF_DATABASES: Final = ("\t", "\x01")

# The rows in which a proof is looked for at first: where many fields are quoted, these have one.
_PROVING_BYTES: Final = 64 << 10

_BACKSLASHES: Final = re.compile(rb"\\+")
_QUOTE_ESCAPED: Final = b'\\"'


@dataclass(frozen=True)
class _Way:
    """One way to read the first rows, and what they are then.

    fits: as this module says. width: fields of the first row. ragged: number of rows of another width. swallowed: the
    most lines that look like rows in one row. proven: some row has its width only because of quotes.
    """

    dialect: Dialect
    layout: Layout
    width: int
    fits: bool
    ragged: int
    swallowed: int
    proven: bool

    @property
    def is_sure(self) -> bool:
        """Whether it fits, and all rows have as many fields as the first."""
        return self.fits and not self.ragged

    @property
    def is_open_at_its_end(self) -> bool:
        """Whether nothing but the last row speaks against it, in which a quote is open: the file may be cut there."""
        found = self.layout
        return found.in_quotes and found.stray is None and not self.swallowed and int(found.lines[-1]) == 1

    def same_rows(self, other: "_Way") -> bool:
        """Whether rows begin at the same places and have the same numbers of fields."""
        mine, others = self.layout, other.layout
        return mine.begins.tolist() == others.begins.tolist() and mine.fields.tolist() == others.fields.tolist()


class _Ways:
    """The ways to read the first rows; each is looked at when it is asked for. row_end: with quotes, if it is known."""

    def __init__(self, lines: bytes, stated: Dialect, *, is_whole: bool, row_end: RowEnd | None) -> None:
        self._lines, self._stated, self._is_whole, self._row_end = lines, stated, is_whole, row_end
        self._found: dict[tuple[bool, bool], _Way] = {}
        self.stated_escapes = stated.escapes

    def way(self, *, quotes: bool, escapes: bool) -> _Way:
        """One of the four."""
        if (quotes, escapes) not in self._found:
            dialect = replace(self._stated, quotes=quotes, escapes=escapes)
            row_end = self._row_end if quotes and not escapes else None
            self._found[quotes, escapes] = _way(self._lines, dialect, is_whole=self._is_whole, row_end=row_end)
        return self._found[quotes, escapes]


def choose_way(
    lines: bytes, stated: Dialect, form: TextForm, *, path: str, is_whole: bool, row_ends: RowEnds
) -> Dialect:
    """The dialect with its quotes and escapes.

    Args:
      lines: the first rows; they hold quotes or backslashes.
      stated: the dialect as far as the settings and the delimiter say.
      form: the settings, of which quoting or escape is auto.
      path: of the file, for messages.
      is_whole: whether the lines are all of the file.
      row_ends: keeps the row end of the lines.

    Raises:
      UserError: more than one way may be right.
    """
    row_end = None
    if form.quoting == "auto" and not stated.escapes and b"\\" not in lines:
        row_end = row_ends.keep(lines, dialect=stated)
        usual = _plainly_quoted(lines, stated, row_end, is_whole=is_whole)
        if usual is not None:
            return usual
    ways = _Ways(lines, stated, is_whole=is_whole, row_end=row_end)
    if form.quoting != "auto":
        chosen = _escaped_or_not(ways, lines, quotes=[stated.quotes], path=path)
    elif form.escape != "auto":
        chosen = _quoted_or_not(ways, lines, escapes=stated.escapes)
    else:
        chosen = _any_way(ways, lines, path=path)
    escapes = chosen.dialect.escapes
    if form.escape == "auto" and not escapes and only_doubled_backslashes(lines):
        raise unsure_of_escapes(path)
    return replace(
        chosen.dialect,
        checks_quotes=chosen.dialect.quotes and form.quoting == "auto",
        checks_escapes=form.escape == "auto" and not escapes,
        has_backslashes=b"\\" in lines,
        proven=chosen.proven,
    )


def _plainly_quoted(lines: bytes, stated: Dialect, row_end: RowEnd, *, is_whole: bool) -> Dialect | None:
    """The dialect, if quotes fit as most files show: every quote closes at the end of its field, on its line or soon.

    It is what a comparison of all ways gives, with less work: most of the time that a small file needs.
    """
    flips = row_end.flips
    if flips is None or row_end.stray is not None or (row_end.in_quotes and is_whole):
        return None
    open_lines = count_lines(lines[row_end.end :])  # of a row that goes on after the head
    longest = int(lines_of_rows(lines, stated, flips=flips).max(initial=open_lines))
    if longest <= 1:
        # Of a whole file no row spans lines, so nobody asks for the proof.
        return stated if is_whole else replace(stated, proven=_is_proven(lines, stated, row_end))
    is_proven = longest < MANY_LINES_OF_PROVEN and _names_in_quotes(lines, stated)
    return replace(stated, proven=True) if is_proven else None


def only_doubled_backslashes(data: bytes) -> bool:
    r"""Whether there are backslashes, and each stands beside another: then each pair may be one character.

    >>> only_doubled_backslashes(rb"a \\ b"), only_doubled_backslashes(rb"a \\ b \d")
    (True, False)
    """
    runs = _BACKSLASHES.findall(data)
    return bool(runs) and all(len(run) % 2 == 0 for run in runs)


def unsure_of_escapes(path: str) -> UserError:
    """The error for backslashes that may be escapes or characters."""
    return UserError(
        f"input.escape: the backslashes in {path} may be characters of the texts, or take the meaning of the next "
        "character away; set input.escape to none or to backslash"
    )


def _way(lines: bytes, dialect: Dialect, *, is_whole: bool, row_end: RowEnd | None) -> _Way:
    width = _width(lines, dialect)
    found = layout(lines, dialect, width=width, found=row_end)
    proven = dialect.quotes and (
        _names_in_quotes(lines, dialect) or found.proves_quotes(width) or _has_doubled_quotes(lines, dialect)
    )
    swallowing = found.swallowing(proven=proven)
    rows = found.fields if is_whole else found.fields[:-1]  # the last row goes on after the head
    return _Way(
        dialect,
        found,
        width,
        fits=found.stray is None and not (found.in_quotes and is_whole) and not swallowing.size,
        ragged=int((rows != width).sum()),
        swallowed=int(found.alike[swallowing].max(initial=0)),
        proven=proven,
    )


def _is_proven(lines: bytes, dialect: Dialect, row_end: RowEnd) -> bool:
    """Whether some row can't be read without quotes, as in `_way`; no row of the lines ends in quotes."""
    if _names_in_quotes(lines, dialect):
        return True
    width = _width(lines, dialect)
    first = lines[:_PROVING_BYTES]
    first = first[: last_row_end(first, dialect=dialect).end]  # an open row is none of those that prove it
    return (
        (bool(first) and layout(first, dialect, width=width).proves_quotes(width))
        or _has_doubled_quotes(lines, dialect)
        or layout(lines, dialect, width=width, found=row_end).proves_quotes(width)
    )


def _width(lines: bytes, dialect: Dialect) -> int:
    """The number of columns."""
    if dialect.names is not None:
        return len(dialect.names) or 1
    return len(split_row(lines[: first_row_end(lines, dialect=dialect)], dialect)) or 1


def _names_in_quotes(lines: bytes, dialect: Dialect) -> bool:
    """Whether the header begins with a quote."""
    return dialect.names is None and lines.startswith(b'"')


def _has_doubled_quotes(lines: bytes, dialect: Dialect) -> bool:
    return b'""' in lines and any(b'""' in field for field in _wholly_quoted(lines, dialect.delimiter))


def _any_way(ways: _Ways, lines: bytes, *, path: str) -> _Way:
    quotes = ways.way(quotes=True, escapes=False)
    if quotes.fits:
        return _escaped_or_not(ways, lines, quotes=[True, False], path=path)
    if _QUOTE_ESCAPED in lines and (escaped := ways.way(quotes=True, escapes=True)).is_sure:
        text = ways.way(quotes=False, escapes=False)
        if text.is_sure and not text.same_rows(escaped):
            raise _unsure_of_quotes(path)
        return escaped
    # Where delimiters are escaped in a text, its row has too many fields otherwise.
    escapes = b"\\" in lines and bool(ways.way(quotes=False, escapes=False).ragged)
    return quotes if quotes.is_open_at_its_end else _quoted_or_not(ways, lines, escapes=escapes)


def _escaped_or_not(ways: _Ways, lines: bytes, *, quotes: Sequence[bool], path: str) -> _Way:
    """Whether backslashes escape. quotes: the first says whether quotes hold fields if they do not escape."""
    plain = ways.way(quotes=quotes[0], escapes=False)
    if b"\\" not in lines or not _may_escape(lines, plain.dialect):
        return plain
    escaped = [ways.way(quotes=holds, escapes=True) for holds in quotes]
    sure = [way for way in escaped if way.is_sure]
    if plain.is_sure and sure:
        raise unsure_of_escapes(path)
    if plain.is_sure or not sure:
        return escaped[0] if escaped[0].fits and not plain.fits else plain
    # A way without quotes that are read as such is that of a database.
    has_quotes = escaped[0].layout.has_quotes
    if len(sure) == 2 and has_quotes and not sure[0].same_rows(sure[1]):
        raise unsure_of_escapes(path)
    return sure[0] if has_quotes else sure[-1]


def _may_escape(lines: bytes, dialect: Dialect) -> bool:
    """Whether a backslash stands before a character whose meaning it may take away.

    Programs that escape delimiters and line ends escape backslashes as well. So one before another character shows that
    only quotes may be escaped.
    """
    special = re.escape(f'"{dialect.delimiter}\r\n'.encode())
    if _QUOTE_ESCAPED in lines:
        return True
    is_alone = re.compile(rb"(?<!\\)(?:\\\\)*\\(?![\\ntrbfvZN0" + special + rb"])")
    return re.search(rb"\\[" + special + rb"]", lines) is not None and is_alone.search(lines) is None


def _quoted_or_not(ways: _Ways, lines: bytes, *, escapes: bool) -> _Way:
    """Whether quotes are text. If that is not sure, they are not, and the row that speaks against it ends the run."""
    quotes, text = ways.way(quotes=True, escapes=ways.stated_escapes), ways.way(quotes=False, escapes=escapes)
    if quotes.fits or quotes.is_open_at_its_end:
        is_database = quotes.dialect.escapes and quotes.dialect.delimiter in _OF_DATABASES
        return text if is_database and not quotes.layout.has_quotes else quotes
    contradicts = quotes.layout.stray is not None or quotes.swallowed >= MANY_LINES
    is_text = contradicts and text.is_sure and not quotes.proven and not _quotes_fields(lines, text)
    return text if is_text else quotes


def _quotes_fields(lines: bytes, text: _Way) -> bool:
    """Whether a program must have put the quotes: around fields of many rows, or around one that has doubled quotes."""
    fields = _wholly_quoted(lines, text.dialect.delimiter)
    return any(b'""' in field for field in fields) or len(fields) > _MAX_WHOLLY_QUOTED * len(text.layout.fields)


def _wholly_quoted(lines: bytes, delimiter: str) -> list[bytes]:
    r"""The fields that begin and end with a quote, on one line; without these quotes.

    >>> _wholly_quoted(b'"a ""b"" c",d\n"e",f\n"g\n', ",")
    [b'a ""b"" c', b'e']
    """
    ends = rb"\r\n" + re.escape(delimiter.encode())
    pattern = rb"(?:(?<=[" + ends + rb'])|\A)"((?:[^"\r\n]|"")*)"(?=[' + ends + rb"]|\Z)"
    return re.findall(pattern, lines) if b'"' in lines else []


def _unsure_of_quotes(path: str) -> UserError:
    return UserError(
        f"input.quoting: quotes in {path} may be characters of the texts, or hold lines together; set input.quoting to "
        "none or to quotes"
    )

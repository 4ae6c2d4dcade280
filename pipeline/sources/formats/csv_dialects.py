"""The settings and the first MiB of a csv or tsv file -> its dialect. What can't be told for sure is refused.

    delimiter   that of the settings or of a line `sep=;`; else that of the format, unless only another splits the rows
    quoting,    each way to read the first rows is compared: where quotes close, how many fields rows have, and whether
    escape      a quoted field holds lines that look like rows
    header      the first row, unless the settings name the columns and it has other values

Every worker that reads a part of the file does this again, with the same bytes and the same result.
"""

import csv
import re
from dataclasses import replace
from typing import Final

from pipeline.errors import UserError
from pipeline.sources.formats.csv_quotes import RowEnds, first_row_end
from pipeline.sources.formats.csv_split import split_row, splitter
from pipeline.sources.formats.csv_ways import choose_way
from pipeline.sources.formats.dialect import Dialect
from pipeline.sources.schema import excerpt
from pipeline.sources.tasks import TextForm

DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
# Those that are looked for where the settings name none, and what a person calls them.
FOUND_DELIMITERS: Final = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}
# The bytes of a file that tell its dialect. To compare all ways to read them takes some 30 ms.
HEAD_BYTES: Final = 1 << 20
LINE_ENDS: Final = b"\r\n"

# Rows that are split to find the delimiter, and the bytes in which they are looked for.
_SPLIT_ROWS: Final = 100
_SPLIT_BYTES: Final = 64 << 10
# Of the split rows, those that must have as many fields as the header.
_MIN_ALIKE: Final = 0.9
# So many rows with one field more than the header are no slip in some rows (chosen, and not measured).
_MIN_LONGER: Final = 20

_EXCEL_LINE: Final = re.compile(rb'\A"?sep=([^\r\n"\\])"?(?:\r\n|\n|\r)', re.IGNORECASE)


def find_dialect(
    head: bytes, form: TextForm, *, format: str, path: str, is_whole: bool, row_ends: RowEnds | None = None
) -> Dialect:
    r"""The dialect of a file.

    Args:
      head: its first HEAD_BYTES bytes in UTF-8, without a mark; fewer if it is shorter.
      form: what the settings say.
      format: csv or tsv.
      path: of the file, for messages.
      is_whole: whether the head is all of the file.
      row_ends: keeps the row end of the head; None: nobody asks for it.

    Raises:
      UserError: there are several ways to read it; the message names the setting that chooses.

    >>> find_dialect(b"text;label\ngood;1\n", TextForm(), format="csv", path="a.csv", is_whole=True).delimiter
    ';'
    """
    excel = _EXCEL_LINE.match(head)
    body = head[excel.end() :] if excel else head
    prelude = excel.end() if excel else 0
    lines = body.lstrip(LINE_ENDS)
    delimiter = form.delimiter or (excel and excel[1].decode("latin-1")) or _delimiter(lines, form, format, path=path)
    plain = Dialect(delimiter, names=form.columns, prelude=prelude)
    dialect = _stated(plain, form)
    if (b'"' in lines or b"\\" in lines) and (form.quoting == "auto" or form.escape == "auto"):
        row_ends = row_ends or RowEnds()
        dialect = choose_way(lines, dialect, form, path=path, is_whole=is_whole, row_ends=row_ends)
    if not _has_header(lines, dialect):
        return replace(dialect, has_header=False)
    _check_header(lines, dialect, path=path)
    return dialect


def described_dialect(dialect: Dialect) -> tuple[str, ...]:
    """A dialect in a few phrases, for a person.

    >>> print(*described_dialect(Dialect(";", escapes=True)), sep="\\n")
    columns are separated by semicolon
    quotes hold a field together
    a backslash escapes
    the first row names the columns
    """
    return (
        f"columns are separated by {FOUND_DELIMITERS.get(dialect.delimiter, repr(dialect.delimiter))}",
        "quotes hold a field together" if dialect.quotes else "quotes are characters",
        *(["a backslash escapes"] if dialect.escapes else []),
        "the first row names the columns" if dialect.has_header else "the settings name the columns",
    )


def _stated(plain: Dialect, form: TextForm) -> Dialect:
    return Dialect(
        plain.delimiter,
        names=plain.names,
        prelude=plain.prelude,
        quotes=form.quoting != "none",
        escapes=form.escape == "backslash",
        reads_missing=form.escape != "none",
        checks_quotes=form.quoting == "auto",
        checks_escapes=form.escape == "auto",
    )


def _has_header(lines: bytes, dialect: Dialect) -> bool:
    """Whether the first row names the columns: always, unless the settings do. Then it may repeat their names."""
    return dialect.names is None or tuple(first_fields(lines, dialect)) == dialect.names


def first_fields(lines: bytes, dialect: Dialect) -> list[str]:
    """The fields of the first row, without white space at their ends; none if it is not in UTF-8, or not csv."""
    return [field.strip() for field in split_row(lines[: first_row_end(lines, dialect=dialect)], dialect)]


def _delimiter(lines: bytes, form: TextForm, format: str, *, path: str) -> str:
    """The delimiter of the format, unless it separates nothing in the first row and another one does in all rows.

    Without a header all rows must have as many fields as there are names.

    Raises:
      UserError: several delimiters fit.
    """
    usual = DELIMITERS[format]
    named = len(form.columns or ())
    others = [delimiter for delimiter in FOUND_DELIMITERS if delimiter != usual]

    ways = [
        (quotes, escapes)
        for escapes in ([False, True] if form.escape == "auto" else [form.escape == "backslash"])
        for quotes in ([True, False] if form.quoting == "auto" else [form.quoting == "quotes"])
    ]

    def fits(delimiter: str, *, rows: int = _SPLIT_ROWS) -> bool:
        dialects = (Dialect(delimiter, quotes=quotes, escapes=escapes) for quotes, escapes in ways)
        return any(_fits(_widths(lines, dialect, rows=rows), named) for dialect in dialects)

    if not lines or named == 1 or (not named and fits(usual, rows=1)):
        return usual
    fitting = [delimiter for delimiter in (usual, *others) if fits(delimiter)]
    if len(fitting) > 1:
        names = " and ".join(FOUND_DELIMITERS[delimiter] for delimiter in fitting)
        raise UserError(f"input.delimiter: the rows of {path} can be split by {names}; set one of them")
    return fitting[0] if fitting else usual


def _widths(lines: bytes, dialect: Dialect, *, rows: int) -> list[int]:
    """The numbers of fields of the first rows; none if a quote does not close where its field ends."""
    return list(map(len, _first_rows(lines, dialect, rows=rows)))


def _first_rows(lines: bytes, dialect: Dialect, *, rows: int) -> list[list[str]]:
    """The fields of the first rows, each byte a character; none if a quote does not close where its field ends."""
    part = lines[:_SPLIT_BYTES]
    is_cut = len(part) < len(lines)
    found: list[list[str]] = []
    try:
        for row in splitter(part.decode("latin-1"), dialect, strict=True):
            found += [row] if row else []
            if len(found) == rows:
                return found
    except csv.Error:
        return found if is_cut and len(found) > 1 else []
    return found[:-1] if is_cut else found


def _check_header(lines: bytes, dialect: Dialect, *, path: str) -> None:
    """Checks that the header does not lack a name, as that of a table to whose rows R gave names.

    Raises:
      UserError: it does, because all of the first rows have one field more. They would be rejected one by one.
    """
    few = _first_rows(lines, dialect, rows=2)
    if len(few) < 2 or len(few[1]) != len(few[0]) + 1:
        return
    rows = _first_rows(lines, dialect, rows=_SPLIT_ROWS)[1:]
    if len(few[0]) == 1 or len(rows) < _MIN_LONGER or any(len(row) != len(few[1]) for row in rows):
        return
    names = first_fields(lines, dialect)
    if any(row[-1] for row in rows):
        named = _row(["row", *names], dialect)
        remedy = f"if R wrote names of rows, write it with row.names=FALSE, or make the first row {named}"
    else:
        remedy = f"make the first row {_row([*names, 'rest'], dialect)}"
    raise UserError(
        f"input.path: the first row of {path} names {len(names)} columns, and all rows after it have {len(rows[0])}; "
        f"{remedy}"
    )


def _row(names: list[str], dialect: Dialect) -> str:
    return repr(dialect.delimiter.join(map(excerpt, names)))


def _fits(widths: list[int], named: int) -> bool:
    """Whether rows have as many fields as there are names; without names, as the first row, and that at least two.

    >>> _fits([3, 3, 3], 0), _fits([1, 2, 2, 2, 2, 2, 2, 2, 2, 2], 0)
    (True, False)
    """
    wanted = named or (widths[0] if widths else 0)
    return bool(widths) and wanted > 1 and sum(width == wanted for width in widths) >= _MIN_ALIKE * len(widths)

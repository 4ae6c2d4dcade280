"""Rows of a csv or tsv file and its dialect -> an error if they contradict it. Nothing is then read in silence."""

from typing import Final

import numpy as np

from pipeline.errors import UserError
from pipeline.sources.formats.csv_layout import MANY_LINES_OF_PROVEN, count_lines, layout, lines_of_rows
from pipeline.sources.formats.csv_ways import only_doubled_backslashes, unsure_of_escapes
from pipeline.sources.formats.dialect import Dialect
from pipeline.sources.schema import excerpt
from pipeline.support.arrays import Int64s

_SHOWN: Final = 40
_QUOTING_REMEDY: Final = (
    "set input.quoting to none if quotes are characters of the texts, or to quotes to read the row all the same; "
    "set input.escape to backslash if a backslash makes a quote a character"
)
_ESCAPE_REMEDY: Final = "set input.escape to backslash if it makes a quote a character, or to none"


def check_quotes(data: bytes, dialect: Dialect, *, width: int, path: str, first_row: int, stray: int | None) -> None:
    """Checks that quotes and backslashes in whole rows have no second meaning, if the settings leave theirs open.

    Args:
      data: the rows.
      dialect: of the file.
      width: the number of its columns.
      path: of the file.
      first_row: the number of the first of the rows in the file, from 0.
      stray: the first offset at which text follows a quoted field; None: there is none, or it is not looked for.

    Raises:
      UserError: they have; it says which row may be read in two ways, and which setting chooses.
    """
    if dialect.checks_escapes and not dialect.has_backslashes and b"\\" in data and only_doubled_backslashes(data):
        raise unsure_of_escapes(path)
    if stray is not None and stray < len(data) and (dialect.checks_quotes or b'\\"' in data):
        begins = layout(data[: max(1, stray)], dialect, width=width).begins
        row = first_row + len(begins)
        begin = max(int(begins[-1]) if begins.size else 0, stray - _SHOWN // 2)
        raise UserError(
            f"input.{'quoting' if dialect.checks_quotes else 'escape'}: {path}, row {max(row, 1)}: in "
            f"{excerpt(data[begin : begin + _SHOWN])!r} a quote ends a field, and text follows it; "
            + (_QUOTING_REMEDY if dialect.checks_quotes else _ESCAPE_REMEDY)
        )


def spanning_rows(
    data: bytes, dialect: Dialect, *, width: int, rows: int, path: str, first_row: int, flips: Int64s | None = None
) -> int:
    """How many rows have several lines. rows: of the data; flips: as in RowEnd; the others are as in `check_quotes`.

    Raises:
      UserError: a row may be several rows.

    >>> spanning_rows(b'a,1\\n"b\\nb",2\\n', Dialect(","), width=2, rows=2, path="a.csv", first_row=0)
    1
    """
    if not (dialect.quotes and b'"' in data) and not dialect.escapes:
        return 0
    # The line end of the header is still there.
    if count_lines(data) - data.startswith((b"\n", b"\r")) == rows:
        return 0
    lines = lines_of_rows(data, dialect, flips=flips)
    spanning = int(np.count_nonzero(lines > 1))
    if not spanning or not dialect.checks_quotes or (dialect.proven and lines.max() < MANY_LINES_OF_PROVEN):
        return spanning
    found = layout(data, dialect, width=width)
    swallowing = found.swallowing(proven=dialect.proven)
    if swallowing.size:
        row = int(swallowing[0])
        shown = excerpt(data[int(found.begins[row]) :])[:_SHOWN]
        raise UserError(
            f"input.quoting: {path}, row {first_row + row + 1}, begins with {shown!r} and has {int(found.lines[row])} "
            f"lines in quotes, of which {int(found.alike[row])} look like rows; set input.quoting to none if quotes "
            "are characters of the texts, or to quotes if it is one row"
        )
    return spanning

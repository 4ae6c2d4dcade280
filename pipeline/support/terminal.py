"""What the commands print on a terminal: tables, shares, lines of bars.

Values go in; what comes out is for `output_console().print`. A console makes all text printable, and reads no markup of
rich's in it. Text of the data passes `support/printable.py` before, so that it has its width.
"""

import math
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from pipeline.support.output import styled
from pipeline.support.printable import to_printable

_PLAIN_COLUMNS = 100  # characters on a line where the output is no terminal
_BARS = " ▁▂▃▄▅▆▇█"


def output_console() -> Console:
    """Standard output: as wide as the terminal and with its colours; elsewhere plain text of 100 columns."""
    console = _console(sys.stdout)
    return console if console.is_terminal else _console(sys.stdout, width=_PLAIN_COLUMNS)


def error_console() -> Console:
    """Standard error, for progress."""
    return _console(sys.stderr)


def _console(stream: TextIO, *, width: int | None = None) -> Console:
    return _PrintableConsole(file=styled(stream), width=width, highlight=False, markup=False, emoji=False)


class _PrintableConsole(Console):
    """A console whose texts can't steer the terminal; colours and movements are its own."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces of what is shown, each with printable text."""
        for piece in super().render(renderable, options):
            yield piece if piece.control or piece.text.isprintable() else Segment(_lines(piece.text), piece.style)


def _lines(text: str) -> str:
    return "\n".join(to_printable(line) for line in text.split("\n"))


def stack(parts: Iterable[RenderableType]) -> Group:
    """The parts below each other, with an empty line between."""
    return Group(*[item for part in parts for item in (part, Text())][:-1])


def table(*heads: str, kinds: str | None = None, title: str = "") -> Table:
    """A table without lines.

    kinds: a letter for each column: n numbers, on the right; t text, on the left. Without it the first column is text
      and the others are numbers. A cell that is too wide continues on the next line.
    """
    made = Table(title=title or None, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for head, kind in zip(heads, kinds or "t" + "n" * (len(heads) - 1), strict=True):
        made.add_column(Text(head), justify="right" if kind == "n" else "left", header_style="dim", overflow="fold")
    return made


def share(part: float, whole: float) -> str:
    """A part of a whole in percent.

    >>> share(1, 8), share(0, 0)
    ('12.5%', '-')
    """
    return f"{part / whole:.1%}" if whole else "-"


def percent(part: float) -> str:
    """A share (0 to 1) in percent; shares below 0.1% are shown as '<0.1%', not '0.0%'.

    >>> percent(0.125), percent(0.00004), percent(0.0)
    ('12.5%', '<0.1%', '0.0%')
    """
    return "<0.1%" if 0 < part < 0.001 else f"{part:.1%}"


def bars(heights: Sequence[float]) -> str:
    """A character for each height: a bar, full for the highest, empty for 0 alone.

    >>> bars([0, 1, 50, 100])
    ' ▁▄█'
    """
    highest = max(*heights, 0) or 1
    return "".join(_BARS[math.ceil(height / highest * (len(_BARS) - 1))] for height in heights)

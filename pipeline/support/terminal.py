"""What the commands that look at records folders draw with on a terminal: tables, shares, lines of bars."""

import math
from collections.abc import Iterable, Sequence

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

_BARS = " ▁▂▃▄▅▆▇█"


def show(parts: Iterable[RenderableType]) -> None:
    """Prints the parts with an empty line between; as wide as the terminal, 100 columns elsewhere."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=100)
    console.print(stacked(parts))


def stacked(parts: Iterable[RenderableType]) -> Group:
    """The parts below each other, with an empty line between."""
    return Group(*[item for part in parts for item in (part, Text())][:-1])


def table(title: str, *columns: str) -> Table:
    """A table without lines; the first column is to the left, numbers to the right."""
    made = Table(title=title or None, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for index, column in enumerate(columns):
        justify: JustifyMethod = "left" if index == 0 else "right"
        made.add_column(Text(column), justify=justify, header_style="dim", overflow="fold")
    return made


def share(part: float, whole: float) -> str:
    """A part of a whole in percent.

    >>> share(1, 8), share(0, 0)
    ('12.5%', '-')
    """
    return f"{part / whole:.1%}" if whole else "-"


def small(part: float) -> str:
    """A share in percent, with which a little is not nothing.

    >>> small(0.00004), small(0.0)
    ('<0.1%', '0.0%')
    """
    return "<0.1%" if 0 < part < 0.001 else f"{part:.1%}"


def bars(heights: Sequence[float]) -> str:
    """A bar a character, the highest full; what is more than nothing can be seen.

    >>> bars([0, 1, 50, 100])
    ' ▁▄█'
    """
    highest = max(*heights, 0) or 1
    return "".join(_BARS[math.ceil(height / highest * (len(_BARS) - 1))] for height in heights)

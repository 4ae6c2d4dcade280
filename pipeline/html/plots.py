"""Curves, bars and heat maps as data: what `draw.js` draws with BokehJS; equal plots give equal bytes.

Numbers go into columns of the layers, texts of the data as well (for hovering and as names on an axis): they are
columns of JSON, never markup. `colour` names one of the page's own colours, which differ by day and night.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from pipeline.html.elements import Html
from pipeline.support.printable import to_printable

Colour = Literal["blue", "red", "orange", "green", "soft"]
Columns = Mapping[str, Sequence[float] | Sequence[str]]

_NAME_CHARACTERS = 18


@dataclass(frozen=True, kw_only=True)
class Axis:
    """format: of the numbers on it (numeral.js); names: stand for the places 0, 1 ... instead of numbers."""

    label: str
    format: str = "0,0"
    scale: Literal["linear", "log"] = "linear"
    range: tuple[float, float] | None = None
    names: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One set of marks. columns:

    bars    left, right, top (from 0 up)
    line    x, y
    dots    x, y
    cells   x, y (names on both axes), strength (0 to 1)

    hover: (name, template) a line, the template with `@column{format}`; key: what it is called above the plot.
    """

    mark: Literal["bars", "line", "dots", "cells"]
    columns: Columns
    colour: Colour = "blue"
    hover: Sequence[tuple[str, str]] = ()
    key: str = ""
    faint: bool = False
    dashed: bool = False


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A plot with its layers, the lowest first. lines: upright ones at a place of x, with what the key says of each."""

    x: Axis
    y: Axis
    layers: Sequence[Layer]
    lines: Sequence[tuple[float, str]] = field(default=())
    height: int = 280


def drawn(plot: Plot, *, title: str) -> Html:
    """The plot as HTML: its key, the place where it is drawn, and its data."""
    keys = [(_look(layer), layer.colour, layer.key) for layer in plot.layers if layer.key]
    keys += [("upright", "red", text) for _, text in plot.lines]
    key = " ".join(
        f'<span class="key {look}" style="--key:var(--{colour})">{name}</span>' for look, colour, name in keys
    )
    return (
        f"<figure><figcaption><b>{title}</b> {key}</figcaption>"
        f'<div class="plot" style="height:{plot.height}px" role="img" aria-label="{title}"></div>'
        f'<script type="application/json">{_data(plot)}</script></figure>'
    )


def _look(layer: Layer) -> str:
    return "faint" if layer.faint else "dashed" if layer.dashed else layer.mark


def beside(*parts: Html) -> Html:
    """Parts side by side where the page is wide enough."""
    return f'<div class="beside">{"".join(parts)}</div>'


def short(name: str) -> str:
    """A name of the data as it stands on an axis.

    >>> short("a label that is far too long")
    'a label that is f…'
    """
    seen = to_printable(name)
    return seen if len(seen) <= _NAME_CHARACTERS else seen[: _NAME_CHARACTERS - 1] + "…"


def _data(plot: Plot) -> str:
    # In a script element '<' could end it, and U+2028 could end a line; json writes all but ASCII as \\u....
    return json.dumps(asdict(plot), ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")

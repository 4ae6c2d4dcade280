"""Curves, bars and heat maps as data -> HTML in which `draw.js` draws them with BokehJS. Equal plots give equal bytes.

Numbers and texts of the data are columns of JSON, never markup. `colour` names a colour of style.css, which has light
and dark values for each.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from markupsafe import Markup

from pipeline.support.printable import to_printable

Colour = Literal["blue", "red", "orange", "green", "soft"]
Columns = Mapping[str, Sequence[float] | Sequence[str]]

_NAME_CHARACTERS = 18


@dataclass(frozen=True, kw_only=True)
class Axis:
    """format: of its numbers (numeral.js); names: shown at 0, 1, ... instead of numbers."""

    label: str
    format: str = "0,0"
    scale: Literal["linear", "log"] = "linear"
    range: tuple[float, float] | None = None
    names: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Marks of one kind, and the columns they need:

    bars    left, right, top (from 0 up)
    line    x, y
    dots    x, y
    cells   x, y (names on both axes), strength (0 to 1)

    hover: (name, template) for each line of the tooltip, the template with `@column{format}`; key: its name above the
    plot.
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
    """layers: the lowest first; lines: vertical ones, (x, name in the key) each; height: pixels."""

    x: Axis
    y: Axis
    layers: Sequence[Layer]
    lines: Sequence[tuple[float, str]] = field(default=())
    height: int = 280


def figure(plot: Plot, *, title: str) -> Markup:
    """The plot as HTML: its title and key, the empty element that `draw.js` draws it in, and its data."""
    keys = [(_look(layer), layer.colour, layer.key) for layer in plot.layers if layer.key]
    keys += [("upright", "red", text) for _, text in plot.lines]
    key = Markup(" ").join(
        Markup('<span class="key {}" style="--key:var(--{})">{}</span>').format(look, colour, name)
        for look, colour, name in keys
    )
    return Markup(
        "<figure><figcaption><b>{title}</b> {key}</figcaption>"
        '<div class="plot" style="height:{height}px" role="img" aria-label="{title}"></div>'
        '<script type="application/json">{data}</script></figure>'
    ).format(title=title, key=key, height=plot.height, data=_data(plot))


def side_by_side(*parts: Markup) -> Markup:
    """Parts side by side where the page is wide enough, below each other elsewhere."""
    return Markup('<div class="beside">{}</div>').format(Markup().join(parts))


def axis_name(name: str) -> str:
    """A name of the data, short enough for an axis.

    >>> axis_name("a label that is far too long")
    'a label that is f…'
    """
    printable = to_printable(name)
    return printable if len(printable) <= _NAME_CHARACTERS else printable[: _NAME_CHARACTERS - 1] + "…"


def _look(layer: Layer) -> str:
    return "faint" if layer.faint else "dashed" if layer.dashed else layer.mark


def _data(plot: Plot) -> Markup:
    """The plot as JSON in a script element. There '<' could end the element and U+2028 a line of the script.

    `json` writes every character beyond ASCII as an escape of JSON, and here '<' becomes one. Entities of HTML would be
    wrong: a browser does not decode them inside a script element.
    """
    escaped = json.dumps(asdict(plot), ensure_ascii=True, allow_nan=False).replace("<", "\\u003c")
    return Markup(escaped)  # noqa: S704

"""The tutorial's two kinds of pictures, as SVG without a blank line, so that Markdown takes each as one block of HTML.

Text and lines have the colour of the page's text, so that they can be read by day and by night.
"""

from collections.abc import Mapping
from html import escape
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# Colours that people with any kind of colour vision tell apart (Okabe and Ito), on white and on black.
COLOURS = {"praise": "#0072b2", "blame": "#d55e00", "neutral": "#8a8a8a"}
_FONT = "font-family='sans-serif' fill='currentColor'"


class Dot(NamedTuple):
    """A word at a point; `group` chooses its colour."""

    x: float
    y: float
    group: str
    word: str


def lookup_picture(ids: npt.NDArray[np.int64], table: npt.NDArray[np.float32], words: Mapping[int, str]) -> str:
    """Each text as a row of cells: a word, its id, and its row of the table as coloured squares.

    ids: [texts, length]; table: [rows, dim].
    """
    width, height, side = 100, 74, 22
    largest = float(np.abs(table).max())
    parts = []
    for row, text in enumerate(ids.tolist()):
        for column, id in enumerate(text):
            x, y = column * width, row * (height + 26)
            parts.append(f"<text x='{x + 45}' y='{y + 16}' font-size='14' text-anchor='middle' {_FONT}>")
            parts.append(f"{escape(words[id])}</text>")
            parts.append(f"<text x='{x + 45}' y='{y + 36}' font-size='14' text-anchor='middle' {_FONT}>{id}</text>")
            for place, value in enumerate(table[id].tolist()):
                colour = COLOURS["praise"] if value >= 0 else COLOURS["blame"]
                left = x + 45 + (place - table.shape[1] / 2) * side
                parts.append(f"<rect x='{left:g}' y='{y + 46}' width='{side}' height='{side}' fill='{colour}'")
                parts.append(f" fill-opacity='{abs(value) / largest:.2f}' stroke='currentColor' stroke-width='0.5'>")
                parts.append(f"<title>{value:+.4f}</title></rect>")
    size = f"0 0 {ids.shape[1] * width} {ids.shape[0] * (height + 26)}"
    return _svg(size, parts, label="The ids of two texts and the vectors that they select")


def scatter_picture(dots: list[Dot], *, title: str) -> str:
    """Words as points with their names, in the same scale along both axes.

    A name that would cover another name or a point is left out; the pointer shows it.
    """
    width, margin, top, bottom = 680, 90, 40, 40
    xs, ys = np.array([dot.x for dot in dots]), np.array([dot.y for dot in dots])
    scale = min((width - 2 * margin) / np.ptp(xs), 340 / np.ptp(ys))
    height = top + bottom + np.ptp(ys) * scale
    points = [
        (width / 2 + (x - (xs.max() + xs.min()) / 2) * scale, top + (ys.max() - y) * scale)
        for x, y in zip(xs, ys, strict=True)
    ]
    taken = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in points]
    parts = [f"<text x='8' y='20' font-size='15' font-weight='bold' {_FONT}>{escape(title)}</text>"]
    for dot, (x, y) in zip(dots, points, strict=True):
        parts.append(f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='{COLOURS[dot.group]}'>")
        parts.append(f"<title>{escape(dot.word)}</title></circle>")
        for box in _boxes_around(x, y, dot.word):
            if not any(box.meets(other) for other in taken):
                taken.append(box)
                parts.append(f"<text x='{box.left:.1f}' y='{box.bottom - 3:.1f}' font-size='11' {_FONT}>")
                parts.append(f"{escape(dot.word)}</text>")
                break
    for place, (group, colour) in enumerate(COLOURS.items()):
        x = 8 + 90 * place
        parts.append(f"<circle cx='{x + 5}' cy='{height - 12:.1f}' r='5' fill='{colour}'/>")
        parts.append(f"<text x='{x + 15}' y='{height - 8:.1f}' font-size='12' {_FONT}>{group}</text>")
    return _svg(f"0 0 {width} {height:.1f}", parts, label=f"{title}: the words' vectors in two dimensions")


class Box(NamedTuple):
    """A rectangle in the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Whether the two overlap.

        >>> Box(0, 0, 2, 2).meets(Box(1, 1, 3, 3)), Box(0, 0, 2, 2).meets(Box(3, 0, 5, 2))
        (True, False)
        """
        return not (
            self.right < other.left or other.right < self.left or self.bottom < other.top or other.bottom < self.top
        )


def _boxes_around(x: float, y: float, word: str) -> list[Box]:
    """Where a word's name may be: right, left, above or below its point, the best first."""
    width, height = 6.3 * len(word), 13
    return [
        Box(x + 6, y - 7, x + 6 + width, y + 6),
        Box(x - 6 - width, y - 7, x - 6, y + 6),
        Box(x - width / 2, y - 6 - height, x + width / 2, y - 6),
        Box(x - width / 2, y + 6, x + width / 2, y + 6 + height),
    ]


def _svg(view: str, parts: list[str], *, label: str) -> str:
    style = "width:100%;max-width:680px;height:auto"
    head = f"<div><svg xmlns='http://www.w3.org/2000/svg' viewBox='{view}' style='{style}' role='img'"
    return "\n".join([f"{head} aria-label='{escape(label)}'>", *parts, "</svg></div>"]) + "\n"

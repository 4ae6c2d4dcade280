"""The trials of a sweep -> sweep.html: parallel coordinates, importances, the table. The plots are SVG in the page."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from pipeline.html import Section, document
from pipeline.html.elements import bar, table, text_of_data, tiles
from trainer.sweep.results import Row

_WIDTH: Final = 900
_HEIGHT: Final = 340
_TOP: Final = 34
_BOTTOM: Final = 30
_SIDE: Final = 70
_LOSS: Final = "eval loss"


class _Axis(NamedTuple):
    """places: of each value, 0 at the bottom to 1. low, high: the words at its ends."""

    name: str
    places: Mapping[str, float]
    low: str
    high: str


def sweep_page(rows: Sequence[Row], importances: Mapping[str, float], *, best_file: str) -> bytes:
    """The page, UTF-8. rows: the best first."""
    best = rows[0]
    head = Markup("<h1>What the sweep has found</h1><p>The best settings are in {}.</p>{}").format(
        text_of_data(best_file),
        tiles([
            ("lowest eval loss", f"{best.loss:.4f}" if best.loss is not None else "–"),
            ("of trial", str(best.number)),
            ("trials", str(len(rows))),
        ]),
    )  # fmt: skip
    sections = [Section("Which settings lead where", parallel_coordinates(rows))]
    if importances:
        shares = [
            [Markup("<code>{}</code>").format(name), f"{share:.0%}", bar(share)] for name, share in importances.items()
        ]
        note = Markup("<p>Which share of the differences between the losses each setting explains (PED-ANOVA).</p>")
        sections.append(Section("Which settings matter", note + table(["setting", "share", ""], shares, kinds="tnb")))
    sections.append(Section("All trials", _table(rows)))
    return document(title="Sweep", head=head, sections=sections)


def parallel_coordinates(rows: Sequence[Row]) -> Markup:
    """An axis a setting and one for the eval loss; a line a trial; the best is orange, worse ones are paler."""
    shown = [row for row in rows if row.loss is not None]
    if not shown:
        return Markup("<p>No trial has ended an epoch.</p>")
    axes = [*(_axis(name, [row.values[name] for row in shown]) for name in shown[0].values), _loss_axis(shown)]
    step = (_WIDTH - 2 * _SIDE) / max(1, len(axes) - 1)
    columns = [_SIDE + index * step for index in range(len(axes))]
    lines = Markup().join(
        _line(row, axes, columns, rank=rank, of=len(shown)) for rank, row in reversed(list(enumerate(shown)))
    )
    uprights = Markup().join(_upright(axis, x) for axis, x in zip(axes, columns, strict=True))
    return Markup(
        '<div class="wide"><svg viewBox="0 0 {} {}" width="{}" height="{}" role="img" '
        'aria-label="Parallel coordinates of the trials" font-size="11" font-family="sans-serif" fill="currentColor">'
        "{}{}</svg></div>"
    ).format(_WIDTH, _HEIGHT, _WIDTH, _HEIGHT, lines, uprights)


def _line(row: Row, axes: Sequence[_Axis], columns: Sequence[float], *, rank: int, of: int) -> Markup:
    values = [*row.values.values(), _loss_text(row)]
    points = " ".join(
        f"{x:.1f},{_y(axis.places[value]):.1f}" for axis, x, value in zip(axes, columns, values, strict=True)
    )
    title = f"trial {row.number}, {row.state}: " + ", ".join(
        f"{axis.name} {value}" for axis, value in zip(axes, values, strict=True)
    )
    colour, width, opacity = ("#d95f02", 3, 1.0) if rank == 0 else ("#1f77b4", 1.5, 0.9 - 0.6 * rank / of)
    return Markup(
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="{}" stroke-opacity="{:.2f}"><title>{}</title>'
        "</polyline>"
    ).format(points, colour, width, opacity, title)


def _upright(axis: _Axis, x: float) -> Markup:
    text = Markup('<text x="{:.1f}" y="{}" text-anchor="middle"{}>{}</text>')
    name = axis.name.partition(".")[2] or axis.name
    return (
        Markup('<line x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}" stroke="currentColor" stroke-opacity="0.5"/>').format(
            x, _TOP, _HEIGHT - _BOTTOM
        )
        + text.format(x, 12, Markup(' font-weight="bold"'), name)
        + text.format(x, _TOP - 8, "", axis.high)
        + text.format(x, _HEIGHT - _BOTTOM + 14, "", axis.low)
    )


def _axis(name: str, values: Sequence[str]) -> _Axis:
    """Numbers by their size, if all are numbers; other values evenly, in the order of their first appearance."""
    distinct = sorted(set(values))
    try:
        numbers = {value: float(value) for value in distinct}
    except ValueError:
        places = {
            value: (index / (len(distinct) - 1) if len(distinct) > 1 else 0.5) for index, value in enumerate(distinct)
        }
        return _Axis(name, places, distinct[0], distinct[-1])
    return _number_axis(name, numbers)


def _loss_axis(rows: Sequence[Row]) -> _Axis:
    return _number_axis(_LOSS, {_loss_text(row): row.loss or 0.0 for row in rows})


def _number_axis(name: str, numbers: Mapping[str, float]) -> _Axis:
    low, high = min(numbers.values()), max(numbers.values())
    places = {value: (number - low) / (high - low) if high > low else 0.5 for value, number in numbers.items()}
    return _Axis(name, places, f"{low:.4g}", f"{high:.4g}")


def _loss_text(row: Row) -> str:
    return f"{row.loss:.6f}"


def _y(place: float) -> float:
    return _HEIGHT - _BOTTOM - place * (_HEIGHT - _BOTTOM - _TOP)


def _table(rows: Sequence[Row]) -> Markup:
    names = list(rows[0].values) if rows else []
    lines = [
        [
            str(row.number),
            row.state,
            "–" if row.loss is None else f"{row.loss:.4f}",
            str(row.epochs),
            *(text_of_data(row.values.get(name, "–")) for name in names),
        ]
        for row in rows
    ]
    return table(["trial", "", _LOSS, "epochs", *names], lines, kinds="ntnn" + "t" * len(names))

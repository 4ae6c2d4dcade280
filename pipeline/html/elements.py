"""Values -> HTML that needs no script. Whatever comes from the data is escaped here, by `shown`; the rest is ours."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from pipeline.support.printable import to_printable

Html = str

_SHOWN_CHARACTERS = 700


def shown(text: str, *, longest: int = _SHOWN_CHARACTERS) -> Html:
    """Text of the data as HTML: inert, isolated from the writing direction of what surrounds it.

    >>> shown("<script>"), shown("long", longest=2)
    ('<bdi>&lt;script&gt;</bdi>', '<bdi>lo…</bdi>')
    """
    short = text if len(text) <= longest else text[:longest] + "…"
    return f"<bdi>{escape(to_printable(short))}</bdi>"


def table(heads: Sequence[Html], rows: Iterable[Iterable[Html]], *, kinds: str, stacked: bool = False) -> Html:
    """A table that scrolls by itself where it is too wide.

    kinds: a letter a column, n for numbers, t for words, x for long text, b for bars.
    stacked: on a phone each row becomes a block, its cells under each other; for tables with long text. Heads are then
      plain words of ours.

    >>> table(["word", "count"], [["a", "7"]], kinds="tn").count('class="n"')
    2
    """
    head = "".join(f'<th scope="col" class="{kind}">{name}</th>' for kind, name in zip(kinds, heads, strict=True))
    names = [f' data-head="{name}"' if stacked and name else "" for name in heads]
    opened = [f'<td class="{kind}"{name}>' for kind, name in zip(kinds, names, strict=True)]
    lines = ("".join(f"{start}{cell}</td>" for start, cell in zip(opened, row, strict=True)) for row in rows)
    body = "".join(f"<tr>{line}</tr>\n" for line in lines)
    what = ' class="stacked"' if stacked else ""
    return f'<div class="wide"><table{what}><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>'


def tiles(figures: Iterable[tuple[str, Html]]) -> Html:
    """Figures that are seen at once: (what it is, the figure)."""
    items = "".join(f"<div><dt>{name}</dt><dd>{figure}</dd></div>" for name, figure in figures)
    return f'<dl class="tiles">{items}</dl>'


def advice(sentences: Sequence[str], *, otherwise: str) -> Html:
    """What to do, the most telling first; what to say where nothing is to be done."""
    if not sentences:
        return f'<div class="advice fine"><p>{escape(otherwise)}</p></div>'
    items = "".join(f"<li>{escape(to_printable(sentence))}</li>" for sentence in sentences)
    return f'<div class="advice"><ul>{items}</ul></div>'


def folded(summary: Html, content: Html) -> Html:
    """Something that opens on a click."""
    return f"<details><summary>{summary}</summary>{content}</details>"


def bar(part: float) -> Html:
    """A bar as long as a share of its cell."""
    return f'<i class="bar" style="width:{100 * part:.1f}%"></i>'


def share(part: float, whole: float) -> str:
    """A part in percent.

    >>> share(1, 8), share(1, 100_000), share(0, 8), share(0, 0)
    ('12.5%', '&lt;0.1%', '0.0%', '–')
    """
    if not whole:
        return "–"
    return "&lt;0.1%" if 0 < part / whole < 0.0005 else f"{part / whole:.1%}"


def settings_table(sections: Mapping[str, Mapping[str, object]]) -> Html:
    """Settings by section, a line each."""
    rows = [
        [f"<code>{section}.{key}</code>", shown(str(value))]
        for section, values in sections.items()
        for key, value in values.items()
    ]
    return table(["setting", "value"], rows, kinds="tx")

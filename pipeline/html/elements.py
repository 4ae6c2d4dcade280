"""Values -> HTML that needs no script.

HTML is `markupsafe.Markup`: a `str` that is known to be HTML. `Markup("<b>{}</b>").format(value)` escapes a plain `str`
and leaves Markup as it is. So text of the data is escaped wherever it enters a page, and the type checker objects where
a plain `str` goes to a parameter of type Markup.
"""

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from pipeline.support.printable import to_printable

_TEXT_CHARACTERS = 700


def text_of_data(text: str, *, longest: int = _TEXT_CHARACTERS) -> Markup:
    """Text of the data as HTML: escaped, and isolated from the writing direction of the text around it.

    longest: characters to show; of a longer text the rest is left out.

    >>> text_of_data("<script>")
    Markup('<bdi>&lt;script&gt;</bdi>')
    >>> text_of_data("long", longest=2)
    Markup('<bdi>lo…</bdi>')
    """
    short = text if len(text) <= longest else text[:longest] + "…"
    # Concatenated: it takes a tenth of the time of `format`, and a page has thousands of tokens.
    return Markup("<bdi>") + to_printable(short) + Markup("</bdi>")


def with_note(value: str, note: str) -> Markup:
    """A value with a note in small print.

    >>> with_note("1,200", "4.0%")
    Markup('1,200 <small>4.0%</small>')
    """
    return Markup("{} <small>{}</small>").format(value, note)


def table(heads: Sequence[str], rows: Iterable[Iterable[str]], *, kinds: str, stacked: bool = False) -> Markup:
    """A table that scrolls on its own where the page is too narrow for it. Heads and cells are text or Markup.

    kinds: a letter for each column: n numbers, t words, x long text, b bars.
    stacked: on a phone each row becomes a block with its cells below each other, each with its head; for tables with
      long text. Heads are then plain words.

    >>> table(["word", "count"], [["<a>", "7"]], kinds="tn").splitlines()[1]
    Markup('<tr><td class="t">&lt;a&gt;</td><td class="n">7</td></tr>')
    """
    head = _joined(
        Markup('<th scope="col" class="{}">{}</th>').format(kind, name) for kind, name in zip(kinds, heads, strict=True)
    )
    names = [Markup(' data-head="{}"').format(name) if stacked and name else Markup() for name in heads]
    starts = [Markup('<td class="{}"{}>').format(kind, name) for kind, name in zip(kinds, names, strict=True)]
    lines = (_joined(start + cell + Markup("</td>") for start, cell in zip(starts, row, strict=True)) for row in rows)
    body = _joined(Markup("<tr>{}</tr>\n").format(line) for line in lines)
    kind_of_table = Markup(' class="stacked"') if stacked else Markup()
    return Markup('<div class="wide"><table{}><thead><tr>{}</tr></thead><tbody>\n{}</tbody></table></div>').format(
        kind_of_table, head, body
    )


def tiles(figures: Iterable[tuple[str, str]]) -> Markup:
    """The most important figures, side by side: (name, figure) each."""
    items = _joined(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, figure) for name, figure in figures)
    return Markup('<dl class="tiles">{}</dl>').format(items)


def advice(sentences: Sequence[str], *, otherwise: str) -> Markup:
    """What to do, the most important first. otherwise: the sentence to show if there is nothing to do."""
    if not sentences:
        return Markup('<div class="advice fine"><p>{}</p></div>').format(otherwise)
    items = _joined(Markup("<li>{}</li>").format(to_printable(sentence)) for sentence in sentences)
    return Markup('<div class="advice"><ul>{}</ul></div>').format(items)


def details(summary: str, content: Markup) -> Markup:
    """Content that a click on its summary opens.

    >>> details("2 more", Markup("<b>a</b>"))
    Markup('<details><summary>2 more</summary><b>a</b></details>')
    """
    return Markup("<details><summary>{}</summary>{}</details>").format(summary, content)


def bar(part: float) -> Markup:
    """A bar as long as a share (0 to 1) of its cell."""
    return Markup('<i class="bar" style="width:{:.1f}%"></i>').format(100 * part)


def range_bar(low: float, high: float) -> Markup:
    """A bar from one share (0 to 1) to another, within the width of its cell.

    >>> range_bar(0.25, 0.5)
    Markup('<i class="bar" style="margin-left:25.0%;width:25.0%"></i>')
    """
    return Markup('<i class="bar" style="margin-left:{:.1f}%;width:{:.1f}%"></i>').format(100 * low, 100 * (high - low))


def share(part: float, whole: float) -> str:
    """A part of a whole in percent.

    >>> share(1, 8), share(1, 100_000), share(0, 8), share(0, 0)
    ('12.5%', '<0.1%', '0.0%', '–')
    """
    if not whole:
        return "–"
    return "<0.1%" if 0 < part / whole < 0.0005 else f"{part / whole:.1%}"


def settings_table(sections: Mapping[str, Mapping[str, object]]) -> Markup:
    """Settings by section, a row each."""
    rows = [
        [Markup("<code>{}.{}</code>").format(section, key), text_of_data(str(value))]
        for section, values in sections.items()
        for key, value in values.items()
    ]
    return table(["setting", "value"], rows, kinds="tx")


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup().join(parts)

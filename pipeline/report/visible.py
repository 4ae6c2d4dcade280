r"""Text of the data -> markup in which it stays text, and in which nothing hides.

Markup characters are escaped. Characters that show nothing, steer the text's direction or break lines (controls, bidi marks,
zero-width spaces, lone surrogates, odd spaces) are spelt out as U+202E and the like. `<bdi>` keeps right-to-left words from
turning their neighbours round.
"""

import unicodedata

from markupsafe import Markup

from pipeline.report.figures import number

# Joiners are part of how Persian, Indic scripts and emoji are written; inside <bdi> they do no harm.
_JOINERS = "\u200c\u200d"
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"
LONGEST_WORD = 60


def visible(text: str, *, longest: int = LONGEST_WORD) -> Markup:
    """A word, a label or a name in one line, cut behind `longest` characters.

    >>> print(visible("<b>"))
    <bdi>&lt;b&gt;</bdi>
    >>> print(visible("a" * 70, longest=3))
    <bdi>aaa</bdi><span class="note">… (70 characters)</span>
    """
    shown = Markup("<bdi>{}</bdi>").format(inline(text[:longest]))
    if len(text) > longest:
        shown += Markup('<span class="note">… ({} characters)</span>').format(number(len(text)))
    return shown


def inline(text: str, *, keep: str = "") -> Markup:
    r"""All of a text, without <bdi>; the characters of `keep` are left as they are.

    >>> print(inline("a\u202e\n", keep="\n"), end="")
    a<span class="code" title="RIGHT-TO-LEFT OVERRIDE">U+202E</span>
    """
    return Markup("").join(
        character if _is_shown(character) or character in keep else _marked(character) for character in text
    )


def plain(text: str) -> str:
    r"""A word for places that take no markup, such as a plot's tooltips.

    >>> plain("\u202eab")[1:-1]
    '⟨U+202E⟩ab'
    """
    cut = text[:LONGEST_WORD]
    spelt = "".join(character if _is_shown(character) else f"⟨{_name(character)}⟩" for character in cut)
    return f"{_ISOLATE}{spelt}{'…' if len(text) > LONGEST_WORD else ''}{_END_OF_ISOLATE}"


def _is_shown(character: str) -> bool:
    return character.isprintable() or character in _JOINERS


def _marked(character: str) -> Markup:
    title = unicodedata.name(character, "control character")
    return Markup('<span class="code" title="{}">{}</span>').format(title, _name(character))


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"

"""The ids of a record -> its words, as HTML: padding counted, unknown words marked."""

from collections.abc import Mapping, Sequence
from itertools import dropwhile

from pipeline.config.settings import Side
from pipeline.contract import PADDING_ID, Oov, oov_id
from pipeline.html.elements import Html, folded, shown

_SHOWN_WORDS = 50


def decoded(ids: Sequence[int], tokens: Mapping[int, str], *, oov: Oov, padding: Side, padded: bool = True) -> Html:
    """The words of a record; those after the first 50 behind a click. padded: whether its padding is told.

    >>> decoded([0, 0, 1, 7], {7: "good"}, oov="token", padding="pre")
    '<small>2 × padding</small> <mark>unknown</mark> <bdi>good</bdi>'
    """
    found = unpadded(ids, padding=padding)
    unknown = oov_id(oov)
    words = ["<mark>unknown</mark>" if number == unknown else shown(tokens.get(number, "?")) for number in found]
    zeros = f"<small>{len(ids) - len(found):,} × padding</small>" if padded and len(found) < len(ids) else ""
    parts = [" ".join(words[:_SHOWN_WORDS])]
    if len(words) > _SHOWN_WORDS:
        parts.append(folded(f"{len(words) - _SHOWN_WORDS:,} more words", " ".join(words[_SHOWN_WORDS:])))
    return " ".join(part for part in ([zeros, *parts] if padding == "pre" else [*parts, zeros]) if part)


def unpadded(ids: Sequence[int], *, padding: Side) -> list[int]:
    """The ids without the padding at its end of them.

    >>> unpadded([0, 0, 3], padding="pre"), unpadded([3, 0, 0], padding="post")
    ([3], [3])
    """
    backwards = ids if padding == "pre" else ids[::-1]
    left = list(dropwhile(lambda number: number == PADDING_ID, backwards))
    return left if padding == "pre" else left[::-1]

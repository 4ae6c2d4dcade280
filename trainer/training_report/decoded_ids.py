"""The ids of a record -> its words as HTML, with the padding counted and unknown words marked."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from pipeline.config.settings import Side
from pipeline.contract import Oov, oov_id
from pipeline.html.elements import details, text_of_data
from pipeline.text.trace import without_padding

_OPEN_WORDS = 50


def decoded_words(
    ids: Sequence[int], tokens: Mapping[int, str], *, oov: Oov, padding: Side, padded: bool = True
) -> Markup:
    """The words of a record, those after the first 50 in an element that a click opens.

    tokens: id -> word; padded: whether to say how many ids are padding.

    >>> decoded_words([0, 0, 1, 7], {7: "good"}, oov="token", padding="pre")
    Markup('<small>2 × padding</small> <mark>unknown</mark> <bdi>good</bdi>')
    """
    numbers = without_padding(ids, padding=padding)
    unknown = oov_id(oov)
    words = [
        Markup("<mark>unknown</mark>") if number == unknown else text_of_data(tokens.get(number, "?"))
        for number in numbers
    ]
    parts = [Markup(" ").join(words[:_OPEN_WORDS])]
    if len(words) > _OPEN_WORDS:
        parts.append(details(f"{len(words) - _OPEN_WORDS:,} more words", Markup(" ").join(words[_OPEN_WORDS:])))
    if padded and len(numbers) < len(ids):
        zeros = Markup("<small>{:,} × padding</small>").format(len(ids) - len(numbers))
        parts = [zeros, *parts] if padding == "pre" else [*parts, zeros]
    return Markup(" ").join(part for part in parts if part)

"""What the file of `embedding.from` has of the vocabulary -> shares, and the most frequent words without a vector."""

from typing import Final

from markupsafe import Markup

from pipeline.html.elements import text_of_data, tiles, with_note
from pipeline.support.terminal import percent
from trainer.word_vectors.coverage import VectorsUsed

_TOKEN_CHARACTERS: Final = 40


def given_vectors(used: VectorsUsed) -> Markup:
    """The section."""
    tokens = "–" if used.token_share is None else percent(used.token_share)
    figures = [
        ("words with a vector", with_note(percent(used.word_share), f"{used.found_words:,} of {used.words:,}")),
        ("of their tokens", with_note(tokens, f"{used.found_tokens:,} of {used.tokens:,}")),
        ("vectors in the file", with_note(f"{used.vectors:,}", f"of {used.dim:,} numbers")),
    ]
    lead = Markup("<p>The embedding started with the vectors of <b>{}</b> ({}). {}</p>{}").format(
        text_of_data(used.file, longest=_TOKEN_CHARACTERS), used.format, _others(used), tiles(figures)
    )
    if not used.missing:
        return lead
    words = Markup(", ").join(
        Markup("{}&nbsp;<small>{:,}</small>").format(text_of_data(word.token, longest=_TOKEN_CHARACTERS), word.count)
        for word in used.missing
    )
    return lead + Markup("<p>The most frequent words without a vector, and how often they occur: {}.</p>").format(words)


def _others(used: VectorsUsed) -> str:
    missing = used.words - used.found_words
    if not missing:
        return "All words have one."
    return (
        f"{missing:,} words are not in the file. Their vectors were drawn with the mean and the spread of the others."
    )

"""The embedding before and after training -> the words that moved farthest, with their nearest words."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from markupsafe import Markup

from pipeline.html.elements import table, text_of_data
from trainer.model.neighbours import Floats, Neighbour, largest_moves, nearest_neighbours

_FREQUENT_WORDS: Final = 1000  # among which the words that moved farthest are looked for
_SHOWN_WORDS: Final = 16
_TOKEN_CHARACTERS: Final = 40


def neighbours(before: Floats, after: Floats, words: Mapping[int, str], *, start: str) -> Markup:
    """A row for each word.

    before: the first rows of the embedding that training began with, float32 [ids, dim]; start: a sentence on where
      they came from; after: the trained embedding; words: id -> word, by rising id, so the most frequent first.
    """
    candidates = {id: word for id, word in words.items() if id < len(before)}
    frequent = np.array(list(candidates)[:_FREQUENT_WORDS], np.int64)
    rows = []
    for id in largest_moves(before, after, frequent, number=_SHOWN_WORDS):
        distance = float(np.linalg.norm(after[id] - before[id]))
        near = [_list(nearest_neighbours(id, embedding, candidates)) for embedding in (before, after)]
        word = Markup("<b>{}</b>").format(text_of_data(words[id], longest=_TOKEN_CHARACTERS))
        rows.append([word, f"{distance:.2f}", *near])
    heads = ["word", "moved by", "nearest before training", "nearest after training"]
    return Markup(
        "<p>Of the {:,} most frequent words those whose vectors training has moved farthest, with the words whose "
        "vectors point most nearly the same way (cosine; 1 is the same direction). Words that speak for the same label "
        "draw together. {}</p>"
    ).format(len(frequent), start) + table(heads, rows, kinds="tnxx", stacked=True)


def _list(words: Sequence[Neighbour]) -> Markup:
    return Markup(", ").join(
        Markup("{}&nbsp;<small>{:.2f}</small>").format(text_of_data(word.token, longest=_TOKEN_CHARACTERS), word.cosine)
        for word in words
    )

"""Embeddings before and after training + words -> the nearest words of those that training has moved farthest."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from pipeline.html.elements import Html, shown, table
from trainer.model.neighbours import Floats, Neighbour, farthest_moved, nearest

_FREQUENT: Final = 1000
_SHOWN_WORDS: Final = 16
_TOKEN_CHARACTERS: Final = 40


def neighbours(before: Floats, after: Floats, words: Mapping[int, str], *, is_random: bool) -> Html:
    """A row a word.

    before: the first rows of the embedding that training began with, float32 [ids, dim], and whether they were drawn
      at random; after: all of the trained one; words: id -> word, in the order of the ids, the most frequent first.
    """
    candidates = {id: word for id, word in words.items() if id < len(before)}
    frequent = np.array(list(candidates)[:_FREQUENT], np.int64)
    rows = []
    for id in farthest_moved(before, after, frequent, number=_SHOWN_WORDS):
        distance = float(np.linalg.norm(after[id] - before[id]))
        near = [_listed(nearest(id, embedding, candidates)) for embedding in (before, after)]
        rows.append([f"<b>{shown(words[id], longest=_TOKEN_CHARACTERS)}</b>", f"{distance:.2f}", *near])
    return (
        f"<p>Of the {len(frequent):,} most frequent words those whose vectors training has moved farthest, with the "
        "words whose vectors point most nearly the same way (cosine; 1 is the same direction). Words that speak for "
        f"the same label draw together. {_began(is_random)}</p>"
        + table(
            ["word", "moved by", "nearest before training", "nearest after training"], rows, kinds="tnxx", stacked=True
        )
    )


def _began(is_random: bool) -> str:
    if is_random:
        return "Training began with a random table, and so with random neighbours."
    return "Training began with the table of another model."


def _listed(found: Sequence[Neighbour]) -> Html:
    parts = [f"{shown(word.token, longest=_TOKEN_CHARACTERS)}&nbsp;<small>{word.cosine:.2f}</small>" for word in found]
    return ", ".join(parts)

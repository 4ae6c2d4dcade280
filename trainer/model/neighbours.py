"""An embedding -> the words nearest to a word by cosine, and the words whose vectors training changed most."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Neighbours of a word: enough to see what the embedding has learnt, and few enough to read.
_NEIGHBOURS: Final = 5


@dataclass(frozen=True)
class Neighbour:
    """A word, and the cosine between its vector and another word's (-1 to 1; 1 is the same direction)."""

    token: str
    cosine: float


def nearest_neighbours(word_id: int, embedding: Floats, candidates: Mapping[int, str]) -> list[Neighbour]:
    """The candidates whose vectors have the largest cosine with the vector of `word_id`, the largest first.

    embedding: float32 [ids, dim]; candidates: id -> word, each with a row in it. The word itself is left out. The
    result is empty if the embedding has no row for `word_id`.

    >>> table = np.array([[0, 0], [1, 0], [2, 0], [0, 1]], np.float32)
    >>> nearest_neighbours(1, table, {1: "good", 2: "fine", 3: "the"})
    [Neighbour(token='fine', cosine=1.0), Neighbour(token='the', cosine=0.0)]
    """
    if word_id >= len(embedding):
        return []
    others = np.array([id for id in candidates if id != word_id], np.int64)
    cosines = unit_vectors(embedding[others]) @ unit_vectors(embedding[word_id])
    order = np.argsort(-cosines, kind="stable")[:_NEIGHBOURS]
    return [Neighbour(candidates[int(others[place])], float(cosines[place])) for place in order]


def largest_moves(before: Floats, after: Floats, ids: npt.NDArray[np.int64], *, number: int) -> list[int]:
    """The `number` ids whose rows differ most between two embeddings (Euclidean distance), the largest first.

    before, after: float32 [ids, dim], with rows for all `ids`, int64 [n].

    >>> table = np.zeros([4, 2], np.float32)
    >>> largest_moves(table, np.array([[0, 0], [1, 0], [3, 4], [0, 2]], np.float32), np.arange(1, 4), number=2)
    [2, 3]
    """
    distances = np.linalg.norm(after[ids] - before[ids], axis=1)
    return [int(ids[place]) for place in np.argsort(-distances, kind="stable")[:number]]


def unit_vectors(vectors: Floats) -> Floats:
    """float32 [..., dim] -> the same shape, each vector scaled to length 1; a vector of zeros stays zero.

    >>> unit_vectors(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)).round(1).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)

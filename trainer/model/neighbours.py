"""An embedding -> the words nearest to a word by cosine, and the words that training has moved farthest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Enough to see what the embedding has learnt, and few enough to read.
_NEIGHBOURS: Final = 5


@dataclass(frozen=True)
class Neighbour:
    """A word, and the cosine between its vector and another word's."""

    token: str
    cosine: float


def nearest(own: int, embedding: Floats, candidates: Mapping[int, str]) -> list[Neighbour]:
    """The words whose rows of float32 [ids, dim] point most nearly where the row `own` does, itself left out; none if
    it has no row. candidates: id -> word of those looked among, all with a row.

    >>> table = np.array([[0, 0], [1, 0], [2, 0], [0, 1]], np.float32)
    >>> nearest(1, table, {1: "good", 2: "fine", 3: "the"})
    [Neighbour(token='fine', cosine=1.0), Neighbour(token='the', cosine=0.0)]
    """
    if own >= len(embedding):
        return []
    others = np.array([id for id in candidates if id != own], np.int64)
    cosines = unit(embedding[others]) @ unit(embedding[own])
    order = np.argsort(-cosines, kind="stable")[:_NEIGHBOURS]
    return [Neighbour(candidates[int(others[place])], float(cosines[place])) for place in order]


def farthest_moved(before: Floats, after: Floats, ids: npt.NDArray[np.int64], *, number: int) -> list[int]:
    """Those of the ids whose rows lie farthest from where they were, the farthest first.

    >>> table = np.zeros([4, 2], np.float32)
    >>> farthest_moved(table, np.array([[0, 0], [1, 0], [3, 4], [0, 2]], np.float32), np.arange(1, 4), number=2)
    [2, 3]
    """
    distances = np.linalg.norm(after[ids] - before[ids], axis=1)
    return [int(ids[place]) for place in np.argsort(-distances, kind="stable")[:number]]


def unit(vectors: Floats) -> Floats:
    """Vectors along the last axis, of length 1; a vector of zeros stays as it is.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)).round(1).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)

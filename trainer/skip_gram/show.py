"""Vectors of words -> what shows a person whether they have learnt something: nearest words, and analogies."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.model.neighbours import Neighbour, nearest_neighbours, unit_vectors

Floats = npt.NDArray[np.float32]

# Words of which neighbours are shown: their ranks by frequency. The most frequent ones mean little.
_SHOWN_RANKS: Final = (100, 150, 250, 400, 600, 900, 1400, 2000)
# Words among which neighbours and answers are looked for: rarer ones have poor vectors.
_CANDIDATES: Final = 20_000
# a is to b as c is to d, in English; shown if a text has all four.
_ANALOGIES: Final = (
    ("man", "woman", "king", "queen"), ("man", "woman", "actor", "actress"), ("he", "she", "his", "her"),
    ("he", "she", "boy", "girl"), ("good", "better", "bad", "worse"), ("good", "best", "bad", "worst"),
    ("big", "bigger", "small", "smaller"), ("film", "films", "movie", "movies"), ("go", "went", "see", "saw"),
    ("walk", "walking", "talk", "talking"), ("france", "paris", "england", "london"),
)  # fmt: skip


class Analogy(NamedTuple):
    """a is to b as c is to ... answers: the words that the vectors say, the best first. rank: of `expected`, from 1."""

    a: str
    b: str
    c: str
    expected: str
    answers: list[Neighbour]
    rank: int


def shown_words(words: Sequence[str], asked: Sequence[str] = ()) -> list[str]:
    """The words of which neighbours are shown. words: the most frequent first; asked: those to show instead.

    >>> shown_words([f"w{rank}" for rank in range(200)])
    ['w100', 'w150']
    >>> shown_words(["a", "b", "c"]), shown_words(["a", "b", "c"], ["c", "z"])
    (['a', 'b', 'c'], ['c'])
    """
    if asked:
        return [word for word in asked if word in set(words)]
    return [words[rank] for rank in _SHOWN_RANKS if rank < len(words)] or list(words[: len(_SHOWN_RANKS)])


def neighbours_of(shown: Sequence[str], words: Sequence[str], vectors: Floats) -> dict[str, list[Neighbour]]:
    """The nearest words of each. words: the most frequent first, with their vectors, float32 [words, dim]."""
    places = {word: place for place, word in enumerate(words)}
    candidates = dict(enumerate(words[:_CANDIDATES]))
    return {word: nearest_neighbours(places[word], vectors, candidates) for word in shown}


def analogies_of(words: Sequence[str], vectors: Floats) -> list[Analogy]:
    """The analogies of which all words are there, by the vector nearest to b - a + c of unit vectors (3CosAdd).

    words: the most frequent first, with their vectors, float32 [words, dim].

    (T. Mikolov, W. Yih, G. Zweig: Linguistic Regularities in Continuous Space Word Representations, 2013)

    >>> table = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1], [1, 1, 0]], np.float32)
    >>> (found,) = analogies_of(["man", "woman", "king", "queen", "film"], table)
    >>> found.answers[0].token, found.rank
    ('queen', 1)
    """
    places = {word: place for place, word in enumerate(words[:_CANDIDATES])}
    return [_analogy(given, places, vectors[: len(places)]) for given in _ANALOGIES if places.keys() >= set(given)]


def _analogy(given: tuple[str, str, str, str], places: Mapping[str, int], vectors: Floats) -> Analogy:
    units = unit_vectors(vectors)
    a, b, c, expected = (places[word] for word in given)
    cosines = units @ unit_vectors(units[b] - units[a] + units[c])
    cosines[[a, b, c]] = -np.inf
    order = np.argsort(-cosines, kind="stable")
    words = list(places)
    answers = [Neighbour(words[place], float(cosines[place])) for place in order[:3].tolist()]
    return Analogy(*given, answers, int(np.flatnonzero(order == expected)[0]) + 1)

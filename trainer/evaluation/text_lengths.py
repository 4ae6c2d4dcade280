"""Numbers of words -> slices of about the same number of texts, by length; pure functions of arrays."""

from typing import Final

import numpy as np
import numpy.typing as npt

_SLICES: Final = 5
# Texts that a slice should have at least: of fewer texts all are in fewer slices.
_TEXTS: Final = 10


def length_names(word_counts: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """The name of each text's slice, str [texts].

    Five slices at most, cut at the fifths of the texts; equal lengths stay together. word_counts: int64 [texts].

    >>> length_names(np.repeat([0, 3, 40, 41], 10)).tolist()[::10]
    ['0 words', '3 words', '40 words', '41 words']
    >>> length_names(np.arange(1, 21))[[0, 9, 10, 19]].tolist()
    ['1 to 10 words', '1 to 10 words', '11 to 20 words', '11 to 20 words']
    """
    number = max(1, min(_SLICES, len(word_counts) // _TEXTS))
    shares = np.arange(1, number) / number
    place = np.searchsorted(np.quantile(word_counts, shares, method="inverted_cdf"), word_counts, side="left")
    names = np.empty(len(word_counts), np.object_)
    for index in np.unique(place):
        own = place == index
        names[own] = _name(int(word_counts[own].min()), int(word_counts[own].max()))
    return names


def _name(low: int, high: int) -> str:
    """
    >>> _name(1, 1), _name(0, 7)
    ('1 word', '0 to 7 words')
    """
    if low < high:
        return f"{low} to {high} words"
    return f"{low} word" if low == 1 else f"{low} words"

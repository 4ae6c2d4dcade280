"""The exact lengths of a split's texts -> shares, percentiles and bins.

Lengths are (number of ids before truncation and padding, texts), the shortest first, as in the manifest.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.report.figures import round_up

Lengths = Sequence[tuple[int, int]]
_STEPS = (1, 2, 5)


class Bin(NamedTuple):
    """Texts of `first` to `last` ids, both included."""

    first: int
    last: int
    texts: int


def texts(lengths: Lengths) -> int:
    """How many there are.

    >>> texts([(3, 2), (90, 1)])
    3
    """
    return sum(count for _, count in lengths)


def longer_than(lengths: Lengths, limit: int) -> int:
    """How many texts a max_length of `limit` cuts.

    >>> longer_than([(3, 2), (90, 1)], 3)
    1
    """
    return sum(count for length, count in lengths if length > limit)


def percentile(lengths: Lengths, fraction: float) -> int:
    """The length that `fraction` of the texts do not exceed; 0 without texts.

    >>> percentile([(3, 2), (7, 1), (90, 1)], 0.5), percentile([(3, 2), (7, 1), (90, 1)], 1.0)
    (3, 90)
    """
    seen, needed = 0, fraction * texts(lengths)
    for length, count in lengths:
        seen += count
        if seen >= needed:
            return length
    return 0


def padding(lengths: Lengths, limit: int) -> float:
    """The share of the ids of records that is padding under a max_length of `limit`.

    >>> padding([(3, 2), (90, 1)], 4)
    0.16666666666666666
    """
    ids = sum(min(length, limit) * count for length, count in lengths)
    places = limit * texts(lengths)
    return 1 - ids / places if places else 0.0


def limit_that_cuts(lengths: Lengths, fraction: float) -> int:
    """The smallest round max_length that cuts no more than `fraction` of the texts.

    >>> limit_that_cuts([(123, 99), (861, 1)], 0.01), limit_that_cuts([(123, 99), (861, 1)], 0.0)
    (130, 870)
    """
    return round_up(max(percentile(lengths, 1 - fraction), 1))


def binned(lengths: Lengths, *, limit: int, most: int) -> list[Bin]:
    """At most about `most` bins up to the 99.5th percentile and more behind, of equal width but for the first.

    Bins end at `limit`, so that none holds both cut texts and whole ones.

    >>> binned([(1, 5), (4, 2), (9, 1)], limit=4, most=3)
    [Bin(first=0, last=4, texts=7), Bin(first=5, last=9, texts=1)]
    """
    if not lengths:
        return []
    width = _width(max(percentile(lengths, 0.995), 1), most=most)
    counts: dict[int, int] = {}
    for length, count in lengths:
        place = (length - limit - 1) // width
        counts[place] = counts.get(place, 0) + count
    lowest, highest = (-limit - 1) // width, max(counts)
    return [
        Bin(max(limit + 1 + place * width, 0), limit + (place + 1) * width, counts.get(place, 0))
        for place in range(lowest, highest + 1)
        if place in counts or place >= min(counts)
    ]


def _width(end: int, *, most: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 ... that covers `end` in no more than `most` bins."""
    scale = 1
    while True:
        for step in _STEPS:
            if step * scale * most >= end:
                return step * scale
        scale *= 10

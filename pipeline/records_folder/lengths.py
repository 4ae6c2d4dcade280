"""The lengths of texts, a histogram in the manifest -> percentiles, shares and bins: pure functions."""

from typing import TypeAlias

from pipeline.records_folder.manifest import SplitSummary
from pipeline.records_folder.record_files import UnlabelledSummary

Texts: TypeAlias = SplitSummary | UnlabelledSummary


def percentile(part: Texts, share: float) -> int:
    """The length that `share` of the texts do not exceed.

    >>> part = SplitSummary(rows=4, shards=[], labels={}, lengths=[(3, 2), (7, 1), (90, 1)])
    >>> percentile(part, 0.5), percentile(part, 0.75), percentile(part, 1.0)
    (3, 7, 90)
    """
    seen = 0
    for length, rows in part.lengths:
        seen += rows
        if seen >= share * part.rows:
            return length
    return 0


def share_cut(part: Texts, max_length: int) -> float:
    """The share of the texts that a `max_length` would cut.

    >>> part = SplitSummary(rows=4, shards=[], labels={}, lengths=[(3, 2), (7, 1), (90, 1)])
    >>> share_cut(part, 7), share_cut(part, 2)
    (0.25, 1.0)
    """
    return sum(rows for length, rows in part.lengths if length > max_length) / max(part.rows, 1)


def binned(part: Texts, *, bins: int, end: int) -> list[int]:
    """Texts by length in `bins` equal bins from 0 to `end`; longer ones are left out.

    >>> part = SplitSummary(rows=4, shards=[], labels={}, lengths=[(3, 2), (7, 1), (90, 1)])
    >>> binned(part, bins=2, end=9)
    [2, 1]
    """
    counts = [0] * bins
    for length, rows in part.lengths:
        if length <= end:
            counts[length * bins // (end + 1)] += rows
    return counts


def distance(first: Texts, second: Texts) -> float:
    """The most that two shares of texts not longer than any one length differ by, 0 to 1 (Kolmogorov and Smirnov's).

    >>> first = SplitSummary(rows=4, shards=[], labels={}, lengths=[(3, 2), (7, 1), (90, 1)])
    >>> second = SplitSummary(rows=2, shards=[], labels={}, lengths=[(5, 1), (7, 1)])
    >>> distance(first, second)
    0.5
    """
    shares = {1: first.lengths, -1: second.lengths}
    rows = {sign: max(sum(texts for _, texts in lengths), 1) for sign, lengths in shares.items()}
    steps = sorted((length, sign, texts) for sign, lengths in shares.items() for length, texts in lengths)
    seen = {1: 0, -1: 0}
    largest = 0.0
    for place, (length, sign, texts) in enumerate(steps):
        seen[sign] += texts
        if place + 1 == len(steps) or steps[place + 1][0] != length:
            largest = max(largest, abs(seen[1] / rows[1] - seen[-1] / rows[-1]))
    return largest

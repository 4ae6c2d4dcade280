"""The histogram of lengths of a split -> what a person asks of it: pure functions."""

from pipeline.manifest_file import SplitPart


def percentile(part: SplitPart, share: float) -> int:
    """The length that `share` of the texts do not exceed.

    >>> part = SplitPart(rows=4, shards=[], labels={}, lengths=[(3, 2), (7, 1), (90, 1)])
    >>> percentile(part, 0.5), percentile(part, 0.75), percentile(part, 1.0)
    (3, 7, 90)
    """
    seen = 0
    for length, rows in part.lengths:
        seen += rows
        if seen >= share * part.rows:
            return length
    return 0


def share_cut(part: SplitPart, max_length: int) -> float:
    """The share of the texts that a `max_length` would cut.

    >>> part = SplitPart(rows=4, shards=[], labels={}, lengths=[(3, 2), (7, 1), (90, 1)])
    >>> share_cut(part, 7), share_cut(part, 2)
    (0.25, 1.0)
    """
    return sum(rows for length, rows in part.lengths if length > max_length) / max(part.rows, 1)


def binned(part: SplitPart, *, bins: int, end: int) -> list[int]:
    """Texts by length in `bins` equal bins from 0 to `end`; longer ones are left out.

    >>> part = SplitPart(rows=4, shards=[], labels={}, lengths=[(3, 2), (7, 1), (90, 1)])
    >>> binned(part, bins=2, end=9)
    [2, 1]
    """
    counts = [0] * bins
    for length, rows in part.lengths:
        if length <= end:
            counts[length * bins // (end + 1)] += rows
    return counts

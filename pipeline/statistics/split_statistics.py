"""Transformed batches -> the statistics of each split in the manifest: pure functions; statistics of parts add up.

Lengths are numbers of ids before truncation and padding: with `oov: drop` the known tokens, with `oov: token` all.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.manifest import SplitSummary
from pipeline.records_folder.record_files import Shard
from pipeline.statistics import distinctive_words
from pipeline.support.arrays import Int64s

# Longer texts have nearly as many lengths as there are texts. So lengths above this are rounded to 1/64: the histogram
# has 64 entries for each doubling.
EXACT_LENGTHS = 4096
_STEP_BITS = 6

# Samples of a split in the manifest.
SAMPLES_OF_SPLIT = 16


@dataclass(frozen=True)
class SplitStatistics:
    """Counts of a split.

    labels: rows by label index. lengths: rows by length, long ones rounded. samples: rows of the smallest sort keys.
    words: of the sampled train records, how often each word occurs in those of each label.
    """

    rows: int = 0
    tokens: int = 0
    unknown_tokens: int = 0
    truncated_texts: int = 0
    empty_texts: int = 0
    wordless_texts: int = 0
    labels: Counter[int] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    samples: tuple["Sample", ...] = ()
    words: distinctive_words.WordCounts = field(default_factory=distinctive_words.WordCounts)


@dataclass(frozen=True, order=True)
class Sample:
    """A row as its source gave it and as its record has it; in the order of sort keys (records/keys.py)."""

    sort_key: bytes
    text: bytes
    label: int
    ids: tuple[int, ...]


@dataclass(frozen=True)
class BatchColumns:
    """The columns of a transformed batch, each int64 [rows]; ids int32 or int64 [rows, max_length]; (row, key, text) of
    samples."""

    ids: npt.NDArray[np.signedinteger]
    labels: Int64s
    splits: Int64s
    token_counts: Int64s
    known_counts: Int64s
    unknown_hashes: Int64s
    samples: Sequence[tuple[int, bytes, bytes]]


def split_statistics(
    labels: Int64s,
    token_counts: Int64s,
    known_counts: Int64s,
    *,
    max_length: int,
    unknown_has_id: bool,
) -> SplitStatistics:
    """The statistics of rows of one split, int64 [rows] each, but for samples and words; `unknown_has_id`: unknown
    tokens have an id (`oov: token`).

    >>> counts = split_statistics(np.array([1]), np.array([3]), np.array([1]), max_length=2, unknown_has_id=False)
    >>> counts.tokens, counts.unknown_tokens, counts.truncated_texts, dict(counts.lengths)
    (3, 2, 0, {1: 1})
    """
    lengths = token_counts if unknown_has_id else known_counts
    return SplitStatistics(
        rows=len(lengths),
        tokens=int(token_counts.sum()),
        unknown_tokens=int((token_counts - known_counts).sum()),
        truncated_texts=int(np.count_nonzero(lengths > max_length)),
        empty_texts=int(np.count_nonzero(lengths == 0)),
        wordless_texts=int(np.count_nonzero(token_counts == 0)),
        labels=_counter(labels),
        lengths=_counter(rounded_up(lengths)),
    )


def merge(parts: Iterable[SplitStatistics]) -> SplitStatistics:
    """The statistics of all the parts together.

    >>> merge([SplitStatistics(rows=2, tokens=7), SplitStatistics(rows=1, tokens=1)]).tokens
    8
    """
    rows = tokens = unknown = truncated = empty = wordless = 0
    labels: Counter[int] = Counter()
    lengths: Counter[int] = Counter()
    samples: list[Sample] = []
    words: list[distinctive_words.WordCounts] = []
    for part in parts:
        rows += part.rows
        tokens += part.tokens
        unknown += part.unknown_tokens
        truncated += part.truncated_texts
        empty += part.empty_texts
        wordless += part.wordless_texts
        labels.update(part.labels)
        lengths.update(part.lengths)
        samples.extend(part.samples)
        words.append(part.words)
    return SplitStatistics(
        rows,
        tokens,
        unknown,
        truncated,
        empty,
        wordless,
        labels,
        lengths,
        smallest(samples),
        distinctive_words.merge(words),
    )


def split_summary(statistics: SplitStatistics, *, labels: Sequence[str], shards: list[Shard]) -> SplitSummary:
    """The split in the manifest; `labels`: by the index that `statistics.labels` counts by."""
    return SplitSummary(
        rows=statistics.rows,
        labels={label: statistics.labels[index] for index, label in enumerate(labels)},
        tokens=statistics.tokens,
        unknown_tokens=statistics.unknown_tokens,
        truncated_texts=statistics.truncated_texts,
        empty_texts=statistics.empty_texts,
        wordless_texts=statistics.wordless_texts,
        lengths=sorted(statistics.lengths.items()),
        shards=shards,
    )


def rounded_up(lengths: Int64s) -> Int64s:
    """Lengths up to EXACT_LENGTHS as they are, longer ones rounded up to multiples of a 64th of the power of two below.

    >>> rounded_up(np.array([0, 4096, 4097, 8191, 8193, 1_000_000])).tolist()
    [0, 4096, 4160, 8192, 8320, 1007616]
    """
    if lengths.max(initial=0) <= EXACT_LENGTHS:
        return lengths
    _, exponents = np.frexp(lengths.astype(np.float64))
    steps = np.int64(1) << np.maximum(exponents - 1 - _STEP_BITS, 0).astype(np.int64)
    return np.where(lengths > EXACT_LENGTHS, -(-lengths // steps) * steps, lengths)


def _counter(values: Int64s) -> Counter[int]:
    distinct, counts = np.unique(values, return_counts=True)
    return Counter(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))


def smallest(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """The samples of the smallest sort keys, in order."""
    return tuple(sorted(set(samples))[:SAMPLES_OF_SPLIT])

"""Transformed batches -> the statistics of each split in the manifest: pure functions; statistics of parts add up.

Lengths are numbers of ids before truncation and padding: with `oov: drop` the known tokens, with `oov: token` all.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.records.record_columns import pairs_of
from pipeline.records.weight_sums import NO_WEIGHTS, WeightSums, numbers, weight_sums
from pipeline.records.weight_sums import merge as weight_sums_of
from pipeline.records_folder.manifest import SplitSummary
from pipeline.records_folder.record_files import Shard, SplitWeights
from pipeline.statistics import distinctive_words
from pipeline.support.arrays import Float32s, Int64s

# Indices of labels that a row has, rising.
LabelSet = tuple[int, ...]

# Longer texts have nearly as many lengths as there are texts. So lengths above this are rounded to 1/64: the histogram
# has 64 entries for each doubling.
EXACT_LENGTHS = 4096
_STEP_BITS = 6

# Samples of a split in the manifest.
SAMPLES_OF_SPLIT = 16

# The numbers of SplitStatistics that add up.
_ADDED = (
    "rows", "tokens", "unknown_tokens", "truncated_texts", "empty_texts", "wordless_texts", "no_labels",
)  # fmt: skip


@dataclass(frozen=True)
class SplitStatistics:
    """Counts of a split.

    labels: rows by label index. lengths: rows by length, long ones rounded. samples: rows of the smallest sort keys.
    words: of the sampled train records, how often each word occurs in those of each label. no_labels: rows without a
    label. weights: sums of their weights. sets: of the sampled train records, how many have each list of labels.
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
    no_labels: int = 0
    weights: WeightSums = NO_WEIGHTS
    sets: Counter[LabelSet] = field(default_factory=Counter)


@dataclass(frozen=True, order=True)
class Sample:
    """A row as its source gave it and as its record has it; in the order of sort keys (records/keys.py).

    labels: with several labels the indices of all of them; then `label` is a hash of these.
    """

    sort_key: bytes
    text: bytes
    label: int
    ids: tuple[int, ...]
    labels: LabelSet = ()


class BatchColumns(NamedTuple):
    """The columns of a transformed batch, each int64 [rows]; ids int32 or int64 [rows, max_length]; (row, key, text) of
    samples.

    sets: with several labels large_list<int64> [rows], their indices; then `labels` is a hash of these.
    weights: float32 [rows], if records have some.
    """

    ids: npt.NDArray[np.signedinteger]
    labels: Int64s
    splits: Int64s
    token_counts: Int64s
    known_counts: Int64s
    unknown_hashes: Int64s
    samples: Sequence[tuple[int, bytes, bytes]]
    sets: pa.LargeListArray | None = None
    weights: Float32s | None = None

    def label_codes(self) -> Int64s:
        """A number below 2**31 for the labels of each row, by which rows are compared, int64 [rows]: the index, or 31
        bits of the hash. Of a million equal texts with other labels, one is not noticed in 2,000 such inputs."""
        return self.labels if self.sets is None else (self.labels ^ (self.labels >> 32)) & (2**31 - 1)

    def pairs(self) -> tuple[Int64s, Int64s]:
        """Rows and indices of labels, int64 [pairs] each: a pair for each label of each row."""
        return pairs_of(self.labels if self.sets is None else self.sets)


def split_statistics(
    pairs: tuple[Int64s, Int64s],
    token_counts: Int64s,
    known_counts: Int64s,
    *,
    max_length: int,
    unknown_has_id: bool,
    weights: Float32s | None = None,
) -> SplitStatistics:
    """The statistics of rows of one split, but for samples, words and sets.

    pairs: rows and indices of labels, see BatchColumns.pairs. token_counts, known_counts: int64 [rows]. weights:
    float32 [rows]. unknown_has_id: unknown tokens have an id (`oov: token`).

    >>> one_row = (np.array([0]), np.array([1]))
    >>> counts = split_statistics(one_row, np.array([3]), np.array([1]), max_length=2, unknown_has_id=False)
    >>> counts.tokens, counts.unknown_tokens, counts.truncated_texts, dict(counts.lengths)
    (3, 2, 0, {1: 1})
    """
    lengths = token_counts if unknown_has_id else known_counts
    rows, labels = pairs
    return SplitStatistics(
        rows=len(lengths),
        tokens=int(token_counts.sum()),
        unknown_tokens=int((token_counts - known_counts).sum()),
        truncated_texts=int(np.count_nonzero(lengths > max_length)),
        empty_texts=int(np.count_nonzero(lengths == 0)),
        wordless_texts=int(np.count_nonzero(token_counts == 0)),
        labels=_counter(labels),
        lengths=_counter(rounded_up(lengths)),
        no_labels=len(lengths) - int(np.count_nonzero(np.diff(rows, prepend=-1))),
        weights=NO_WEIGHTS if weights is None else weight_sums(weights, rows=rows, labels=labels),
    )


def merge(parts: Iterable[SplitStatistics]) -> SplitStatistics:
    """The statistics of all the parts together.

    >>> merge([SplitStatistics(rows=2, tokens=7), SplitStatistics(rows=1, tokens=1)]).tokens
    8
    """
    parts = list(parts)
    labels: Counter[int] = Counter()
    lengths: Counter[int] = Counter()
    sets: Counter[LabelSet] = Counter()
    for part in parts:
        labels.update(part.labels)
        lengths.update(part.lengths)
        sets.update(part.sets)
    return SplitStatistics(
        **{name: sum(getattr(part, name) for part in parts) for name in _ADDED},
        labels=labels,
        lengths=lengths,
        samples=smallest(sample for part in parts for sample in part.samples),
        words=distinctive_words.merge(part.words for part in parts),
        weights=weight_sums_of(part.weights for part in parts),
        sets=sets,
    )


def split_summary(
    statistics: SplitStatistics, *, labels: Sequence[str], shards: list[Shard], weighted: bool = False
) -> SplitSummary:
    """The split in the manifest; `labels`: by the index that `statistics.labels` counts by."""
    return SplitSummary(
        rows=statistics.rows,
        labels={label: statistics.labels[index] for index, label in enumerate(labels)},
        no_labels=statistics.no_labels,
        weights=_weights(statistics.weights, labels) if weighted else None,
        tokens=statistics.tokens,
        unknown_tokens=statistics.unknown_tokens,
        truncated_texts=statistics.truncated_texts,
        empty_texts=statistics.empty_texts,
        wordless_texts=statistics.wordless_texts,
        lengths=sorted(statistics.lengths.items()),
        shards=shards,
    )


def _weights(sums: WeightSums, labels: Sequence[str]) -> SplitWeights:
    total, squares, by_index = numbers(sums)
    by_label = {label: by_index.get(index, 0.0) for index, label in enumerate(labels)}
    return SplitWeights(total=total, squares=squares, labels=by_label)


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

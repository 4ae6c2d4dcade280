"""The transformed batches of a bundle -> the statistics of each split.

The numbers of each row are buffered, and counted when there are many. Counting batch by batch took 3% of the time
of a row, in calls so short that two threads mostly waited for each other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.contract import SPLITS
from pipeline.records.keys import sort_key
from pipeline.statistics import distinctive_words
from pipeline.statistics.split_statistics import (
    SAMPLES_OF_SPLIT,
    BatchColumns,
    LabelSet,
    Sample,
    SplitStatistics,
    merge,
    smallest,
    split_statistics,
)
from pipeline.support.arrays import Float32s, Int64s

# Rows whose numbers are buffered: 2 MB. Records whose words are buffered: 2 MB with 500 ids each.
_BUFFERED_ROWS = 1 << 16
_BUFFERED_RECORDS = 1 << 10


class _Rows(NamedTuple):
    """Rows of a batch. numbers: int64 [3, rows], splits, numbers of tokens and of known tokens. pairs: rows and indices
    of labels, int64 [pairs] each. weights: float32 [rows], if they have some."""

    numbers: Int64s
    pairs: tuple[Int64s, Int64s]
    weights: Float32s | None


class BundleStatistics:
    """Counts batches; unknown_has_id: unknown tokens have an id; first_id: the smallest id of a word."""

    def __init__(self, *, unknown_has_id: bool, first_id: int) -> None:
        self._unknown_has_id = unknown_has_id
        self._first_id = first_id
        self._max_length = 0
        self._buffered_rows: list[_Rows] = []
        # ids of records; rows and indices of their labels
        self._buffered_records: list[tuple[npt.NDArray[np.signedinteger], Int64s, Int64s]] = []
        self._statistics: defaultdict[int, SplitStatistics] = defaultdict(SplitStatistics)
        self._samples: defaultdict[int, tuple[Sample, ...]] = defaultdict(tuple)
        self._words = distinctive_words.WordCounts()
        self._sets: Counter[LabelSet] = Counter()
        self._has_sets = False

    def add(self, columns: BatchColumns, *, is_counted: npt.NDArray[np.bool_]) -> None:
        """Adds a batch. is_counted: [rows], the rows whose words are counted for distinctive words."""
        self._max_length = columns.ids.shape[1]
        self._buffered_rows.append(
            _Rows(
                np.stack((columns.splits, columns.token_counts, columns.known_counts)), columns.pairs(), columns.weights
            )
        )
        if sum(part.numbers.shape[1] for part in self._buffered_rows) > _BUFFERED_ROWS:
            self._count_rows()
        if is_counted.any():
            self._buffer_records(columns, is_counted)
        for row, key, text in columns.samples:
            self._sample(columns, row, key=key, text=text)

    def result(self) -> Iterator[tuple[int, SplitStatistics]]:
        """(index, statistics) of each split that has rows, and of the train split always."""
        self._count_rows()
        self._count_words()
        train = SPLITS.index("train")
        for split in sorted({*self._statistics, train}):
            words = self._words if split == train else distinctive_words.WordCounts()
            sets = self._sets if split == train else Counter()
            others = SplitStatistics(samples=self._samples[split], words=words, sets=sets)
            yield split, merge([self._statistics[split], others])

    def _count_rows(self) -> None:
        if self._buffered_rows:
            (splits, *numbers), pairs, weights = _joined_rows(self._buffered_rows)
            self._buffered_rows = []
            for split in np.unique(splits).tolist():
                in_split = splits == split
                tokens, known = (array[in_split] for array in numbers)
                part = split_statistics(
                    _pairs_of_rows(pairs, in_split),
                    tokens,
                    known,
                    max_length=self._max_length,
                    unknown_has_id=self._unknown_has_id,
                    weights=None if weights is None else weights[in_split],
                )
                self._statistics[split] = merge([self._statistics[split], part])

    def _buffer_records(self, columns: BatchColumns, is_counted: npt.NDArray[np.bool_]) -> None:
        rows, labels = _pairs_of_rows(columns.pairs(), is_counted)
        self._buffered_records.append((columns.ids[is_counted], rows, labels))
        if columns.sets is not None:
            self._has_sets = True
            self._sets.update(map(tuple, columns.sets.filter(pa.array(is_counted)).to_pylist()))
        if sum(len(ids) for ids, *_ in self._buffered_records) > _BUFFERED_RECORDS:
            self._count_words()

    def _count_words(self) -> None:
        if self._buffered_records:
            parts = list(zip(*self._buffered_records, strict=True))
            self._buffered_records = []
            ids, (rows, labels) = np.concatenate(parts[0]), _joined_pairs(*parts)
            if self._has_sets:
                words = distinctive_words.count_words_of_sets(ids, rows, labels, first_id=self._first_id)
            else:
                words = distinctive_words.count_words(ids, labels, first_id=self._first_id)
            self._words = distinctive_words.merge([self._words, words])

    def _sample(self, columns: BatchColumns, row: int, *, key: bytes, text: bytes) -> None:
        split, order = int(columns.splits[row]), sort_key(key)
        smallest_so_far = self._samples[split]
        if len(smallest_so_far) < SAMPLES_OF_SPLIT or order <= smallest_so_far[-1].sort_key:
            labels = () if columns.sets is None else tuple(columns.sets[row].as_py())
            sample = Sample(order, text, int(columns.labels[row]), tuple(columns.ids[row].tolist()), labels)
            self._samples[split] = smallest([*smallest_so_far, sample])


def _joined_rows(parts: Sequence[_Rows]) -> _Rows:
    numbers = [part.numbers for part in parts]
    weights = [part.weights for part in parts if part.weights is not None]
    rows, labels = zip(*(part.pairs for part in parts), strict=True)
    return _Rows(
        np.concatenate(numbers, axis=1),
        _joined_pairs([array[0] for array in numbers], rows, labels),
        np.concatenate(weights) if weights else None,
    )


def _joined_pairs(
    parts: Sequence[npt.NDArray[np.generic]], rows: Sequence[Int64s], labels: Sequence[Int64s]
) -> tuple[Int64s, Int64s]:
    """Rows and labels of parts -> those of all rows together. parts: [rows of a part, ...] each."""
    before = np.cumsum([0, *map(len, parts)])[:-1]
    return np.concatenate([own + first for own, first in zip(rows, before, strict=True)]), np.concatenate(labels)


def _pairs_of_rows(pairs: tuple[Int64s, Int64s], is_chosen: npt.NDArray[np.bool_]) -> tuple[Int64s, Int64s]:
    """The pairs of the chosen rows, which are counted anew from 0."""
    rows, labels = pairs
    chosen = is_chosen[rows]
    place = np.cumsum(is_chosen) - 1
    return place[rows[chosen]], labels[chosen]

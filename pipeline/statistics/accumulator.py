"""The transformed batches of a bundle -> the statistics of each split.

The four numbers of each row are buffered, and counted when there are many. Counting batch by batch took 3% of the time
of a row, in calls so short that two threads mostly waited for each other.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pipeline.contract import SPLITS
from pipeline.records.keys import sort_key
from pipeline.statistics import distinctive_words
from pipeline.statistics.split_statistics import (
    SAMPLES_OF_SPLIT,
    BatchColumns,
    Sample,
    SplitStatistics,
    merge,
    smallest,
    split_statistics,
)

# Rows whose numbers are buffered: 2 MB. Records whose words are buffered: 2 MB with 500 ids each.
_BUFFERED_ROWS = 1 << 16
_BUFFERED_RECORDS = 1 << 10


class BundleStatistics:
    """Counts batches; unknown_has_id: unknown tokens have an id; first_id: the smallest id of a word."""

    def __init__(self, *, unknown_has_id: bool, first_id: int) -> None:
        self._unknown_has_id = unknown_has_id
        self._first_id = first_id
        self._max_length = 0
        self._buffered_rows: list[npt.NDArray[np.int64]] = []
        self._buffered_records: list[tuple[npt.NDArray[np.signedinteger], npt.NDArray[np.int64]]] = []
        self._statistics: defaultdict[int, SplitStatistics] = defaultdict(SplitStatistics)
        self._samples: defaultdict[int, tuple[Sample, ...]] = defaultdict(tuple)
        self._words = distinctive_words.WordCounts()

    def add(self, columns: BatchColumns, *, is_counted: npt.NDArray[np.bool_]) -> None:
        """Adds a batch. is_counted: [rows], the rows whose words are counted for distinctive words."""
        self._max_length = columns.ids.shape[1]
        numbers = (columns.splits, columns.labels, columns.token_counts, columns.known_counts)
        self._buffered_rows.append(np.stack(numbers))
        if sum(array.shape[1] for array in self._buffered_rows) > _BUFFERED_ROWS:
            self._count_rows()
        if is_counted.any():
            self._buffered_records.append((columns.ids[is_counted], columns.labels[is_counted]))
            if sum(len(labels) for _, labels in self._buffered_records) > _BUFFERED_RECORDS:
                self._count_words()
        for row, key, text in columns.samples:
            self._sample(columns, row, key=key, text=text)

    def result(self) -> Iterator[tuple[int, SplitStatistics]]:
        """(index, statistics) of each split that has rows, and of the train split always."""
        self._count_rows()
        self._count_words()
        train = SPLITS.index("train")
        for split in sorted({*self._statistics, train}):
            words = self._words if split == train else distinctive_words.WordCounts()
            others = SplitStatistics(samples=self._samples[split], words=words)
            yield split, merge([self._statistics[split], others])

    def _count_rows(self) -> None:
        if self._buffered_rows:
            splits, *numbers = np.concatenate(self._buffered_rows, axis=1)
            self._buffered_rows = []
            for split in np.unique(splits).tolist():
                labels, tokens, known = (array[splits == split] for array in numbers)
                part = split_statistics(
                    labels, tokens, known, max_length=self._max_length, unknown_has_id=self._unknown_has_id
                )
                self._statistics[split] = merge([self._statistics[split], part])

    def _count_words(self) -> None:
        if self._buffered_records:
            ids, labels = (np.concatenate(arrays) for arrays in zip(*self._buffered_records, strict=True))
            self._buffered_records = []
            self._words = distinctive_words.merge(
                [self._words, distinctive_words.count_words(ids, labels, first_id=self._first_id)]
            )

    def _sample(self, columns: BatchColumns, row: int, *, key: bytes, text: bytes) -> None:
        split, order = int(columns.splits[row]), sort_key(key)
        smallest_so_far = self._samples[split]
        if len(smallest_so_far) < SAMPLES_OF_SPLIT or order <= smallest_so_far[-1].sort_key:
            sample = Sample(order, text, int(columns.labels[row]), tuple(columns.ids[row].tolist()))
            self._samples[split] = smallest([*smallest_so_far, sample])

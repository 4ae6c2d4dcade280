"""The transformed batches of a bundle -> the statistics of each split.

What a row has to say, four numbers, waits until there are many: counting batch by batch took 3% of a row's time, in
calls so short that two threads mostly waited for each other.
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
    Columns,
    Sample,
    SplitStatistics,
    merge,
    smallest,
    split_statistics,
)

# Rows that wait: 2 MB of their numbers. Records that wait for their words to be counted: 2 MB of 500 ids each.
_WAITING_ROWS = 1 << 16
_WAITING_RECORDS = 1 << 10


class BundleStatistics:
    """Counts batches; keeps_unknown: unknown tokens have an id; first_id: the smallest id of a word."""

    def __init__(self, *, keeps_unknown: bool, first_id: int) -> None:
        self._keeps_unknown = keeps_unknown
        self._first_id = first_id
        self._max_length = 0
        self._waiting_rows: list[npt.NDArray[np.int64]] = []
        self._waiting_records: list[tuple[npt.NDArray[np.signedinteger], npt.NDArray[np.int64]]] = []
        self._statistics: defaultdict[int, SplitStatistics] = defaultdict(SplitStatistics)
        self._samples: defaultdict[int, tuple[Sample, ...]] = defaultdict(tuple)
        self._words = distinctive_words.WordCounts()

    def add(self, columns: Columns, *, is_counted: npt.NDArray[np.bool_]) -> None:
        """Takes in a batch; is_counted, [rows]: which of its rows words are counted of."""
        self._max_length = columns.ids.shape[1]
        numbers = (columns.splits, columns.labels, columns.token_counts, columns.known_counts)
        self._waiting_rows.append(np.stack(numbers))
        if sum(array.shape[1] for array in self._waiting_rows) > _WAITING_ROWS:
            self._count_rows()
        if is_counted.any():
            self._waiting_records.append((columns.ids[is_counted], columns.labels[is_counted]))
            if sum(len(labels) for _, labels in self._waiting_records) > _WAITING_RECORDS:
                self._count_words()
        for row, key, text in columns.samples:
            self._sample(columns, row, key=key, text=text)

    def result(self) -> Iterator[tuple[int, SplitStatistics]]:
        """The index of each split that has rows, and its statistics; the train split has some in any case."""
        self._count_rows()
        self._count_words()
        train = SPLITS.index("train")
        for split in sorted({*self._statistics, train}):
            words = self._words if split == train else distinctive_words.WordCounts()
            others = SplitStatistics(samples=self._samples[split], words=words)
            yield split, merge([self._statistics[split], others])

    def _count_rows(self) -> None:
        if self._waiting_rows:
            splits, *numbers = np.concatenate(self._waiting_rows, axis=1)
            self._waiting_rows = []
            for split in np.unique(splits).tolist():
                labels, tokens, known = (array[splits == split] for array in numbers)
                part = split_statistics(
                    labels, tokens, known, max_length=self._max_length, keeps_unknown=self._keeps_unknown
                )
                self._statistics[split] = merge([self._statistics[split], part])

    def _count_words(self) -> None:
        if self._waiting_records:
            ids, labels = (np.concatenate(arrays) for arrays in zip(*self._waiting_records, strict=True))
            self._waiting_records = []
            self._words = distinctive_words.add(
                [self._words, distinctive_words.count_words(ids, labels, first_id=self._first_id)]
            )

    def _sample(self, columns: Columns, row: int, *, key: bytes, text: bytes) -> None:
        split, place = int(columns.splits[row]), sort_key(key)
        kept = self._samples[split]
        if len(kept) < SAMPLES_OF_SPLIT or place <= kept[-1].place:
            sample = Sample(place, text, int(columns.labels[row]), tuple(columns.ids[row].tolist()))
            self._samples[split] = smallest([*kept, sample])

"""Which text each row has -> how many texts are duplicates, in a split and across splits: pure functions.

A row is four numbers, 21 bytes: a fingerprint of its tokens (of its text if it has no token), one of its text, its
split and its label (texts without one have UNLABELLED_INDEX for a split, and 0). Rows with equal tokens come into the
same bucket, so each bucket is counted alone and the counts add up.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.contract import SPLITS, UNLABELLED_INDEX
from pipeline.records_folder.text_findings import DuplicatesBySplit, DuplicateTexts, SharedTexts
from pipeline.statistics.fingerprints import NO_TOKENS
from pipeline.support import arrow_ipc
from pipeline.support.arrays import Int64s

SCHEMA = pa.schema([("tokens", pa.int64()), ("text", pa.uint64()), ("split", pa.int8()), ("label", pa.int32())])

PAIRS = tuple(combinations(range(len(SPLITS)), 2))


class DuplicateStatistics(NamedTuple):
    """Counts of duplicates; those of parts add up.

    total: int64 [3], texts that occur more than once, rows beyond the first of each, texts with different labels.
    within: int64 [splits, 3], the same counts in each split alone.
    across: int64 [pairs of splits, 4], texts that are in both splits, rows of the first and of the second split with
      one of these texts, texts with different labels.
    frequent: int64 [splits], the rows of the text that occurs most often; of parts, those of the part with the most.
    """

    total: Int64s
    within: Int64s
    across: Int64s
    frequent: Int64s


class TextDuplicates(NamedTuple):
    """Duplicates as equal texts, and as texts of equal tokens.

    unlabelled: int64 [1 + splits], of the texts without labels, which are in none of the other counts: rows beyond the
      first of equal texts, and rows whose text is in each split.
    """

    exact: DuplicateStatistics
    normalised: DuplicateStatistics
    unlabelled: Int64s


def rows_table(
    *, tokens: Int64s, text: npt.NDArray[np.uint64], split: npt.NDArray[np.integer], label: Int64s
) -> pa.Table:
    """Columns [rows] -> a table of SCHEMA; `tokens` may be NO_TOKENS."""
    tokens = np.where(tokens == NO_TOKENS, text.view(np.int64), tokens)
    return pa.table([tokens, text, split.astype(np.int8), label.astype(np.int32)], SCHEMA)


def buckets(tables: Sequence[pa.Table], number: int) -> Iterator[tuple[int, bytes]]:
    """Tables of SCHEMA -> (bucket, packed table); rows with equal tokens come into the same bucket."""
    table = pa.concat_tables(tables).combine_chunks()
    bucket = table["tokens"].to_numpy() % number
    for index in np.unique(bucket).tolist():
        yield index, arrow_ipc.pack(table.filter(pa.array(bucket == index)))


def count(packed: Iterable[bytes]) -> TextDuplicates:
    """All packed tables of a bucket -> its duplicates.

    >>> rows = {"tokens": [5, 5, 5, 7], "text": [1, 1, 2, 3], "split": [0, 0, 2, 2], "label": [0, 1, 1, 1]}
    >>> duplicates = count([arrow_ipc.pack(pa.table(rows, SCHEMA))])
    >>> duplicates.exact.total.tolist(), duplicates.normalised.total.tolist(), duplicates.normalised.across[1].tolist()
    ([1, 1, 1], [1, 2, 1], [1, 2, 1, 1])
    """
    table = pa.concat_tables([SCHEMA.empty_table(), *map(arrow_ipc.unpack, packed)]).combine_chunks()
    tokens, text, split, label = (table[name].to_numpy() for name in SCHEMA.names)
    is_labelled = split != UNLABELLED_INDEX
    unlabelled = _unlabelled(text, split, is_labelled=is_labelled)
    if not is_labelled.all():
        tokens, text, split, label = (column[is_labelled] for column in (tokens, text, split, label))
    return TextDuplicates(
        _statistics(text, split=split, label=label), _statistics(tokens, split=split, label=label), unlabelled
    )


def merge(parts: Iterable[TextDuplicates]) -> TextDuplicates:
    """The duplicates of all buckets together."""
    all_parts = [*parts, count([])]
    return TextDuplicates(
        _sum(part.exact for part in all_parts),
        _sum(part.normalised for part in all_parts),
        np.sum([part.unlabelled for part in all_parts], axis=0),
    )


def duplicates_by_split(statistics: DuplicateStatistics) -> DuplicatesBySplit:
    """The duplicates in the manifest."""
    texts, rows, conflicting = statistics.total.tolist()
    within = zip(SPLITS, statistics.within.tolist(), strict=True)
    return DuplicatesBySplit(
        texts=texts,
        rows=rows,
        conflicting=conflicting,
        most_frequent={split: rows for split, rows in zip(SPLITS, statistics.frequent.tolist(), strict=True) if rows},
        splits={
            split: DuplicateTexts(texts=texts, rows=rows, conflicting=conflicting)
            for split, (texts, rows, conflicting) in within
        },
        across=[
            SharedTexts(
                splits=(SPLITS[first], SPLITS[second]),
                texts=texts,
                rows=(rows_of_first, rows_of_second),
                conflicting=conflicting,
            )
            for (first, second), (texts, rows_of_first, rows_of_second, conflicting) in zip(
                PAIRS, statistics.across.tolist(), strict=True
            )
        ],
    )


def _sum(parts: Iterable[DuplicateStatistics]) -> DuplicateStatistics:
    total, within, across, frequent = zip(*parts, strict=True)
    most = max(frequent, key=lambda rows: (rows.sum(), *rows))
    return DuplicateStatistics(np.sum(total, axis=0), np.sum(within, axis=0), np.sum(across, axis=0), most)


def _statistics(keys: npt.NDArray[np.integer], *, split: Int64s, label: Int64s) -> DuplicateStatistics:
    rows = _rows_with_equal_keys(keys)
    _, groups = np.unique(keys[rows], return_inverse=True)
    split, label = split[rows], label[rows]
    number = int(groups.max(initial=-1)) + 1
    in_split = np.stack([np.bincount(groups[split == index], minlength=number) for index in range(len(SPLITS))])
    within = [_within(groups[split == index], label[split == index], number) for index in range(len(SPLITS))]
    across = [_across(groups, split, label, in_split=in_split, pair=pair) for pair in PAIRS]
    # Of texts with as many rows, that with the most in the first split: the same however rows are put into buckets.
    order = np.lexsort((*in_split[::-1], in_split.sum(axis=0)))
    frequent = in_split[:, order[-1]] if number else np.zeros(len(SPLITS), np.int64)
    return DuplicateStatistics(_within(groups, label, number), np.stack(within), np.stack(across), frequent)


def _unlabelled(text: npt.NDArray[np.uint64], split: Int64s, *, is_labelled: npt.NDArray[np.bool_]) -> Int64s:
    """The counts of `TextDuplicates.unlabelled`."""
    texts = text[~is_labelled]
    shared = [np.count_nonzero(np.isin(texts, text[split == index])) for index in range(len(SPLITS))]
    return np.array([len(texts) - len(np.unique(texts)), *shared], np.int64)


def _rows_with_equal_keys(keys: npt.NDArray[np.integer]) -> Int64s:
    """The indices of keys that occur more than once. These are mostly few, and all other steps take them alone."""
    order = np.argsort(keys, kind="stable")
    equals_next = keys[order][1:] == keys[order][:-1]
    has_equal = np.zeros(len(keys), np.bool_)
    has_equal[order[1:][equals_next]] = True
    has_equal[order[:-1][equals_next]] = True
    return np.flatnonzero(has_equal)


def _within(groups: Int64s, label: Int64s, number: int) -> Int64s:
    """The counts of `total`. groups: [rows], which of `number` texts each row has."""
    size = np.bincount(groups, minlength=number)
    is_duplicate = size > 1
    conflicting = _have_different_labels(groups, label, number)
    return np.array([is_duplicate.sum(), (size[is_duplicate] - 1).sum(), conflicting.sum()], np.int64)


def _across(groups: Int64s, split: Int64s, label: Int64s, *, in_split: Int64s, pair: tuple[int, int]) -> Int64s:
    """The counts of `across` for a pair of splits. in_split: [splits, texts], the rows of each split with each text."""
    first, second = in_split[pair[0]], in_split[pair[1]]
    shared = (first > 0) & (second > 0)
    of_pair = np.isin(split, pair) & shared[groups]
    conflicting = _have_different_labels(groups[of_pair], label[of_pair], len(shared))
    return np.array([shared.sum(), first[shared].sum(), second[shared].sum(), conflicting.sum()], np.int64)


def _have_different_labels(groups: Int64s, label: Int64s, number: int) -> npt.NDArray[np.bool_]:
    """Which of `number` texts have rows with different labels, bool [texts]."""
    lowest, highest = np.full(number, np.iinfo(np.int64).max), np.full(number, -1, np.int64)
    np.minimum.at(lowest, groups, label)
    np.maximum.at(highest, groups, label)
    return highest > lowest

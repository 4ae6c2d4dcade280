"""Which text each row has -> how many texts are repeated, inside splits and across them: pure functions.

A row is four numbers, 21 bytes: a fingerprint of its tokens (of its text where it has none), one of its text, its split
and its label. Rows of equal
tokens come to equal buckets, so a bucket can be counted by itself, and the counts of buckets add up.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.contract import SPLITS
from pipeline.records_folder.manifest import DuplicatesBySplit, DuplicateTexts, SharedTexts
from pipeline.statistics.fingerprints import NO_TOKENS
from pipeline.support import arrow_ipc

Int64s = npt.NDArray[np.int64]

SCHEMA = pa.schema([("tokens", pa.int64()), ("text", pa.uint64()), ("split", pa.int8()), ("label", pa.int32())])

PAIRS = tuple(combinations(range(len(SPLITS)), 2))


class Repeats(NamedTuple):
    """Counts of repeated texts; those of parts add up.

    whole: int64 [3], texts seen more than once, rows beyond the first of each, texts with different labels.
    inside: int64 [splits, 3], the same of each split by itself.
    across: int64 [pairs of splits, 4], texts that stand in both, rows of the first and of the second split that carry
      one of them, texts with different labels.
    """

    whole: Int64s
    inside: Int64s
    across: Int64s


class Counted(NamedTuple):
    """Repeats of equal texts, and of texts of equal tokens."""

    exact: Repeats
    normalised: Repeats


def rows_table(
    *, tokens: Int64s, text: npt.NDArray[np.uint64], split: npt.NDArray[np.integer], label: Int64s
) -> pa.Table:
    """Columns [rows] -> a table of SCHEMA; `tokens` may be NO_TOKENS."""
    tokens = np.where(tokens == NO_TOKENS, text.view(np.int64), tokens)
    return pa.table([tokens, text, split.astype(np.int8), label.astype(np.int32)], SCHEMA)


def buckets(tables: Sequence[pa.Table], number: int) -> Iterator[tuple[int, bytes]]:
    """Tables of SCHEMA -> (bucket, table as bytes); equal tokens come to equal buckets."""
    table = pa.concat_tables(tables).combine_chunks()
    bucket = table["tokens"].to_numpy() % number
    for index in np.unique(bucket).tolist():
        yield index, arrow_ipc.pack(table.filter(pa.array(bucket == index)))


def count(packed: Iterable[bytes]) -> Counted:
    """All tables of a bucket -> its repeats.

    >>> rows = {"tokens": [5, 5, 5, 7], "text": [1, 1, 2, 3], "split": [0, 0, 2, 2], "label": [0, 1, 1, 1]}
    >>> found = count([arrow_ipc.pack(pa.table(rows, SCHEMA))])
    >>> found.exact.whole.tolist(), found.normalised.whole.tolist(), found.normalised.across[1].tolist()
    ([1, 1, 1], [1, 2, 1], [1, 2, 1, 1])
    """
    table = pa.concat_tables([SCHEMA.empty_table(), *map(arrow_ipc.unpack, packed)]).combine_chunks()
    tokens, text, split, label = (table[name].to_numpy() for name in SCHEMA.names)
    return Counted(_repeats(text, split=split, label=label), _repeats(tokens, split=split, label=label))


def add(parts: Iterable[Counted]) -> Counted:
    """The repeats of all buckets together."""
    whole = [*parts, count([])]
    return Counted(_sum(part.exact for part in whole), _sum(part.normalised for part in whole))


def duplicates_by_split(found: Repeats) -> DuplicatesBySplit:
    """The duplicates in the manifest."""
    texts, rows, conflicting = found.whole.tolist()
    inside = zip(SPLITS, found.inside.tolist(), strict=True)
    return DuplicatesBySplit(
        texts=texts,
        rows=rows,
        conflicting=conflicting,
        splits={
            split: DuplicateTexts(texts=texts, rows=rows, conflicting=conflicting)
            for split, (texts, rows, conflicting) in inside
        },
        across=[
            SharedTexts(
                splits=(SPLITS[first], SPLITS[second]),
                texts=texts,
                rows=(rows_of_first, rows_of_second),
                conflicting=conflicting,
            )
            for (first, second), (texts, rows_of_first, rows_of_second, conflicting) in zip(
                PAIRS, found.across.tolist(), strict=True
            )
        ],
    )


def _sum(parts: Iterable[Repeats]) -> Repeats:
    whole, inside, across = zip(*parts, strict=True)
    return Repeats(np.sum(whole, axis=0), np.sum(inside, axis=0), np.sum(across, axis=0))


def _repeats(keys: npt.NDArray[np.integer], *, split: Int64s, label: Int64s) -> Repeats:
    repeated = _repeated(keys)
    _, groups = np.unique(keys[repeated], return_inverse=True)
    split, label = split[repeated], label[repeated]
    number = int(groups.max(initial=-1)) + 1
    in_split = np.stack([np.bincount(groups[split == index], minlength=number) for index in range(len(SPLITS))])
    inside = [_inside(groups[split == index], label[split == index], number) for index in range(len(SPLITS))]
    across = [_across(groups, split, label, in_split=in_split, pair=pair) for pair in PAIRS]
    return Repeats(_inside(groups, label, number), np.stack(inside), np.stack(across))


def _repeated(keys: npt.NDArray[np.integer]) -> Int64s:
    """The places of keys that occur more than once: mostly few, and the rest of the work is on them alone."""
    order = np.argsort(keys, kind="stable")
    equals_next = keys[order][1:] == keys[order][:-1]
    is_repeated = np.zeros(len(keys), np.bool_)
    is_repeated[order[1:][equals_next]] = True
    is_repeated[order[:-1][equals_next]] = True
    return np.flatnonzero(is_repeated)


def _inside(groups: Int64s, label: Int64s, number: int) -> Int64s:
    size = np.bincount(groups, minlength=number)
    is_repeated = size > 1
    conflicting = _differ(groups, label, number)
    return np.array([is_repeated.sum(), (size[is_repeated] - 1).sum(), conflicting.sum()], np.int64)


def _across(groups: Int64s, split: Int64s, label: Int64s, *, in_split: Int64s, pair: tuple[int, int]) -> Int64s:
    first, second = in_split[pair[0]], in_split[pair[1]]
    shared = (first > 0) & (second > 0)
    of_pair = np.isin(split, pair) & shared[groups]
    conflicting = _differ(groups[of_pair], label[of_pair], len(shared))
    return np.array([shared.sum(), first[shared].sum(), second[shared].sum(), conflicting.sum()], np.int64)


def _differ(groups: Int64s, label: Int64s, number: int) -> npt.NDArray[np.bool_]:
    """Which groups have different labels."""
    lowest, highest = np.full(number, np.iinfo(np.int64).max), np.full(number, -1, np.int64)
    np.minimum.at(lowest, groups, label)
    np.maximum.at(highest, groups, label)
    return highest > lowest

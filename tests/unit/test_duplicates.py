"""Repeated texts: hand-worked counts, and random rows against an oracle of plain dictionaries."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from pipeline.statistics import duplicates
from pipeline.support import arrow_ipc

SPLITS = ("train", "eval", "test")

# A row: fingerprint of its tokens (0: it has none), fingerprint of its text, split, label.
Row = tuple[int, int, int, int]


def table(rows: Sequence[Row]) -> pa.Table:
    tokens, text, split, label = np.array(rows, np.int64).reshape(-1, 4).T
    return duplicates.rows_table(tokens=tokens, text=text.astype(np.uint64), split=split, label=label)


def counted(rows: Sequence[Row], *, buckets: int = 1, parts: int = 1) -> duplicates.TextDuplicates:
    """As the job counts: rows in several parts, each cut into buckets, each bucket counted by itself."""
    packed: defaultdict[int, list[bytes]] = defaultdict(list)
    for part in range(parts):
        some = rows[part::parts]
        if some:
            for bucket, blob in duplicates.buckets([table(some)], buckets):
                packed[bucket].append(blob)
    return duplicates.merge(duplicates.count(blobs) for blobs in packed.values())


# (rows, texts, rows beyond the first, conflicting), by text and by tokens, over all splits
WHOLE = [
    ("nothing", [], (0, 0, 0), (0, 0, 0)),
    ("all different", [(1, 1, 0, 0), (2, 2, 0, 1)], (0, 0, 0), (0, 0, 0)),
    ("thrice the same", [(1, 1, 0, 0)] * 3, (1, 2, 0), (1, 2, 0)),
    ("other punctuation", [(1, 1, 0, 0), (1, 2, 0, 0)], (0, 0, 0), (1, 1, 0)),
    ("other label", [(1, 1, 0, 0), (1, 1, 0, 1)], (1, 1, 1), (1, 1, 1)),
    ("other label and punctuation", [(1, 1, 0, 0), (1, 2, 0, 1)], (0, 0, 0), (1, 1, 1)),
    ("without a token", [(0, 1, 0, 0), (0, 2, 0, 1)], (0, 0, 0), (0, 0, 0)),  # not equal to each other
    ("empty twice", [(0, 1, 0, 0), (0, 1, 0, 0)], (1, 1, 0), (1, 1, 0)),
    ("across splits", [(1, 1, 0, 0), (1, 1, 2, 0)], (1, 1, 0), (1, 1, 0)),
]


@pytest.mark.parametrize(("rows", "exact", "normalised"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_repeats_of_the_whole_input(rows: list[Row], exact: tuple[int, ...], normalised: tuple[int, ...]) -> None:
    result = counted(rows)
    assert tuple(result.exact.total) == exact
    assert tuple(result.normalised.total) == normalised


def test_repeats_inside_and_across_splits() -> None:
    rows = [
        (1, 1, 0, 0), (1, 1, 0, 0), (1, 1, 2, 1),  # twice in train, once in test with another label
        (2, 2, 0, 0), (2, 3, 1, 0), (2, 3, 1, 0),  # by tokens in train and eval, by text twice in eval
        (3, 4, 1, 0), (3, 4, 2, 0),  # in eval and test
    ]  # fmt: skip
    result = counted(rows)
    assert duplicates.duplicates_by_split(result.exact).model_dump(mode="json") == {
        "texts": 3, "rows": 4, "conflicting": 1, "most_frequent": {"train": 2, "test": 1},
        "splits": {
            "train": {"texts": 1, "rows": 1, "conflicting": 0},
            "eval": {"texts": 1, "rows": 1, "conflicting": 0},
            "test": {"texts": 0, "rows": 0, "conflicting": 0},
        },
        "across": [
            {"splits": ["train", "eval"], "texts": 0, "rows": [0, 0], "conflicting": 0},
            {"splits": ["train", "test"], "texts": 1, "rows": [2, 1], "conflicting": 1},
            {"splits": ["eval", "test"], "texts": 1, "rows": [1, 1], "conflicting": 0},
        ],
    }  # fmt: skip
    assert duplicates.duplicates_by_split(result.normalised).across[0].model_dump(mode="json") == {
        "splits": ["train", "eval"], "texts": 1, "rows": [1, 2], "conflicting": 0,
    }  # fmt: skip


def oracle(rows: Sequence[Row], key: Callable[[Row], int]) -> tuple[list[int], list[list[int]], list[list[int]]]:
    def of(groups: dict[int, list[Row]]) -> list[int]:
        twice = [group for group in groups.values() if len(group) > 1]
        differ = [group for group in twice if len({row[3] for row in group}) > 1]
        return [len(twice), sum(map(len, twice)) - len(twice), len(differ)]

    def grouped(some: Sequence[Row]) -> dict[int, list[Row]]:
        groups = defaultdict(list)
        for row in some:
            groups[key(row)].append(row)
        return groups

    by_split = [grouped([row for row in rows if row[2] == split]) for split in range(3)]
    across = []
    for first, second in combinations(by_split, 2):
        shared = first.keys() & second.keys()
        labels = [{row[3] for row in first[text] + second[text]} for text in shared]
        rows_of = [sum(len(groups[text]) for text in shared) for groups in (first, second)]
        across.append([len(shared), *rows_of, sum(len(some) > 1 for some in labels)])
    return of(grouped(rows)), [of(groups) for groups in by_split], across


@pytest.mark.parametrize(("buckets", "parts"), [(1, 1), (7, 1), (3, 5)])
def test_repeats_are_those_of_the_oracle_however_rows_are_cut(buckets: int, parts: int) -> None:
    draw = random.Random(11)
    rows = []
    for _ in range(3000):
        text = draw.randrange(2500)  # 0 and 1 are texts without a token, 2 and 3 are equal but for punctuation ...
        rows.append(((text // 2) * 7919, text, draw.choices(range(3), (8, 1, 1))[0], draw.randrange(3)))
    result = counted(rows, buckets=buckets, parts=parts)
    for kind, expected in [
        (result.exact, oracle(rows, lambda row: row[1])),
        (result.normalised, oracle(rows, lambda row: row[0] or -1 - row[1])),
    ]:
        assert (kind.total.tolist(), kind.within.tolist(), kind.across.tolist()) == expected


# rows by text and split -> rows of the most frequent text by split; of texts as frequent, the one with more in train
FREQUENT = [
    ([], [0, 0, 0]),
    ([(1, 0), (2, 1)], [0, 0, 0]),  # each text once
    ([(1, 0), (1, 2), (2, 1), (2, 1), (2, 1)], [0, 3, 0]),
    ([(1, 2), (1, 2), (2, 0), (2, 1), (3, 1), (3, 1)], [1, 1, 0]),
]


@pytest.mark.parametrize(("pairs", "expected"), FREQUENT)
def test_repeats_most_frequent_text(pairs: list[tuple[int, int]], expected: list[int]) -> None:
    rows: list[Row] = [(text, text, split, 0) for text, split in pairs]
    for buckets in (1, 3):
        assert counted(rows, buckets=buckets).exact.frequent.tolist() == expected


def test_repeats_buckets_divide_the_rows() -> None:
    cut = dict(duplicates.buckets([table([(number, number, 0, 0) for number in (3, 4, 7, 7, 9)])], 4))
    assert {bucket: arrow_ipc.unpack(blob)["tokens"].to_pylist() for bucket, blob in cut.items()} == {
        0: [4], 1: [9], 3: [3, 7, 7],
    }  # fmt: skip


# rows with and without a label (split 3), what is counted of those without: beyond the first, in train, eval, test
UNLABELLED: list[tuple[list[Row], list[int]]] = [
    ([], [0, 0, 0, 0]),
    ([(1, 1, 0, 0), (1, 1, 3, 0)], [0, 1, 0, 0]),
    ([(1, 1, 3, 0), (1, 1, 3, 0), (2, 2, 3, 0), (1, 1, 3, 0)], [2, 0, 0, 0]),
    ([(1, 1, 2, 0), (1, 1, 1, 1), (1, 1, 3, 0), (1, 1, 3, 0), (5, 5, 0, 0)], [1, 0, 2, 2]),
    ([(1, 1, 0, 0), (1, 2, 3, 0)], [0, 0, 0, 0]),  # equal tokens are not an equal text
]


@pytest.mark.parametrize(("rows", "expected"), UNLABELLED)
@pytest.mark.parametrize(("buckets", "parts"), [(1, 1), (3, 2)])
def test_repeats_of_texts_without_labels(rows: list[Row], expected: list[int], buckets: int, parts: int) -> None:
    result = counted(rows, buckets=buckets, parts=parts)
    assert result.unlabelled.tolist() == expected
    alone = counted([row for row in rows if row[2] < 3], buckets=buckets, parts=parts)
    for kind in ("exact", "normalised"):
        for one, other in zip(getattr(result, kind), getattr(alone, kind), strict=True):
            np.testing.assert_array_equal(one, other)

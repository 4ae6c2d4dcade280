"""pipeline.statistics.near_duplicates: the estimate against every pair's similarity, in plain Python."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.contract import SPLITS
from pipeline.statistics import near_duplicates as near

WIDTH = 60
# ids of a record without padding, its split
Row = tuple[list[int], int]


def ids_of(rows: Sequence[Row], *, post: bool = False, dtype: type = np.int32) -> np.ndarray:
    ids: np.ndarray = np.zeros((len(rows), WIDTH), dtype)
    for place, (row, _) in enumerate(rows):
        begin = 0 if post else WIDTH - len(row)
        ids[place, begin : begin + len(row)] = row
    return ids


def shingles(row: list[int]) -> set[tuple[int, ...]]:
    return {tuple(row[place : place + 3]) for place in range(len(row) - 2)}


def similarity(one: list[int], other: list[int]) -> float:
    both = shingles(one) | shingles(other)
    return len(shingles(one) & shingles(other)) / len(both) if both else 0.0


def sampled(rows: Sequence[Row], *, share: float = 1.0, first: int = 0) -> near.SampledRows:
    """The sample of rows; the key of a row is its number from `first` on, its fingerprint a hash of its ids."""
    return near.sampled_rows(
        ids_of(rows),
        splits=np.array([split for _, split in rows], np.int64),
        keys=np.arange(first, first + len(rows)).astype(np.uint64),
        tokens=np.array([sum(id * 31**place for place, id in enumerate(row)) % 2**61 for row, _ in rows], np.int64),
        share=share,
    )


def estimate(rows: Sequence[Row], *, share: float = 1.0) -> dict[tuple[str, str], int]:
    counts = near.count(near.merge([sampled(rows, share=share)]))
    of_splits = [sum(split == index for _, split in rows) for index in range(len(SPLITS))]
    found = near.near_duplicates(counts, share=share, rows=of_splits)
    return {shared.splits: shared.rows for shared in found.across}


def corpus(number: int, *, copies: int, changed: int, seed: int = 5) -> list[Row]:
    """Random train rows of 50 ids; test rows of which the first are copies of train rows but for some ids."""
    draw = random.Random(seed)
    train: list[Row] = [([draw.randrange(1, 5000) for _ in range(50)], 0) for _ in range(number)]
    test: list[Row] = []
    for place in range(number // 2):
        ids = list(train[place][0]) if place < copies else [draw.randrange(1, 5000) for _ in range(50)]
        for other in draw.sample(range(50), changed):
            ids[other] = draw.randrange(1, 5000)
        test.append((ids, 2))
    return train + test


def truth(rows: Sequence[Row]) -> int:
    """The test rows whose nearest train row is near, and not equal."""
    train = [row for row, split in rows if split == 0]
    nearest = [max(similarity(row, other) for other in train) for row, split in rows if split == 2]
    return sum(near.SIMILARITY <= one < 1 for one in nearest)


def test_near_duplicates_are_estimated() -> None:
    rows = corpus(400, copies=100, changed=1)
    assert truth(rows) == 100
    assert estimate(rows)["train", "test"] == pytest.approx(100, abs=12)
    assert estimate(rows)["train", "eval"] == estimate(rows)["eval", "test"] == 0


def test_near_duplicates_are_estimated_from_a_sample() -> None:
    rows = corpus(4000, copies=1000, changed=1)
    counts = near.count(near.merge([sampled(rows, share=0.25)]))
    assert counts.rows == pytest.approx(1500, abs=150)
    assert estimate(rows, share=0.25)["train", "test"] == pytest.approx(1000, abs=130)


def test_near_duplicates_are_neither_equal_rows_nor_distant_ones() -> None:
    equal, distant = corpus(200, copies=50, changed=0), corpus(200, copies=50, changed=10)
    assert truth(equal) == truth(distant) == 0
    assert estimate(equal)["train", "test"] == 0
    assert estimate(distant)["train", "test"] == 0


def test_near_duplicates_of_one_lead_stand_for_all_of_its_rows() -> None:
    draw = random.Random(3)
    form = [draw.randrange(1, 5000) for _ in range(50)]
    # No test row is equal to a train row: its last id is another.
    rows: list[Row] = [([*form[:-1], 5000 + number], 0 if number < 300 else 2) for number in range(500)]
    made = near.merge([sampled(rows)])
    assert made.counts["rows"].to_pylist()[-2:] == [300, 198] or max(made.counts["rows"].to_pylist()) > 190
    assert 32 <= len(made.rows) < 50  # sixteen of each split, and rows whose lead is in their last ids
    assert estimate(rows)["train", "test"] == 200


# ids without padding -> whether there is a shingle
SHORT = [([], False), ([1], False), ([1, 2], False), ([1, 2, 3], True)]


@pytest.mark.parametrize(("row", "has_shingle"), SHORT)
def test_near_duplicates_leads_of_short_rows(row: list[int], has_shingle: bool) -> None:
    rows: list[Row] = [([7, 8, 9, 10], 0), (row, 0), ([7, 8, 9, 10], 0)]
    leads = near.leads(ids_of(rows))
    assert leads[0] == leads[2]
    assert (leads[1] != 2**32 - 1) == has_shingle
    assert (near.signatures(ids_of(rows))[1] != 2**32 - 1).all() == has_shingle


def test_near_duplicates_do_not_depend_on_padding_or_the_type_of_ids() -> None:
    rows = [*corpus(30, copies=5, changed=2), ([], 0), ([4], 2)]
    first = ids_of(rows)
    for other in (ids_of(rows, post=True), ids_of(rows, dtype=np.int64)):
        assert near.leads(other).tolist() == near.leads(first).tolist()
        assert near.signatures(other).tolist() == near.signatures(first).tolist()
    assert near.leads(np.ones((2, 2), np.int32)).tolist() == [2**32 - 1] * 2  # max_length 2: no shingle
    assert near.leads(ids_of([])).tolist() == []


def test_near_duplicates_signatures_estimate_the_similarity() -> None:
    draw = random.Random(1)
    differences = []
    for _ in range(200):
        row = [draw.randrange(1, 5000) for _ in range(50)]
        other = [draw.randrange(1, 5000) if draw.random() < 0.05 else id for id in row]
        one, two = near.signatures(ids_of([(row, 0), (other, 0)]))
        differences.append((one == two).mean() - similarity(row, other))
    assert abs(np.mean(differences)) < 0.02
    assert np.std(differences) < 0.1


def test_near_duplicates_do_not_depend_on_how_rows_are_divided() -> None:
    rows = corpus(300, copies=80, changed=1) + [([1, 2, 3, 4, 5, number], number % 3) for number in range(200)]
    whole = near.merge([sampled(rows, share=0.6)])
    parts = [sampled(rows[begin : begin + 17], share=0.6, first=begin) for begin in range(0, len(rows), 17)]
    for made in (near.merge(parts[::-1]), near.merge([near.merge(parts[:9]), near.merge(parts[9:])])):
        assert made.rows == whole.rows
        assert made.counts == whole.counts
    assert near.unpack(near.pack(whole)).rows == whole.rows
    assert near.count(whole) == near.count(near.merge(parts))
    assert near.count(near.merge([])) == near.NearCounts(0, [0, 0, 0])

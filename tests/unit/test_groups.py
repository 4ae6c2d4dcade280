"""pipeline.statistics.groups: the number of groups and the largest, however the rows are divided."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.statistics.groups import NO_GROUPS, SIZE, groups_summary, merge, sketch


def keys_of(rows: list[int]) -> np.ndarray:
    return np.array(rows, np.uint64)


@given(
    st.lists(st.integers(0, 2**64 - 1).map(lambda key: key % 97 * 2**57 + key % 3), max_size=200), st.integers(1, 50)
)
def test_groups_of_few_are_exact_however_rows_are_divided(rows: list[int], size: int) -> None:
    parts = [sketch(keys_of(rows[begin : begin + size])) for begin in range(0, len(rows), size)]
    found = groups_summary(merge(parts[::-1]))
    if not rows:
        assert found is None
        return
    assert found is not None
    counts = Counter(rows)
    assert (found.groups, found.exact, found.largest) == (len(counts), True, max(counts.values()))


@pytest.mark.parametrize("number", [600, 20_000])
def test_groups_of_many_are_estimated(number: int) -> None:
    draw = random.Random(number)
    groups = [draw.getrandbits(64) for _ in range(number)]
    rows = [group for group in groups for _ in range(3)]
    draw.shuffle(rows)
    whole = merge([sketch(keys_of(rows[begin : begin + 1000])) for begin in range(0, len(rows), 1000)])
    assert whole.keys.tolist() == sorted(groups)[:SIZE]
    assert whole.rows.tolist() == [3] * SIZE
    found = groups_summary(whole)
    assert found is not None
    assert (found.exact, found.largest) == (False, 3)
    assert found.groups == pytest.approx(number, rel=0.12)


def test_groups_none() -> None:
    assert groups_summary(merge([NO_GROUPS, NO_GROUPS])) is None

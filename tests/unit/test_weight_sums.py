"""pipeline.records.weight_sums: sums of float32, against Python's fractions."""

from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.records.weight_sums import WeightSums, merge, numbers, weight_sums

LOWEST, HIGHEST = 2.0**-149, float(np.finfo(np.float32).max)
ROWS = st.lists(st.tuples(st.floats(LOWEST, HIGHEST, width=32), st.integers(0, 3)), max_size=30)


def sums_of(rows: list[tuple[float, int]]) -> WeightSums:
    weights = np.array([weight for weight, _ in rows], np.float32)
    labels = np.array([label for _, label in rows], np.int64)
    return weight_sums(weights, rows=np.arange(len(rows)), labels=labels)


@settings(max_examples=200, deadline=None)
@given(rows=ROWS, cut=st.integers(0, 30))
@example(rows=[(LOWEST, 0), (HIGHEST, 1), (0.1, 0)], cut=1)
def test_weight_sums_are_exact_however_rows_are_cut(rows: list[tuple[float, int]], cut: int) -> None:
    of_parts = merge([sums_of(rows[cut:]), sums_of(rows[:cut])])
    exact = [Fraction(float(np.float32(weight))) for weight, _ in rows]
    assert Fraction(of_parts.total, 2**149) == sum(exact)
    assert Fraction(of_parts.squares, 2**298) == sum(weight**2 for weight in exact)
    for label in range(4):
        own = sum(weight for weight, (_, of_row) in zip(exact, rows, strict=True) if of_row == label)
        assert Fraction(of_parts.labels.get(label, 0), 2**149) == own
    assert numbers(of_parts).total == float(sum(exact))


def test_weight_sums_count_a_row_for_each_of_its_labels() -> None:
    weights = np.array([0.5, 2, 8], np.float32)
    sums = numbers(weight_sums(weights, rows=np.array([0, 0, 2]), labels=np.array([0, 1, 1])))
    assert sums == (10.5, 68.25, {0: 0.5, 1: 8.5})  # the second row has no label


def test_weight_sums_of_many_rows_do_not_overflow() -> None:
    weights = np.full(3_000_000, 1.9999999, np.float32)  # all 24 bits of the mantissa
    sums = weight_sums(weights, rows=np.arange(3_000_000), labels=np.zeros(3_000_000, np.int64))
    one = Fraction(float(weights[0]))
    assert Fraction(sums.total, 2**149) == 3_000_000 * one
    assert Fraction(sums.squares, 2**298) == 3_000_000 * one**2

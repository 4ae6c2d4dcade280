"""trainer.evaluation.intervals: Wilson's interval against tables that others have printed."""

import pytest

from trainer.evaluation.intervals import wilson

# R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I:
# hits, rows, low and high of method 3, Wilson's without a continuity correction.
NEWCOMBE = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]


@pytest.mark.parametrize(("hits", "rows", "low", "high"), NEWCOMBE)
def test_intervals_are_those_of_newcombes_table(hits: int, rows: int, low: float, high: float) -> None:
    found = wilson(hits / rows, rows)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    mirrored = wilson(1 - hits / rows, rows)
    assert mirrored is not None
    assert (round(1 - mirrored.high, 4), round(1 - mirrored.low, 4)) == (low, high)

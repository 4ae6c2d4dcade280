"""trainer.evaluation.calibration: bins and expected calibration error by hand."""

import numpy as np
import pytest

from pipeline.records_folder.label_scheme import LabelScheme
from trainer.evaluation.calibration import Bin, expected_calibration_error
from trainer.evaluation.measure import reliability_of

TWO = LabelScheme(("neg", "pos"))

# Confidences .5 (right), .55 (wrong), .95 (right), 1 (right), 1 (wrong).
# .55 is the upper bound of (.5, .55] and .5 of (.45, .5]; .95 of (.9, .95]; 1 of (.95, 1].
SCORES = np.array([[0.5, 0.5], [0.45, 0.55], [0.05, 0.95], [1.0, 0.0], [0.0, 1.0]])
LABELS = np.array([0, 0, 1, 0, 0])


def test_calibration_bins_by_the_predicted_labels_probability() -> None:
    bins = reliability_of(SCORES, LABELS, scheme=TWO)
    assert bins == [
        Bin(0.45, 0.5, 1, 0.5, 1.0), Bin(0.5, 0.55, 1, 0.55, 0.0), Bin(0.9, 0.95, 1, 0.95, 1.0),
        Bin(0.95, 1.0, 2, 1.0, 0.5),
    ]  # fmt: skip
    # (|1 - .5| + |0 - .55| + |1 - .95| + 2 |.5 - 1|) / 5
    assert expected_calibration_error(bins) == pytest.approx(2.1 / 5)


def test_calibration_with_weights() -> None:
    bins = reliability_of(SCORES, LABELS, scheme=TWO, weights=[1, 1, 1, 3, 1])
    assert bins[-1] == Bin(0.95, 1.0, 2, 1.0, 0.75, weight=4.0)
    # (|1 - .5| + |0 - .55| + |1 - .95| + 4 |.75 - 1|) / 7
    assert expected_calibration_error(bins) == pytest.approx(2.1 / 7)


def test_calibration_error_is_0_where_probabilities_are_true() -> None:
    scores = np.array([[0.75, 0.25]] * 4)
    assert expected_calibration_error(reliability_of(scores, [0, 0, 0, 1], scheme=TWO)) == 0
    many = np.full([3, 1000], 0.001)
    scheme = LabelScheme(tuple(str(index) for index in range(1000)))
    assert [part.rows for part in reliability_of(many, np.zeros(3), scheme=scheme)] == [3]  # none is lost below


def test_calibration_of_several_labels_takes_each_pair() -> None:
    # A probability of .2 is right in 1 of 5 pairs, one of .7 in 1 of 1.
    scores = [[0.2, 0.2], [0.2, 0.2], [0.2, 0.7]]
    right = [[True, False], [False, False], [False, True]]
    bins = reliability_of(scores, right, scheme=LabelScheme(("a", "b"), several=True))
    assert [(part.rows, part.accuracy) for part in bins] == [(5, 0.2), (1, 1.0)]
    assert expected_calibration_error(bins) == pytest.approx(0.3 / 6)


def test_calibration_bins_hold_what_lies_between_their_bounds() -> None:
    bins = reliability_of([[0.28, 0.72], [0.26, 0.74], [0.249, 0.751]], [1, 0, 1], scheme=TWO)
    assert [(part.low, part.high, part.rows, part.accuracy) for part in bins] == [
        (0.7, 0.75, 2, 0.5),
        (0.75, 0.8, 1, 1.0),
    ]
    assert bins[0].confidence == pytest.approx(0.73)

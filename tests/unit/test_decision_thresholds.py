"""Thresholds: literals worked out by hand, and scikit-learn's curves on random scores, with ties and weights."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.decision_settings import DecisionSettings
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import NEVER
from trainer.decision.thresholds import Chosen, choose_thresholds

TWO = LabelScheme(("ham", "spam"))
# scores of spam, falling:  0.9   0.8   0.7   0.6   0.4   0.2
# whether it is spam:       yes   yes   no    yes   no    no
#   precision from there:   1     1     2/3   3/4   3/5   1/2
#   recall from there:      1/3   2/3   2/3   1     1     1
#   F1 from there:          1/2   4/5   2/3   6/7   3/4   2/3
SPAM = [0.9, 0.8, 0.7, 0.6, 0.4, 0.2]
IS_SPAM = np.array([1, 1, 0, 1, 0, 0])


def of_two(second: list[float]) -> npt.NDArray[np.float32]:
    scores = np.array(second, np.float32)
    return np.stack([1 - scores, scores], axis=1)


def chosen(rule: Any, scores: list[float], labels: npt.NDArray[np.int64], **others: Any) -> Chosen:
    rules = DecisionSettings(threshold={"spam": rule})
    return choose_thresholds(of_two(scores), labels, settings=rules, scheme=TWO, **others)


@pytest.mark.parametrize(
    # rule, threshold
    ("rule", "threshold"),
    [
        ("best_f1", 0.5),
        ("precision>=1", 0.75),
        ("precision>=0.75", 0.5),  # 2/3 at 0.7 does not stop it
        ("precision>=0.6", 0.3),
        ("precision>=0.5", 0.1),  # all rows: half of the lowest score
        ("recall>=0.3", 0.85),
        ("recall>=0.34", 0.75),
        ("recall>=0.67", 0.5),
        ("recall>=1", 0.5),
        (0.55, 0.55),
        ("argmax", None),
    ],
)
def test_thresholds_of_a_label_by_hand(rule: Any, threshold: float | None) -> None:
    result = chosen(rule, SPAM, IS_SPAM)
    if threshold is None:
        assert result.thresholds is None
    else:
        assert result.thresholds == [None, pytest.approx(threshold, abs=1e-6)]
    assert result.unmet == []


def test_thresholds_keep_equal_scores_together() -> None:
    assert chosen("precision>=1", [0.9, 0.5, 0.5], np.array([1, 1, 0])).thresholds == [None, pytest.approx(0.7)]
    assert chosen("recall>=1", [0.9, 0.5, 0.5], np.array([1, 1, 0])).thresholds == [None, 0.25]
    assert chosen("best_f1", [0.5, 0.5], np.array([1, 0])).thresholds == [None, 0.25]


def test_thresholds_of_equal_f1_are_the_highest() -> None:
    # F1 is 2/3 from 0.9 (1 of 1, 1 of 2) and from 0.2 (2 of 4, 2 of 2)
    assert chosen("best_f1", [0.9, 0.7, 0.5, 0.2], np.array([1, 0, 0, 1])).thresholds == [None, pytest.approx(0.8)]


def test_thresholds_between_neighbouring_numbers_reach_the_upper_one_alone() -> None:
    lower = np.float32(0.5)
    for upper in (np.nextafter(lower, np.float32(1)), np.nextafter(np.nextafter(lower, np.float32(1)), np.float32(1))):
        result = chosen("precision>=1", [float(upper), float(lower)], np.array([1, 0]))
        assert result.thresholds is not None
        threshold = np.float32(result.thresholds[1])
        assert upper >= threshold > lower


def test_thresholds_of_scores_of_zero_reach_them() -> None:
    assert chosen("recall>=1", [0.5, 0.0], np.array([0, 1])).thresholds == [None, 0.0]


def test_thresholds_count_weights() -> None:
    # From 0.8 on, 2 of 3; with weights 2 of 4 = 0.5; from 0.9 on 1 of 1.
    labels, scores = np.array([1, 0, 1]), [0.9, 0.85, 0.8]
    assert chosen("precision>=0.6", scores, labels).thresholds == [None, pytest.approx(0.4)]
    light = np.array([1.0, 2.0, 1.0])
    assert chosen("precision>=0.6", scores, labels, weights=light).thresholds == [None, pytest.approx(0.875)]


@pytest.mark.parametrize(
    # rule, scores, labels, words of the line
    ("rule", "scores", "labels", "line"),
    [
        ("precision>=0.9", [0.9, 0.5], [0, 1], "'spam' can't have precision>=0.9 on the eval split: the most that a "
         "threshold reaches there is 0.5"),
        ("recall>=0.9", [0.9, 0.5], [0, 0], "can't have recall>=0.9 on the eval split: there is no row of this label"),
        ("best_f1", [0.9, 0.5], [0, 0], "can't have best_f1 on the eval split: there is no row of this label"),
    ],
)  # fmt: skip
def test_thresholds_say_what_nobody_can_fulfil(rule: str, scores: list[float], labels: list[int], line: str) -> None:
    result = chosen(rule, scores, np.array(labels))
    assert result.thresholds == [None, NEVER]
    assert len(result.unmet) == 1
    assert line in result.unmet[0]


@pytest.mark.parametrize(
    # rule for both labels, thresholds
    ("rule", "thresholds"),
    [
        (0.7, [None, 0.7]),
        ("best_f1", [None, 0.5]),
        # ham's scores are 0.8 0.6 0.4 0.3 0.2 0.1, of which the first two and the fourth are ham
        ("precision>=1", [0.5, 0.75]),
        ("recall>=1", [0.25, 0.5]),
        ("argmax", None),
    ],
)
def test_thresholds_of_two_labels_with_one_rule(rule: Any, thresholds: list[float | None] | None) -> None:
    rules = DecisionSettings(threshold=rule)
    result = choose_thresholds(of_two(SPAM), IS_SPAM, settings=rules, scheme=TWO)
    assert result.thresholds == (thresholds if thresholds is None else pytest.approx(thresholds, abs=1e-6))


def test_thresholds_of_three_labels_with_one_rule() -> None:
    scores = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.125, 0.375, 0.5]], np.float32)
    rules = DecisionSettings(threshold="precision>=1")
    result = choose_thresholds(scores, np.array([0, 1, 2]), settings=rules, scheme=LabelScheme(tuple("abc")))
    assert result.thresholds == [0.375, 0.4375, 0.375]


def test_thresholds_of_several_labels() -> None:
    scores = np.array([[0.9, 0.2], [0.8, 0.3], [0.1, 0.4]], np.float32)
    labels = np.array([[True, False], [True, True], [False, True]])
    rules = DecisionSettings(threshold="best_f1")
    result = choose_thresholds(scores, labels, settings=rules, scheme=LabelScheme(("a", "b"), several=True))
    assert result.thresholds == pytest.approx([0.45, 0.25])


rows = st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(1, 3)), min_size=2, max_size=25)


@settings(max_examples=50, deadline=None)
@given(rows, st.sampled_from([0.25, 0.5, 0.6, 0.75, 0.9, 1.0]))
def test_thresholds_agree_with_scikit_learn(examples: list[tuple[int, bool, int]], least: float) -> None:
    """Scores on a grid have many ties; rows of weight 2 are also the rows twice."""
    scores = np.array([score / 8 for score, _, _ in examples], np.float32)
    right = np.array([int(is_label) for _, is_label, _ in examples])
    weights = np.array([float(weight) for _, _, weight in examples])
    if not right.any():
        return
    precision, recall, thresholds = sk.precision_recall_curve(right, scores, sample_weight=weights)
    precision, recall = precision[:-1], recall[:-1]  # the last point decides nothing
    f1 = [sk.f1_score(right, scores >= each, sample_weight=weights) for each in thresholds]
    fulfilled = {
        f"precision>={least}": min((t for t, p in zip(thresholds, precision, strict=True) if p >= least), default=None),
        f"recall>={least}": max(t for t, r in zip(thresholds, recall, strict=True) if r >= least),
        "best_f1": max(t for t, f in zip(thresholds, f1, strict=True) if f >= max(f1) - 1e-12),
    }
    for rule, threshold in fulfilled.items():
        for given_weights, repeats in ((weights, 1), (None, weights.astype(int))):
            copies = np.repeat(np.arange(len(scores)), repeats)
            result = choose_thresholds(
                np.stack([1 - scores, scores], axis=1)[copies],
                right[copies],
                settings=DecisionSettings(threshold={"spam": rule}),
                scheme=TWO,
                weights=given_weights,
            )
            assert result.thresholds is not None
            if threshold is None:
                assert result.thresholds[1] == NEVER
            else:
                decided = scores >= np.float32(result.thresholds[1])
                assert decided.tolist() == (scores >= threshold).tolist()

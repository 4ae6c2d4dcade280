"""Metrics against literals worked out by hand and against their definitions, written out as loops."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.evaluation.metrics import area_under_roc, classification_metrics


def test_metrics_of_two_labels_by_hand() -> None:
    # Right: pos pos neg neg neg. Predicted: pos neg pos neg neg, since a tie falls to the first label.
    result = classification_metrics([0.9, 0.4, 0.6, 0.2, 0.5], [1, 1, 0, 0, 0], label_names=["neg", "pos"])
    two_thirds = pytest.approx(2 / 3)
    assert result == {
        "examples": 5,
        "accuracy": 0.6,
        # 6 pairs: 0.9 beats all three; 0.4 beats 0.2 alone.
        "auc": pytest.approx(4 / 6),
        "loss": pytest.approx(-math.log(0.9 * 0.4 * (1 - 0.6) * (1 - 0.2) * 0.5) / 5),
        "per_label": {
            "neg": {"precision": two_thirds, "recall": two_thirds, "f1": two_thirds, "support": 3},
            "pos": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2},
        },
        "confusion": [[2, 1], [1, 1]],
    }  # fmt: skip


def test_metrics_of_three_labels_by_hand() -> None:
    scores = [[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]]
    result = classification_metrics(scores, [0, 1, 1, 1], label_names=["a", "b", "c"])
    assert result == {
        "examples": 4,
        "accuracy": 0.5,
        "auc": None,
        "loss": pytest.approx(-math.log(0.5 * 0.3 * 0.8 * 0.25) / 4),
        "per_label": {
            "a": {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
            "b": {"precision": 1.0, "recall": pytest.approx(1 / 3), "f1": 0.5, "support": 3},
            "c": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0},  # predicted once, never right
        },
        "confusion": [[1, 0, 0], [1, 1, 1], [0, 0, 0]],
    }


@pytest.mark.parametrize(
    # scores, labels, AUC
    ("scores", "labels", "auc"),
    [
        ([0.1, 0.9], [0, 1], 1.0),
        ([0.9, 0.1], [0, 1], 0.0),
        ([0.5, 0.5, 0.5], [0, 1, 1], 0.5),
        ([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1], 0.875),
        ([0.3, 0.7], [1, 1], None),  # nothing to be better than
        ([0.3, 0.7], [0, 0], None),
    ],
)
def test_metrics_auc_counts_ties_half(scores: list[float], labels: list[int], auc: float | None) -> None:
    assert area_under_roc(np.array(scores), np.array(labels) == 1) == auc


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_metrics_auc_is_the_share_of_pairs_in_order(examples: list[tuple[int, bool]]) -> None:
    above = [score for score, is_positive in examples if is_positive]
    below = [score for score, is_positive in examples if not is_positive]
    pairs = [1.0 if high > low else 0.5 if high == low else 0.0 for high in above for low in below]
    result = area_under_roc(
        np.array([float(score) for score, _ in examples]), np.array([right for _, right in examples])
    )
    assert result == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_metrics_per_label_follow_their_definitions(examples: list[tuple[int, int]]) -> None:
    scores = np.eye(3)[[predicted for _, predicted in examples]]
    result = classification_metrics(scores, [right for right, _ in examples], label_names=["a", "b", "c"])
    assert result["accuracy"] == sum(right == predicted for right, predicted in examples) / len(examples)
    for index, name in enumerate("abc"):
        hits = examples.count((index, index))
        predicted = [right for right, guess in examples if guess == index]
        present = [guess for right, guess in examples if right == index]
        precision = hits / len(predicted) if predicted else 0.0
        recall = hits / len(present) if present else 0.0
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        expected = {"precision": precision, "recall": recall, "f1": pytest.approx(f1), "support": len(present)}
        assert result["per_label"][name] == expected


def test_metrics_loss_stays_finite_and_json_able() -> None:
    result = classification_metrics(np.array([0.0, 1.0], np.float32), [1, 0], label_names=["neg", "pos"])
    assert result["loss"] == pytest.approx(-math.log(1e-7))
    assert json.loads(json.dumps(result, allow_nan=False)) == result

"""Scores + labels -> accuracy, AUC, loss, per-label precision and recall, confusion matrix; pure functions of arrays.

    labels  int    [examples]            index of the right label
    scores  float  [examples, classes]   probabilities, in the order of the label names

The predicted label is the one with the highest score, the first of equals.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import numpy.typing as npt

# A probability of exactly 0 for the right label would make the loss infinite; float32 rounds there from 1e-8 on.
_SMALLEST_PROBABILITY = 1e-7


class LabelScores(TypedDict):
    """How well one label is told from the others; a ratio without any example below its line is 0."""

    precision: float
    recall: float
    f1: float
    support: int


class Metrics(TypedDict):
    """What metrics.json holds.

    auc: area under the ROC curve of the second of two labels; None with more labels, or if one of the two is absent.
    loss: mean cross-entropy in nats.
    confusion: a row a right label, a column a predicted one, in the order of `per_label`.
    """

    examples: int
    accuracy: float
    auc: float | None
    loss: float
    per_label: dict[str, LabelScores]
    confusion: list[list[int]]


def classification_metrics(scores: npt.ArrayLike, labels: npt.ArrayLike, *, label_names: Sequence[str]) -> Metrics:
    """All metrics of a labelled set with one example or more.

    scores: float [examples, classes], or [examples] for two labels: the probability of the second.
    labels: int [examples].

    >>> result = classification_metrics([0.9, 0.2, 0.6], [1, 0, 0], label_names=["neg", "pos"])
    >>> round(result["accuracy"], 3), result["auc"], result["confusion"]
    (0.667, 1.0, [[1, 1], [0, 1]])
    >>> result["per_label"]["neg"]
    {'precision': 1.0, 'recall': 0.5, 'f1': 0.6666666666666666, 'support': 2}
    """
    right = np.asarray(labels, np.int64)
    probabilities = _two_columns(np.asarray(scores, np.float64))
    confusion = confusion_matrix(right, probabilities.argmax(axis=1), classes=len(label_names))
    is_binary = len(label_names) == 2
    return {
        "examples": int(right.size),
        "accuracy": float(np.trace(confusion) / right.size),
        "auc": area_under_roc(probabilities[:, 1], right == 1) if is_binary else None,
        "loss": cross_entropy(probabilities, right),
        "per_label": {name: _label_scores(confusion, index) for index, name in enumerate(label_names)},
        "confusion": confusion.tolist(),
    }


def confusion_matrix(
    labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], *, classes: int
) -> npt.NDArray[np.int64]:
    """int [classes, classes]: how often label `row` was taken for label `column`.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def area_under_roc(scores: npt.NDArray[np.float64], is_positive: npt.NDArray[np.bool_]) -> float | None:
    """How likely a positive example has a higher score than a negative one, a tie counting half; exact.

    None where there are no positive or no negative examples.

    >>> area_under_roc(np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, True, False, True]))
    0.875
    """
    positives = int(is_positive.sum())
    negatives = is_positive.size - positives
    if not positives or not negatives:
        return None
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2  # counted from 1; ties share their mean
    wins = mean_rank[place][is_positive].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


def cross_entropy(probabilities: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> float:
    """Mean of -log(probability of the right label), in nats.

    >>> round(cross_entropy(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1])), 4)
    0.4904
    """
    of_right_label = probabilities[np.arange(labels.size), labels]
    return float(-np.log(np.maximum(of_right_label, _SMALLEST_PROBABILITY)).mean())


def _two_columns(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores


def _label_scores(confusion: npt.NDArray[np.int64], index: int) -> LabelScores:
    hits = int(confusion[index, index])
    predicted, support = int(confusion[:, index].sum()), int(confusion[index].sum())
    return {
        "precision": _ratio(hits, predicted),
        "recall": _ratio(hits, support),
        "f1": _ratio(2 * hits, predicted + support),
        "support": support,
    }


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0

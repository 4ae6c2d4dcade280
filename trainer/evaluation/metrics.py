"""Scores + labels -> accuracy, AUC, loss, per-label precision and recall, confusion matrix; pure functions of arrays.

    labels  int    [examples]            index of the right label
    scores  float  [examples, classes]   probabilities, in the order of the label names

The predicted label is the one with the highest score, the first of equal ones.
"""

from collections.abc import Sequence
from typing import Final, TypedDict

import numpy as np
import numpy.typing as npt

# The lowest probability that the loss counts with. A probability of 0 for the right label would make the loss infinite.
# In float32, 1 - p is 0 if p is within 3e-8 of 1.
_SMALLEST_PROBABILITY: Final = 1e-7


class LabelScores(TypedDict):
    """Precision, recall and F1 of one label against all others; each is 0 where its formula would divide by 0.

    TP: examples of the label that are predicted as it. FP: other examples that are predicted as it. FN: examples of the
    label that are predicted as another one. (C. J. van Rijsbergen, Information Retrieval, 1979, chapter 7.)

    precision: TP / (TP + FP).
    recall: TP / (TP + FN).
    f1: 2 TP / (2 TP + FP + FN), the harmonic mean of the two.
    support: TP + FN, the examples of the label.
    """

    precision: float
    recall: float
    f1: float
    support: int


class Metrics(TypedDict):
    """The content of metrics.json.

    accuracy: examples with the right predicted label / all examples.
    auc: area under the ROC curve of the second of two labels; None with more labels, or if one of the two is absent.
    loss: mean cross-entropy in nats.
    confusion: confusion[i][j] = examples of label i that are predicted as label j, in the order of `per_label`.
    """

    examples: int
    accuracy: float
    auc: float | None
    loss: float
    per_label: dict[str, LabelScores]
    confusion: list[list[int]]


def classification_metrics(scores: npt.ArrayLike, labels: npt.ArrayLike, *, label_names: Sequence[str]) -> Metrics:
    """All metrics of one example or more.

    scores: float [examples, classes]; or, for two labels, [examples], the probability of the second.
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
        "per_label": {name: label_scores(confusion, index) for index, name in enumerate(label_names)},
        "confusion": confusion.tolist(),
    }


def confusion_matrix(
    labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], *, classes: int
) -> npt.NDArray[np.int64]:
    """int64 [classes, classes]: element [i, j] counts the examples of label i that are predicted as label j.

    labels, predicted: int64 [examples].

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def area_under_roc(scores: npt.NDArray[np.float64], is_positive: npt.NDArray[np.bool_]) -> float | None:
    """The exact area under the ROC curve; None without positive or without negative examples.

    It is the probability that a random positive example has a higher score than a random negative one, where a tie
    counts half:

        AUC = (R - P (P + 1) / 2) / (P N)

    P and N are the numbers of positive and negative examples. R is the sum of the ranks of the positive ones among all.
    Ranks count from 1, and equal scores get their mean rank.

    This is the Mann-Whitney U statistic divided by P N (J. A. Hanley and B. J. McNeil, "The meaning and use of the area
    under a receiver operating characteristic (ROC) curve", Radiology 143, 1982).

    scores: float64 [examples]; is_positive: bool [examples].

    >>> area_under_roc(np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, True, False, True]))
    0.875
    """
    positives = int(is_positive.sum())
    negatives = is_positive.size - positives
    if not positives or not negatives:
        return None
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2  # of each distinct score
    wins = mean_rank[place][is_positive].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


def cross_entropy(probabilities: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> float:
    """Mean of -ln(probability of the right label), in nats: the loss that training minimizes.

    probabilities: float64 [examples, classes]; labels: int64 [examples]. A probability below 1e-7 counts as 1e-7.
    (I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, 2016, section 6.2.1.)

    >>> round(cross_entropy(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1])), 4)
    0.4904
    """
    of_right_label = probabilities[np.arange(labels.size), labels]
    return float(-np.log(np.maximum(of_right_label, _SMALLEST_PROBABILITY)).mean())


def label_scores(confusion: npt.NDArray[np.int64], label: int) -> LabelScores:
    """Precision, recall, F1 and support of one label; confusion: int64 [classes, classes] of `confusion_matrix`.

    >>> label_scores(np.array([[1, 1], [0, 2]]), 1)
    {'precision': 0.6666666666666666, 'recall': 1.0, 'f1': 0.8, 'support': 2}
    """
    hits = int(confusion[label, label])
    predicted, support = int(confusion[:, label].sum()), int(confusion[label].sum())
    return {
        "precision": _ratio(hits, predicted),
        "recall": _ratio(hits, support),
        "f1": _ratio(2 * hits, predicted + support),
        "support": support,
    }


def _two_columns(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """float64 [examples] (of the second label) or [examples, classes] -> [examples, classes]."""
    return np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0

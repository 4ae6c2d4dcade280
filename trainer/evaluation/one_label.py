"""Answers of one label a text -> accuracy, AUC, loss, per-label precision and recall, confusion matrix, calibration.

Pure functions of arrays. The types and formulas of the figures are in `trainer.evaluation.metrics`.
"""

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.label_scheme import LabelScheme
from trainer.evaluation.answers import Answers
from trainer.evaluation.calibration import expected_calibration_error
from trainer.evaluation.loss import brier_scores, cross_entropies
from trainer.evaluation.metrics import DecidedScores, Figures, LabelScores
from trainer.evaluation.ordinal import ordinal_scores
from trainer.evaluation.ranking import area_under_roc
from trainer.evaluation.weights import Weights, mean, ratio, total

# [i, j]: the number, or the weight, of examples of label i that are predicted as label j.
Confusion = npt.NDArray[np.generic]


def one_label_figures(answers: Answers, scheme: LabelScheme) -> Figures:
    """All figures of one example or more, of labels int64 [examples]; with the answers' weights if they have some."""
    labels, weights = answers.labels, answers.weights
    scores = answers.scores.astype(np.float64)
    confusion = confusion_matrix(labels, answers.predicted, classes=len(scheme.names), weights=weights)
    accuracy, interval = answers.accuracy()
    is_binary = len(scheme.names) == 2
    of_ordinal = None
    if scheme.kind == "ordinal":
        of_ordinal = ordinal_scores(scores, labels, confusion=confusion, values=scheme.values(), weights=weights)
    return {
        "accuracy": accuracy,
        "auc": area_under_roc(scores[:, 1], labels == 1, weights) if is_binary else None,
        "loss": mean(cross_entropies(scores, labels), weights),
        "per_label": {name: label_scores(confusion, index) for index, name in enumerate(scheme.names)},
        "confusion": confusion.tolist(),
        "accuracy_interval": interval,
        "calibration_error": expected_calibration_error(answers.reliability()),
        "brier": mean(brier_scores(scores, labels), weights),
        "ordinal": of_ordinal,
        "decided": None if answers.abstains is None else _decided(answers, answers.abstains, scheme),
    }


def confusion_matrix(
    labels: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], *, classes: int, weights: Weights = None
) -> Confusion:
    """[classes, classes]: element [i, j] counts the examples of label i that are predicted as label j.

    labels, predicted: int64 [examples]. Returns int64; with weights their sums, float64.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    counts = np.bincount(labels * classes + predicted, weights, minlength=classes * classes)
    return counts.reshape(classes, classes)


def label_scores(confusion: Confusion, label: int) -> LabelScores:
    """Precision, recall, F1 and support of one label; confusion: [classes, classes] of `confusion_matrix`.

    >>> label_scores(np.array([[1, 1], [0, 2]]), 1)
    {'precision': 0.6666666666666666, 'recall': 1.0, 'f1': 0.8, 'support': 2}
    """
    hits = confusion[label, label].item()
    predicted, support = confusion[:, label].sum().item(), confusion[label].sum().item()
    return scores_of_counts(hits, predicted=predicted, support=support)


def scores_of_counts(hits: float, *, predicted: float, support: float) -> LabelScores:
    """Precision, recall and F1 of a label.

    hits: examples of it that are predicted as it; predicted: all that are predicted as it; support: all of it.

    >>> scores_of_counts(1, predicted=2, support=4)
    {'precision': 0.5, 'recall': 0.25, 'f1': 0.3333333333333333, 'support': 4}
    """
    return {
        "precision": ratio(hits, predicted),
        "recall": ratio(hits, support),
        "f1": ratio(2 * hits, predicted + support),
        "support": support,
    }


def _decided(answers: Answers, abstains: npt.NDArray[np.bool_], scheme: LabelScheme) -> DecidedScores:
    """The figures of the answers that do not abstain."""
    decides, weights, classes = ~abstains, answers.weights, len(scheme.names)
    decided = answers.part(decides)
    accuracy, interval = decided.accuracy() if len(decided.labels) else (None, None)
    confusion = confusion_matrix(decided.labels, decided.predicted, classes=classes, weights=decided.weights)
    support = np.bincount(answers.labels, weights, minlength=classes).tolist()
    predicted = confusion.sum(axis=0).tolist()
    hits = np.diag(confusion).tolist()
    return {
        "examples": total(decides, weights),
        "share": mean(decides, weights),
        "accuracy": accuracy,
        "accuracy_interval": interval,
        "per_label": {
            name: scores_of_counts(hits[index], predicted=predicted[index], support=support[index])
            for index, name in enumerate(scheme.names)
        },
    }

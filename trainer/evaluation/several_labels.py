"""Answers of several labels a text -> figures of each label, micro and macro, subset accuracy, loss, calibration.

Pure functions of arrays. The types and formulas of the figures are in `trainer.evaluation.metrics`.

    micro   each pair of a text and a label is one example: frequent labels count more
    macro   the mean of the labels' figures: each label counts the same
    (Y. Yang, "An evaluation of statistical approaches to text categorization", Information Retrieval 1, 1999.)
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.label_scheme import LabelScheme
from trainer.evaluation.answers import Answers
from trainer.evaluation.calibration import expected_calibration_error
from trainer.evaluation.loss import binary_brier_scores, binary_cross_entropies
from trainer.evaluation.metrics import Averages, Figures, LabelCounts, LabelScores
from trainer.evaluation.one_label import scores_of_counts
from trainer.evaluation.ranking import average_precision
from trainer.evaluation.weights import Weights, mean, total


def several_labels_figures(answers: Answers, scheme: LabelScheme) -> Figures:
    """All figures of one text or more, of labels bool [texts, classes]; with the answers' weights if they have some."""
    weights = answers.weights
    accuracy, interval = answers.accuracy()
    per_label = {name: _label_scores(answers, index) for index, name in enumerate(scheme.names)}
    scores, is_label = answers.scores.ravel(), answers.labels.ravel()
    of_pairs = average_precision(scores, is_label, answers.weights_of_pairs)
    return {
        "subset_accuracy": accuracy,
        "subset_accuracy_interval": interval,
        "micro": _micro([found["counts"] for found in per_label.values()], of_pairs),
        "macro": _macro(list(per_label.values())),
        "loss": mean(binary_cross_entropies(answers.scores, answers.labels), weights),
        "per_label": per_label,
        "calibration_error": expected_calibration_error(answers.reliability()),
        "brier": mean(binary_brier_scores(answers.scores, answers.labels), weights),
    }


def micro_f1(answers: Answers) -> float:
    """The micro F1 alone: 2 TP / (2 TP + FP + FN) of all pairs of a text and a label.

    >>> right = np.array([[True, False], [True, True]])
    >>> micro_f1(Answers(np.zeros([2, 2]), right, np.array([[True, True], [True, False]])))
    0.6666666666666666
    """
    hits = mean((answers.predicted & answers.labels).sum(axis=1), answers.weights)
    predicted = mean(answers.predicted.sum(axis=1), answers.weights)
    support = mean(answers.labels.sum(axis=1), answers.weights)
    return scores_of_counts(hits, predicted=predicted, support=support)["f1"]


def _label_scores(answers: Answers, label: int) -> LabelScores:
    has, predicted, weights = answers.labels[:, label], answers.predicted[:, label], answers.weights
    counts = _counts(has, predicted, weights)
    hits = counts["true_positives"]
    scores = scores_of_counts(
        hits, predicted=hits + counts["false_positives"], support=hits + counts["false_negatives"]
    )
    return {**scores, "average_precision": average_precision(answers.scores[:, label], has, weights), "counts": counts}


def _counts(has: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_], weights: Weights) -> LabelCounts:
    return {
        "true_positives": total(has & predicted, weights),
        "false_positives": total(~has & predicted, weights),
        "false_negatives": total(has & ~predicted, weights),
        "true_negatives": total(~has & ~predicted, weights),
    }


def _micro(counts: Sequence[LabelCounts], precision: float | None) -> Averages:
    hits = sum(of_label["true_positives"] for of_label in counts)
    predicted = hits + sum(of_label["false_positives"] for of_label in counts)
    support = hits + sum(of_label["false_negatives"] for of_label in counts)
    scores = scores_of_counts(hits, predicted=predicted, support=support)
    return {
        "precision": scores["precision"],
        "recall": scores["recall"],
        "f1": scores["f1"],
        "average_precision": precision,
    }


def _macro(scores: Sequence[LabelScores]) -> Averages:
    precisions = [found for of_label in scores if (found := of_label["average_precision"]) is not None]
    return {
        "precision": sum(of_label["precision"] for of_label in scores) / len(scores),
        "recall": sum(of_label["recall"] for of_label in scores) / len(scores),
        "f1": sum(of_label["f1"] for of_label in scores) / len(scores),
        "average_precision": sum(precisions) / len(precisions) if precisions else None,
    }

"""Scores of one label + whether each example has it -> how well the scores rank: AUC, average precision.

scores       float [examples]
is_positive  bool  [examples]
weights      float64 [examples], or None: each example counts once
"""

import numpy as np
import numpy.typing as npt

from trainer.evaluation.weights import Weights

Floats = npt.NDArray[np.floating]


def area_under_roc(scores: Floats, is_positive: npt.NDArray[np.bool_], weights: Weights = None) -> float | None:
    """The exact area under the ROC curve; None without positive or without negative examples.

    It is the probability that a random positive example has a higher score than a random negative one, where a tie
    counts half:

        AUC = (R - P (P + 1) / 2) / (P N)

    P and N are the numbers of positive and negative examples. R is the sum of the ranks of the positive ones among all.
    Ranks count from 1, and equal scores get their mean rank.

    This is the Mann-Whitney U statistic divided by P N (J. A. Hanley and B. J. McNeil, "The meaning and use of the area
    under a receiver operating characteristic (ROC) curve", Radiology 143, 1982). With weights an example is drawn with
    a probability in proportion to its weight: the sum over all pairs in order of the product of the two weights, and
    half of it for ties, divided by the product of the sums of weights.

    >>> area_under_roc(np.array([0.1, 0.5, 0.5, 0.9]), np.array([False, True, False, True]))
    0.875
    >>> area_under_roc(np.array([0.1, 0.5, 0.9]), np.array([False, True, False]), np.array([3.0, 1.0, 1.0]))
    0.75
    """
    positives = int(is_positive.sum())
    negatives = is_positive.size - positives
    if not positives or not negatives:
        return None
    if weights is not None:
        positive, negative = _by_score(scores, is_positive, weights)
        wins = (positive * (np.cumsum(negative) - negative / 2)).sum()
        return float(wins / (positive.sum() * negative.sum()))
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2  # of each distinct score
    wins = mean_rank[place][is_positive].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))


def average_precision(scores: Floats, is_positive: npt.NDArray[np.bool_], weights: Weights = None) -> float | None:
    """The mean precision over all thresholds, by what each adds to the recall; None without positive examples.

        AP = sum over the distinct scores, falling, of (R_k - R_(k-1)) P_k

    P_k and R_k are precision and recall where each example with the k-th score or a higher one is predicted. It is the
    area under the curve of precision and recall in steps, not interpolated (C. Buckley and E. M. Voorhees, "Retrieval
    system evaluation", in TREC: Experiment and Evaluation in Information Retrieval, 2005, section 3.1.2; ties as in
    scikit-learn's average_precision_score).

    >>> average_precision(np.array([0.9, 0.8, 0.4]), np.array([True, False, True]))
    0.8333333333333333
    """
    if not is_positive.any():
        return None
    positive, negative = _by_score(scores, is_positive, weights)
    hits = np.cumsum(positive[::-1])
    precision = hits / (hits + np.cumsum(negative[::-1]))
    return float((precision * positive[::-1]).sum() / hits[-1])


def _by_score(
    scores: Floats, is_positive: npt.NDArray[np.bool_], weights: Weights
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each distinct score, rising: the weight of its positive and of its negative examples, float64 [scores]."""
    _, place = np.unique(scores, return_inverse=True)
    own = np.ones(scores.size) if weights is None else weights
    positive = np.bincount(place, np.where(is_positive, own, 0.0))
    negative = np.bincount(place, np.where(is_positive, 0.0, own))
    return positive.astype(np.float64), negative.astype(np.float64)

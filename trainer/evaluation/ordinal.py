"""Ordinal labels, which are numbers: how far predicted labels and expected ratings are from the right ones.

values     float64 [classes]            the numbers that the labels are, in the order of the labels
confusion  float64 [classes, classes]   [i, j]: the weight of the examples of label i that are predicted as label j
"""

import numpy as np
import numpy.typing as npt

from trainer.evaluation.metrics import OrdinalScores
from trainer.evaluation.weights import Weights, mean

Floats = npt.NDArray[np.float64]


def ordinal_scores(
    scores: Floats,
    labels: npt.NDArray[np.int64],
    *,
    confusion: npt.NDArray[np.generic],
    values: list[float],
    weights: Weights,
) -> OrdinalScores:
    """All figures of ordinal labels. scores: float64 [examples, classes]; labels: int64 [examples], the right ones.

    >>> confusion = np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0]])
    >>> values = [1.0, 2.0, 5.0]
    >>> ordinal_scores(np.array([[0.5, 0.0, 0.5]]), np.array([2]), confusion=confusion, values=values, weights=None)
    {'mean_absolute_error': 4.0, 'expected_rating_error': 2.0, 'quadratic_weighted_kappa': 0.0}
    """
    numbers, counts = np.array(values), confusion.astype(np.float64)
    return {
        "mean_absolute_error": float((counts * np.abs(_differences(numbers))).sum() / counts.sum()),
        "expected_rating_error": mean(np.abs(expected_ratings(scores, values) - numbers[labels]), weights),
        "quadratic_weighted_kappa": quadratic_weighted_kappa(counts, values),
    }


def expected_ratings(scores: Floats, values: list[float]) -> Floats:
    """The sum of score x value of each example, float64 [examples].

    >>> expected_ratings(np.array([[0.5, 0.0, 0.5]]), [1.0, 2.0, 5.0]).tolist()
    [3.0]
    """
    return scores @ np.array(values)


def quadratic_weighted_kappa(confusion: Floats, values: list[float]) -> float | None:
    """The agreement beyond chance, where a mistake counts with the square of its distance; None where all are one.

        kappa = 1 - sum of W O / sum of W E,   W_ij = (value_i - value_j)^2

    O is the confusion matrix. E is what it would be if right and predicted labels were independent, each as frequent as
    they are: E_ij = (sum of row i) (sum of column j) / (sum of all). 1: all answers are right; 0: no better than
    chance; below 0: worse. (J. Cohen, "Weighted kappa: nominal scale agreement with provision for scaled disagreement
    or partial credit", Psychological Bulletin 70, 1968.) W takes the labels' values and not their places: with the
    labels 1, 2 and 5 a 5 for a 2 is three times as far as a 2 for a 1.

    >>> quadratic_weighted_kappa(np.array([[2.0, 0.0], [1.0, 1.0]]), [0.0, 1.0])
    0.5
    >>> quadratic_weighted_kappa(np.array([[2.0, 0.0], [0.0, 0.0]]), [0.0, 1.0])
    """
    shares = confusion / confusion.sum()
    by_chance = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    distances = _differences(np.array(values)) ** 2
    expected = float((distances * by_chance).sum())
    return 1 - float((distances * shares).sum()) / expected if expected else None


def _differences(values: Floats) -> Floats:
    """float64 [classes] -> [classes, classes]."""
    return values[:, None] - values[None, :]

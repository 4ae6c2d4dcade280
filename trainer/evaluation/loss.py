"""Probabilities + right labels -> cross-entropy and Brier score of each example; pure functions of arrays.

Their mean over the examples, with weights or without, is the figure.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

# The lowest probability that the loss counts with. A probability of 0 for the right label would make the loss infinite.
# In float32, 1 - p is 0 if p is within 3e-8 of 1.
SMALLEST_PROBABILITY: Final = 1e-7

Floats = npt.NDArray[np.float64]


def cross_entropies(probabilities: Floats, labels: npt.NDArray[np.int64]) -> Floats:
    """-ln(probability of the right label) of each example, in nats: the loss that training minimizes.

    probabilities: float64 [examples, classes]; labels: int64 [examples]. A probability below 1e-7 counts as 1e-7.
    (I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, 2016, section 6.2.1.)

    >>> cross_entropies(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 1])).round(4).tolist()
    [0.6931, 0.2877]
    """
    of_right_label = probabilities[np.arange(labels.size), labels]
    return -np.log(np.maximum(of_right_label, SMALLEST_PROBABILITY))


def binary_cross_entropies(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_]) -> Floats:
    """The mean over the labels of -ln(probability of what is right of the label), of each text, in nats.

    probabilities: float [texts, classes], each on its own; labels: bool [texts, classes]. Returns float64 [texts].
    A probability below 1e-7 counts as 1e-7.

    >>> binary_cross_entropies(np.array([[0.5, 0.25]]), np.array([[True, False]])).round(4).tolist()
    [0.4904]
    """
    chosen = probabilities.astype(np.float64)
    of_right = np.where(labels, chosen, 1 - chosen)
    return -np.log(np.maximum(of_right, SMALLEST_PROBABILITY)).mean(axis=1)


def brier_scores(probabilities: Floats, labels: npt.NDArray[np.int64]) -> Floats:
    """The squared distance of the probabilities from the right answer, of each example, float64 [examples].

    With two labels it is (1 - probability of the right label)^2, from 0 to 1. With more it is the sum over the labels
    of (probability - 1 for the right label, 0 for others)^2, from 0 to 2. (G. W. Brier, "Verification of forecasts
    expressed in terms of probability", Monthly Weather Review 78, 1950; he takes the sum with two labels too, which is
    twice as much.)

    >>> brier_scores(np.array([[0.75, 0.25]]), np.array([0])).tolist()
    [0.0625]
    >>> brier_scores(np.array([[0.5, 0.25, 0.25]]), np.array([0])).tolist()
    [0.375]
    """
    of_right_label = probabilities[np.arange(labels.size), labels]
    if probabilities.shape[1] == 2:
        return (1 - of_right_label) ** 2
    return (probabilities**2).sum(axis=1) - 2 * of_right_label + 1


def binary_brier_scores(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.bool_]) -> Floats:
    """The mean over the labels of (probability - 1 for a label of the text, 0 for others)^2, float64 [texts].

    probabilities: float [texts, classes], each on its own; labels: bool [texts, classes].

    >>> binary_brier_scores(np.array([[0.5, 0.25]]), np.array([[True, False]])).tolist()
    [0.15625]
    """
    return ((probabilities.astype(np.float64) - labels) ** 2).mean(axis=1)

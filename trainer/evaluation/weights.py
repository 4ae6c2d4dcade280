"""Sums, means and sizes with weights or without; pure functions of arrays. weights: float64 [examples], or None."""

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float64] | None


def total(chosen: npt.NDArray[np.bool_], weights: Weights) -> float:
    """The number of chosen examples, an int; with weights the sum of theirs. chosen: bool [examples].

    >>> total(np.array([True, False, True]), None), total(np.array([True, False, True]), np.array([0.5, 1, 2]))
    (2, 2.5)
    """
    return int(chosen.sum()) if weights is None else float(weights[chosen].sum())


def mean(values: npt.NDArray[np.number | np.bool_], weights: Weights) -> float:
    """The mean of values [examples]; with weights, sum of weight x value / sum of weights.

    >>> mean(np.array([1.0, 4.0]), None), mean(np.array([1.0, 4.0]), np.array([2.0, 1.0]))
    (2.5, 2.0)
    """
    return float(values.mean()) if weights is None else float((values * weights).sum() / weights.sum())


def ratio(part: float, whole: float) -> float:
    """part / whole, 0 if whole is 0."""
    return part / whole if whole else 0.0


def effective_size(weights: npt.NDArray[np.float64]) -> float:
    """The number of examples of equal weight that say as much as these: (sum of weights)^2 / sum of squares.

    It is at most the number of examples. (L. Kish, Survey Sampling, 1965, section 11.7.)

    >>> effective_size(np.array([2.0, 2.0, 2.0])), round(effective_size(np.array([9.0, 1.0])), 3)
    (3.0, 1.22)
    """
    # Divided by the largest, so that no square overflows.
    shares = weights / weights.max()
    return float(shares.sum() ** 2 / (shares**2).sum())

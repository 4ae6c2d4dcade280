"""Confidence of answers + whether they are right -> calibration: is a probability of 0.8 right in 8 of 10 cases?

The expected calibration error is that of Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks"
(ICML 2017), equation 3. The confidence of an example is the probability of its predicted label. Examples go into M bins
of equal width by their confidence; a bin includes its upper bound but not its lower one.

    ECE = sum over the bins of (share of the examples in the bin) * |accuracy - mean confidence|

M is 20 here (15 in the paper), so that the bounds are round numbers. With weights, shares and means are weighted.

With several labels each pair of a text and a label is an example. Its confidence is the probability of the label, and
it is right if the text has the label: the label's absence is not asked for, since a probability of 0.1 should be right
in 1 of 10 cases.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.evaluation.weights import Weights

BINS: Final = 20


class Bin(NamedTuple):
    """The examples with a confidence in (low, high]: how many, their mean confidence, the share that is right.

    weight: the sum of their weights; None without weights. With weights the two means are weighted.
    """

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float
    weight: float | None = None


def reliability(
    confidence: npt.NDArray[np.floating], is_right: npt.NDArray[np.bool_], weights: Weights = None
) -> list[Bin]:
    """The bins that are not empty, by rising confidence.

    confidence: float [examples], from 0 to 1; is_right: bool [examples]; weights: float64 [examples].

    >>> reliability(np.array([0.75, 0.75]), np.array([True, False]))
    [Bin(low=0.7, high=0.75, rows=2, confidence=0.75, accuracy=0.5, weight=None)]
    >>> reliability(np.array([0.75, 0.75]), np.array([True, False]), np.array([3.0, 1.0]))
    [Bin(low=0.7, high=0.75, rows=2, confidence=0.75, accuracy=0.75, weight=4.0)]
    """
    exact = confidence.astype(np.float64)
    # A model whose loss has become NaN has no confidence; the training is refused after its metrics.
    place = np.clip(np.ceil(np.nan_to_num(exact) * BINS).astype(np.int64) - 1, 0, BINS - 1)
    rows = np.bincount(place, minlength=BINS)
    weight = rows if weights is None else np.bincount(place, weights, minlength=BINS)
    own = 1.0 if weights is None else weights
    confidences = np.bincount(place, exact * own, minlength=BINS)
    hits = np.bincount(place, is_right * own, minlength=BINS)
    return [
        Bin(
            low=index / BINS,
            high=(index + 1) / BINS,
            rows=int(rows[index]),
            confidence=float(confidences[index] / weight[index]),
            accuracy=float(hits[index] / weight[index]),
            weight=None if weights is None else float(weight[index]),
        )
        for index in np.flatnonzero(rows).tolist()
    ]


def expected_calibration_error(bins: list[Bin]) -> float:
    """ECE, 0 to 1.

    >>> round(expected_calibration_error([Bin(0.7, 0.75, 1, 0.7, 1.0), Bin(0.95, 1.0, 3, 0.96, 0.9)]), 4)
    0.12
    >>> round(expected_calibration_error([Bin(0.7, 0.75, 1, 0.7, 1.0, 3.0), Bin(0.95, 1.0, 3, 0.96, 0.9, 1.0)]), 4)
    0.24
    """
    return sum(_size(part) * abs(part.accuracy - part.confidence) for part in bins) / sum(map(_size, bins))


def _size(part: Bin) -> float:
    return part.rows if part.weight is None else part.weight

"""Logits of both sides and labels of the eval split -> the few numbers that join them; pure functions.

    joined = lstm scale x LSTM's logits + n-gram scale x n-grams' logits + bias of each output

They are those with the lowest cross-entropy: a logistic regression on two features, so this calibrates the scores as
well (J. Platt, "Probabilistic outputs for support vector machines", 1999). No side may count against itself: scales
are 0 or more. A penalty of one row's size keeps a handful of eval rows near the default, which is half of each side:
both were trained on the same rows, and their plain sum would be too sure of itself.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.support.arrays import Float64s
from trainer.ngrams.sparse import minimize

# Of 3 to 1,000 numbers the minimum takes 10 to 40 rounds.
_TOLERANCE: Final = 1e-10
_MOST_ROUNDS: Final = 500


class Join(NamedTuple):
    """lstm, ngrams: what the logits of each side are multiplied by; bias: float64 [outputs]."""

    lstm: float
    ngrams: float
    bias: Float64s

    def joined(self, lstm: npt.ArrayLike, ngrams: npt.ArrayLike) -> Float64s:
        """Logits of both sides, float [n, outputs] each -> float64 [n, outputs].

        >>> Join(0.5, 0.25, np.array([1.0])).joined([[2.0]], [[4.0]]).tolist()
        [[3.0]]
        """
        return self.lstm * np.asarray(lstm, np.float64) + self.ngrams * np.asarray(ngrams, np.float64) + self.bias


def default_join(outputs: int) -> Join:
    """Half of each side, for records without eval rows."""
    return Join(0.5, 0.5, np.zeros(outputs))


def fit_join(
    lstm: npt.ArrayLike,
    ngrams: npt.ArrayLike,
    labels: npt.NDArray[np.generic],
    *,
    weights: Float64s | None = None,
    class_weights: Float64s | None = None,
) -> Join:
    """The join with the lowest mean cross-entropy on n rows; the default if there are none.

    lstm, ngrams: float [n, outputs]. labels: int64 [n], or bool [n, outputs] with several labels a text. weights: of
    the rows, float64 [n], None: 1. class_weights: float64 [labels], what the training weighed each label by.
    """
    first, second = np.asarray(lstm, np.float64), np.asarray(ngrams, np.float64)
    start = default_join(first.shape[1])
    if not len(first) or (weights is not None and not weights.sum()):
        return start
    losses = _Losses(labels, outputs=first.shape[1], weights=weights, class_weights=class_weights)
    middle = np.concatenate([[start.lstm, start.ngrams], start.bias])

    def loss(place: Float64s) -> tuple[float, Float64s]:
        value, slopes = losses(_join_of(place).joined(first, second))
        gradient = np.concatenate([[(slopes * first).sum(), (slopes * second).sum()], slopes.sum(axis=0)])
        difference = place - middle
        return value + float(difference @ difference) / 2, gradient + difference

    bounds: list[tuple[float | None, float | None]] = [(0.0, None)] * 2 + [(None, None)] * len(start.bias)
    return _join_of(minimize(loss, middle, tolerance=_TOLERANCE, most_rounds=_MOST_ROUNDS, bounds=bounds))


def _join_of(place: Float64s) -> Join:
    return Join(float(place[0]), float(place[1]), place[2:])


class _Losses:
    """Logits float64 [n, outputs] -> the sum of the rows' losses, and its gradient float64 [n, outputs].

    Rows weigh 1 on average. The loss is what the training minimizes: see `trainer.training.objective`.
    """

    def __init__(
        self,
        labels: npt.NDArray[np.generic],
        *,
        outputs: int,
        weights: Float64s | None,
        class_weights: Float64s | None,
    ) -> None:
        of_rows = np.ones(len(labels)) if weights is None else weights
        several = labels.ndim == 2
        self._is_softmax = outputs > 1 and not several
        if self._is_softmax:
            self._targets = np.eye(outputs)[labels.astype(np.int64)]
        else:
            self._targets = labels.reshape(len(labels), -1).astype(np.float64)
        if class_weights is not None and not several:
            of_rows = of_rows * class_weights[labels.astype(np.int64)]
        self._weights = (of_rows * (len(labels) / of_rows.sum()))[:, np.newaxis]
        if class_weights is not None and several:
            self._weights = self._weights * np.where(self._targets > 0, class_weights, 1.0)

    def __call__(self, logits: Float64s) -> tuple[float, Float64s]:
        if self._is_softmax:
            largest = logits.max(axis=1, keepdims=True)
            normalizer = largest + np.log(np.exp(logits - largest).sum(axis=1, keepdims=True))
            losses, scores = (normalizer - logits) * self._targets, np.exp(logits - normalizer)
        else:
            losses = np.logaddexp(0, logits) - self._targets * logits
            scores = np.exp(-np.logaddexp(0, -logits))
        return float((self._weights * losses).sum()), self._weights * (scores - self._targets)

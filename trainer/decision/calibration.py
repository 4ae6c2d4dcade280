"""Logits and labels of the eval split -> the temperature that makes scores honest probabilities; pure functions.

A network that was trained long is too sure of itself: of 100 answers with a score of 0.95 perhaps 88 are right. One
number, the temperature, that all logits are divided by repairs most of that and changes no order of scores (C. Guo,
G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural networks", ICML 2017, section 4.2).
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.arrays import Float64s
from trainer.decision.decision import Decision
from trainer.decision.scores import prior_offsets, sigmoid

# The temperatures that are tried. If all rows of the eval split are right, the best temperature would be 0 and all
# scores 0 or 1. At 0.1 a score of 0.6 becomes 0.98, at 10 a score of 0.99 becomes 0.61.
LOWEST: Final = 0.1
HIGHEST: Final = 10.0

# The loss is convex in 1 / temperature, so there is one lowest place, and Newton's method finds it. It took 4 to 32
# rounds on made-up logits of 2 and 3 labels; each round that Newton's method leaves the bounds halves them instead.
_ROUNDS: Final = 100
_PRECISION: Final = 1e-10


class Temperature(NamedTuple):
    """value: the temperature. is_bound: it is the lowest or the highest that is tried, and the best is beyond."""

    value: float
    is_bound: bool


def fit_temperature(
    logits: npt.ArrayLike,
    labels: npt.NDArray[np.generic],
    *,
    scheme: LabelScheme,
    prior_weights: list[float] | None = None,
    weights: Float64s | None = None,
) -> Temperature:
    """The temperature with the lowest mean cross-entropy on one row or more, after the prior was corrected.

    logits: float [n, outputs]. labels: int64 [n], or bool [n, classes] with several labels a text. prior_weights: see
    `Decision`. weights: float64 [n], of the rows; None: all count once.

    >>> logits = [[2.0], [2.0], [2.0], [2.0]]  # the network says 0.88, but 3 of 4 are right: 0.75 is 2 / 1.82
    >>> round(fit_temperature(logits, np.array([1, 1, 1, 0]), scheme=LabelScheme(("neg", "pos"))).value, 4)
    1.8205
    """
    slope = _Slope(np.asarray(logits, np.float64), labels, scheme=scheme, prior_weights=prior_weights, weights=weights)
    low, high = 1 / HIGHEST, 1 / LOWEST
    if slope(low)[0] >= 0:
        return Temperature(HIGHEST, True)
    if slope(high)[0] <= 0:
        return Temperature(LOWEST, True)
    inverse = 1.0
    for _ in range(_ROUNDS):
        first, second = slope(inverse)
        low, high = (inverse, high) if first < 0 else (low, inverse)
        step = inverse - first / second if second > 0 else low
        following = step if low < step < high else (low + high) / 2
        if abs(following - inverse) <= _PRECISION * inverse:
            break
        inverse = following
    return Temperature(1 / following, False)


class _Slope:
    """The first and the second derivative of the mean cross-entropy with respect to 1 / temperature.

    For a softmax the first is the mean of (expected logit under the scores - logit of the right label), the second the
    mean variance of the logits under the scores; for sigmoids both are sums over the labels.
    """

    def __init__(
        self,
        logits: Float64s,
        labels: npt.NDArray[np.generic],
        *,
        scheme: LabelScheme,
        prior_weights: list[float] | None,
        weights: Float64s | None,
    ) -> None:
        self._logits = logits
        self._shares = np.full(len(logits), 1 / len(logits)) if weights is None else weights / weights.sum()
        offsets = prior_offsets(Decision(prior_weights=prior_weights), scheme)
        self._offsets = np.zeros(1) if offsets is None else offsets
        self._is_softmax = scheme.outputs > 1 and not scheme.several
        if self._is_softmax:
            self._right = np.take_along_axis(logits, labels.astype(np.int64)[:, np.newaxis], axis=1)[:, 0]
        else:
            self._targets = labels.reshape(len(logits), -1).astype(np.float64)

    def __call__(self, inverse: float) -> tuple[float, float]:
        shifted = self._logits * inverse - self._offsets
        if self._is_softmax:
            powers = np.exp(shifted - shifted.max(axis=1, keepdims=True))
            scores = powers / powers.sum(axis=1, keepdims=True)
            expected = (scores * self._logits).sum(axis=1)
            variance = (scores * self._logits**2).sum(axis=1) - expected**2
            return float(self._shares @ (expected - self._right)), float(self._shares @ variance)
        scores = sigmoid(shifted)
        first = (self._logits * (scores - self._targets)).sum(axis=1)
        second = (self._logits**2 * scores * (1 - scores)).sum(axis=1)
        return float(self._shares @ first), float(self._shares @ second)

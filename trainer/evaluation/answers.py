"""Examples with a model's answers to them: what all figures are computed from."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from trainer.evaluation.calibration import Bin, reliability
from trainer.evaluation.intervals import wilson
from trainer.evaluation.weights import Weights, effective_size, mean

# Right or predicted labels: int64 [examples], or with several labels a text bool [examples, classes].
Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class Answers:
    """Examples and answers, one or more.

    scores: float [examples, classes], probabilities in the order of the labels.
    labels, predicted: int64 [examples], or with several labels a text bool [examples, classes].
    abstains: bool [examples], None: no answer can abstain.
    weights: float64 [examples], None: all count once.
    """

    scores: npt.NDArray[np.floating]
    labels: Labels
    predicted: Labels
    abstains: npt.NDArray[np.bool_] | None = None
    weights: Weights = None

    def part(self, rows: npt.NDArray[np.bool_]) -> "Answers":
        """Those of some examples. rows: bool [examples]."""
        return Answers(
            self.scores[rows],
            self.labels[rows],
            self.predicted[rows],
            None if self.abstains is None else self.abstains[rows],
            None if self.weights is None else self.weights[rows],
        )

    def without_weights(self) -> "Answers":
        """The same, and each counts once."""
        return replace(self, weights=None)

    @property
    def is_right(self) -> npt.NDArray[np.bool_]:
        """Whether the predicted label is the right one, or with several labels all of them are; bool [examples]."""
        equal: npt.NDArray[np.bool_] = self.predicted == self.labels
        return equal if equal.ndim == 1 else np.asarray(equal.all(axis=1))

    @property
    def size(self) -> float:
        """The number of examples; with weights the effective number."""
        return len(self.labels) if self.weights is None else effective_size(self.weights)

    def reliability(self) -> list[Bin]:
        """How sure answers are, and how often right; with several labels, of each pair of a text and a label."""
        if self.labels.ndim == 1:
            confidence = self.scores[np.arange(len(self.labels)), self.predicted]
            return reliability(confidence, self.is_right, self.weights)
        return reliability(self.scores.ravel(), self.labels.ravel(), self.weights_of_pairs)

    @property
    def weights_of_pairs(self) -> Weights:
        """The weight of each pair of a text and a label, text by text."""
        return None if self.weights is None else np.repeat(self.weights, self.scores.shape[1])

    def accuracy(self) -> tuple[float, list[float]]:
        """The share of right answers, and [low, high] of it, Wilson's interval at 95%; one example or more."""
        share = mean(self.is_right, self.weights)
        interval = wilson(share, self.size)
        assert interval is not None
        return share, list(interval)

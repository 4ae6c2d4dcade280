"""What a training minimizes: the cross-entropy of rows with their weights and those of their labels.

    w_i   = weight of the row x weight of its label; with several labels a text the weight of the row
    mean  = the mean of all w_i of the train split
    loss of a batch of n rows = sum(w_i x loss_i) / (n x mean)

So a row of weight 2 is the same as the row twice, and a batch of light rows counts less than one of heavy rows. Its
averages are divided by the sum of the w_i instead, those of the accuracy by the sum of the rows' own weights: class
weights are for learning and say nothing of what the model gets right. Label smoothing is for learning alone, too: it
changes the gradients, and no loss that is shown.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.config.settings import TrainingSettings
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.records_folder.manifest import SplitSummary
from trainer.data.records_folder import RecordsFolder
from trainer.evaluation.loss import SMALLEST_PROBABILITY, cross_entropies
from trainer.evaluation.scoring import SplitScores
from trainer.evaluation.weights import mean
from trainer.training.class_weights import class_weights, label_weights


class EpochAverages(NamedTuple):
    """What is minimized, but without label smoothing (nats), and the accuracy: means over rows.

    With several labels a text the accuracy is the share of right decisions, a decision for each text and label: it has
    the label from the probability 0.5 on.
    """

    loss: float
    accuracy: float


class Objective(NamedTuple):
    """How rows count. class_weights: of each label in their order, None: 1. mean_weight: of the w_i.

    label_smoothing: how much of each label's probability is spread over all labels, 0 up to 1.
    """

    several: bool = False
    is_weighted: bool = False
    class_weights: tuple[float, ...] | None = None
    mean_weight: float = 1.0
    label_smoothing: float = 0.0

    @property
    def is_plain(self) -> bool:
        """Whether each row has one label and counts once."""
        return not (self.several or self.is_weighted or self.class_weights)


PLAIN = Objective()


def objective_of(records: RecordsFolder, settings: TrainingSettings) -> Objective:
    """What a training on the records minimizes; the train split has one row or more.

    Raises:
      UserError: training.class_weight names a label that is none of the labels.
    """
    scheme, train = records.scheme, records.splits["train"]
    of_labels = class_weights(settings.class_weight, scheme, train)
    return Objective(
        several=scheme.several,
        is_weighted=records.is_weighted,
        class_weights=None if of_labels is None else tuple(of_labels),
        mean_weight=mean_weight(scheme, train, of_labels),
        label_smoothing=settings.label_smoothing,
    )


def mean_weight(scheme: LabelScheme, train: SplitSummary, of_labels: list[float] | None) -> float:
    """The mean over the train rows of weight of the row x weight of its label.

    >>> train = SplitSummary(rows=100, labels={"ham": 99, "spam": 1}, shards=[])
    >>> mean_weight(LabelScheme(("ham", "spam")), train, [1.0, 51.0])
    1.5
    """
    total, by_label = label_weights(scheme, train)
    if of_labels is not None and not scheme.several:
        total = sum(weight * own for weight, own in zip(of_labels, by_label, strict=True))
    return total / train.rows


def averages_of(scored: SplitScores, objective: Objective) -> EpochAverages:
    """The objective and the accuracy of a split, to compare with those of the train split."""
    if objective.is_plain:
        return EpochAverages(scored.metrics["loss"], scored.metrics["accuracy"])
    scores, labels, weights = scored.scores.astype(np.float64), scored.labels, scored.weights
    if objective.several:
        losses = weighted_binary_cross_entropies(scores, labels, class_weights=objective.class_weights)
        right = ((scored.scores >= 0.5) == labels).mean(axis=1)
        return EpochAverages(mean(losses, weights), mean(right, weights))
    losses = cross_entropies(scores, labels)
    right = scored.scores.argmax(axis=1) == labels
    of_loss = weights
    if objective.class_weights is not None:
        of_loss = np.array(objective.class_weights)[labels] * (1.0 if weights is None else weights)
    return EpochAverages(mean(losses, of_loss), mean(right, weights))


def weighted_binary_cross_entropies(
    probabilities: npt.NDArray[np.float64],
    labels: npt.NDArray[np.bool_],
    *,
    class_weights: tuple[float, ...] | None,
) -> npt.NDArray[np.float64]:
    """The mean over the labels of -ln(probability of what is right), times the label's weight where the text has it.

    probabilities: float64 [texts, classes], each on its own; labels: bool [texts, classes]. Returns float64 [texts],
    nats. A probability below 1e-7 counts as 1e-7.

    >>> both = np.array([[0.5, 0.25]])
    >>> weighted_binary_cross_entropies(both, np.array([[True, False]]), class_weights=(3.0, 9.0)).round(4).tolist()
    [1.1836]
    """
    right = np.maximum(np.where(labels, probabilities, 1 - probabilities), SMALLEST_PROBABILITY)
    weights = 1.0 if class_weights is None else np.where(labels, class_weights, 1.0)
    return np.asarray((-np.log(right) * weights).mean(axis=1))

"""Model + a split of a records folder -> metrics, and the examples behind them."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.contract import Split
from pipeline.errors import UserError
from trainer.data.dataset import checked, evaluation_batches
from trainer.data.records_folder import Manifest
from trainer.evaluation.metrics import Metrics, classification_metrics
from trainer.model.classifier import Reader, TextClassifier, class_scores, read_by_keras
from trainer.model.lstm_training import block_reader

Scorer = Callable[[tf.Tensor], tf.Tensor]

# What a person will read of them; their ids are all that is kept of the examples.
_MISTAKES: Final = 20


@dataclass(frozen=True)
class Mistake:
    """An example that was taken for another label. label, predicted: indices; probability: of the predicted one."""

    ids: list[int]
    label: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class ScoredSplit:
    """What a model says of a split.

    scores: float32 [examples, classes]; labels: int64 [examples], the right ones.
    mistakes: the wrong answers of the highest probability, the highest first.
    """

    split: Split
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    mistakes: list[Mistake]
    metrics: Metrics


def scorer(model: TextClassifier, labels: Sequence[str], *, read: Reader = read_by_keras) -> Scorer:
    """int64 [batch, length] -> float32 [batch, classes]: the model as a graph, traced once for every shape.

    read: the way in which LSTMs read.
    """

    def scores(ids: tf.Tensor) -> tf.Tensor:
        return class_scores(model.probabilities(model.logits(ids, read=read)), labels)

    signature = [tf.TensorSpec([None, None], tf.int64)]
    compiled: Scorer = tf.function(scores, input_signature=signature, autograph=False)
    return compiled


class Evaluator:
    """Model + split -> scores and metrics, as often as wanted; the graphs of model and input are made once."""

    def __init__(self, model: TextClassifier, manifest: Manifest, split: Split, *, batch_size: int) -> None:
        self._score = scorer(model, manifest.labels, read=block_reader(model, batch_size=batch_size))
        self._batches = evaluation_batches(manifest, split, batch_size=batch_size, trim=model.settings.mask_zero)
        self._manifest, self._split = manifest, split

    def metrics(self) -> Metrics:
        """The metrics of the model as it is now.

        Raises:
          UserError: the split's records can't be read.
        """
        return self.scored().metrics

    def scored(self) -> ScoredSplit:
        """The scores of the model as it is now, with what follows from them.

        Raises:
          UserError: the split's records can't be read.
        """
        scores: list[npt.NDArray[np.float32]] = []
        labels: list[npt.NDArray[np.int64]] = []
        mistakes: list[Mistake] = []
        for ids, batch_labels in checked(self._batches, self._manifest):
            scores.append(self._score(ids).numpy())
            labels.append(batch_labels.numpy())
            found = _mistakes(ids.numpy(), labels[-1], scores[-1])
            mistakes = heapq.nlargest(_MISTAKES, [*mistakes, *found], key=lambda mistake: mistake.probability)
        every_score, every_label = np.concatenate(scores), np.concatenate(labels)
        metrics = classification_metrics(every_score, every_label, label_names=self._manifest.labels)
        return ScoredSplit(self._split, every_score, every_label, mistakes, metrics)


def _mistakes(
    ids: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]
) -> Iterator[Mistake]:
    """Those of a batch that can be among the most confident of all."""
    predicted = scores.argmax(axis=1)
    confidence = np.where(predicted == labels, -1, scores.max(axis=1))
    for row in np.argsort(-confidence, kind="stable")[:_MISTAKES]:
        if confidence[row] >= 0:
            yield Mistake(ids[row].tolist(), int(labels[row]), int(predicted[row]), float(confidence[row]))


def score_split(model: TextClassifier, manifest: Manifest, split: Split, *, batch_size: int) -> ScoredSplit:
    """The scores of a split, with what follows from them.

    Raises:
      UserError: the split has no rows, or its records can't be read.
    """
    if not manifest.splits[split].rows:
        raise UserError(f"split.{split}: {manifest.folder} holds no {split} rows, so there is nothing to evaluate")
    return Evaluator(model, manifest, split, batch_size=batch_size).scored()

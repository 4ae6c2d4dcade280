"""Model + a split of a records folder -> scores of its rows, metrics, and the most confident mistakes."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.contract import Split
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.data.dataset import evaluation_batches, iterate_batches
from trainer.data.records_folder import RecordsFolder
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.metrics import Metrics
from trainer.model.classifier import RunLstm, TextClassifier, class_scores, run_with_keras
from trainer.model.lstm_choice import choose_for_training

ScoreFunction = Callable[[tf.Tensor], tf.Tensor]

# Mistakes of a split that are returned with their ids: as many as a person will read in the training report.
_MISTAKES: Final = 20


@dataclass(frozen=True)
class Mistake:
    """A row whose predicted label is wrong.

    ids: as the record holds them, perhaps without padding; label, predicted: indices; probability: of `predicted`.
    """

    ids: list[int]
    label: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class SplitScores:
    """The scores of a split.

    scores: float32 [rows, classes], probabilities in the order of the labels; labels: int64 [rows], the right ones.
    mistakes: the wrong predictions with the highest probability, the highest first; 20 at most.
    """

    split: Split
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    mistakes: list[Mistake]
    metrics: Metrics


def score_function(model: TextClassifier, scheme: LabelScheme, *, run_lstm: RunLstm = run_with_keras) -> ScoreFunction:
    """A graph function: ids int64 [batch, length] -> scores float32 [batch, classes], in the order of the labels.

    It is traced once for all shapes, and uses the model's present weights at each call. run_lstm: see
    `trainer.model.lstm_choice`.
    """

    def scores(ids: tf.Tensor) -> tf.Tensor:
        return class_scores(model.probabilities(model.logits(ids, run_lstm=run_lstm)), scheme)

    signature = [tf.TensorSpec([None, None], tf.int64)]
    compiled: ScoreFunction = tf.function(scores, input_signature=signature, autograph=False)
    return compiled


class SplitScorer:
    """Model + split -> scores and metrics, any number of times; the graphs of model and input are made once."""

    def __init__(self, model: TextClassifier, records: RecordsFolder, split: Split, *, batch_size: int) -> None:
        run_lstm = choose_for_training(model, batch_size=batch_size)
        self._score_batch = score_function(model, records.scheme, run_lstm=run_lstm)
        self._batches = evaluation_batches(records, split, batch_size=batch_size, trim=model.settings.mask_zero)
        self._records, self._split = records, split

    def metrics(self) -> Metrics:
        """The metrics with the model's present weights.

        Raises:
          UserError: the split's records can't be read.
        """
        return self.score().metrics

    def score(self) -> SplitScores:
        """The scores, mistakes and metrics with the model's present weights.

        Raises:
          UserError: the split's records can't be read.
        """
        scores: list[npt.NDArray[np.float32]] = []
        labels: list[npt.NDArray[np.int64]] = []
        mistakes: list[Mistake] = []
        for batch in iterate_batches(self._batches, self._records):
            scores.append(self._score_batch(batch.ids).numpy())
            labels.append(batch.labels.numpy())
            more = _batch_mistakes(batch.ids.numpy(), labels[-1], scores[-1])
            mistakes = heapq.nlargest(_MISTAKES, [*mistakes, *more], key=lambda mistake: mistake.probability)
        all_scores, all_labels = np.concatenate(scores), np.concatenate(labels)
        metrics = metrics_of(all_scores, all_labels, scheme=self._records.scheme)
        return SplitScores(self._split, all_scores, all_labels, mistakes, metrics)


def _batch_mistakes(
    ids: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]
) -> Iterator[Mistake]:
    """The `_MISTAKES` most confident mistakes of a batch; any of the whole split is among those of its batch.

    ids: int64 [batch, length]; labels: int64 [batch]; scores: float32 [batch, classes].

    >>> scores = np.array([[0.25, 0.75], [0.5, 0.5]], np.float32)
    >>> list(_batch_mistakes(np.array([[0, 7], [8, 9]]), np.array([0, 0]), scores))
    [Mistake(ids=[0, 7], label=0, predicted=1, probability=0.75)]
    """
    predicted = scores.argmax(axis=1)
    confidence = np.where(predicted == labels, -1, scores.max(axis=1))
    for row in np.argsort(-confidence, kind="stable")[:_MISTAKES]:
        if confidence[row] >= 0:
            yield Mistake(ids[row].tolist(), int(labels[row]), int(predicted[row]), float(confidence[row]))


def score_split(model: TextClassifier, records: RecordsFolder, split: Split, *, batch_size: int) -> SplitScores:
    """The scores, mistakes and metrics of a split.

    Raises:
      UserError: the split has no rows, or its records can't be read.
    """
    if not records.splits[split].rows:
        raise UserError(f"split.{split}: {records.path} holds no {split} rows, so there is nothing to evaluate")
    return SplitScorer(model, records, split, batch_size=batch_size).score()

"""Model + a split of a records folder -> scores of its rows, metrics, and the most confident mistakes."""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.config.decision_settings import MetricsSettings
from pipeline.contract import PADDING_ID, Split
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.data.dataset import LabelledBatch, evaluation_batches, iterate_batches
from trainer.data.records_folder import RecordsFolder
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.held_out import LabelledLogits
from trainer.decision.rules import decide
from trainer.decision.scores import scores_of
from trainer.evaluation.measure import answers_of, metrics_of
from trainer.evaluation.metrics import Metrics, SlicedBy
from trainer.evaluation.mistakes import Mistake, surest_mistakes
from trainer.evaluation.slices import slices_of
from trainer.model.classifier import RunLstm, TextClassifier, class_scores, run_with_keras
from trainer.model.lstm_choice import choose_for_training
from trainer.ngrams.side import NgramSide

ScoreFunction = Callable[[tf.Tensor], tf.Tensor]
Arrays = npt.NDArray[np.float32]

# Mistakes of a split that are returned with their ids: as many as a person will read in the training report.
_MISTAKES: Final = 20


class SideLogits(NamedTuple):
    """The logits of the rows of a split before they are joined, float32 [rows, outputs] each."""

    lstm: Arrays
    ngrams: Arrays


@dataclass(frozen=True)
class SplitScores:
    """The scores of a split, in a fixed order of its rows.

    logits: float32 [rows, outputs], of the network, before sigmoid or softmax.
    scores: float32 [rows, classes], probabilities in the order of the labels.
    labels: the right ones, int64 [rows]; with several labels a text bool [rows, classes].
    mistakes: the wrong predictions with the highest probability, the highest first; 20 at most.
    weights: float64 [rows], None unless the records have weights.
    slices: by column of metrics.slices its values, str [rows], "" where it has none.
    word_counts: int64 [rows], the ids of each row that are not padding.
    sides: what LSTM and n-grams say each; None of a model without n-grams.
    """

    split: Split
    logits: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[Any]
    mistakes: list[Mistake]
    metrics: Metrics
    word_counts: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64] | None = None
    slices: Mapping[str, npt.NDArray[np.object_]] = field(default_factory=dict)
    sides: SideLogits | None = None

    @property
    def labelled_logits(self) -> LabelledLogits:
        """What a decision is chosen on, and measured on."""
        return LabelledLogits(self.logits, self.labels, self.weights, len(self.labels))

    def sliced_by(
        self, settings: MetricsSettings, scheme: LabelScheme, decision: Decision = NO_DECISION
    ) -> list[SlicedBy]:
        """The slices of metrics.slices. decision: how scores become labels."""
        answers = answers_of(self.scores, self.labels, scheme=scheme, weights=self.weights, decision=decision)
        return slices_of(answers, scheme, settings=settings, columns=self.slices, word_counts=self.word_counts)


def score_function(model: TextClassifier, scheme: LabelScheme, *, run_lstm: RunLstm = run_with_keras) -> ScoreFunction:
    """A graph function: ids int64 [batch, length] -> scores float32 [batch, classes], in the order of the labels.

    It is traced once for all shapes, and uses the model's present weights at each call. run_lstm: see
    `trainer.model.lstm_choice`.
    """

    def scores(ids: tf.Tensor) -> tf.Tensor:
        logits = model.joined(model.logits(ids, run_lstm=run_lstm), ids)
        return class_scores(model.probabilities(logits), scheme)

    return _graph(scores, tf.int64)


def _graph(function: ScoreFunction, dtype: tf.DType) -> ScoreFunction:
    """A graph function of one argument, [batch, any]."""
    signature = [tf.TensorSpec([None, None], dtype)]
    compiled: ScoreFunction = tf.function(function, input_signature=signature, autograph=False)
    return compiled


def _side_function(model: TextClassifier, side: NgramSide, scheme: LabelScheme) -> Callable[..., list[tf.Tensor]]:
    """A graph function: state float32 [batch, width] and ids -> joined logits, scores, logits of LSTM and n-grams."""

    def sides(state: tf.Tensor, ids: tf.Tensor) -> list[tf.Tensor]:
        lstm = model.head(state)
        joined = model.joined(lstm, ids)
        return [joined, class_scores(model.probabilities(joined), scheme), lstm, side.logits(ids)]

    signature = [tf.TensorSpec([None, None], tf.float32), tf.TensorSpec([None, None], tf.int64)]
    compiled: Callable[..., list[tf.Tensor]] = tf.function(sides, input_signature=signature, autograph=False)
    return compiled


class SplitScorer:
    """Model + split -> scores and metrics, any number of times; the graphs of model and input are made once."""

    def __init__(self, model: TextClassifier, records: RecordsFolder, split: Split, *, batch_size: int) -> None:
        run_lstm = choose_for_training(model, batch_size=batch_size)

        # Three graphs: in one that gives the logits too, TensorFlow does not fuse the head with its sigmoid, and half
        # of the scores would differ from `score_function`'s in the last bit.
        self._state = _graph(lambda ids: model.state(ids, run_lstm=run_lstm), tf.int64)
        self._logits = _graph(model.head, tf.float32)
        self._scores = _graph(
            lambda state: class_scores(model.probabilities(model.head(state)), records.scheme), tf.float32
        )
        self._sides = None if model.ngrams is None else _side_function(model, model.ngrams, records.scheme)
        self._batches = evaluation_batches(records, split, batch_size=batch_size, trim=model.settings.mask_zero)
        self._records, self._split = records, split

    def score(self, decision: Decision = NO_DECISION) -> SplitScores:
        """The scores, mistakes and metrics with the model's present weights. decision: how scores become labels.

        Raises:
          UserError: the split's records can't be read.
        """
        scheme = self._records.scheme
        parts: list[_BatchScores] = []
        mistakes: list[Mistake] = []
        for batch in iterate_batches(self._batches, self._records):
            ids = batch.ids.numpy()
            state = self._state(batch.ids)
            if self._sides is None:
                logits = self._logits(state).numpy()
                scores = None if decision.changes_scores() else self._scores(state).numpy()
                sides = None
            else:
                logits, scores, *sides = [given.numpy() for given in self._sides(state, batch.ids)]
            if scores is None or decision.changes_scores():
                scores = scores_of(logits, decision, scheme)
            counts = (ids != PADDING_ID).sum(axis=1)
            part = _BatchScores.of(batch, logits=logits, scores=scores, word_counts=counts, sides=sides)
            parts.append(part)
            more = surest_mistakes(ids, part.labels, scores, decided=decide(scores, decision, scheme), most=_MISTAKES)
            mistakes = heapq.nlargest(_MISTAKES, [*mistakes, *more], key=lambda mistake: mistake.probability)
        whole = _BatchScores.joined(parts)
        columns = self._records.manifest.record.slices
        return SplitScores(
            self._split,
            whole.logits,
            whole.scores,
            whole.labels,
            mistakes,
            metrics_of(whole.scores, whole.labels, scheme=scheme, weights=whole.weights, decision=decision),
            whole.word_counts,
            whole.weights,
            {} if whole.slices is None else dict(zip(columns, whole.slices.T, strict=True)),
            None if whole.lstm is None or whole.ngrams is None else SideLogits(whole.lstm, whole.ngrams),
        )


@dataclass(frozen=True)
class _BatchScores:
    """What `SplitScores` holds, of a batch. slices: str [rows, columns], None without columns."""

    logits: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[Any]
    word_counts: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64] | None
    slices: npt.NDArray[np.object_] | None
    lstm: Arrays | None
    ngrams: Arrays | None

    @staticmethod
    def of(
        batch: LabelledBatch,
        *,
        logits: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
        word_counts: npt.NDArray[np.int64],
        sides: list[Arrays] | None,
    ) -> "_BatchScores":
        labels = batch.labels.numpy()
        weights = None if batch.weights is None else batch.weights.numpy().astype(np.float64)
        slices = None
        if batch.slices is not None:
            slices = np.array([[value.decode() for value in row] for row in batch.slices.numpy()], np.object_)
        is_index = labels.ndim == 1
        labels = labels if is_index else labels.astype(np.bool_)
        return _BatchScores(logits, scores, labels, word_counts, weights, slices, *(sides or (None, None)))

    @staticmethod
    def joined(parts: list["_BatchScores"]) -> "_BatchScores":
        """All rows of one batch or more."""

        def whole(name: str) -> Any:
            first = getattr(parts[0], name)
            return None if first is None else np.concatenate([getattr(part, name) for part in parts])

        return _BatchScores(*(whole(name) for name in _BatchScores.__dataclass_fields__))


def score_split(
    model: TextClassifier,
    records: RecordsFolder,
    split: Split,
    *,
    batch_size: int,
    decision: Decision = NO_DECISION,
) -> SplitScores:
    """The scores, mistakes and metrics of a split. decision: how scores become labels.

    Raises:
      UserError: the split has no rows, or its records can't be read.
    """
    if not records.splits[split].rows:
        raise UserError(f"split.{split}: {records.path} holds no {split} rows, so there is nothing to evaluate")
    return SplitScorer(model, records, split, batch_size=batch_size).score(decision)

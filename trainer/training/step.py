"""Model + settings -> one compiled training step, and a list of all variables that it changes.

Save and restore `TrainingStep.variables` between two steps, and the training goes on with the same bits. The list holds
the weights, the seeds of the dropouts, the optimizer's moments and step count, the sums for the epoch's mean loss, and
with `training.average` the averages of the weights.
On a CPU nothing else is needed: TensorFlow's deterministic mode (enable_op_determinism) changes no bit of a training.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import keras
import tensorflow as tf

from pipeline.config.settings import TrainingSettings
from trainer.data.dataset import LabelledBatch
from trainer.model.classifier import TextClassifier
from trainer.model.lstm_choice import choose_for_training
from trainer.training.average import WeightAverages
from trainer.training.epoch_sums import EpochSums, totals_of_rows, totals_of_weighted_rows
from trainer.training.learning_rate import learning_rate
from trainer.training.loss import relative_weights, right_answers, row_losses, smoothed_row_losses
from trainer.training.objective import PLAIN, EpochAverages, Objective
from trainer.training.precision import LossScale, computing_in


class Part(NamedTuple):
    """A part of a batch. rows: those of the whole batch, float32 []. counts: 1, or 0 if the part stands for no row."""

    rows: tf.Tensor
    counts: tf.Tensor


class Learnt(NamedTuple):
    """What a step learns from its rows.

    gradients: of the trainable weights, float32, with `mixed_float16` times the loss scale. totals: of the rows, see
    `trainer.training.epoch_sums`. loss: their mean loss without label smoothing, float [].
    """

    gradients: list[tf.Tensor]
    totals: list[tf.Tensor]
    loss: tf.Tensor


class TrainingStep:
    """A model, its optimizer, and the sums of the present epoch.

    steps: of the whole training, all epochs; the learning rate depends on it. objective: what is minimized. rows: of a
    batch that `model` runs on, None: all of them.
    run: the compiled step, on the tensors of a batch that it needs, see `run_batch`.
    """

    def __init__(
        self,
        model: TextClassifier,
        settings: TrainingSettings,
        *,
        steps: int,
        objective: Objective = PLAIN,
        rows: int | None = None,
    ) -> None:
        self.model = model
        self.settings = settings
        self.objective = objective
        self.schedule = learning_rate(settings, steps=steps)
        self.optimizer = keras.optimizers.Adam(self.schedule, clipnorm=settings.clipnorm)
        self.optimizer.build(model.trainable_variables)
        self._run_lstm = choose_for_training(
            model, batch_size=rows or settings.batch_size, precision=settings.precision, cudnn=settings.cudnn
        )
        self._loss_scale = LossScale() if settings.precision == "mixed_float16" else None
        self._sums = EpochSums(objective)
        self._averages: WeightAverages | None = None
        if settings.average is not None:
            self._averages = WeightAverages(self._weights, decay=settings.average)
        of_labels = tf.TensorSpec([None, None], tf.float32) if objective.several else tf.TensorSpec([None], tf.int64)
        signature = [tf.TensorSpec([None, None], tf.int64), of_labels]
        if objective.is_weighted:
            signature.append(tf.TensorSpec([None], tf.float32))
        self._signature = signature
        self.run = self._compiled()

    def set_embedding_trained(self, is_trained: bool) -> None:
        """Whether the next steps train the embedding. A frozen one costs no gradient; a change compiles a new step."""
        if self.model.embedding.trainable != is_trained:
            self.model.embedding.trainable = is_trained
            self.run = self._compiled()

    def run_batch(self, batch: LabelledBatch) -> tf.Tensor:
        """Learns from a batch; returns its loss without label smoothing, float []."""
        if self.objective.is_weighted:
            return self.run(batch.ids, batch.labels, batch.weights)
        return self.run(batch.ids, batch.labels)

    @property
    def variables(self) -> list[tf.Variable]:
        """All variables that a step changes, in a fixed order."""
        of_keras = [variable.value for variable in [*self.model.variables, *self.optimizer.variables]]
        others = [part.variables for part in (self._averages, self._loss_scale) if part is not None]
        return [*of_keras, *self._sums.variables, *(variable for variables in others for variable in variables)]

    @property
    def _weights(self) -> list[tf.Variable]:
        return [variable.value for variable in self.model.trainable_variables]

    def final_weights(self) -> AbstractContextManager[None]:
        """Within it the model has the weights that are scored and exported: with `training.average` the averages."""
        return self._averages.in_place() if self._averages else nullcontext()

    @property
    def steps_done(self) -> int:
        """Steps since the beginning of the training."""
        return int(self.optimizer.iterations.numpy())

    @property
    def next_learning_rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.schedule(self.steps_done))

    def averages(self) -> EpochAverages:
        """The averages of the present epoch, in training mode; waits for the device."""
        return self._sums.averages()

    def start_epoch(self) -> None:
        """Sets the sums of the epoch to 0."""
        self._sums.start_epoch()

    def _compiled(self) -> tf.types.experimental.PolymorphicFunction:
        return tf.function(self._run, input_signature=self._signature, autograph=False)

    def _run(self, ids: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
        """ids int64 [batch, length], labels as `LabelledBatch` has them, weights float32 [batch] -> loss, float []."""
        learnt = self._learn(ids, labels, weights)
        self._take(learnt)
        return learnt.loss

    def _learn(
        self, ids: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor | None, *, part: Part | None = None
    ) -> Learnt:
        """The arguments of `_run`, or a part of a batch -> what there is to learn from it; no variable changes."""
        variables = self._weights
        with tf.GradientTape() as tape:
            with computing_in(self.settings.precision, self.model):
                logits = self.model.logits(ids, training=True, run_lstm=self._run_lstm)
            losses = row_losses(logits, labels, self.objective)
            minimized = losses
            if self.objective.label_smoothing:
                minimized = smoothed_row_losses(logits, labels, self.objective)
            if self.objective.is_plain:
                loss = _mean(minimized, part)
            else:
                loss_weights = relative_weights(labels, weights, self.objective)
                loss = _mean(minimized * loss_weights, part)
            scaled = self._loss_scale.scaled(loss) if self._loss_scale else loss
        # The embedding's gradient is sparse: one entry for each occurrence of a word. Keras would clip by the norm of
        # the entries. For a word that occurs twice in a batch that is not the norm of its gradient. So make gradients
        # dense; Adam makes them dense in any case.
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(scaled, variables)]
        right = right_answers(logits, labels, self.objective)
        if self.objective.is_plain:
            totals = totals_of_rows(losses, right)
        else:
            totals = totals_of_weighted_rows(losses, right, loss_weights=loss_weights, weights=weights)
        if part is not None:
            totals = [total * tf.cast(part.counts, total.dtype) for total in totals]
        if self.objective.label_smoothing:
            loss = _mean(losses if self.objective.is_plain else losses * loss_weights, part)
        return Learnt(gradients, totals, loss)

    def _take(self, learnt: Learnt) -> None:
        """Changes the variables. A step whose scaled gradients overflow changes none but the scale."""
        if self._loss_scale is None:
            self._update(learnt.gradients, learnt.totals)
            return
        gradients, are_finite = self._loss_scale.unscaled(learnt.gradients)
        tf.cond(are_finite, lambda: self._update(gradients, learnt.totals), self._count_step)

    def _update(self, gradients: Sequence[tf.Tensor], totals: Sequence[tf.Tensor]) -> None:
        self.optimizer.apply(gradients, self.model.trainable_variables)
        self._add_to_averages()
        self._sums.add(totals)

    def _count_step(self) -> None:
        """Counts a step that changes no weights: the place in the epoch depends on the number of steps."""
        self.optimizer.iterations.assign_add(1)
        self._add_to_averages()

    def _add_to_averages(self) -> None:
        """Of each step: averages that miss the first one would start from 0, not from the weights."""
        if self._averages:
            self._averages.update(self.optimizer.iterations.value)


def _mean(values: tf.Tensor, part: Part | None) -> tf.Tensor:
    """float [rows] -> their mean, float []; of a part of a batch what it adds to the mean of the batch."""
    return tf.reduce_mean(values) if part is None else tf.reduce_sum(values) * part.counts / part.rows

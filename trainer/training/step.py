"""Model + settings -> one compiled training step, and all that it changes as one list of variables.

Whoever saves and restores `Learner.variables` between two steps goes on bit for bit: weights, the dropouts' seeds, the
optimizer's moments and step count, and the sums behind the epoch's mean loss. On a CPU nothing else is needed for that:
TensorFlow's deterministic mode (enable_op_determinism) changes no bit of a training.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from pipeline.config.settings import TrainingSettings
from trainer.model.classifier import TextClassifier
from trainer.model.lstm_training import block_reader
from trainer.training.learning_rate import learning_rate


class Averages(NamedTuple):
    """Mean loss (nats) and accuracy over the examples of the epoch so far, in training mode."""

    loss: float
    accuracy: float


class Learner:
    """A model, its optimizer and the sums of the epoch."""

    def __init__(self, model: TextClassifier, settings: TrainingSettings, *, steps: int) -> None:
        self.model = model
        self.settings = settings
        self.schedule = learning_rate(settings, steps=steps)
        self.optimizer = keras.optimizers.Adam(self.schedule, clipnorm=settings.clipnorm)
        self.optimizer.build(model.trainable_variables)
        self._read = block_reader(model, batch_size=settings.batch_size)
        self._loss_sum = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._hits = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._examples = tf.Variable(0, dtype=tf.int64, trainable=False)
        signature = [tf.TensorSpec([None, None], tf.int64), tf.TensorSpec([None], tf.int64)]
        self.step = tf.function(self._step, input_signature=signature, autograph=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """All that a step changes, in a fixed order."""
        of_keras = [variable.value for variable in [*self.model.variables, *self.optimizer.variables]]
        return [*of_keras, *self._sums]

    @property
    def steps_done(self) -> int:
        """Steps since the beginning of the training."""
        return int(self.optimizer.iterations.numpy())

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.schedule(self.steps_done))

    def averages(self) -> Averages:
        """Of the epoch so far; waits for the device."""
        examples = max(1, int(self._examples.numpy()))
        return Averages(float(self._loss_sum.numpy()) / examples, int(self._hits.numpy()) / examples)

    def start_epoch(self) -> None:
        """Sets the epoch's sums to 0."""
        for total in self._sums:
            total.assign(tf.zeros_like(total))

    @property
    def _sums(self) -> list[tf.Variable]:
        return [self._loss_sum, self._hits, self._examples]

    def _step(self, ids: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """One step on int64 [batch, length] and int64 [batch]; gives the batch's mean loss, float []."""
        weights = [variable.value for variable in self.model.trainable_variables]
        with tf.GradientTape() as tape:
            logits = self.model.logits(ids, training=True, read=self._read)
            losses = _losses(logits, labels)
            loss = tf.reduce_mean(losses)
        # Dense gradients: Keras would take the norm of the embedding's rows one occurrence at a time, so a word that
        # stands twice in a batch would be clipped by less than its gradient. Adam makes them dense in any case.
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights)]
        self.optimizer.apply(gradients, self.model.trainable_variables)
        self._loss_sum.assign_add(tf.reduce_sum(tf.cast(losses, tf.float64)))
        self._hits.assign_add(tf.reduce_sum(tf.cast(tf.equal(_predicted(logits), labels), tf.int64)))
        self._examples.assign_add(tf.size(labels, out_type=tf.int64))
        return loss


def _losses(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Cross-entropy in nats, float [batch]."""
    if logits.shape[1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(labels, logits.dtype), logits[:, 0])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _predicted(logits: tf.Tensor) -> tf.Tensor:
    """int64 [batch]; equal scores fall to the first label."""
    if logits.shape[1] == 1:
        return tf.cast(logits[:, 0] > 0, tf.int64)
    return tf.argmax(logits, axis=1)

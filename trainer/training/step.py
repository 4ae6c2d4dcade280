"""Model + settings -> one compiled training step, and a list of all variables that it changes.

Save and restore `TrainingStep.variables` between two steps, and the training goes on with the same bits. The list holds
the weights, the seeds of the dropouts, the optimizer's moments and step count, and the sums for the epoch's mean loss.
On a CPU nothing else is needed: TensorFlow's deterministic mode (enable_op_determinism) changes no bit of a training.
"""

from typing import NamedTuple

import keras
import tensorflow as tf

from pipeline.config.settings import TrainingSettings
from trainer.model.classifier import TextClassifier
from trainer.model.lstm_choice import choose_for_training
from trainer.training.learning_rate import learning_rate


class EpochAverages(NamedTuple):
    """Mean loss (nats) and accuracy over the examples of the epoch so far, in training mode."""

    loss: float
    accuracy: float


class TrainingStep:
    """A model, its optimizer, and the sums of the present epoch.

    steps: of the whole training, all epochs; the learning rate depends on it.
    run: the compiled step: ids int64 [batch, length], labels int64 [batch] -> the batch's mean loss, float [].
    """

    def __init__(self, model: TextClassifier, settings: TrainingSettings, *, steps: int) -> None:
        self.model = model
        self.settings = settings
        self.schedule = learning_rate(settings, steps=steps)
        self.optimizer = keras.optimizers.Adam(self.schedule, clipnorm=settings.clipnorm)
        self.optimizer.build(model.trainable_variables)
        self._run_lstm = choose_for_training(model, batch_size=settings.batch_size)
        self._loss_sum = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._hits = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._examples = tf.Variable(0, dtype=tf.int64, trainable=False)
        signature = [tf.TensorSpec([None, None], tf.int64), tf.TensorSpec([None], tf.int64)]
        self.run = tf.function(self._run, input_signature=signature, autograph=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """All variables that a step changes, in a fixed order."""
        of_keras = [variable.value for variable in [*self.model.variables, *self.optimizer.variables]]
        return [*of_keras, *self._sums]

    @property
    def steps_done(self) -> int:
        """Steps since the beginning of the training."""
        return int(self.optimizer.iterations.numpy())

    @property
    def next_learning_rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.schedule(self.steps_done))

    def averages(self) -> EpochAverages:
        """The averages of the present epoch; waits for the device."""
        examples = max(1, int(self._examples.numpy()))
        return EpochAverages(float(self._loss_sum.numpy()) / examples, int(self._hits.numpy()) / examples)

    def start_epoch(self) -> None:
        """Sets the sums of the epoch to 0."""
        for total in self._sums:
            total.assign(tf.zeros_like(total))

    @property
    def _sums(self) -> list[tf.Variable]:
        return [self._loss_sum, self._hits, self._examples]

    def _run(self, ids: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """ids int64 [batch, length], labels int64 [batch] -> the batch's mean loss, float []."""
        weights = [variable.value for variable in self.model.trainable_variables]
        with tf.GradientTape() as tape:
            logits = self.model.logits(ids, training=True, run_lstm=self._run_lstm)
            losses = _losses(logits, labels)
            loss = tf.reduce_mean(losses)
        # The embedding's gradient is sparse: one entry for each occurrence of a word. Keras would clip by the norm of
        # the entries. For a word that occurs twice in a batch that is not the norm of its gradient. So make gradients
        # dense; Adam makes them dense in any case.
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights)]
        self.optimizer.apply(gradients, self.model.trainable_variables)
        self._loss_sum.assign_add(tf.reduce_sum(tf.cast(losses, tf.float64)))
        self._hits.assign_add(tf.reduce_sum(tf.cast(tf.equal(_predicted(logits), labels), tf.int64)))
        self._examples.assign_add(tf.size(labels, out_type=tf.int64))
        return loss


def _losses(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Logits float [batch, 1] or [batch, classes], labels int64 [batch] -> cross-entropy in nats, float [batch]."""
    if logits.shape[1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(labels, logits.dtype), logits[:, 0])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)


def _predicted(logits: tf.Tensor) -> tf.Tensor:
    """Logits float [batch, 1] or [batch, classes] -> predicted labels, int64 [batch]; of equal logits the first.

    >>> _predicted(tf.constant([[0.5], [0.0]])).numpy().tolist()
    [1, 0]
    >>> _predicted(tf.constant([[0.1, 0.3, 0.3]])).numpy().tolist()
    [1]
    """
    if logits.shape[1] == 1:
        return tf.cast(logits[:, 0] > 0, tf.int64)
    return tf.argmax(logits, axis=1)

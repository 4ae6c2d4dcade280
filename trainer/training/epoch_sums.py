"""Sums over the rows of an epoch, on the device -> the epoch's averages."""

import tensorflow as tf

from trainer.training.objective import EpochAverages, Objective


class EpochSums:
    """The variables that a training step adds to. Rows that all count once are counted in int64, exactly."""

    def __init__(self, objective: Objective) -> None:
        count = tf.int64 if objective.is_plain else tf.float64
        self._loss_sum = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._hits = tf.Variable(tf.zeros([], count), trainable=False)
        self._rows = tf.Variable(tf.zeros([], count), trainable=False)
        # The sum of the w_i; it is not that of the rows' own weights if labels have weights.
        self._loss_weights = None if objective.is_plain else tf.Variable(0.0, dtype=tf.float64, trainable=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """All of them, in a fixed order."""
        sums = [self._loss_sum, self._hits, self._rows]
        return sums if self._loss_weights is None else [*sums, self._loss_weights]

    def start_epoch(self) -> None:
        """Sets them to 0."""
        for total in self.variables:
            total.assign(tf.zeros_like(total))

    def add(self, losses: tf.Tensor, right: tf.Tensor) -> None:
        """Adds rows that all count once. losses: float [batch]; right: bool [batch]."""
        self._loss_sum.assign_add(tf.reduce_sum(tf.cast(losses, tf.float64)))
        self._hits.assign_add(tf.reduce_sum(tf.cast(right, tf.int64)))
        self._rows.assign_add(tf.size(right, out_type=tf.int64))

    def add_weighted(
        self, losses: tf.Tensor, right: tf.Tensor, *, loss_weights: tf.Tensor, weights: tf.Tensor | None
    ) -> None:
        """Adds rows with weights. losses, loss_weights: float [batch]. right: bool [batch], or [batch, classes].

        weights: of the rows, without those of their labels, float [batch]; None: all count once.
        """
        assert self._loss_weights is not None
        of_loss = tf.cast(loss_weights, tf.float64)
        hits = tf.cast(right, tf.float64)
        hits = hits if right.shape.rank == 1 else tf.reduce_mean(hits, axis=1)
        of_rows = tf.ones_like(of_loss) if weights is None else tf.cast(weights, tf.float64)
        self._loss_sum.assign_add(tf.reduce_sum(tf.cast(losses, tf.float64) * of_loss))
        self._loss_weights.assign_add(tf.reduce_sum(of_loss))
        self._hits.assign_add(tf.reduce_sum(hits * of_rows))
        self._rows.assign_add(tf.reduce_sum(of_rows))

    def averages(self) -> EpochAverages:
        """The averages of the rows so far, 0 without any; waits for the device."""
        rows = float(self._rows.numpy()) or 1.0
        of_loss = rows if self._loss_weights is None else float(self._loss_weights.numpy()) or 1.0
        return EpochAverages(float(self._loss_sum.numpy()) / of_loss, float(self._hits.numpy()) / rows)

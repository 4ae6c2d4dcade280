"""Sums over the rows of an epoch, on the device -> the epoch's averages."""

from collections.abc import Sequence

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

    def add(self, totals: Sequence[tf.Tensor]) -> None:
        """Adds the totals of a batch, see `totals_of_rows`."""
        for total, more in zip(self.variables, totals, strict=True):
            total.assign_add(more)

    def averages(self) -> EpochAverages:
        """The averages of the rows so far, 0 without any; waits for the device."""
        rows = float(self._rows.numpy()) or 1.0
        of_loss = rows if self._loss_weights is None else float(self._loss_weights.numpy()) or 1.0
        return EpochAverages(float(self._loss_sum.numpy()) / of_loss, float(self._hits.numpy()) / rows)


def totals_of_rows(losses: tf.Tensor, right: tf.Tensor) -> list[tf.Tensor]:
    """Rows that all count once -> float64 [], int64 [], int64 []. losses: float [batch]; right: bool [batch].

    >>> [total.numpy().item() for total in totals_of_rows(tf.constant([0.5, 0.25]), tf.constant([True, False]))]
    [0.75, 1, 2]
    """
    return [
        tf.reduce_sum(tf.cast(losses, tf.float64)),
        tf.reduce_sum(tf.cast(right, tf.int64)),
        tf.size(right, out_type=tf.int64),
    ]


def totals_of_weighted_rows(
    losses: tf.Tensor, right: tf.Tensor, *, loss_weights: tf.Tensor, weights: tf.Tensor | None
) -> list[tf.Tensor]:
    """Rows with weights -> four of float64 []. losses, loss_weights: float [batch]. right: bool [batch], or [batch,
    classes].

    weights: of the rows, without those of their labels, float [batch]; None: all count once.
    """
    of_loss = tf.cast(loss_weights, tf.float64)
    hits = tf.cast(right, tf.float64)
    hits = hits if right.shape.rank == 1 else tf.reduce_mean(hits, axis=1)
    of_rows = tf.ones_like(of_loss) if weights is None else tf.cast(weights, tf.float64)
    return [
        tf.reduce_sum(tf.cast(losses, tf.float64) * of_loss),
        tf.reduce_sum(hits * of_rows),
        tf.reduce_sum(of_rows),
        tf.reduce_sum(of_loss),
    ]

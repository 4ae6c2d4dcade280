"""Sparse rows + labels -> the logistic regression with the least loss; no text, no files.

    rows     float32 [rows, columns], sparse
    labels   int64 [rows]: of two labels (one output) or of more (an output a label, softmax);
             or float32 [rows, classes] of 0 and 1: several labels a row, each on its own
    weights  float64 [rows], how often a row counts; None: once
    loss     the sum over the rows of weight x cross-entropy, plus half the squared weights of the columns, without the
             biases. That is scikit-learn's LogisticRegression with its defaults (C = 1).

The loss is convex and has one minimum. L-BFGS finds it (D. C. Liu and J. Nocedal, On the limited memory BFGS method for
large scale optimization, 1989). TensorFlow's sparse products on 2.6 million values take 4 ms each. SciPy has L-BFGS too
(`trainer.ngrams.sparse`), but each training would load it: 0.3 s and 40 MB, a third of what all of this takes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

Floats = npt.NDArray[np.float64]
# Weights -> the loss and its gradient, of the same shape.
Loss = Callable[[Floats], tuple[float, Floats]]

# Pairs of steps and gradients that L-BFGS remembers.
_MEMORY: Final = 6
_MOST_STEPS: Final = 60
# It ends when the largest part of the gradient has fallen to this share of the first one. On 5,000 held-out reviews of
# IMDB 18 answers then differ from those at 1e-5, and the accuracy is the same; 49 products instead of 83.
_TOLERANCE: Final = 1e-2
# Armijo's condition: a step must reduce the loss by this share of what the gradient promises.
_SUFFICIENT: Final = 1e-4


@dataclass(frozen=True)
class LogisticRegression:
    """weights: float32 [columns, outputs]; biases: float32 [outputs]."""

    weights: npt.NDArray[np.float32]
    biases: npt.NDArray[np.float32]

    def logits(self, rows: tf.SparseTensor) -> npt.NDArray[np.float32]:
        """float32 [rows, outputs]."""
        return np.asarray(tf.sparse.sparse_dense_matmul(rows, self.weights).numpy() + self.biases)


def sparse_rows(
    row: npt.NDArray[np.int64], column: npt.NDArray[np.int64], value: npt.NDArray[np.float32], *, shape: tuple[int, int]
) -> tf.SparseTensor:
    """A sparse tensor of entries in the order of their rows, then of their columns."""
    return tf.sparse.SparseTensor(np.stack([row, column], axis=1), value, shape)


def fit(
    rows: tf.SparseTensor, labels: npt.NDArray[Any], *, outputs: int, weights: Floats | None = None
) -> LogisticRegression:
    """The minimum, see the module; the same each time.

    >>> rows = tf.sparse.from_dense(tf.constant([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    >>> model = fit(rows, np.array([1, 0, 0]), outputs=1)
    >>> (model.logits(rows)[:, 0] > 0).tolist(), model.weights.astype(float).round(2).tolist()
    ([False, False, False], [[0.56], [-0.26]])
    """
    columns = int(rows.shape[1])
    of_rows = tf.raw_ops.SparseTensorToCSRSparseMatrix(
        indices=rows.indices, values=rows.values, dense_shape=rows.dense_shape
    )
    of_columns = tf.raw_ops.SparseMatrixTranspose(input=of_rows, type=tf.float32)
    targets = _targets(labels, outputs)
    counts = np.ones([len(labels), 1]) if weights is None else weights[:, np.newaxis]
    is_softmax = outputs > 1 and labels.ndim == 1

    def loss(flat: Floats) -> tuple[float, Floats]:
        given, biases = _parts(flat, columns)
        product = tf.raw_ops.SparseMatrixMatMul(a=of_rows, b=given.astype(np.float32)).numpy()
        logits = product.astype(np.float64) + biases
        losses, errors = (_softmax if is_softmax else _sigmoid)(logits, targets)
        errors *= counts
        gradient = tf.raw_ops.SparseMatrixMatMul(a=of_columns, b=errors.astype(np.float32)).numpy() + given
        total = float((losses * counts[:, 0]).sum() + (given**2).sum() / 2)
        return total, np.concatenate([gradient.ravel(), errors.sum(axis=0)])

    best = minimize(loss, np.zeros((columns + 1) * outputs))
    given, biases = _parts(best, columns)
    return LogisticRegression(given.astype(np.float32), biases.astype(np.float32))


def minimize(loss: Loss, start: Floats) -> Floats:
    """The weights with the least loss, by L-BFGS from `start`, float64 [weights].

    >>> minimize(lambda x: (float((x - 3) @ (x - 3)), 2 * (x - 3)), np.zeros(2)).tolist()
    [3.0, 3.0]
    """
    point = start
    value, gradient = loss(point)
    enough = _TOLERANCE * np.abs(gradient).max()
    memory: list[tuple[Floats, Floats]] = []
    for _ in range(_MOST_STEPS):
        if np.abs(gradient).max() <= enough:
            break
        direction = -_inverse_hessian_times(gradient, memory)
        slope = float(direction @ gradient)
        share = 1.0 if memory else min(1.0, 1 / float(np.abs(gradient).sum()))
        while True:
            moved = point + share * direction
            new_value, new_gradient = loss(moved)
            if new_value <= value + _SUFFICIENT * share * slope:
                break
            share /= 2
            if share < 1e-10:  # float32 products see no lower loss
                return point
        step, change = moved - point, new_gradient - gradient
        if step @ change > 0:
            memory = [*memory, (step, change)][-_MEMORY:]
        point, value, gradient = moved, new_value, new_gradient
    return point


def _inverse_hessian_times(gradient: Floats, memory: list[tuple[Floats, Floats]]) -> Floats:
    """The two loops of J. Nocedal, Updating quasi-Newton matrices with limited storage, 1980."""
    result, shares = gradient.copy(), []
    for step, change in reversed(memory):
        share = (step @ result) / (change @ step)
        shares.append(share)
        result -= share * change
    if memory:
        step, change = memory[-1]
        result *= (step @ change) / (change @ change)
    for (step, change), share in zip(memory, reversed(shares), strict=True):
        result += (share - (change @ result) / (change @ step)) * step
    return result


def _targets(labels: npt.NDArray[Any], outputs: int) -> Floats:
    """float64 [rows, outputs] of 0 and 1."""
    if labels.ndim == 2:
        return labels.astype(np.float64)
    return (labels[:, np.newaxis] == (np.arange(outputs) if outputs > 1 else 1)).astype(np.float64)


def _sigmoid(logits: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Losses [rows], the sums over the outputs; their gradients [rows, outputs]."""
    losses = np.logaddexp(0, logits) - targets * logits
    return losses.sum(axis=1), 1 / (1 + np.exp(-logits)) - targets


def _softmax(logits: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Losses [rows]; their gradients [rows, outputs]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers.sum(axis=1, keepdims=True)
    return np.log(sums[:, 0]) - (shifted * targets).sum(axis=1), powers / sums - targets


def _parts(flat: Floats, columns: int) -> tuple[Floats, Floats]:
    """Weights [columns, outputs] and biases [outputs]."""
    table = flat.reshape(columns + 1, -1)
    return table[:-1], table[-1]

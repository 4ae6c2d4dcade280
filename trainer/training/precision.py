"""`training.precision`: layers that compute in 16 bits, and a scale that keeps small gradients of float16 from being 0.

With `mixed_float16` or `mixed_bfloat16` the layers up to the last Dense compute in 16 bits. Weights, optimizer, logits
and loss stay float32. Only the training step is traced so: the same model is scored and exported in float32.

P. Micikevicius et al., Mixed Precision Training, 2018: a float32 copy of the weights (section 3.1), loss scaling
(section 3.2). bfloat16 has the exponents of float32, so it needs no scale.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import keras
import tensorflow as tf

from pipeline.config.settings import Precision
from trainer.model.classifier import TextClassifier

# As Keras's LossScaleOptimizer: it finds the largest scale within some twenty steps, in which nothing is learnt.
_FIRST_SCALE: Final = 2.0**15
_STEPS_TO_GROWTH: Final = 2000


@contextmanager
def computing_in(precision: Precision, model: TextClassifier) -> Iterator[None]:
    """Within it the layers of the model before its last one compute in this precision; for the time of a trace."""
    if precision == "float32":
        yield
        return
    layers = [layer for layer in model._flatten_layers(include_self=False) if layer is not model.head]
    policies = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = keras.DTypePolicy(precision)
        yield
    finally:
        for layer, policy in zip(layers, policies, strict=True):
            layer.dtype_policy = policy


class LossScale:
    """The factor of the loss. It doubles after 2,000 steps with finite gradients, and halves after one without."""

    def __init__(self, first: float = _FIRST_SCALE, *, growth: int = _STEPS_TO_GROWTH) -> None:
        self._growth = growth
        self._scale = tf.Variable(first, dtype=tf.float32, trainable=False)
        self._finite_steps = tf.Variable(0, dtype=tf.int64, trainable=False)

    @property
    def variables(self) -> list[tf.Variable]:
        """Scale and number of steps since its last change, in a fixed order."""
        return [self._scale, self._finite_steps]

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """float32 [] -> float32 []."""
        return loss * self._scale

    def unscaled(self, gradients: Sequence[tf.Tensor]) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Gradients of the scaled loss, float32 -> those of the loss, and whether all are finite, bool [].

        The scale of the next step follows from that.
        """
        scale = tf.identity(self._scale)
        are_finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
        steps = tf.where(are_finite, self._finite_steps + 1, 0)
        grows = steps >= self._growth
        self._scale.assign(tf.where(are_finite, tf.where(grows, scale * 2, scale), scale / 2))
        self._finite_steps.assign(tf.where(grows, tf.zeros_like(steps), steps))
        return [gradient / scale for gradient in gradients], are_finite

"""What the n-grams of a text say beside the LSTM: the weights that an exported model holds, and the graph on them."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.support.arrays import Float32s, Int32s
from trainer.ngrams.graph import graph_rows, graph_sums
from trainer.ngrams.join import Join
from trainer.ngrams.kinds import NgramKinds


class NgramArrays(NamedTuple):
    """All numbers of a side.

    keys: int32 [buckets], see `trainer.ngrams.table`. weights: float32 [vocabulary size + buckets, outputs]; a row for
    each word, then one for each bucket. intercept: float32 [outputs]. scales: float32 [2], what the logits of the LSTM
    and of the n-grams are multiplied by. bias: float32 [outputs].
    """

    keys: Int32s
    weights: Float32s
    intercept: Float32s
    scales: Float32s
    bias: Float32s

    @property
    def vocabulary_size(self) -> int:
        """Rows of words, that of padding among them."""
        return len(self.weights) - len(self.keys)

    @property
    def join(self) -> Join:
        """How both sides are joined."""
        return Join(float(self.scales[0]), float(self.scales[1]), self.bias.astype(np.float64))

    def with_join(self, join: Join) -> "NgramArrays":
        """The same n-grams, joined in another way."""
        scales = np.array([join.lstm, join.ngrams], np.float32)
        return self._replace(scales=scales, bias=join.bias.astype(np.float32))


class NgramSide(tf.Module):
    """N-grams beside an LSTM. arrays: see `NgramArrays`; kinds: those that the arrays were learnt with.

    Its variables have the names of the arrays, so that `NgramSide.arrays_of` finds them in a loaded SavedModel.
    """

    def __init__(self, arrays: NgramArrays, *, kinds: NgramKinds) -> None:
        super().__init__(name="ngrams")
        self._kinds, self._vocabulary_size = kinds, arrays.vocabulary_size
        for name, value in arrays._asdict().items():
            setattr(self, f"{name}_", tf.Variable(value, trainable=False, name=name))

    @staticmethod
    def arrays_of(loaded: object) -> NgramArrays:
        """The arrays of a side, or of what a SavedModel gives back for one.

        Raises:
          AttributeError: it is no such object.
        """
        return NgramArrays(*(getattr(loaded, f"{name}_").numpy() for name in NgramArrays._fields))

    def logits(self, ids: tf.Tensor) -> tf.Tensor:
        """int64 [batch, length], padding on either side -> the n-grams' own logits, float32 [batch, outputs]."""
        rows = graph_rows(ids, self.keys_, kinds=self._kinds, vocabulary_size=self._vocabulary_size)
        sums = graph_sums(rows, self.weights_)
        return tf.cast(sums + tf.cast(self.intercept_, tf.float64), tf.float32)

    def join(self, lstm_logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
        """The LSTM's logits of texts, float [batch, outputs], and their ids -> joined logits, float32."""
        own = tf.cast(lstm_logits, tf.float32)
        return self.scales_[0] * own + self.scales_[1] * self.logits(ids) + self.bias_

"""Masked LSTMs in serving: packed ids -> state, each LSTM as one operation; no gradients.

    packed ids  int   [batch, length]   rolled so that each row starts with its first word; length is 1 or more
    lengths     int32 [batch]           words of each row
    state       float [batch, width]    the same as `TextClassifier.state`, except for the last bits

`lstm_choice` says when this is used. Keras steps through a text with a loop of about ten operations a word. Calling
them takes 30 us a word, whatever they compute. `lstm_kernel` runs the same loop inside one operation: 6 us a word for a
single text.
"""

from typing import Final

import keras
import tensorflow as tf

from trainer.model.classifier import TextClassifier, keras_lstms
from trainer.model.lstm_kernel import GROUP_ROWS, join_weights, kernel_states, states_at_last_word

# Groups that may run at the same time, on as many cores. The rounds of one loop in a saved graph wait for each other,
# so each lane is a loop of its own. A group holds 28 bytes a word and unit: 22 MB for 16 rows of 500 words, 100 units.
_LANES: Final = 4


class InferenceLstms(tf.Module):
    """The LSTMs of a masked model, with copies of its present weights.

    in_groups: run batches above `GROUP_ROWS` rows in groups through the kernel; otherwise in Keras's loop.
    """

    def __init__(self, model: TextClassifier, *, in_groups: bool) -> None:
        super().__init__(name="inference_lstms")
        self._run_kernel = lambda packed: model.state_from_packed(packed, run_lstm=self._run)
        self._run_keras = model.state_from_packed
        self._width, self._dtype = model.head.kernel.shape[0], model.compute_dtype
        self._in_groups = in_groups
        lstms = keras_lstms(model)
        # Joined once, as the kernel needs them. To join them at each call would cost as much as 20 words.
        self.weights = [tf.Variable(join_weights(lstm), trainable=False) for lstm in lstms]
        self._index = {lstm: index for index, lstm in enumerate(lstms)}

    def state(self, packed: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """int [batch, length], int32 [batch] -> float [batch, width]; zeros for a row without words.

        Up to `GROUP_ROWS` rows run through the kernel in one call. More rows run in groups of about equal length, so
        that a short text does not wait for the longest one; or in Keras's loop, where groups are not faster.
        """
        many_rows = (lambda: self._run_lanes(packed, lengths)) if self._in_groups else (lambda: self._run_keras(packed))
        return tf.cond(tf.size(lengths) <= GROUP_ROWS, lambda: self._run_kernel(packed), many_rows)

    def _run_lanes(self, packed: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """int [batch, length], int32 [batch] -> float [batch, width].

        Rows are sorted by length and cut into groups. The groups are dealt out to `_LANES` loops.
        """
        order = tf.argsort(lengths, stable=True)
        lane_of = tf.range(tf.size(order)) // GROUP_ROWS % _LANES
        lanes = [tf.boolean_mask(order, tf.equal(lane_of, lane)) for lane in range(_LANES)]
        states = [self._run_lane(tf.gather(packed, rows), tf.gather(lengths, rows)) for rows in lanes]
        return tf.gather(tf.concat(states, axis=0), tf.argsort(tf.concat(lanes, axis=0)))

    def _run_lane(self, packed: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """int [rows, length], int32 [rows], sorted by length -> float [rows, width]: one group after the other."""
        count = -(-tf.size(lengths) // GROUP_ROWS)
        states = tf.TensorArray(self._dtype, size=count, infer_shape=False, element_shape=[None, self._width])

        def run_group(group: tf.Tensor, states: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            rows = slice(group * GROUP_ROWS, (group + 1) * GROUP_ROWS)
            longest = tf.maximum(lengths[rows][-1], 1)
            return group + 1, states.write(group, self._run_kernel(packed[rows, :longest]))

        return tf.while_loop(lambda group, _: group < count, run_group, [0, states])[1].concat()

    def _run(self, lstm: keras.layers.LSTM, sequence: tf.Tensor, *, mask: tf.Tensor, training: bool) -> tf.Tensor:
        """float [batch, length, dim] -> an LSTM's states [batch, length, units], or those at each row's last word
        [batch, units].

        mask: bool [batch, length], in each row True for words, then False.
        """
        if training:
            raise ValueError("these weights are copies, which training would not change; see trainer.model.lstm_choice")
        weights = self.weights[self._index[lstm]]
        states = kernel_states(tf.transpose(sequence, [1, 0, 2]), weights, lstm.cell.bias.value)
        if lstm.return_sequences:
            return tf.transpose(states, [1, 0, 2])
        return states_at_last_word(states, tf.math.count_nonzero(mask, axis=1, dtype=tf.int32))

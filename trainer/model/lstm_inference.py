"""A masked model's LSTMs as one operation each: packed ids -> state, for answers only.

    packed  int   [batch, length]   ids rolled so that each row starts with its first word; length is 1 or more
    lengths int32 [batch]           words of each row
    state   float [batch, width]    what `TextClassifier.state` gives, but for the last bits

Keras steps through a text with a loop of some ten operations a word, which take 30 us to call whatever they compute;
`block_kernel` is the same loop within one operation, 6 us a word for a text alone.
"""

from typing import Final

import keras
import tensorflow as tf

from trainer.model.classifier import TextClassifier, lstm_layers
from trainer.model.lstm_kernel import GROUP_ROWS, answering_states, at_last_word, join_weights

# Wider LSTMs are all arithmetic, and Keras's products are the larger ones: 64 rows of 100 words through 256 units take
# its loop 55 ms, and groups 77. Up to here groups are faster in any number, and spread over the cores besides.
_WIDEST_IN_GROUPS: Final = 128
# Groups that may run at the same time, on as many cores: the rounds of a loop in a saved graph wait for each other, so
# these are loops of their own. A group holds 28 bytes a word and unit, 22 MB for 16 rows of 500 words and 100 units.
_LANES: Final = 4


class BlockLstms(tf.Module):
    """The LSTMs of a masked model, with the weights that it has now."""

    def __init__(self, model: TextClassifier) -> None:
        super().__init__(name="block_lstms")
        self._call = lambda packed: model.state_of_packed(packed, read=self._read)
        self._call_keras = model.state_of_packed
        self._width, self._dtype = model.head.kernel.shape[0], model.compute_dtype
        lstms = lstm_layers(model)
        self._are_narrow = max(lstm.units for lstm in lstms) <= _WIDEST_IN_GROUPS
        # As the kernel wants them. Joined at each call, the two would cost as much as 20 words.
        self.weights = [tf.Variable(join_weights(lstm), trainable=False) for lstm in lstms]
        self._place = {lstm: place for place, lstm in enumerate(lstms)}

    def state(self, packed: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """The state of each row; zeros for one without any word.

        Few rows go through the kernel as they are. Of many, those of about the same length go together, so that no
        short text waits for the longest one, or, where groups are no gain, all through Keras's loop.
        """
        many = (lambda: self._in_lanes(packed, lengths)) if self._are_narrow else (lambda: self._call_keras(packed))
        return tf.cond(tf.size(lengths) <= GROUP_ROWS, lambda: self._call(packed), many)

    def _in_lanes(self, packed: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        order = tf.argsort(lengths, stable=True)
        lane_of = tf.range(tf.size(order)) // GROUP_ROWS % _LANES
        lanes = [tf.boolean_mask(order, tf.equal(lane_of, lane)) for lane in range(_LANES)]
        states = [self._in_groups(tf.gather(packed, rows), tf.gather(lengths, rows)) for rows in lanes]
        return tf.gather(tf.concat(states, axis=0), tf.argsort(tf.concat(lanes, axis=0)))

    def _in_groups(self, packed: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """The states of rows in the order of their lengths, a group after the other."""
        count = -(-tf.size(lengths) // GROUP_ROWS)
        states = tf.TensorArray(self._dtype, size=count, infer_shape=False, element_shape=[None, self._width])

        def read(group: tf.Tensor, states: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            rows = slice(group * GROUP_ROWS, (group + 1) * GROUP_ROWS)
            longest = tf.maximum(lengths[rows][-1], 1)
            return group + 1, states.write(group, self._call(packed[rows, :longest]))

        return tf.while_loop(lambda group, _: group < count, read, [0, states])[1].concat()

    def _read(self, lstm: keras.layers.LSTM, sequence: tf.Tensor, *, mask: tf.Tensor, training: bool) -> tf.Tensor:
        """float [batch, length, dim] -> an LSTM's states [batch, length, units], or those at each row's last word.

        mask: bool [batch, length], in each row True in front and False behind.
        """
        if training:
            raise ValueError("these weights are copies, so nothing can be learnt through them; see block_reader")
        weights = self.weights[self._place[lstm]]
        states = answering_states(tf.transpose(sequence, [1, 0, 2]), weights, lstm.cell.bias.value)
        if lstm.return_sequences:
            return tf.transpose(states, [1, 0, 2])
        return at_last_word(states, tf.math.count_nonzero(mask, axis=1, dtype=tf.int32))

"""A masked model's LSTMs as one operation each: packed ids -> state, for answers only.

    packed  int   [batch, length]   ids rolled so that each row starts with its first word; length is 1 or more
    lengths int32 [batch]           words of each row
    state   float [batch, width]    what `TextClassifier.state` gives, but for the last bits

Keras steps through a text with a loop of some ten operations a word, which take 30 us to call whatever they compute;
`BlockLSTMV2` is the same loop within one operation, 6 us a word for a text alone. It has kernels for CPU and GPU and is
part of TensorFlow itself, so a server needs nothing more. It knows no mask: what it makes of the padding behind a row's
last word is never looked at.

It multiplies inputs and state by their weights in one sum where Keras makes two and adds them, so a number of the state
differs by 1e-7 from Keras's (by 4e-7 with 512 units), and a score by less (measured with 100 to 512 units, stacked and
bidirectional).
"""

from typing import Final

import keras
import tensorflow as tf

from trainer.model import TextClassifier, lstm_layers

# Rows that go through the kernel together. Above some 20 of them it spreads each of its small products over the cores,
# which costs more than it saves: 32 rows of 230 words take 30 ms of CPU time, twice 16 take 15, Keras's loop 21.
GROUP_ROWS: Final = 16
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
        self.weights = [
            tf.Variable(tf.concat([lstm.cell.kernel.value, lstm.cell.recurrent_kernel.value], axis=0), trainable=False)
            for lstm in lstms
        ]
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
            raise ValueError("BlockLSTMV2 drops nothing")
        rows = tf.shape(sequence)[0]
        nothing = tf.zeros([rows, lstm.units], sequence.dtype)
        unused = tf.zeros([lstm.units], sequence.dtype)  # weights of peepholes, which Keras's LSTM doesn't have
        states = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.shape(sequence, tf.int64)[1],
            x=tf.transpose(sequence, [1, 0, 2]),
            cs_prev=nothing,
            h_prev=nothing,
            w=self.weights[self._place[lstm]],
            wci=unused,
            wcf=unused,
            wco=unused,
            b=lstm.cell.bias.value,
            cell_clip=-1.0,  # none
            use_peephole=False,
        ).h
        if lstm.return_sequences:
            return tf.transpose(states, [1, 0, 2])
        last = tf.math.count_nonzero(mask, axis=1, dtype=tf.int32) - 1
        return tf.gather_nd(states, tf.stack([last, tf.range(rows)], axis=1))

"""Model + batch size -> how its LSTMs read while it learns: in groups of rows, each as one operation, or as Keras does.

    sequence  float [batch, length, dim]   rows as long as the longest one of the batch
      -> groups of 16 rows, each cut off behind its own longest row -> `block_kernel` -> one batch again

Without the last bits, states and gradients are Keras's: of 64 IMDB reviews, gradients differ by less than 1e-6 of their
length. Forward and backward, these take Keras's masked loop 218 ms of CPU time (rows of 224 words, 100 units) and
groups of 16 rows 109; groups of 12 138, of 22 107, of 32 127, all in one 133. That is the least of 12 calls on a busy
machine; by the clock 16 is a fifth ahead of 22.
"""

from functools import partial
from typing import Final

import keras
import tensorflow as tf

from trainer.model.classifier import Reader, TextClassifier, lstm_layers, read_by_keras
from trainer.model.lstm_kernel import GROUP_ROWS, at_last_word, join_weights, learning_states

# Of wider LSTMs the weights and their gradients, which each step of each group goes through, no longer fit the core's
# own cache (a guess that fits). Least CPU time of 8 to 12 calls with 64 rows of 224 words, Keras's loop and groups: 120
# units 264 and 149 ms, 124 259 and 157, 127 261 and 199, 128 305 and 359, 144 284 and 299, 256 868 and 1,601.
_WIDEST: Final = 124


def block_reader(model: TextClassifier, *, batch_size: int) -> Reader:
    """The reader that suits this model and machine; it takes batches of any size, and those of `batch_size` best.

    Keras's own where it has better ways (cuDNN, if TensorFlow sees a GPU; wide LSTMs) or where the kernel has none:
    it knows no dropout of the state, and a row that is read with its padding has nothing that groups could cut off.
    """
    settings = model.settings
    is_wide = max(lstm.units for lstm in lstm_layers(model)) > _WIDEST
    if tf.config.list_logical_devices("GPU") or is_wide or settings.recurrent_dropout or not settings.mask_zero:
        return read_by_keras
    return partial(_read, groups=-(-batch_size // GROUP_ROWS))


def _read(lstm: keras.layers.LSTM, sequence: tf.Tensor, *, mask: tf.Tensor, training: bool, groups: int) -> tf.Tensor:
    """float [batch, length, dim] -> an LSTM's states [batch, length, units], or those at each row's last word.

    mask: bool [batch, length], in each row True in front, at least once, and False behind. The states behind a row's
      last word are of no use.
    """
    if training and lstm.recurrent_dropout:
        raise ValueError("BlockLSTMV2 drops nothing of the state")
    rows, length = tf.shape(sequence)[0], tf.shape(sequence)[1]
    # Of no rows at all, the kernel's gradient is memory that nobody has written to. So each group has some, if need be
    # of padding alone, which take one step.
    missing = tf.maximum(-(-rows // groups), 1) * groups - rows
    sequences = tf.split(tf.pad(sequence, [[0, missing], [0, 0], [0, 0]]), groups)
    words = tf.math.count_nonzero(mask, axis=1, dtype=tf.int32)
    lengths = tf.split(tf.pad(words, [[0, missing]], constant_values=1), groups)
    weights = join_weights(lstm)  # once: the groups' gradients are summed before they go to the two matrices
    read = [
        _read_group(lstm, group, group_lengths, weights=weights, length=length)
        for group, group_lengths in zip(sequences, lengths, strict=True)
    ]
    return tf.concat(read, axis=0)[:rows]


def _read_group(
    lstm: keras.layers.LSTM, sequence: tf.Tensor, lengths: tf.Tensor, *, weights: tf.Tensor, length: tf.Tensor
) -> tf.Tensor:
    """float [rows, length, dim], int32 [rows] -> the same as `_read`, of the rows of a group."""
    longest = tf.reduce_max(lengths)
    states = learning_states(tf.transpose(sequence[:, :longest], [1, 0, 2]), weights, lstm.cell.bias.value)
    if lstm.return_sequences:
        return tf.pad(tf.transpose(states, [1, 0, 2]), [[0, 0], [0, length - longest], [0, 0]])
    return at_last_word(states, lengths)

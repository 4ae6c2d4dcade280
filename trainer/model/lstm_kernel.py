"""An LSTM's steps within one operation, for a model that answers and for one that learns.

    sequence  float [length, rows, dim]          time comes first
    weights   float [dim + units, 4 * units]     see `join_weights`
    bias      float [4 * units]
    states    float [length, rows, units]        behind each step

`BlockLSTMV2` has kernels for CPU and GPU and is part of TensorFlow itself, so a server needs nothing more. It knows no
mask: what it makes of the padding behind a row's last word must not be looked at. It multiplies inputs and state by
their weights in one sum where Keras makes two and adds them, so a number of the state differs by 1e-7 from Keras's (by
4e-7 with 512 units), and a score by less (measured with 100 to 512 units, stacked and bidirectional).
"""

from collections.abc import Callable
from typing import Final

import keras
import tensorflow as tf

# Rows that go through the kernel together. Above some 20 of them it spreads each of its small products over the cores,
# which costs more than it saves: 32 rows of 230 words take 30 ms of CPU time, twice 16 take 15, Keras's loop 21.
GROUP_ROWS: Final = 16

Gradients = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


def join_weights(lstm: keras.layers.LSTM) -> tf.Tensor:
    """An LSTM's two weight matrices as the kernel wants them, one above the other."""
    return tf.concat([lstm.cell.kernel.value, lstm.cell.recurrent_kernel.value], axis=0)


def answering_states(sequence: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """The states, without a gradient: the one that TensorFlow would take is wrong, see `learning_states`."""
    inputs = _inputs(sequence, weights, bias)
    return tf.raw_ops.BlockLSTMV2(**inputs, cell_clip=-1.0, use_peephole=False).h


@tf.custom_gradient
def learning_states(sequence: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor) -> tuple[tf.Tensor, Gradients]:
    """The states, with gradients of all three arguments.

    TensorFlow's own gradient of the operation calls BlockLSTMGrad, which takes the gates in another order than
    BlockLSTMV2 gives them: off by 1.2 times the gradient's length, without a word (2.21). Its own partner is right.
    """
    inputs = _inputs(sequence, weights, bias)
    stepped = tf.raw_ops.BlockLSTMV2(**inputs, cell_clip=-1.0, use_peephole=False)

    def gradients(of_states: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        found = tf.raw_ops.BlockLSTMGradV2(
            **inputs, **stepped._asdict(), cs_grad=tf.zeros_like(of_states), h_grad=of_states, use_peephole=False
        )
        return found.x_grad, found.w_grad, found.b_grad

    return stepped.h, gradients


def at_last_word(states: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """float [length, rows, units], the rows' words, int32 [rows], 1 or more -> float [rows, units].

    >>> states = tf.constant([[[1.0], [2.0]], [[3.0], [4.0]]])
    >>> at_last_word(states, tf.constant([2, 1])).numpy().tolist()
    [[3.0], [2.0]]
    """
    return tf.gather_nd(states, tf.stack([lengths - 1, tf.range(tf.size(lengths))], axis=1))


def _inputs(sequence: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor) -> dict[str, tf.Tensor]:
    units = bias.shape[0] // 4
    nothing = tf.zeros([tf.shape(sequence)[1], units], sequence.dtype)
    unused = tf.zeros([units], sequence.dtype)  # weights of peepholes, which Keras's LSTM doesn't have
    return {
        "seq_len_max": tf.shape(sequence, tf.int64)[0],
        "x": sequence,
        "cs_prev": nothing,
        "h_prev": nothing,
        "w": weights,
        "wci": unused,
        "wcf": unused,
        "wco": unused,
        "b": bias,
    }

"""All steps of an LSTM as one TensorFlow operation, `BlockLSTMV2`: for serving, and with gradients for training.

    sequence  float [length, rows, dim]          time is the first axis
    weights   float [dim + units, 4 * units]     see `join_weights`
    bias      float [4 * units]
    states    float [length, rows, units]        after each step

`BlockLSTMV2` has kernels for CPU and GPU and is part of TensorFlow itself, so a server needs nothing more. It takes no
mask: states after a row's last word are computed from padding and must not be used.

The operation multiplies inputs and state by their weights in one sum. Keras computes two sums and adds them. So a
number of the state differs from Keras's by 1e-7 (by 4e-7 with 512 units), and a score by less. This was measured with
100 to 512 units, stacked and bidirectional.
"""

from collections.abc import Callable
from typing import Final

import keras
import tensorflow as tf

# Rows in one call of the kernel. With more than about 20 rows the kernel spreads each of its small products over the
# cores, which costs more than it saves. CPU time of 32 rows of 230 words: 30 ms in one call, 15 ms in two calls of 16
# rows, 21 ms in Keras's loop.
GROUP_ROWS: Final = 16

Gradients = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


def join_weights(lstm: keras.layers.LSTM) -> tf.Tensor:
    """An LSTM's two weight matrices, [dim, 4 * units] above [units, 4 * units] -> float [dim + units, 4 * units]."""
    return tf.concat([lstm.cell.kernel.value, lstm.cell.recurrent_kernel.value], axis=0)


def kernel_states(sequence: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """float [length, rows, dim] -> states, float [length, rows, units]; for serving only.

    TensorFlow's gradient of this operation is wrong. Training uses `kernel_states_with_gradients`.
    """
    inputs = _kernel_inputs(sequence, weights, bias)
    return tf.raw_ops.BlockLSTMV2(**inputs, cell_clip=-1.0, use_peephole=False).h


@tf.custom_gradient
def kernel_states_with_gradients(
    sequence: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor
) -> tuple[tf.Tensor, Gradients]:
    """float [length, rows, dim] -> states, float [length, rows, units], with gradients of all three arguments.

    TensorFlow's own gradient calls BlockLSTMGrad, which expects the gates in another order than BlockLSTMV2 returns
    them. The result is off by 1.2 times the gradient's length, without an error (TensorFlow 2.21). BlockLSTMGradV2
    expects the right order.
    """
    inputs = _kernel_inputs(sequence, weights, bias)
    outputs = tf.raw_ops.BlockLSTMV2(**inputs, cell_clip=-1.0, use_peephole=False)

    def gradients(of_states: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """float [length, rows, units] -> those of sequence, weights and bias, in their shapes."""
        result = tf.raw_ops.BlockLSTMGradV2(
            **inputs, **outputs._asdict(), cs_grad=tf.zeros_like(of_states), h_grad=of_states, use_peephole=False
        )
        return result.x_grad, result.w_grad, result.b_grad

    return outputs.h, gradients


def states_at_last_word(states: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """float [length, rows, units], words of each row int32 [rows] (1 or more) -> float [rows, units].

    >>> states = tf.constant([[[1.0], [2.0]], [[3.0], [4.0]]])
    >>> states_at_last_word(states, tf.constant([2, 1])).numpy().tolist()
    [[3.0], [2.0]]
    """
    return tf.gather_nd(states, tf.stack([lengths - 1, tf.range(tf.size(lengths))], axis=1))


def _kernel_inputs(sequence: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor) -> dict[str, tf.Tensor]:
    """The operation's arguments by name; both states start as zeros, float [rows, units]."""
    units = bias.shape[0] // 4
    zeros = tf.zeros([tf.shape(sequence)[1], units], sequence.dtype)
    no_peepholes = tf.zeros([units], sequence.dtype)  # Keras's LSTM has none; the operation wants a tensor
    return {
        "seq_len_max": tf.shape(sequence, tf.int64)[0],
        "x": sequence,
        "cs_prev": zeros,
        "h_prev": zeros,
        "w": weights,
        "wci": no_peepholes,
        "wcf": no_peepholes,
        "wco": no_peepholes,
        "b": bias,
    }

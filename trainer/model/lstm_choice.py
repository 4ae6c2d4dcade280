"""Model -> how its LSTMs are computed: this module alone decides where the fast path is used.

    where      condition                                                             LSTMs run
    training   no GPU, float32, mask_zero, no recurrent_dropout, up to 124 units     in groups, `lstm_training`
    training   GPU, no recurrent_dropout, training.cudnn                             in Keras, with cuDNN
    training   otherwise                                                             in Keras's loop
    serving    mask_zero, up to 16 texts                                             in one call, `lstm_inference`
    serving    mask_zero, more texts, no LSTM above 128 units                        in groups, `lstm_inference`
    serving    mask_zero, more texts, wider LSTMs                                    in Keras's loop
    serving    mask_zero false                                                       in Keras's loop

"training" includes the scores of the eval and test splits during a training. The check of an exported model compares
with Keras's loop, so that it does not depend on the fast path. Both fast paths call one operation, `lstm_kernel`. They
differ from Keras in the last bits only.
"""

from typing import Final

import keras
import tensorflow as tf

from pipeline.config.settings import Precision
from trainer.model.classifier import RunLstm, TextClassifier, keras_lstms, run_with_keras
from trainer.model.lstm_inference import InferenceLstms
from trainer.model.lstm_training import run_in_groups

# Units. Each step of each group reads the weights and their gradients. Those of wider LSTMs probably don't fit the
# cache of a core. CPU time in ms of 64 rows of 224 words, the fastest of 8 to 12 calls:
#     units           120   124   127   128   144     256
#     Keras's loop    264   259   261   305   284     868
#     groups          149   157   199   359   299   1,601
_WIDEST_IN_TRAINING: Final = 124
# Units. In wider LSTMs arithmetic takes most of the time, and Keras's matrix products are larger: 64 rows of 100 words
# with 256 units take 55 ms in its loop and 77 ms in groups. Up to this width groups are faster for any number of rows,
# and they use several cores.
_WIDEST_IN_SERVING: Final = 128


def choose_for_training(
    model: TextClassifier, *, batch_size: int, precision: Precision = "float32", cudnn: bool = True
) -> RunLstm:
    """How the model's LSTMs run on batches of `batch_size` rows: in groups or in Keras, see the table above.

    Keras is faster with cuDNN (TensorFlow sees a GPU) and with wide LSTMs. The kernel can't drop parts of the state
    (recurrent_dropout), and on a CPU it is not measured in 16 bits. Without mask_zero each row is read with its
    padding, so groups have nothing to cut off.
    """
    settings = model.settings
    is_wide = _widest(model) > _WIDEST_IN_TRAINING
    if tf.config.list_logical_devices("GPU"):
        return run_with_keras if cudnn else run_without_cudnn
    if is_wide or settings.recurrent_dropout or not settings.mask_zero or precision != "float32":
        return run_with_keras
    return run_in_groups(batch_size=batch_size)


def run_without_cudnn(
    lstm: keras.layers.LSTM, sequence: tf.Tensor, *, mask: tf.Tensor | None, training: bool
) -> tf.Tensor:
    """A `RunLstm` that calls the layer itself, in Keras's loop on every device."""
    use_cudnn = lstm.use_cudnn
    lstm.use_cudnn = False
    try:
        return run_with_keras(lstm, sequence, mask=mask, training=training)
    finally:
        lstm.use_cudnn = use_cudnn


def choose_for_serving(model: TextClassifier) -> InferenceLstms | None:
    """The LSTMs of the served model, with its present weights; None: Keras's loop, see the table above."""
    if not model.settings.mask_zero:
        return None
    return InferenceLstms(model, in_groups=_widest(model) <= _WIDEST_IN_SERVING)


def _widest(model: TextClassifier) -> int:
    """Units of the widest LSTM."""
    return max(lstm.units for lstm in keras_lstms(model))

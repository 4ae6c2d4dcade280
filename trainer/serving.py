"""Transform graph + trained model -> the tf.Module that is exported: texts in, labels, scores, ids and vectors out.

    signature        in                          out
    serving_default  text string [batch]         label string [batch], probability float32 [batch],
                                                 scores float32 [batch, classes] in the order of the labels
    serve_examples   examples string [batch],    the same
                     tf.train.Example with text
    token_ids        text string [batch]         ids int64 [batch, max_length], as the records hold them
    embeddings       text string [batch]         vectors float32 [batch, max_length, dim], state float32 [batch, width]

The LSTM steps through the longest text of the batch and no further: padding is no step of a masked model, so the
answers stay the same to the bit, and a text of 20 words takes a twelfth of the time. A model without a mask reads the
padding, and gets all of it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import tensorflow as tf

from pipeline.config import Side
from pipeline.contract import IDS, PADDING_ID, TEXT
from trainer.model import TextClassifier, class_scores, lstm_layers
from trainer.signatures import (
    EMBEDDINGS,
    EXAMPLES,
    LABEL_NAME,
    PROBABILITY,
    SCORES,
    SERVE_EXAMPLES,
    SERVING_DEFAULT,
    STATE,
    TOKEN_IDS,
    VECTORS,
)
from trainer.transform_graph import TextToIds

Outputs = dict[str, tf.Tensor]
Function = Callable[[tf.Tensor], Outputs]

_TEXTS: Final = tf.TensorSpec([None], tf.string, name=TEXT)
_EXAMPLES: Final = tf.TensorSpec([None], tf.string, name=EXAMPLES)


class ServedModel(tf.Module):
    """What is saved: the signatures' functions, and what they read.

    functions: by the name of their signature.
    embedding: the variable float32 [top_words, dim], for those who look at the words' vectors.
    variables_: all of the model's weights. The Keras model itself must not be held here: a module that tracks one is
      loaded by tf.saved_model.load alone, not by the session loader of TensorFlow Serving and the JVM (keras#20095).
    """

    def __init__(self, text_to_ids: TextToIds, model: TextClassifier, *, labels: Sequence[str], padding: Side) -> None:
        super().__init__(name="served_model")
        self.text_to_ids = text_to_ids
        self.embedding = model.embedding.embeddings.value
        self.variables_ = [variable.value for variable in model.weights]
        self.functions = _functions(text_to_ids, model, labels=labels, padding=padding)


def _functions(
    text_to_ids: TextToIds, model: TextClassifier, *, labels: Sequence[str], padding: Side
) -> dict[str, Function]:
    """The functions of the four signatures; the model stays in their closures."""
    names = tf.constant(list(labels), tf.string)

    def trimmed(ids: tf.Tensor) -> tf.Tensor:
        return trim(ids, padding=padding) if model.settings.mask_zero else ids

    def answer(text: tf.Tensor) -> Outputs:
        with portable(model):
            scores = class_scores(model(trimmed(text_to_ids(text)), training=False), labels)
        label = tf.gather(names, tf.argmax(scores, axis=1))
        return {LABEL_NAME: label, PROBABILITY: tf.reduce_max(scores, axis=1), SCORES: scores}

    def answer_examples(examples: tf.Tensor) -> Outputs:
        features = {TEXT: tf.io.FixedLenFeature([], tf.string, default_value="")}
        return answer(tf.io.parse_example(examples, features)[TEXT])

    def token_ids(text: tf.Tensor) -> Outputs:
        return {IDS: text_to_ids(text)}

    def embeddings(text: tf.Tensor) -> Outputs:
        ids = text_to_ids(text)
        with portable(model):
            return {VECTORS: model.vectors(ids), STATE: model.state(trimmed(ids))}

    return {
        SERVING_DEFAULT: _traced(answer, _TEXTS),
        SERVE_EXAMPLES: _traced(answer_examples, _EXAMPLES),
        TOKEN_IDS: _traced(token_ids, _TEXTS),
        EMBEDDINGS: _traced(embeddings, _TEXTS),
    }


def trim(ids: tf.Tensor, *, padding: Side) -> tf.Tensor:
    """int64 [batch, max_length] -> [batch, length]: cuts off the padding that all rows share; one column stays.

    >>> ids = tf.constant([[0, 0, 7, 8], [0, 0, 0, 9]], tf.int64)
    >>> trim(ids, padding="pre").numpy().tolist()
    [[7, 8], [0, 9]]
    >>> trim(ids[:, ::-1], padding="post").numpy().tolist()
    [[8, 7], [9, 0]]
    >>> trim(ids[:0], padding="pre").shape
    TensorShape([0, 1])
    """
    is_used = tf.reduce_any(tf.not_equal(ids, PADDING_ID), axis=0)
    length = tf.maximum(tf.math.count_nonzero(is_used), 1)
    return ids[:, -length:] if padding == "pre" else ids[:, :length]


@contextmanager
def portable(model: TextClassifier) -> Iterator[None]:
    """Within it the model's LSTMs use no cuDNN: a function traced on a GPU would hold a kernel that no CPU has."""
    layers = lstm_layers(model)
    before = [layer.use_cudnn for layer in layers]
    try:
        for layer in layers:
            layer.use_cudnn = False
        yield
    finally:
        for layer, use_cudnn in zip(layers, before, strict=True):
            layer.use_cudnn = use_cudnn


def _traced(function: Function, spec: tf.TensorSpec) -> Function:
    # autograph=False: the code has no Python control flow over tensors, and its conversion costs seconds.
    return tf.function(function, input_signature=[spec], autograph=False)

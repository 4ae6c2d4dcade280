"""Transform graph + trained model -> the tf.Module that is exported: texts in, labels, scores, ids and vectors out.

    signature        in                          out
    serving_default  text string [batch]         label string [batch], probability float32 [batch],
                                                 scores float32 [batch, classes] in the order of the labels
    serve_examples   examples string [batch],    the same
                     tf.train.Example with text
    token_ids        text string [batch]         ids int64 [batch, max_length], as the records hold them
    embeddings       text string [batch]         vectors float32 [batch, max_length, dim], state float32 [batch, width]

Padding is no step of a masked model: its LSTMs step through words alone, and do it within one operation, see
`block_lstm`. A model without a mask reads the padding, gets all of it, and answers through Keras's own loop.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

import tensorflow as tf

from pipeline.config.settings import Side
from pipeline.contract import IDS, TEXT
from trainer.export.text_to_ids import TextToIds
from trainer.model.classifier import TextClassifier, class_scores, lstm_layers
from trainer.model.lstm_inference import BlockLstms
from trainer.savedmodel.signatures import (
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

Outputs = dict[str, tf.Tensor]
Function = Callable[[tf.Tensor], Outputs]
Traceable = TypeVar("Traceable", bound=Callable[[tf.Tensor], object])

_TEXTS: Final = tf.TensorSpec([None], tf.string, name=TEXT)
_EXAMPLES: Final = tf.TensorSpec([None], tf.string, name=EXAMPLES)


class ServedModel(tf.Module):
    """What is saved: the signatures' functions, and what they read.

    functions: by the name of their signature.
    embedding: the variable float32 [top_words, dim], for those who look at the words' vectors.
    lstms: a masked model's, as answers are computed with them; None for a model that reads the padding.
    variables_: all of the model's weights. The Keras model itself must not be held here: a module that tracks one is
      loaded by tf.saved_model.load alone, not by the session loader of TensorFlow Serving and the JVM (keras#20095).
    """

    def __init__(self, text_to_ids: TextToIds, model: TextClassifier, *, labels: Sequence[str], padding: Side) -> None:
        super().__init__(name="served_model")
        self.text_to_ids = text_to_ids
        self.embedding = model.embedding.embeddings.value
        self.variables_ = [variable.value for variable in model.weights]
        self.lstms = BlockLstms(model) if model.settings.mask_zero else None
        self.functions = _functions(text_to_ids, model, self.lstms, labels=labels, padding=padding)


def _functions(
    text_to_ids: TextToIds, model: TextClassifier, lstms: BlockLstms | None, *, labels: Sequence[str], padding: Side
) -> dict[str, Function]:
    """The functions of the four signatures; the model stays in their closures."""
    names = tf.constant(list(labels), tf.string)

    def state_of(ids: tf.Tensor) -> tf.Tensor:
        with portable(model):
            return model.state(ids) if lstms is None else lstms.state(*trim(ids, padding=padding))

    # One graph of each for all signatures that use it: loading takes as long as the graphs are large.
    state = _traced(state_of, tf.TensorSpec([None, None], tf.int64))

    def answer_texts(text: tf.Tensor) -> Outputs:
        logits = model.head(state(text_to_ids(text)))
        scores = class_scores(model.probabilities(logits), labels)
        label = tf.gather(names, tf.argmax(scores, axis=1))
        return {LABEL_NAME: label, PROBABILITY: tf.reduce_max(scores, axis=1), SCORES: scores}

    answer = _traced(answer_texts, _TEXTS)

    def answer_examples(examples: tf.Tensor) -> Outputs:
        features = {TEXT: tf.io.FixedLenFeature([], tf.string, default_value="")}
        return answer(tf.io.parse_example(examples, features)[TEXT])

    def token_ids(text: tf.Tensor) -> Outputs:
        return {IDS: text_to_ids(text)}

    def embeddings(text: tf.Tensor) -> Outputs:
        ids = text_to_ids(text)
        return {VECTORS: model.vectors(ids), STATE: state(ids)}

    return {
        SERVING_DEFAULT: answer,
        SERVE_EXAMPLES: _traced(answer_examples, _EXAMPLES),
        TOKEN_IDS: _traced(token_ids, _TEXTS),
        EMBEDDINGS: _traced(embeddings, _TEXTS),
    }


def trim(ids: tf.Tensor, *, padding: Side) -> tuple[tf.Tensor, tf.Tensor]:
    """int64 [batch, max_length] -> the words in front, [batch, length], and how many each row has, int32 [batch].

    The padding that all rows share is cut off; one column stays.

    >>> packed, lengths = trim(tf.constant([[0, 0, 7, 8], [0, 0, 0, 9]], tf.int64), padding="pre")
    >>> packed.numpy().tolist(), lengths.numpy().tolist()
    ([[7, 8], [9, 0]], [2, 1])
    >>> trim(tf.constant([[8, 7, 0, 0], [0, 0, 0, 0]], tf.int64), padding="post")[0].numpy().tolist()
    [[8, 7], [0, 0]]
    >>> trim(tf.zeros([0, 4], tf.int64), padding="pre")[0].shape
    TensorShape([0, 1])
    """
    lengths = tf.math.count_nonzero(ids, axis=1, dtype=tf.int32)
    longest = tf.maximum(tf.reduce_max(lengths), 1)
    if padding == "post":
        return ids[:, :longest], lengths
    # The words' order turned round with the row, and back again by themselves: fewer operations than `roll` takes.
    return tf.reverse_sequence(tf.reverse(ids[:, -longest:], axis=[1]), lengths, seq_axis=1), lengths


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


def _traced(function: Traceable, spec: tf.TensorSpec) -> Traceable:
    # autograph=False: the code has no Python control flow over tensors, and its conversion costs seconds.
    return tf.function(function, input_signature=[spec], autograph=False)

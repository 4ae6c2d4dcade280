"""Transform graph + trained model -> the tf.Module that is exported: texts in, labels, scores, ids and vectors out.

    signature        in                          out
    serving_default  text string [batch]         label string [batch], probability float32 [batch],
                                                 scores float32 [batch, classes] in the order of the labels,
                                                 and what only some models have:
                                                 decided bool [batch, classes]  (several labels a text)
                                                 abstains bool [batch]          (a decision that can abstain)
                                                 rating float32 [batch]         (ordinal labels): see `rating_of`
    serve_examples   examples string [batch],    the same
                     tf.train.Example, see `texts_of_examples`
    token_ids        text string [batch]         ids int64 [batch, max_length], as the records hold them
    embeddings       text string [batch]         vectors float32 [batch, max_length, dim], state float32 [batch, width]

`trainer.model.lstm_choice` decides how the LSTMs run. A masked model steps through words only. A model without a mask
reads all the padding too, as in training.

To add a signature: its name and outputs in `trainer/savedmodel/signatures.py`, its function in `_functions` below, its
warm-up request in `trainer/export/warmup.py`, its check in `trainer/export/replay.py` and `fresh_process.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

import tensorflow as tf

from pipeline.config.settings import Side
from pipeline.contract import IDS, TEXT
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.graph import graph_decide, graph_scores
from trainer.export.example_texts import texts_of_examples
from trainer.export.text_to_ids import TextToIds
from trainer.model.classifier import TextClassifier, keras_lstms
from trainer.model.lstm_choice import choose_for_serving
from trainer.model.lstm_inference import InferenceLstms
from trainer.savedmodel.signatures import (
    ABSTAINS,
    DECIDED,
    EMBEDDINGS,
    EXAMPLES,
    LABEL_NAME,
    PROBABILITY,
    RATING,
    SCORES,
    SERVE_EXAMPLES,
    SERVING_DEFAULT,
    STATE,
    TOKEN_IDS,
    VECTORS,
)

Outputs = dict[str, tf.Tensor]
SignatureFunction = Callable[[tf.Tensor], Outputs]
Traceable = TypeVar("Traceable", bound=Callable[[tf.Tensor], object])

_TEXTS: Final = tf.TensorSpec([None], tf.string, name=TEXT)
_EXAMPLES: Final = tf.TensorSpec([None], tf.string, name=EXAMPLES)


class ServedModel(tf.Module):
    """The object that is saved: the functions of the signatures, and the variables that they use.

    functions: by the name of their signature. text_columns: the features of an Example that hold its text.
    embedding: the variable float32 [top_words, dim], for programs that read the words' vectors.
    lstms: see `choose_for_serving`; None for a model that reads the padding.
    ngrams: what n-grams say beside the LSTM; None without them.
    variables_: all weights of the model. The Keras model itself must not be an attribute. With it, tf.saved_model.load
      would load the result, but not the session loader of TensorFlow Serving and the JVM (keras#20095).
    """

    def __init__(
        self,
        text_to_ids: TextToIds,
        model: TextClassifier,
        *,
        scheme: LabelScheme,
        padding: Side,
        decision: Decision = NO_DECISION,
        text_columns: Sequence[str] = (TEXT,),
    ) -> None:
        super().__init__(name="served_model")
        self.text_to_ids = text_to_ids
        self.embedding = model.embedding.embeddings.value
        self.variables_ = [variable.value for variable in model.weights]
        self.lstms = choose_for_serving(model)
        self.ngrams = model.ngrams
        head = _Head(model, scheme, decision, padding=padding)
        self.functions = _functions(
            text_to_ids, model, self.lstms, head=head, padding=padding, text_columns=text_columns
        )


class _Head:
    """The last step: state and ids -> the outputs of an answer."""

    def __init__(self, model: TextClassifier, scheme: LabelScheme, decision: Decision, *, padding: Side) -> None:
        self._dense, self._ngrams, self._padding = model.head, model.ngrams, padding
        self._scheme, self._decision = scheme, decision

    def __call__(self, state: tf.Tensor, ids: tf.Tensor) -> Outputs:
        """float [batch, width], int64 [batch, max_length] -> the outputs of `serving_default`, by name."""
        logits = self._dense(state)
        if self._ngrams is not None:
            logits = self._ngrams.join(logits, trim(ids, padding=self._padding)[0])
        scores = graph_scores(logits, self._decision, self._scheme)
        answer = graph_decide(scores, self._decision, self._scheme)
        label = tf.gather(tf.constant(list(self._scheme.names), tf.string), answer.label)
        outputs = {LABEL_NAME: label, PROBABILITY: answer.probability, SCORES: scores}
        if answer.decided is not None:
            outputs[DECIDED] = answer.decided
        if answer.abstains is not None:
            outputs[ABSTAINS] = answer.abstains
        if self._scheme.has_rating:
            outputs[RATING] = rating_of(scores, self._scheme.values())
        return outputs


def _functions(
    text_to_ids: TextToIds,
    model: TextClassifier,
    lstms: InferenceLstms | None,
    *,
    head: Callable[[tf.Tensor, tf.Tensor], Outputs],
    padding: Side,
    text_columns: Sequence[str],
) -> dict[str, SignatureFunction]:
    """The functions of the four signatures, by name. Their closures hold the model."""

    def state_of(ids: tf.Tensor) -> tf.Tensor:
        """int64 [batch, max_length] -> float [batch, width]."""
        with as_served(model):
            return model.state(ids) if lstms is None else lstms.state(*trim(ids, padding=padding))

    # One graph for all signatures that use it: the time to load grows with the size of the graphs.
    state = _trace(state_of, tf.TensorSpec([None, None], tf.int64))

    def answer_texts(text: tf.Tensor) -> Outputs:
        ids = text_to_ids(text)
        return head(state(ids), ids)

    answer = _trace(answer_texts, _TEXTS)

    def answer_examples(examples: tf.Tensor) -> Outputs:
        return answer(texts_of_examples(examples, text_columns=text_columns))

    def token_ids(text: tf.Tensor) -> Outputs:
        return {IDS: text_to_ids(text)}

    def embeddings(text: tf.Tensor) -> Outputs:
        ids = text_to_ids(text)
        return {VECTORS: model.vectors(ids), STATE: state(ids)}

    return {
        SERVING_DEFAULT: answer,
        SERVE_EXAMPLES: _trace(answer_examples, _EXAMPLES),
        TOKEN_IDS: _trace(token_ids, _TEXTS),
        EMBEDDINGS: _trace(embeddings, _TEXTS),
    }


def rating_of(scores: tf.Tensor, values: Sequence[float]) -> tf.Tensor:
    """The expected rating, float32 [batch]: the sum of score x value. scores: float32 [batch, classes].

    >>> rating_of(tf.constant([[0.5, 0.25, 0.25]]), [1.0, 2.0, 4.0]).numpy().tolist()
    [2.0]
    """
    return tf.reduce_sum(scores * tf.constant(list(values), tf.float32), axis=1)


def trim(ids: tf.Tensor, *, padding: Side) -> tuple[tf.Tensor, tf.Tensor]:
    """ids int64 [batch, max_length] -> packed ids int64 [batch, length], words of each row int32 [batch].

    Each packed row starts with its words. The padding that all rows share is cut off; length is 1 or more.

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
    # Reverse the whole row, then reverse only its words again. That is fewer operations than `roll` needs.
    return tf.reverse_sequence(tf.reverse(ids[:, -longest:], axis=[1]), lengths, seq_axis=1), lengths


@contextmanager
def as_served(model: TextClassifier) -> Iterator[None]:
    """Within it the model's LSTMs run as a server needs them: without cuDNN and without recurrent dropout.

    A function traced with cuDNN can't run on a CPU. Keras draws the masks of recurrent dropout outside training as
    well, where nothing reads them; the seeds that it draws from are no weights, so an export could not hold them.
    """
    layers = keras_lstms(model)
    before = [(layer.use_cudnn, layer.cell.recurrent_dropout) for layer in layers]
    try:
        for layer in layers:
            layer.use_cudnn, layer.cell.recurrent_dropout = False, 0.0
        yield
    finally:
        for layer, (use_cudnn, recurrent_dropout) in zip(layers, before, strict=True):
            layer.use_cudnn, layer.cell.recurrent_dropout = use_cudnn, recurrent_dropout


def _trace(function: Traceable, spec: tf.TensorSpec) -> Traceable:
    """A graph function of one argument, of the shape and type of `spec`."""
    # autograph=False: the code has no Python control flow over tensors, and converting it would take seconds.
    return tf.function(function, input_signature=[spec], autograph=False)

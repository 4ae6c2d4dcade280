"""Vocabulary size + settings + labels -> a Keras model that turns ids into probabilities; no files.

    ids            int    [batch, length]          0 is padding, at the start or at the end; length may be 0
    vectors        float  [batch, length, dim]     the row of the embedding for each id, in the order of the ids
    packed ids     int    [batch, length]          each row rolled so that it starts with its first word (masked models)
    state          float  [batch, width]           the LSTM's last state, or its states pooled over the words: with
                                                   mean_max their mean beside their maximum, twice as wide
    logits         float  [batch, outputs]         outputs: 1 for one of two labels a text, otherwise one a label
    probabilities  float  [batch, outputs]         of the second of two labels; of each label

A masked LSTM skips padding. So packed rows give the same numbers, to the last bit, as Keras's own
`Embedding(mask_zero=True) -> LSTM -> Dense` on left-padded rows. Packed rows can also run on cuDNN. Keras asserts for
cuDNN that no row begins with padding and that no row is all padding. A row without words therefore runs one step over
its padding, and its state is then multiplied by 0. A zero state is also what an LSTM has before its first step. The
result is the same on every device, in training and in serving.
"""

from typing import Protocol

import keras
import tensorflow as tf

from pipeline.config.settings import ModelSettings, Side
from pipeline.contract import PADDING_ID, Oov, oov_id
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.model.dropout import EmbeddingDropout, WordDropout
from trainer.ngrams.side import NgramSide


class RunLstm(Protocol):
    """A way to compute an LSTM layer; `trainer.model.lstm_choice` says which one runs where.

    sequence: float [batch, length, dim]; mask: bool [batch, length], None: every place is a word. The result is float
    [batch, length, units] if the layer returns sequences. Otherwise it is the state after each row's last word, float
    [batch, units].
    """

    def __call__(
        self, lstm: keras.layers.LSTM, sequence: tf.Tensor, *, mask: tf.Tensor | None, training: bool
    ) -> tf.Tensor:
        """Runs the layer."""


def run_with_keras(
    lstm: keras.layers.LSTM, sequence: tf.Tensor, *, mask: tf.Tensor | None, training: bool
) -> tf.Tensor:
    """A `RunLstm` that calls the layer itself: Keras's loop over the words on a CPU, cuDNN on a GPU."""
    return lstm(sequence, mask=mask, training=training)


class TextClassifier(keras.Model):
    """Embedding -> LSTM layers -> pooling -> Dense. Each step is a method, so that values in between can be read."""

    def __init__(
        self, vocabulary_size: int, *, settings: ModelSettings, scheme: LabelScheme, padding: Side, oov: Oov
    ) -> None:
        super().__init__(name="text_classifier")
        self.settings = settings
        widths = [settings.lstm_units] if isinstance(settings.lstm_units, int) else settings.lstm_units
        # `lstm_mask` makes the mask. The Embedding layer's own mask would have rows without a single True.
        self.embedding = keras.layers.Embedding(vocabulary_size, settings.embedding_dim, name="embedding")
        self.lstm_layers = [
            LstmLayer(
                width,
                settings=settings,
                return_sequences=settings.pooling != "last" or depth < len(widths) - 1,
                name=f"recurrent_{depth}",
            )
            for depth, width in enumerate(widths)
        ]
        self.dropout = keras.layers.Dropout(settings.dropout, name="dropout")
        self.head = keras.layers.Dense(scheme.outputs, name="head")
        # The last layers, so that they leave the first weights of all others as they are.
        side: Side = "post" if settings.mask_zero else padding  # packed rows have their padding at the end
        self.word_dropout: WordDropout | None = None
        if settings.word_dropout:
            self.word_dropout = WordDropout(settings.word_dropout, unknown_id=oov_id(oov), padding=side)
        self.embedding_dropout: EmbeddingDropout | None = None
        if settings.embedding_dropout:
            self.embedding_dropout = EmbeddingDropout(settings.embedding_dropout, vocabulary_size=vocabulary_size)
        # Each output is a label's own probability, of the second of two labels or of each of several.
        self.uses_sigmoid = scheme.several or scheme.outputs == 1
        self.ngrams: NgramSide | None = None  # with model.ngrams set after the last epoch; no layer knows of it

    def call(self, ids: tf.Tensor, training: bool = False) -> tf.Tensor:
        """int [batch, length] -> probabilities, float [batch, outputs]."""
        return self.probabilities(self.logits(ids, training=training))

    def probabilities(self, logits: tf.Tensor) -> tf.Tensor:
        """float [batch, outputs] -> the same shape, by sigmoid or softmax."""
        return tf.sigmoid(logits) if self.uses_sigmoid else tf.nn.softmax(logits)

    def logits(self, ids: tf.Tensor, training: bool = False, run_lstm: RunLstm = run_with_keras) -> tf.Tensor:
        """int [batch, length] -> float [batch, outputs], before sigmoid or softmax."""
        return self.head(self.dropout(self.state(ids, training=training, run_lstm=run_lstm), training=training))

    def joined(self, logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
        """The LSTM's logits of texts and their ids -> the logits of the answer; the same ones without n-grams."""
        return logits if self.ngrams is None else self.ngrams.join(logits, ids)

    def vectors(self, ids: tf.Tensor) -> tf.Tensor:
        """int [batch, length] -> float [batch, length, dim], in the order of the ids; padding has a vector as well."""
        return self.embedding(ids)

    def state(self, ids: tf.Tensor, training: bool = False, run_lstm: RunLstm = run_with_keras) -> tf.Tensor:
        """int [batch, length] -> float [batch, width], the input of the last Dense; zeros for a row without words."""
        # The loop over time needs at least one step.
        ids = tf.pad(ids, [[0, 0], [0, tf.cast(tf.equal(tf.shape(ids)[1], 0), tf.int32)]])
        if self.settings.mask_zero:
            return self.state_from_packed(pack(ids), training=training, run_lstm=run_lstm)
        ids = self._some_words(ids, training=training)
        states = self._lstm_states(ids, None, training=training, run_lstm=run_lstm)
        return pool(states, None, pooling=self.settings.pooling)

    def state_from_packed(
        self, ids: tf.Tensor, training: bool = False, run_lstm: RunLstm = run_with_keras
    ) -> tf.Tensor:
        """Packed ids, int [batch, length], length 1 or more -> the same as `state`."""
        ids = self._some_words(ids, training=training)
        mask = lstm_mask(ids)
        states = self._lstm_states(ids, mask, training=training, run_lstm=run_lstm)
        has_words = tf.not_equal(ids[:, :1], PADDING_ID)
        pooled = pool(states, mask, pooling=self.settings.pooling)
        return pooled * tf.cast(has_words, pooled.dtype)

    def _some_words(self, ids: tf.Tensor, *, training: bool) -> tf.Tensor:
        """int [batch, length], packed with mask_zero -> the same, in training without the words that are dropped."""
        return self.word_dropout(ids) if training and self.word_dropout else ids

    def _lstm_states(self, ids: tf.Tensor, mask: tf.Tensor | None, *, training: bool, run_lstm: RunLstm) -> tf.Tensor:
        """int [batch, length] -> the last LSTM layer's output, float [batch, length, width] or [batch, width]."""
        sequence = self.vectors(ids)
        if training and self.embedding_dropout:
            sequence = self.embedding_dropout(sequence, ids)
        for layer in self.lstm_layers:
            sequence = layer(sequence, is_word=mask, training=training, run_lstm=run_lstm)
        return sequence


class LstmLayer(keras.layers.Layer):
    """Dropout of the inputs, then one LSTM, or a forward and a backward LSTM side by side.

    Keras's Bidirectional reverses the whole row with its padding, and the mask with it. This layer reverses only the
    words. So the mask of an LSTM has its padding on the right in both directions, as cuDNN needs it.
    """

    def __init__(self, units: int, *, settings: ModelSettings, return_sequences: bool, name: str) -> None:
        super().__init__(name=name)
        self.supports_masking = True  # Keras attaches a mask to the output of an LSTM; ours travels as an argument
        self.return_sequences = return_sequences
        self.dropout = keras.layers.Dropout(settings.dropout, name="dropout")
        directions = ("forward", "backward") if settings.bidirectional else ("forward",)
        self.lstms = [
            keras.layers.LSTM(
                units, return_sequences=return_sequences, recurrent_dropout=settings.recurrent_dropout, name=direction
            )
            for direction in directions
        ]

    def compute_mask(self, *_: tf.Tensor) -> None:
        """Attaches no mask to the output."""

    def call(
        self,
        sequence: tf.Tensor,
        is_word: tf.Tensor | None = None,
        training: bool = False,
        run_lstm: RunLstm = run_with_keras,
    ) -> tf.Tensor:
        """float [batch, length, dim], bool [batch, length] (None: all are words) -> float [batch, length, width],
        or the states after each row's last word, float [batch, width].
        """
        sequence = self.dropout(sequence, training=training)
        forward = run_lstm(self.lstms[0], sequence, mask=is_word, training=training)
        if len(self.lstms) == 1:
            return forward
        lengths = _word_counts(sequence, is_word)
        reverse = tf.reverse_sequence(sequence, lengths, seq_axis=1)
        backward = run_lstm(self.lstms[1], reverse, mask=is_word, training=training)
        if self.return_sequences:
            backward = tf.reverse_sequence(backward, lengths, seq_axis=1)
        return tf.concat([forward, backward], axis=-1)


def build_model(
    vocabulary_size: int, settings: ModelSettings, *, scheme: LabelScheme, padding: Side, oov: Oov = "drop"
) -> TextClassifier:
    """A model of the labels with fresh weights; ids run from 0 to `vocabulary_size` - 1.

    padding, oov: of the records. No score depends on them; `model.word_dropout` hides words as `oov` says.

    Raises:
      UserError: the settings give a model that learns nothing, and `model.force` is not set.
    """
    if not settings.force:
        _refuse_model_that_forgets(settings, padding=padding)
    model = TextClassifier(vocabulary_size, settings=settings, scheme=scheme, padding=padding, oov=oov)
    model(tf.zeros([1, 1], tf.int64))
    return model


def _refuse_model_that_forgets(settings: ModelSettings, *, padding: Side) -> None:
    # Pooling and a second LSTM from the end reach the words before the padding, so those models learn: after one epoch
    # on IMDB the accuracy is 0.85 with pooling mean and 0.83 with both directions.
    reads_only_the_end = settings.pooling == "last" and not settings.bidirectional
    if padding == "post" and not settings.mask_zero and reads_only_the_end:
        raise UserError(
            "model.mask_zero is false and the records are padded after the text (sequence.padding post): the LSTM "
            "forgets each text while it reads the padding, and learns nothing (accuracy 0.50, measured); "
            "use model.mask_zero true, or sequence.padding pre, or model.force true to train it all the same"
        )


def class_scores(probabilities: tf.Tensor, scheme: LabelScheme) -> tf.Tensor:
    """The model's probabilities, float [batch, outputs] -> float32 [batch, classes], in label order.

    With several labels a text the scores of a text are independent of each other; otherwise they add up to 1.

    >>> class_scores(tf.constant([[0.25]]), LabelScheme(("neg", "pos"))).numpy().tolist()
    [[0.75, 0.25]]
    >>> class_scores(tf.constant([[0.5, 0.25, 0.25]]), LabelScheme(("a", "b", "c"))).numpy().tolist()
    [[0.5, 0.25, 0.25]]
    >>> class_scores(tf.constant([[0.5, 0.75]]), LabelScheme(("a", "b"), several=True)).numpy().tolist()
    [[0.5, 0.75]]
    """
    scores = tf.cast(probabilities, tf.float32)
    return tf.concat([1 - scores, scores], axis=1) if scheme.outputs == 1 else scores


def keras_lstms(model: TextClassifier) -> list[keras.layers.LSTM]:
    """All Keras LSTMs in the order of the computation: layer by layer, forward before backward."""
    return [lstm for layer in model.lstm_layers for lstm in layer.lstms]


def pack(ids: tf.Tensor) -> tf.Tensor:
    """Rolls each row of int [batch, length] to the left, so that it starts with its first word; length is 1 or more.

    >>> pack(tf.constant([[0, 0, 7, 8], [7, 8, 0, 0], [0, 0, 0, 0]])).numpy().tolist()
    [[7, 8, 0, 0], [7, 8, 0, 0], [0, 0, 0, 0]]
    """
    return roll(ids, tf.argmax(tf.not_equal(ids, PADDING_ID), axis=1, output_type=tf.int32))


def roll(ids: tf.Tensor, shifts: tf.Tensor) -> tf.Tensor:
    """Rolls each row of int [batch, length] to the left by its own shift, int32 [batch].

    >>> roll(tf.constant([[1, 2, 3], [4, 5, 6]]), tf.constant([0, 2])).numpy().tolist()
    [[1, 2, 3], [6, 4, 5]]
    """
    length = tf.shape(ids)[1]
    sources = (tf.range(length)[tf.newaxis, :] + shifts[:, tf.newaxis]) % length
    return tf.gather(ids, sources, batch_dims=1)


def lstm_mask(packed: tf.Tensor) -> tf.Tensor:
    """Packed ids, int [batch, length] -> bool [batch, length]: the places that an LSTM steps through.

    These are the words. A row without words has its first place, because cuDNN needs one step in each row.

    >>> lstm_mask(tf.constant([[7, 8, 0], [0, 0, 0]])).numpy().tolist()
    [[True, True, False], [True, False, False]]
    """
    is_first = tf.equal(tf.range(tf.shape(packed)[1]), 0)
    return tf.not_equal(packed, PADDING_ID) | is_first[tf.newaxis, :]


def pool(states: tf.Tensor, mask: tf.Tensor | None, *, pooling: str) -> tf.Tensor:
    """float [batch, length, width] -> float [batch, width]: the mean or the maximum over the places of the mask.

    With pooling 'mean_max' float [batch, 2 * width], the mean and then the maximum (the max and mean parts of concat
    pooling in J. Howard and S. Ruder, Universal Language Model Fine-tuning for Text Classification, 2018, section 3.3).
    mask: bool [batch, length], None: all places. With pooling 'last' the LSTM has returned [batch, width] already, and
    that is the result. Keras's GlobalMaxPooling1D ignores masks, so padding could give the maximum there.

    >>> states = tf.constant([[[1.0], [3.0], [9.0]]])
    >>> mask = tf.constant([[True, True, False]])
    >>> [float(pool(states, mask, pooling=pooling)[0, 0]) for pooling in ("mean", "max")]
    [2.0, 3.0]
    >>> pool(states, mask, pooling="mean_max").numpy().tolist()
    [[2.0, 3.0]]
    """
    if pooling == "last":
        return states
    if pooling == "mean_max":
        return tf.concat([pool(states, mask, pooling=part) for part in ("mean", "max")], axis=-1)
    if mask is None:
        return tf.reduce_mean(states, axis=1) if pooling == "mean" else tf.reduce_max(states, axis=1)
    is_word = mask[:, :, tf.newaxis]
    if pooling == "max":
        return tf.reduce_max(tf.where(is_word, states, states.dtype.min), axis=1)
    words = tf.cast(is_word, states.dtype)
    return tf.reduce_sum(states * words, axis=1) / tf.reduce_sum(words, axis=1)


def _word_counts(sequence: tf.Tensor, is_word: tf.Tensor | None) -> tf.Tensor:
    """float [batch, length, dim], bool [batch, length] (None: all are words) -> words of each row, int32 [batch]."""
    if is_word is None:
        return tf.fill([tf.shape(sequence)[0]], tf.shape(sequence)[1])
    return tf.reduce_sum(tf.cast(is_word, tf.int32), axis=1)

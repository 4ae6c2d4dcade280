"""Vocabulary size + settings + number of classes -> a Keras model that turns ids into probabilities; no files.

    ids            int    [batch, length]          0 is padding, on either side; any length, 0 too
    vectors        float  [batch, length, dim]     each id's row of the embedding, in the order of the ids
    packed         ids rolled so that each row starts with its first word (masked models only)
    state          float  [batch, width]           the LSTM's last state, or its states pooled over the words
    probabilities  float  [batch, 1] or [batch, classes]

A masked LSTM passes over padding, so the packed rows give the very numbers of Keras's own
`Embedding(mask_zero=True) -> LSTM -> Dense` on left-padded rows. And they run on cuDNN, for which Keras asserts that no
row begins with padding or is nothing else: a row without any word is let step once, over padding, and its state is
multiplied by 0. That is the state of an LSTM that has read nothing, on every device, in training and in serving.
"""

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from pipeline.config.settings import ModelSettings, Side
from pipeline.contract import PADDING_ID
from pipeline.errors import UserError

# An LSTM, float [batch, length, dim], mask, training -> its states, or those at the rows' last words.
Reader = Callable[..., tf.Tensor]


def read_by_keras(lstm: keras.layers.LSTM, sequence: tf.Tensor, *, mask: tf.Tensor | None, training: bool) -> tf.Tensor:
    """The layer's own way."""
    return lstm(sequence, mask=mask, training=training)


class TextClassifier(keras.Model):
    """Embedding -> LSTM layers -> pooling -> Dense; the steps are methods, for those who want what lies between."""

    def __init__(self, vocabulary_size: int, *, settings: ModelSettings, classes: int) -> None:
        super().__init__(name="text_classifier")
        self.settings = settings
        widths = [settings.lstm_units] if isinstance(settings.lstm_units, int) else settings.lstm_units
        # The mask is made here and not by the layer: the layer's would have rows without a single True.
        self.embedding = keras.layers.Embedding(vocabulary_size, settings.embedding_dim, name="embedding")
        self.recurrent = [
            Recurrent(
                width,
                settings=settings,
                whole_sequence=settings.pooling != "last" or depth < len(widths) - 1,
                name=f"recurrent_{depth}",
            )
            for depth, width in enumerate(widths)
        ]
        self.dropout = keras.layers.Dropout(settings.dropout, name="dropout")
        self.head = keras.layers.Dense(1 if classes == 2 else classes, name="head")
        self.is_binary = classes == 2

    def call(self, ids: tf.Tensor, training: bool = False) -> tf.Tensor:
        """int [batch, length] -> probabilities, float [batch, 1] (of class 1) or [batch, classes]."""
        return self.probabilities(self.logits(ids, training=training))

    def probabilities(self, logits: tf.Tensor) -> tf.Tensor:
        """Of float [batch, 1] or [batch, classes], in the same shape."""
        return tf.sigmoid(logits) if self.is_binary else tf.nn.softmax(logits)

    def logits(self, ids: tf.Tensor, training: bool = False, read: Reader = read_by_keras) -> tf.Tensor:
        """int [batch, length] -> float [batch, 1] or [batch, classes], before sigmoid or softmax."""
        return self.head(self.dropout(self.state(ids, training=training, read=read), training=training))

    def vectors(self, ids: tf.Tensor) -> tf.Tensor:
        """int [batch, length] -> float [batch, length, dim], in the order of the ids; padding has a vector as well."""
        return self.embedding(ids)

    def state(self, ids: tf.Tensor, training: bool = False, read: Reader = read_by_keras) -> tf.Tensor:
        """int [batch, length] -> float [batch, width], what the last Dense sees; zeros for a row without any word.

        read: the way in which LSTMs read.
        """
        # A loop over time needs a first step.
        ids = tf.pad(ids, [[0, 0], [0, tf.cast(tf.equal(tf.shape(ids)[1], 0), tf.int32)]])
        if self.settings.mask_zero:
            return self.state_of_packed(pack(ids), training=training, read=read)
        return pool(self._read(ids, None, training=training, read=read), None, pooling=self.settings.pooling)

    def state_of_packed(self, ids: tf.Tensor, training: bool = False, read: Reader = read_by_keras) -> tf.Tensor:
        """The same of packed ids, of a length of 1 or more."""
        mask = readable_mask(ids)
        sequence = self._read(ids, mask, training=training, read=read)
        has_words = tf.not_equal(ids[:, :1], PADDING_ID)
        pooled = pool(sequence, mask, pooling=self.settings.pooling)
        return pooled * tf.cast(has_words, pooled.dtype)

    def _read(self, ids: tf.Tensor, mask: tf.Tensor | None, *, training: bool, read: Reader) -> tf.Tensor:
        sequence = self.vectors(ids)
        for layer in self.recurrent:
            sequence = layer(sequence, is_word=mask, training=training, read=read)
        return sequence


class Recurrent(keras.layers.Layer):
    """One LSTM, or a forward and a backward one side by side, behind a dropout of what they read.

    Keras's Bidirectional turns the whole row round, padding and all, and its mask with it; here only the words are
    turned round, so that an LSTM's mask has its padding on the right in both directions.
    """

    def __init__(self, units: int, *, settings: ModelSettings, whole_sequence: bool, name: str) -> None:
        super().__init__(name=name)
        self.supports_masking = True  # Keras hangs a mask on what an LSTM gives; ours is handed on by name
        self.whole_sequence = whole_sequence
        self.dropout = keras.layers.Dropout(settings.dropout, name="dropout")
        directions = ("forward", "backward") if settings.bidirectional else ("forward",)
        self.lstms = [
            keras.layers.LSTM(
                units, return_sequences=whole_sequence, recurrent_dropout=settings.recurrent_dropout, name=direction
            )
            for direction in directions
        ]

    def compute_mask(self, *_: tf.Tensor) -> None:
        """Hangs no mask on the result."""

    def call(
        self,
        sequence: tf.Tensor,
        is_word: tf.Tensor | None = None,
        training: bool = False,
        read: Reader = read_by_keras,
    ) -> tf.Tensor:
        """float [batch, length, dim], bool [batch, length] (None: all are words) -> [batch, length, width],
        or [batch, width] of the last word.
        """
        sequence = self.dropout(sequence, training=training)
        forward = read(self.lstms[0], sequence, mask=is_word, training=training)
        if len(self.lstms) == 1:
            return forward
        lengths = _lengths(sequence, is_word)
        turned = tf.reverse_sequence(sequence, lengths, seq_axis=1)
        backward = read(self.lstms[1], turned, mask=is_word, training=training)
        if self.whole_sequence:
            backward = tf.reverse_sequence(backward, lengths, seq_axis=1)
        return tf.concat([forward, backward], axis=-1)


def build_model(vocabulary_size: int, settings: ModelSettings, *, classes: int, padding: Side) -> TextClassifier:
    """A model with fresh weights; ids run from 0 to `vocabulary_size` - 1.

    Raises:
      UserError: a model known to learn nothing, unless `model.force` is set.
    """
    if not settings.force:
        _refuse_to_forget(settings, padding=padding)
    model = TextClassifier(vocabulary_size, settings=settings, classes=classes)
    model(tf.zeros([1, 1], tf.int64))
    return model


def _refuse_to_forget(settings: ModelSettings, *, padding: Side) -> None:
    # What lies before the padding is reached by other ways too, and learnt: after one epoch on IMDB the accuracy is
    # 0.85 with pooling mean and 0.83 with a second LSTM from the end.
    reads_on = settings.pooling == "last" and not settings.bidirectional
    if padding == "post" and not settings.mask_zero and reads_on:
        raise UserError(
            "model.mask_zero is false and the records are padded behind the text (sequence.padding post): the LSTM "
            "forgets each text while it reads the padding, and learns nothing (accuracy 0.50, measured); "
            "use model.mask_zero true, or sequence.padding pre, or model.force true to train it all the same"
        )


def class_scores(outputs: tf.Tensor, labels: Sequence[str]) -> tf.Tensor:
    """The model's outputs, [batch, 1] or [batch, classes] -> float32 [batch, classes] in the order of the labels.

    >>> class_scores(tf.constant([[0.25]]), ["neg", "pos"]).numpy().tolist()
    [[0.75, 0.25]]
    >>> class_scores(tf.constant([[0.5, 0.25, 0.25]]), ["a", "b", "c"]).numpy().tolist()
    [[0.5, 0.25, 0.25]]
    """
    scores = tf.cast(outputs, tf.float32)
    return tf.concat([1 - scores, scores], axis=1) if len(labels) == 2 else scores


def embeddings_and_state(model: TextClassifier, ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """int [batch, length] -> vectors float [batch, length, dim] in the order of the ids, state float [batch, width]."""
    return model.vectors(ids), model.state(ids, training=False)


def lstm_layers(model: TextClassifier) -> list[keras.layers.LSTM]:
    """All LSTM layers, from the first that reads the embedding on, forward before backward."""
    return [lstm for layer in model.recurrent for lstm in layer.lstms]


def pack(ids: tf.Tensor) -> tf.Tensor:
    """Rolls each row of int [batch, length] to the left, so that it starts with its first word; length is 1 or more.

    >>> pack(tf.constant([[0, 0, 7, 8], [7, 8, 0, 0], [0, 0, 0, 0]])).numpy().tolist()
    [[7, 8, 0, 0], [7, 8, 0, 0], [0, 0, 0, 0]]
    """
    return roll(ids, tf.argmax(tf.not_equal(ids, PADDING_ID), axis=1, output_type=tf.int32))


def roll(ids: tf.Tensor, places: tf.Tensor) -> tf.Tensor:
    """Rolls each row of int [batch, length] to the left by so many places, int32 [batch].

    >>> roll(tf.constant([[1, 2, 3], [4, 5, 6]]), tf.constant([0, 2])).numpy().tolist()
    [[1, 2, 3], [6, 4, 5]]
    """
    length = tf.shape(ids)[1]
    sources = (tf.range(length)[tf.newaxis, :] + places[:, tf.newaxis]) % length
    return tf.gather(ids, sources, batch_dims=1)


def readable_mask(packed: tf.Tensor) -> tf.Tensor:
    """bool [batch, length]: where words stand in packed ids; a row without any is let read its first padding.

    >>> readable_mask(tf.constant([[7, 8, 0], [0, 0, 0]])).numpy().tolist()
    [[True, True, False], [True, False, False]]
    """
    is_first = tf.equal(tf.range(tf.shape(packed)[1]), 0)
    return tf.not_equal(packed, PADDING_ID) | is_first[tf.newaxis, :]


def pool(sequence: tf.Tensor, mask: tf.Tensor | None, *, pooling: str) -> tf.Tensor:
    """float [batch, length, width] -> [batch, width] over the places of the mask; 'last' has been taken by the LSTM.

    Keras's GlobalMaxPooling1D passes no mask on and would let padding win.

    >>> states = tf.constant([[[1.0], [3.0], [9.0]]])
    >>> mask = tf.constant([[True, True, False]])
    >>> [float(pool(states, mask, pooling=pooling)[0, 0]) for pooling in ("mean", "max")]
    [2.0, 3.0]
    """
    if pooling == "last":
        return sequence
    if mask is None:
        return tf.reduce_mean(sequence, axis=1) if pooling == "mean" else tf.reduce_max(sequence, axis=1)
    is_word = mask[:, :, tf.newaxis]
    if pooling == "max":
        return tf.reduce_max(tf.where(is_word, sequence, sequence.dtype.min), axis=1)
    words = tf.cast(is_word, sequence.dtype)
    return tf.reduce_sum(sequence * words, axis=1) / tf.reduce_sum(words, axis=1)


def _lengths(sequence: tf.Tensor, is_word: tf.Tensor | None) -> tf.Tensor:
    if is_word is None:
        return tf.fill([tf.shape(sequence)[0]], tf.shape(sequence)[1])
    return tf.reduce_sum(tf.cast(is_word, tf.int32), axis=1)

"""Ids or vectors of a batch -> the same without some of its words; in training only.

    word dropout        each occurrence of a word on its own: it becomes what an unknown word is
    embedding dropout   a word of the vocabulary: its whole vector is 0 wherever it stands in the batch

Both are off without a random draw: they make no variable, and the graph has no operation of theirs. The draws follow
from a seed generator, whose state is among the model's variables, so a training that is resumed draws on.
"""

import keras
import tensorflow as tf

from pipeline.config.settings import Side
from pipeline.contract import PADDING_ID


class WordDropout(keras.layers.Layer):
    """Hides each word of each text with the probability `rate`, independently of all others.

    A hidden word is what an unknown word is in serving. unknown_id: the id of unknown words; None: they are left out,
    so the text becomes shorter, with its padding at `padding`; it may lose all its words. Left out as in M. Iyyer et
    al., Deep Unordered Composition Rivals Syntactic Methods for Text Classification, 2015; an unknown word as in S. R.
    Bowman et al., Generating Sentences from a Continuous Space, 2016, section 3.1.
    """

    def __init__(self, rate: float, *, unknown_id: int | None, padding: Side) -> None:
        super().__init__(name="word_dropout")
        self.rate, self.unknown_id, self.padding = rate, unknown_id, padding
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True  # there is nothing to build, and a model's first call, which builds it, drops nothing

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """int [batch, length] -> the same shape and type."""
        is_hidden = keras.random.uniform(tf.shape(ids), seed=self.seed_generator) < self.rate
        return hide_words(ids, is_hidden, unknown_id=self.unknown_id, padding=self.padding)


class EmbeddingDropout(keras.layers.Layer):
    """Sets the vectors of a share `rate` of the vocabulary's words to 0 and divides all others by 1 - rate.

    Which words is drawn anew for each batch; all occurrences of a word in it share the draw. Padding is no word: its
    vector stays as it is. Y. Gal and Z. Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural
    Networks, 2016, section 4.2; one draw a batch as in S. Merity et al., Regularizing and Optimizing LSTM Language
    Models, 2018, section 4.3.
    """

    def __init__(self, rate: float, *, vocabulary_size: int) -> None:
        super().__init__(name="embedding_dropout")
        self.rate, self.vocabulary_size = rate, vocabulary_size
        self.seed_generator = keras.random.SeedGenerator()
        self.built = True  # there is nothing to build, and a model's first call, which builds it, drops nothing

    def call(self, vectors: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
        """The vectors of ids, float [batch, length, dim], and the ids, int [batch, length] -> float, the same shape."""
        is_kept = keras.random.uniform([self.vocabulary_size], seed=self.seed_generator) >= self.rate
        return keep_words(vectors, ids, is_kept, scale=1 / (1 - self.rate))


def hide_words(ids: tf.Tensor, is_hidden: tf.Tensor, *, unknown_id: int | None, padding: Side) -> tf.Tensor:
    """int [batch, length], bool [batch, length] -> the ids with each hidden word unknown or, without an id, left out.

    >>> ids, is_hidden = tf.constant([[0, 0, 7, 8], [6, 7, 8, 9]]), tf.constant([[True, False, False, True]] * 2)
    >>> hide_words(ids, is_hidden, unknown_id=1, padding="pre").numpy().tolist()
    [[0, 0, 7, 1], [1, 7, 8, 1]]
    >>> hide_words(ids, is_hidden, unknown_id=None, padding="pre").numpy().tolist()
    [[0, 0, 0, 7], [0, 0, 7, 8]]
    >>> hide_words(tf.constant([[7, 8, 9, 0]]), is_hidden[:1], unknown_id=None, padding="post").numpy().tolist()
    [[8, 9, 0, 0]]
    """
    if unknown_id is not None:
        return tf.where(is_hidden & tf.not_equal(ids, PADDING_ID), tf.constant(unknown_id, ids.dtype), ids)
    ids = tf.where(is_hidden, tf.constant(PADDING_ID, ids.dtype), ids)
    # A stable sort by "is a word" moves the words to one side and keeps their order.
    is_word = tf.cast(tf.not_equal(ids, PADDING_ID), tf.int32)
    order = tf.argsort(is_word if padding == "pre" else -is_word, axis=1, stable=True)
    return tf.gather(ids, order, batch_dims=1)


def keep_words(vectors: tf.Tensor, ids: tf.Tensor, is_kept: tf.Tensor, *, scale: float) -> tf.Tensor:
    """The vectors of kept words times `scale`, 0 for other words; padding as it is. is_kept: bool [vocabulary].

    vectors: float [batch, length, dim] of ids, int [batch, length].

    >>> ids, is_kept = tf.constant([[0, 1, 2, 1]]), tf.constant([False, True, False])
    >>> keep_words(tf.ones([1, 4, 1]), ids, is_kept, scale=2.0).numpy().tolist()
    [[[1.0], [2.0], [0.0], [2.0]]]
    """
    factors = tf.where(is_kept, tf.constant(scale, vectors.dtype), tf.constant(0, vectors.dtype))
    of_places = tf.where(tf.equal(ids, PADDING_ID), tf.constant(1, vectors.dtype), tf.gather(factors, ids))
    return vectors * of_places[:, :, tf.newaxis]

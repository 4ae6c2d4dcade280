"""Ids of texts -> the sums of the weights of their n-grams, as a TensorFlow graph; the same as `codes` in NumPy.

It needs integer arithmetic, sums, gathers and one `tf.unique` alone: no string operation, so every server loads it.
"""

import tensorflow as tf

from pipeline.contract import PADDING_ID
from trainer.ngrams.codes import NO_CODE
from trainer.ngrams.hashes import Words, kind_hashes
from trainer.ngrams.kinds import WORD, NgramKinds


def graph_rows(ids: tf.Tensor, keys: tf.Tensor, *, kinds: NgramKinds, vocabulary_size: int) -> tf.Tensor:
    """The row of the table for the n-gram at each place, or NO_CODE: int64 [batch, columns], as `codes.table_rows`.

    ids: int64 [batch, length], padding on either side; keys: int32 [buckets].

    >>> keys = tf.constant([-1, 1295837303, -1, -1])  # the hash of 7, 8, whose bucket is its remainder: 3
    >>> graph_rows(tf.constant([[0, 7, 8]], tf.int64), keys, kinds=NgramKinds(2), vocabulary_size=10).numpy().tolist()
    [[0, 7, 8, 0, 0]]
    >>> keys = tf.constant([-1, -1, -1, 1295837303])
    >>> graph_rows(tf.constant([[0, 7, 8]], tf.int64), keys, kinds=NgramKinds(2), vocabulary_size=10).numpy().tolist()
    [[0, 7, 8, 0, 13]]
    """
    words = Words(ids, tf.not_equal(ids, PADDING_ID))
    if kinds.ending:
        words = words._replace(from_here=tf.cumsum(tf.cast(words.is_word, tf.int64), axis=1, reverse=True))
    buckets = tf.size(keys, out_type=tf.int64)
    columns = []
    for kind, hashes, is_there in kind_hashes(words, kinds=kinds, vocabulary_size=vocabulary_size):
        if kind == WORD:
            columns.append(ids)
            continue
        bucket = hashes % buckets
        is_own = is_there & tf.equal(tf.gather(keys, bucket), tf.cast(hashes, tf.int32))
        columns.append(tf.where(is_own, vocabulary_size + bucket, NO_CODE))
    return tf.concat(columns, axis=1)


def graph_sums(rows: tf.Tensor, table: tf.Tensor) -> tf.Tensor:
    """The sum of the rows of the table that each text has, each row once: float64 [batch, outputs].

    rows: int64 [batch, columns], NO_CODE where there is none; table: float [rows, outputs]. The sum is in float64, so
    that more padding around a text changes no bit of it.

    >>> table = tf.constant([[9.0], [1.0], [2.0]])
    >>> graph_sums(tf.constant([[1, 2, 1, 0], [0, 0, 0, 2]], tf.int64), table).numpy().tolist()
    [[3.0], [2.0]]
    """
    texts, size = tf.shape(rows, out_type=tf.int64)[0], tf.shape(table, out_type=tf.int64)[0]
    of_texts = rows + tf.range(texts)[:, tf.newaxis] * size
    distinct = tf.unique(tf.boolean_mask(of_texts, tf.not_equal(rows, NO_CODE))).y
    weights = tf.cast(tf.gather(table, distinct % size), tf.float64)
    return tf.math.unsorted_segment_sum(weights, distinct // size, texts)

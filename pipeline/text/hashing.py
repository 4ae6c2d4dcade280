"""Hashes that TensorFlow computes, for use within a run. One is of a token and chooses its bucket; the other is of all
unknown tokens of a text together.

They take 1 ms a MB of text. The fast route hashes in text/fast_sequences.py.
"""

import tensorflow as tf

from pipeline.contract import PADDING_ID

# Fingerprints of tokens are below this: positive, and more than enough to divide tokens into buckets.
_FINGERPRINTS = 2**31 - 1
_HASHES = 2**63 - 1


def token_fingerprints(tokens: tf.Tensor) -> tf.Tensor:
    """String [tokens] -> int64 [tokens], 0 to 2**31 - 2, the same on every machine."""
    return tf.strings.to_hash_bucket_fast(tokens, _FINGERPRINTS)


def token_hashes(tokens: tf.Tensor) -> tf.Tensor:
    """String [tokens] -> int64 [tokens], the numbers that `unknown_hashes` adds up."""
    return tf.strings.to_hash_bucket_fast(tokens, _HASHES)


def unknown_hashes(tokens: tf.RaggedTensor, word_ids: tf.Tensor) -> tf.Tensor:
    """Ragged string [batch, (tokens)] and the id of each, int64 [tokens of the batch], PADDING_ID for unknown tokens ->
    int64 [batch], 0 for a text without an unknown token. The order of the tokens plays no part.

    >>> tokens = tf.ragged.constant([["a", "new"], ["new", "a"], ["a", "news"], ["a"]])
    >>> word_ids = tf.constant([1, 0, 0, 1, 1, 0, 1], tf.int64)
    >>> first, reordered, other, known = unknown_hashes(tokens, word_ids).numpy().tolist()
    >>> first == reordered, first == other, known
    (True, False, 0)
    """
    unknown = tf.where(tf.equal(word_ids, tf.constant(PADDING_ID, tf.int64)))[:, 0]
    hashes = token_hashes(tf.gather(tokens.flat_values, unknown))
    # The sum overflows on purpose.
    return tf.math.unsorted_segment_sum(hashes, tf.gather(tokens.value_rowids(), unknown), tokens.nrows())

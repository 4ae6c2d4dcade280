"""Hashes in the graph: a word's, which chooses its bucket, and a text's unknown words together, for use within a run.

1 ms a MB of text. Where texts are tokenized once, see text/fast_sequences.py.
"""

import tensorflow as tf

from pipeline.contract import PADDING_ID

# Fingerprints of words stay below this: positive, and more than enough to divide them into buckets.
_FINGERPRINTS = 2**31 - 1
_HASHES = 2**63 - 1


def word_fingerprints(words: tf.Tensor) -> tf.Tensor:
    """String [words] -> int64 [words]."""
    return tf.strings.to_hash_bucket_fast(words, _FINGERPRINTS)


def word_hashes(words: tf.Tensor) -> tf.Tensor:
    """String [words] -> int64 [words], the numbers that `unknown_hashes` adds up."""
    return tf.strings.to_hash_bucket_fast(words, _HASHES)


def unknown_hashes(tokens: tf.RaggedTensor, word_ids: tf.Tensor) -> tf.Tensor:
    """Ragged string [batch, (tokens)] and the id of each, int64 [tokens of the batch], PADDING_ID for unknown words ->
    int64 [batch], 0 for a text without an unknown word.

    >>> tokens = tf.ragged.constant([["a", "new"], ["new", "a"], ["a", "news"], ["a"]])
    >>> word_ids = tf.constant([1, 0, 0, 1, 1, 0, 1], tf.int64)
    >>> first, turned, other, known = unknown_hashes(tokens, word_ids).numpy().tolist()
    >>> first == turned, first == other, known
    (True, False, 0)
    """
    unknown = tf.where(tf.equal(word_ids, tf.constant(PADDING_ID, tf.int64)))[:, 0]
    hashes = word_hashes(tf.gather(tokens.flat_values, unknown))
    # The sum overflows on purpose.
    return tf.math.unsorted_segment_sum(hashes, tf.gather(tokens.value_rowids(), unknown), tokens.nrows())

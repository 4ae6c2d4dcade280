"""What tells words from others, and texts of the same tokens: numbers, for use within a run.

A word's chooses its bucket. A text's is shared by equal token sequences:

    the unknown tokens of a text -> a number, in the graph 1 ms a MB; where texts are tokenized once, see features.py
    that, the ids of the record and the counts of tokens -> the fingerprint, in NumPy 0.2 ms a MB

A hash of all tokens would cost the graph 4.7 ms a MB. So texts also count as equal that differ only in the place of an
unknown word, or in known words that truncation cuts off while their number is the same. 64 bits: among 100 million
different texts two meet by chance once in 3,000 such inputs.
"""

import functools

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.contract import PADDING_ID
from pipeline.repeats import NO_TOKENS

# Fingerprints of words stay below this: positive, and more than enough to divide them into buckets.
_FINGERPRINTS = 2**31 - 1
_HASHES = 2**63 - 1
_SEED = 20_080_416


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


def fingerprints(
    ids: npt.NDArray[np.signedinteger],
    *,
    token_counts: npt.NDArray[np.int64],
    known_counts: npt.NDArray[np.int64],
    unknown: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """ids [rows, max_length] and what else is known of each text, int64 [rows] -> int64 [rows], NO_TOKENS for a text
    without a token.

    >>> ids = np.array([[0, 1, 2], [0, 1, 2], [0, 2, 1], [0, 0, 0]])
    >>> counts = np.array([2, 2, 2, 0])
    >>> found = fingerprints(ids, token_counts=counts, known_counts=counts, unknown=np.zeros(4, np.int64))
    >>> (found == found[0]).tolist(), int(found[3])
    ([True, True, False, False], 0)
    """
    # Multilinear hashing: each place has a random factor; products and sums overflow on purpose.
    factors = _factors(ids.shape[1] + 3)
    found = np.einsum("ij,j->i", ids, factors[3:])
    for column, factor in zip((token_counts, known_counts, unknown), factors[:3], strict=True):
        found += column * factor
    found[token_counts == 0] = NO_TOKENS
    return found


@functools.lru_cache
def _factors(number: int) -> npt.NDArray[np.int64]:
    return np.random.Generator(np.random.PCG64(_SEED)).integers(-(2**63), 2**63 - 1, number)

"""Ids and counts of tokens -> a fingerprint of each text, the same for texts of the same tokens, for use within a run.

In: the ids of the record, the counts of tokens, and a hash of the text's unknown tokens (text/hashing.py). It takes
NumPy 0.2 ms a MB of text; a hash of all tokens would take the graph 4.7 ms a MB.

So two kinds of different texts count as equal: texts that differ only in the place of an unknown token, and texts that
differ only in the known tokens that truncation cuts off, if the number of tokens is the same. 64 bits are enough: among
100 million different texts, two have the same fingerprint by chance once in 3,000 such inputs.
"""

import functools

import numpy as np
import numpy.typing as npt

# The fingerprint of a text without a token.
NO_TOKENS = 0
_SEED = 20_080_416


def fingerprints(
    ids: npt.NDArray[np.signedinteger],
    *,
    token_counts: npt.NDArray[np.int64],
    known_counts: npt.NDArray[np.int64],
    unknown: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """ids [rows, max_length] and three numbers of each text, int64 [rows] each -> int64 [rows], NO_TOKENS for a text
    without a token.

    >>> ids = np.array([[0, 1, 2], [0, 1, 2], [0, 2, 1], [0, 0, 0]])
    >>> counts = np.array([2, 2, 2, 0])
    >>> hashes = fingerprints(ids, token_counts=counts, known_counts=counts, unknown=np.zeros(4, np.int64))
    >>> (hashes == hashes[0]).tolist(), int(hashes[3])
    ([True, True, False, False], 0)
    """
    # Multilinear hashing: each place has a random factor; products and sums overflow on purpose.
    factors = _factors(ids.shape[1] + 3)
    hashes = np.einsum("ij,j->i", ids, factors[3:])
    for column, factor in zip((token_counts, known_counts, unknown), factors[:3], strict=True):
        hashes += column * factor
    hashes[token_counts == 0] = NO_TOKENS
    return hashes


@functools.lru_cache
def _factors(number: int) -> npt.NDArray[np.int64]:
    return np.random.Generator(np.random.PCG64(_SEED)).integers(-(2**63), 2**63 - 1, number)

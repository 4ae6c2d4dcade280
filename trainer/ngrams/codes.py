"""Ids of texts -> the codes of their n-grams, in integer arithmetic alone; the same as `graph` in NumPy.

The words of an n-gram are ids that are not padding: see `kinds`. Its code is a whole number:

    a word                  its id, 1 .. vocabulary size - 1
    all others              vocabulary size + hash, see `hashes`
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.contract import PADDING_ID
from pipeline.support.arrays import Int32s, Int64s
from trainer.ngrams.hashes import Words, kind_hashes
from trainer.ngrams.kinds import WORD, NgramKinds

# The code of a place at which no n-gram begins, because it would hold padding; and the row of a table without weight.
NO_CODE: Final = 0


class DistinctCodes(NamedTuple):
    """The codes of some texts, each once a text and in rising order: codes int64 [all], lengths int64 [texts]."""

    codes: Int64s
    lengths: Int64s


def ngram_codes(ids: Int64s, *, kinds: NgramKinds, vocabulary_size: int) -> Int64s:
    """The code of the n-gram at each place, or NO_CODE: int64 [batch, columns].

    ids: int64 [batch, length], padding on either side. The columns are those of single words in the order of their
    places, then those of each further kind by their first word.

    >>> ngram_codes(np.array([[0, 7, 8]]), kinds=NgramKinds(2), vocabulary_size=10).tolist()
    [[0, 7, 8, 0, 1295837313]]
    >>> (((7 * 1103515245) % 2147483647 + 8) * 1103515245) % 2147483647 + 10
    1295837313
    >>> ngram_codes(np.zeros([1, 3], np.int64), kinds=NgramKinds(3, gaps=1), vocabulary_size=10).any()
    np.False_
    """
    words = Words(ids, ids != PADDING_ID)
    if kinds.ending:
        words = words._replace(from_here=np.cumsum(words.is_word[:, ::-1], axis=1)[:, ::-1])
    columns = []
    for kind, hashes, is_there in kind_hashes(words, kinds=kinds, vocabulary_size=vocabulary_size):
        columns.append(ids if kind == WORD else np.where(is_there, vocabulary_size + hashes, NO_CODE))
    return np.concatenate(columns, axis=1)


def distinct_codes(codes: Int64s) -> DistinctCodes:
    """The codes int64 [batch, columns] of each text as a set.

    >>> codes, lengths = distinct_codes(np.array([[7, 8, 7, 0], [0, 0, 0, 0], [9, 0, 0, 9]]))
    >>> codes.tolist(), lengths.tolist()
    ([7, 8, 9], [2, 0, 1])
    """
    ordered = np.sort(codes, axis=1)
    is_new = ordered != NO_CODE
    is_new[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    return DistinctCodes(ordered[is_new], is_new.sum(axis=1))


def table_rows(codes: Int64s, keys: Int32s, *, vocabulary_size: int) -> Int64s:
    """The row of a table of weights for each code, int64 of the same shape; NO_CODE for an n-gram that has none.

    keys: int32 [buckets], the hash of the n-gram that each bucket belongs to, -1 if it belongs to none. A word has the
    row of its id. Any other n-gram has the row `vocabulary size + bucket` if its bucket is its own.

    >>> keys = np.array([-1, 31, 12, -1], np.int32)
    >>> table_rows(np.array([0, 7, 10 + 31, 10 + 12, 10 + 16]), keys, vocabulary_size=10).tolist()  # 31 mod 4 = 3
    [0, 7, 0, 0, 0]
    >>> table_rows(np.array([10 + 13]), np.array([-1, 13, -1, -1], np.int32), vocabulary_size=10).tolist()
    [11]
    """
    hashes = np.maximum(codes - vocabulary_size, 0)
    buckets = hashes % len(keys)
    is_own = keys[buckets] == hashes
    return np.where(codes < vocabulary_size, codes, np.where(is_own, vocabulary_size + buckets, NO_CODE))


def codes_of_texts(ids: npt.NDArray[np.generic], *, kinds: NgramKinds, vocabulary_size: int) -> DistinctCodes:
    """Ids int [batch, length] -> the set of codes of each text.

    >>> codes, lengths = codes_of_texts(np.array([[7, 7, 7, 0]]), kinds=NgramKinds(2), vocabulary_size=10)
    >>> codes.tolist(), lengths.tolist()  # the word and the pair, each once
    ([7, 192322068], [2])
    """
    return distinct_codes(ngram_codes(ids.astype(np.int64), kinds=kinds, vocabulary_size=vocabulary_size))

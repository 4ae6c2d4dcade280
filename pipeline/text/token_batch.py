"""The tokens of a batch of texts, dictionary-encoded: its distinct tokens, and each token as an index into them.

    texts -> rows of bytes with spaces between the tokens (text/fast_tokenizer.py) -> split_rows -> replace_tokens

The tokens are those of graph.tokenize. That makes a string of 24 bytes or more of each token and an index of it with a
hash table: 19 ms a MB. Here Arrow encodes the tokens where they are: 9 ms a MB. A text has each token about ten times,
and only distinct tokens are looked up.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from pipeline.support.arrays import Flags

_SEPARATOR: Final = b" "

Bytes = npt.NDArray[np.uint8]


class TokenBatch(NamedTuple):
    """Tokens of texts.

    distinct: large_binary [distinct tokens], in order of first occurrence. indices: int32 [tokens], the index of each
    token in `distinct`. row_splits: int64 [rows + 1], where the tokens of each text begin and end.
    """

    distinct: pa.LargeBinaryArray
    indices: npt.NDArray[np.int32]
    row_splits: npt.NDArray[np.int64]


def string_tensor(column: pa.LargeBinaryArray) -> tf.Tensor:
    """A column -> a tensor, string [rows]."""
    return tf.constant(column.to_numpy(zero_copy_only=False), tf.string)


def split_rows(rows: Sequence[bytes]) -> TokenBatch:
    """Texts with spaces between their tokens -> their tokens.

    >>> batch = split_rows([b"b a  b", b" a c ", b""])
    >>> batch.distinct.to_pylist(), batch.indices.tolist(), batch.row_splits.tolist()
    ([b'b', b'a', b'c'], [0, 1, 0, 1, 2], [0, 3, 5, 5])
    """
    # A token is encoded with the space after it. So the tokens fill the buffer without gaps, and Arrow needs no copy of
    # them. Between two spaces there is an empty token; it is encoded too, and left out at the end.
    content, row_ends = _without_long_gaps(np.frombuffer(_SEPARATOR.join([*rows, b""]), np.uint8), rows)
    ends = np.flatnonzero(content == _SEPARATOR[0]) + 1
    buffers = [None, pa.py_buffer(np.concatenate([[0], ends])), pa.py_buffer(content)]
    encoded = pa.Array.from_buffers(pa.large_binary(), len(ends), buffers).dictionary_encode()
    distinct, indices = pc.binary_slice(encoded.dictionary, 0, -1), encoded.indices.to_numpy()
    row_splits = np.concatenate([[0], np.searchsorted(ends, row_ends, side="right")])
    empty = pc.index(distinct, b"").as_py()
    if empty < 0:
        return TokenBatch(distinct, indices, row_splits)
    is_empty = indices == empty
    indices = indices[~is_empty]
    indices -= indices > empty
    distinct = pa.concat_arrays([distinct[:empty], distinct[empty + 1 :]])
    return TokenBatch(distinct, indices, row_splits - np.searchsorted(np.flatnonzero(is_empty), row_splits))


def _without_long_gaps(content: Bytes, rows: Sequence[bytes]) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """Rows with a space after each -> the same, and where each ends, int64 [rows].

    Spaces that follow a space are left out if they are more than half of all spaces, as in ruled lines and indented
    tables. Each would be an empty token, which takes 24 bytes.
    """
    sizes = np.array([len(row) + 1 for row in rows], np.int64)
    is_space = content == _SEPARATOR[0]
    is_second = is_space.copy()
    is_second[1:] &= is_space[:-1]
    if 2 * np.count_nonzero(is_second) > np.count_nonzero(is_space):
        content = content[~is_second]
        sizes -= np.add.reduceat(is_second, np.cumsum(sizes) - sizes, dtype=np.int64)
    return content, np.cumsum(sizes)


def rows_with(batch: TokenBatch, is_marked: Flags) -> Flags:
    """Which texts, bool [rows], have one of the marked tokens; is_marked: bool [distinct tokens].

    >>> rows_with(split_rows([b"b a b", b"a c", b""]), np.array([True, False, False])).tolist()
    [True, False, False]
    """
    before = np.concatenate([[0], np.cumsum(is_marked[batch.indices])])
    return np.diff(before[batch.row_splits]) > 0


def replace_tokens(batch: TokenBatch, replacements: Mapping[int, Sequence[bytes]]) -> TokenBatch:
    """The same texts with some tokens replaced, each by one token, several, or none.

    replacements: index in `distinct`, rising -> the new tokens.

    >>> batch = replace_tokens(split_rows([b"b A", b"x-y b a"]), {1: [b"a"], 2: [b"x", b"y"]})
    >>> batch.distinct.to_pylist(), batch.indices.tolist(), batch.row_splits.tolist()
    ([b'b', b'a', b'x', b'y'], [0, 1, 2, 3, 0, 1], [0, 2, 6])
    """
    distinct, indices, row_splits = batch
    replaced = np.fromiter(replacements, np.int64, len(replacements))
    new = [token for tokens in replacements.values() for token in tokens]
    sizes = np.ones(len(distinct), np.int64)
    sizes[replaced] = [len(tokens) for tokens in replacements.values()]
    begins = np.cumsum(sizes) - sizes
    # The new tokens of each old one are in its place, so all are in order of first occurrence. One may be listed twice.
    sources = np.repeat(np.arange(len(distinct)), sizes)
    sources[np.isin(sources, replaced)] = len(distinct) + np.arange(len(new))
    listed = pa.concat_arrays([distinct, pa.array(new, pa.large_binary())]).take(pa.array(sources)).dictionary_encode()
    codes = listed.indices.to_numpy()
    if (sizes == 1).all():  # true of most batches: capitals beyond ASCII became lower case
        return TokenBatch(listed.dictionary, codes[indices], row_splits)
    token_sizes = sizes[indices]
    ends = np.cumsum(token_sizes)
    within = np.arange(ends[-1]) - np.repeat(ends - token_sizes, token_sizes)
    codes = codes[np.repeat(begins[indices], token_sizes) + within]
    return TokenBatch(listed.dictionary, codes, np.concatenate([[0], ends])[row_splits])

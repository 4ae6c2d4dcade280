"""Texts tokenized once: a batch's distinct words, and its tokens as their numbers among them.

    texts -> rows, bytes with spaces between their tokens (text/fast_tokenizer.py) -> numbered -> respelt -> Tokenized

It splits as text.tokenize does, which makes a string of 24 bytes or more of a token, of which a hash table then makes
numbers: 19 ms a MB. Here a token is where it stands until Arrow numbers it, 9 ms; and a batch's words are looked up
once each, where its texts hold them ten times.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

_SEPARATOR: Final = b" "

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]


class Tokenized(NamedTuple):
    """words: large_binary [words], in order of first occurrence. numbers: int32 [tokens], of each token the index into
    them. row_splits: int64 [rows + 1], where a text's tokens begin and end."""

    words: pa.LargeBinaryArray
    numbers: npt.NDArray[np.int32]
    row_splits: npt.NDArray[np.int64]


def strings(column: pa.LargeBinaryArray) -> tf.Tensor:
    """A column as a tensor, string [rows]."""
    return tf.constant(column.to_numpy(zero_copy_only=False), tf.string)


def numbered(rows: Sequence[bytes]) -> Tokenized:
    """Texts with spaces between their tokens -> Tokenized.

    >>> found = numbered([b"b a  b", b" a c ", b""])
    >>> found.words.to_pylist(), found.numbers.tolist(), found.row_splits.tolist()
    ([b'b', b'a', b'c'], [0, 1, 0, 1, 2], [0, 3, 5, 5])
    """
    # A token is what stands before a space, with it: as tokens lie side by side, Arrow numbers them in place. Before
    # the second of two spaces there is an empty one, which has a number as well until these are left out.
    content, row_ends = _without_rules(np.frombuffer(_SEPARATOR.join([*rows, b""]), np.uint8), rows)
    ends = np.flatnonzero(content == _SEPARATOR[0]) + 1
    buffers = [None, pa.py_buffer(np.concatenate([[0], ends])), pa.py_buffer(content)]
    encoded = pa.Array.from_buffers(pa.large_binary(), len(ends), buffers).dictionary_encode()
    words, numbers = pc.binary_slice(encoded.dictionary, 0, -1), encoded.indices.to_numpy()
    row_splits = np.concatenate([[0], np.searchsorted(ends, row_ends, side="right")])
    nothing = pc.index(words, b"").as_py()
    if nothing < 0:
        return Tokenized(words, numbers, row_splits)
    is_nothing = numbers == nothing
    numbers = numbers[~is_nothing]
    numbers -= numbers > nothing
    words = pa.concat_arrays([words[:nothing], words[nothing + 1 :]])
    return Tokenized(words, numbers, row_splits - np.searchsorted(np.flatnonzero(is_nothing), row_splits))


def _without_rules(content: Bytes, rows: Sequence[bytes]) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """Rows with a space behind each, and where each ends, int64 [rows]; without spaces behind spaces if these are most:
    ruled lines and indented tables would have 24 bytes of numbers for a byte of theirs."""
    sizes = np.array([len(row) + 1 for row in rows], np.int64)
    is_space = content == _SEPARATOR[0]
    is_second = is_space.copy()
    is_second[1:] &= is_space[:-1]
    if 2 * np.count_nonzero(is_second) > np.count_nonzero(is_space):
        content = content[~is_second]
        sizes -= np.add.reduceat(is_second, np.cumsum(sizes) - sizes, dtype=np.int64)
    return content, np.cumsum(sizes)


def rows_with(tokenized: Tokenized, is_word: Flags) -> Flags:
    """Which texts, bool [rows], have one of the words that are marked, bool [words].

    >>> rows_with(numbered([b"b a b", b"a c", b""]), np.array([True, False, False])).tolist()
    [True, False, False]
    """
    before = np.concatenate([[0], np.cumsum(is_word[tokenized.numbers])])
    return np.diff(before[tokenized.row_splits]) > 0


def respelt(tokenized: Tokenized, tokens_of: Mapping[int, Sequence[bytes]]) -> Tokenized:
    """The same texts, with other tokens, or several or none, for some words; by their index, rising.

    >>> found = respelt(numbered([b"b A", b"x-y b a"]), {1: [b"a"], 2: [b"x", b"y"]})
    >>> found.words.to_pylist(), found.numbers.tolist(), found.row_splits.tolist()
    ([b'b', b'a', b'x', b'y'], [0, 1, 2, 3, 0, 1], [0, 2, 6])
    """
    words, numbers, row_splits = tokenized
    changed = np.fromiter(tokens_of, np.int64, len(tokens_of))
    new = [token for tokens in tokens_of.values() for token in tokens]
    sizes = np.ones(len(words), np.int64)
    sizes[changed] = [len(tokens) for tokens in tokens_of.values()]
    begins = np.cumsum(sizes) - sizes
    # Each word's tokens in its place: so they are in order of first occurrence, and some may be there twice.
    places = np.repeat(np.arange(len(words)), sizes)
    places[np.isin(places, changed)] = len(words) + np.arange(len(new))
    listed = pa.concat_arrays([words, pa.array(new, pa.large_binary())]).take(pa.array(places)).dictionary_encode()
    codes = listed.indices.to_numpy()
    if (sizes == 1).all():  # of most batches: a capital beyond ASCII became small
        return Tokenized(listed.dictionary, codes[numbers], row_splits)
    token_sizes = sizes[numbers]
    ends = np.cumsum(token_sizes)
    within = np.arange(ends[-1]) - np.repeat(ends - token_sizes, token_sizes)
    codes = codes[np.repeat(begins[numbers], token_sizes) + within]
    return Tokenized(listed.dictionary, codes, np.concatenate([[0], ends])[row_splits])

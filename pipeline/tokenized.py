"""Texts tokenized once: a batch's distinct words, and its tokens as their numbers among them.

It splits as text.tokenize does, which makes a string of 24 bytes or more of a token, of which a hash table then makes
numbers: 19 ms a MB. Here a token is where it stands until Arrow numbers it, 11 ms; and a batch's words are looked up
once each, where its texts hold them ten times.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from pipeline import counts, text
from pipeline.clean import byte_table, plain_pattern
from pipeline.config import TextSettings
from pipeline.fingerprints import word_fingerprints

_SPACE: Final = ord(" ")
# Behind each text of a batch; no clean text holds it.
_END: Final = b"\0"


class Tokenized(NamedTuple):
    """words: large_binary [words], in order of first occurrence. numbers: int32 [tokens], of each token the index into
    them. row_splits: int64 [rows + 1], where a text's tokens begin and end."""

    words: pa.LargeBinaryArray
    numbers: npt.NDArray[np.int32]
    row_splits: npt.NDArray[np.int64]


def strings(column: pa.LargeBinaryArray) -> tf.Tensor:
    """A column as a tensor, string [rows]."""
    return tf.constant(column.to_numpy(zero_copy_only=False), tf.string)


def tokenizer(settings: TextSettings) -> Callable[[pa.LargeBinaryArray], Tokenized]:
    """A function of texts [rows] -> Tokenized, with the tokens that text.tokenize gives.

    >>> found = tokenizer(TextSettings())(pa.array([b"B a (b)", b"a, c"], pa.large_binary()))
    >>> found.words.to_pylist(), found.numbers.tolist(), found.row_splits.tolist()
    ([b'b', b'a', b'c'], [0, 1, 0, 1, 2], [0, 3, 5])
    """
    return _characters(settings) if settings.split == "character" else _words(settings)


def _words(settings: TextSettings) -> Callable[[pa.LargeBinaryArray], Tokenized]:
    # Of most texts clean.py's table of bytes is all there is to do: 1 ms a MB, where its graph takes 12. The graph says
    # of those beyond ASCII whether they are such, and has the others, and those with tags or characters to escape.
    table = byte_table(settings).tobytes()
    signature = [tf.TensorSpec([None], tf.string)]

    @tf.function(input_signature=signature, autograph=False)
    def is_plain(texts: tf.Tensor) -> tf.Tensor:
        return tf.strings.regex_full_match(texts, plain_pattern(settings))

    @tf.function(input_signature=signature, autograph=False)
    def spaced(texts: tf.Tensor) -> tf.Tensor:
        return text.spaced(texts, settings)

    def tokenize(texts: pa.LargeBinaryArray) -> Tokenized:
        offsets, content = _buffers(texts)
        translated = content.tobytes().translate(table)
        clean = [translated[begin:end] for begin, end in pairwise(offsets.tolist())]
        is_odd = _have(content - np.uint8(1) >= 127, offsets)  # NUL, or a byte beyond ASCII
        if is_odd.any():
            is_odd[is_odd] = ~is_plain(strings(texts.filter(pa.array(is_odd)))).numpy()
        for character in text.beyond_table(settings):
            is_odd |= _have(content == ord(character), offsets)
        if is_odd.any():
            rows = np.flatnonzero(is_odd).tolist()
            others = spaced(strings(texts.filter(pa.array(is_odd)))).numpy().tolist()
            for row, string in zip(rows, others, strict=True):
                clean[row] = string
        return numbered(_END.join([*clean, b""]))

    return tokenize


def _have(is_marked: npt.NDArray[np.bool_], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether a byte of each row is marked, bool [rows]; rows begin and end at the offsets, [rows + 1]."""
    begins = offsets[:-1]
    has_bytes = begins < offsets[1:]
    found = np.zeros(len(begins), np.bool_)
    if has_bytes.any():
        found[has_bytes] = np.logical_or.reduceat(is_marked, begins[has_bytes])
    return found


def _buffers(texts: pa.LargeBinaryArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Offsets int64 [rows + 1], and the content, uint8, in which they count."""
    _, offsets, content = texts.buffers()
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return ends - ends[0], np.frombuffer(content or b"", np.uint8)[ends[0] : ends[-1]]


def _characters(settings: TextSettings) -> Callable[[pa.LargeBinaryArray], Tokenized]:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def characters(texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        found = text.tokenize(texts, settings)
        words, numbers = tf.unique(found.flat_values)
        return words, numbers, found.row_splits

    def tokenize(texts: pa.LargeBinaryArray) -> Tokenized:
        found = characters(strings(texts))
        words, numbers, row_splits = (tensor.numpy() for tensor in found)
        return Tokenized(pa.array(words, pa.large_binary()), numbers, row_splits)

    return tokenize


def numbered(texts: bytes) -> Tokenized:
    r"""Texts with spaces between their tokens and NUL behind each text -> Tokenized.

    >>> found = numbered(b"b a  b\0 a c \0\0")
    >>> found.words.to_pylist(), found.numbers.tolist(), found.row_splits.tolist()
    ([b'b', b'a', b'c'], [0, 1, 0, 1, 2], [0, 3, 5, 5])
    """
    content = np.frombuffer(texts, np.uint8)
    is_end = content == _END[0]
    is_token = (content != _SPACE) & ~is_end
    is_first = is_token.copy()
    is_first[1:] &= ~is_token[:-1]
    row_ends = np.searchsorted(np.flatnonzero(is_first), np.flatnonzero(is_end))
    # Of what stands between tokens one byte stays, as a space: so they lie side by side, each with a space behind it.
    is_kept = is_token.copy()
    is_kept[1:] |= is_token[:-1]
    content = content[is_kept]
    content[content == _END[0]] = _SPACE
    offsets = np.concatenate([[0], np.flatnonzero(content == _SPACE) + 1])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(content)]
    encoded = pa.Array.from_buffers(pa.large_binary(), len(offsets) - 1, buffers).dictionary_encode()
    words = pc.binary_slice(encoded.dictionary, 0, -1)
    return Tokenized(words, encoded.indices.to_numpy(), np.concatenate([[0], row_ends]))


def count_words(tokenized: Tokenized, *, rows: int, position: int) -> pa.Table:
    r"""The count table (counts.py) of the first rows; their first word stands at the position.

    >>> found = numbered(b"b a b\0c\0")
    >>> table = count_words(found, rows=1, position=7)
    >>> table.select(["token", "count", "position", "place"]).to_pydict()
    {'token': [b'b', b'a'], 'count': [2, 1], 'position': [7, 7], 'place': [0, 1]}
    """
    count = np.bincount(tokenized.numbers[: tokenized.row_splits[rows]])
    words = tokenized.words[: len(count)]
    fingerprints = word_fingerprints(strings(words)).numpy()
    return counts.count_table((words, count, np.full(len(words), position), np.arange(len(words)), fingerprints))

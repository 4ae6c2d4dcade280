"""Texts as they came -> Tokenized, with the tokens that text.tokenize gives.

Of ASCII, text/normalization.py's table of bytes is all there is to do: 1 ms a MB by `bytes.translate`, where its graph
takes 12, and 67 for texts with a capital beyond ASCII. So texts are divided into words first, and the graph is given
the words that want more, each once for a batch: those beyond ASCII, and those with characters that files escape. Some
texts go through the graph whole, before: those with tags, and those with a word of which it makes something else in its
text than alone.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from pipeline.config.settings import TextSettings
from pipeline.text import graph
from pipeline.text.characters import TAG
from pipeline.text.escaping import escapes
from pipeline.text.normalization import byte_table, clean, lone_pattern
from pipeline.text.token_batch import Flags, Tokenized, numbered, respelt, rows_with, strings

Tokenizer = Callable[[pa.LargeBinaryArray], Tokenized]

_STRINGS = [tf.TensorSpec([None], tf.string)]


def tokenizer(settings: TextSettings) -> Tokenizer:
    """A function of texts [rows] -> Tokenized.

    >>> found = tokenizer(TextSettings())(pa.array(["\u00c4 a (\u00e4)".encode(), b"a, c"], pa.large_binary()))
    >>> [word.decode() for word in found.words.to_pylist()], found.numbers.tolist(), found.row_splits.tolist()
    (['\u00e4', 'a', 'c'], [0, 1, 0, 1, 2], [0, 3, 5])
    """
    return _characters(settings) if settings.split == "character" else _Words(settings)


class _Words:
    """Texts -> Tokenized. What the graph has made of a whole text is given to it word by word once more: clean twice is
    clean once, and escapes come last."""

    def __init__(self, settings: TextSettings) -> None:
        table = byte_table(settings)
        table[0] = ord(" ")  # NUL, which the careful way makes a space before all else
        self._table = table.tobytes()
        self._begins_tag = ord(TAG[0]) if settings.strip_html else None
        self._is_special = np.arange(256) > 127
        self._is_special[[ord(character) for character, _ in escapes(settings)]] = True
        self._clean = tf.function(lambda texts: clean(texts, settings), _STRINGS, autograph=False)
        self._spell = tf.function(
            lambda words: (graph.spaced(words, settings), tf.strings.regex_full_match(words, lone_pattern(settings))),
            _STRINGS,
            autograph=False,
        )

    def __call__(self, texts: pa.LargeBinaryArray) -> Tokenized:
        """Texts [rows] -> Tokenized."""
        offsets, content = _buffers(texts)
        translated = content.tobytes().translate(self._table)
        rows = [translated[begin:end] for begin, end in pairwise(offsets.tolist())]
        if self._begins_tag is not None:
            self._replace(rows, texts, _have(content == self._begins_tag, offsets))
        found = numbered(rows)
        special = self._special(found)
        if not special.is_lone.all():
            is_word = np.zeros(len(found.words), np.bool_)
            is_word[special.indices[~special.is_lone]] = True
            self._replace(rows, texts, rows_with(found, is_word))
            found = numbered(rows)
            special = self._special(found)  # what is not lone is clean by now
        words = found.words.take(pa.array(special.indices)).to_pylist()
        each = zip(special.indices.tolist(), words, special.spelt.tolist(), strict=True)
        tokens_of = {index: list(filter(None, spelt.split(b" "))) for index, word, spelt in each if spelt != word}
        return respelt(found, tokens_of) if tokens_of else found

    def _replace(self, rows: list[bytes], texts: pa.LargeBinaryArray, is_chosen: Flags) -> None:
        """Puts what the graph makes of the chosen texts in their place among the rows."""
        if is_chosen.any():
            others = self._clean(strings(texts.filter(pa.array(is_chosen)))).numpy().tolist()
            for row, string in zip(np.flatnonzero(is_chosen).tolist(), others, strict=True):
                rows[row] = string

    def _special(self, found: Tokenized) -> "_Special":
        offsets, content = _buffers(found.words)
        indices = np.flatnonzero(_have(self._is_special[content], offsets))
        if not len(indices):
            return _Special(indices, np.empty(0, np.object_), np.ones(0, np.bool_))
        spelt, is_lone = self._spell(strings(found.words.take(pa.array(indices))))
        return _Special(indices, spelt.numpy(), is_lone.numpy())


class _Special(NamedTuple):
    """The words of a batch that are given to the graph: their indices, what it makes of each, object [words], and which
    of them it may be given alone, bool [words]."""

    indices: npt.NDArray[np.int64]
    spelt: npt.NDArray[np.object_]
    is_lone: Flags


def _characters(settings: TextSettings) -> Tokenizer:
    @tf.function(input_signature=_STRINGS, autograph=False)
    def characters(texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        found = graph.tokenize(texts, settings)
        words, numbers = tf.unique(found.flat_values)
        return words, numbers, found.row_splits

    def tokenize(texts: pa.LargeBinaryArray) -> Tokenized:
        words, numbers, row_splits = (tensor.numpy() for tensor in characters(strings(texts)))
        return Tokenized(pa.array(words, pa.large_binary()), numbers, row_splits)

    return tokenize


def _buffers(texts: pa.LargeBinaryArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Offsets int64 [rows + 1], and the content, uint8, in which they count."""
    _, offsets, content = texts.buffers()
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return ends - ends[0], np.frombuffer(content or b"", np.uint8)[ends[0] : ends[-1]]


def _have(is_marked: Flags, offsets: npt.NDArray[np.int64]) -> Flags:
    """Whether a byte of each row is marked, bool [rows]; rows begin and end at the offsets, [rows + 1]."""
    begins = offsets[:-1]
    has_bytes = begins < offsets[1:]
    found = np.zeros(len(begins), np.bool_)
    if has_bytes.any():
        found[has_bytes] = np.logical_or.reduceat(is_marked, begins[has_bytes])
    return found

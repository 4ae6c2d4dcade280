"""Raw texts -> a TokenBatch, with the tokens that graph.tokenize gives.

For ASCII the table of bytes of text/normalization.py is enough: 1 ms a MB with `bytes.translate`. The graph takes 12 ms
a MB, and 67 for texts with a capital beyond ASCII. So texts are split first. Then the graph normalizes only the special
tokens, each once for a batch: tokens beyond ASCII, and tokens with a character that files escape.

Spaces around the characters of `text.punctuation` come last, also around those that the graph has put spaces around.

Two kinds of texts go through the graph whole, before they are split. The first are texts with tags. The second are
texts with a token whose normal form depends on its neighbours, such as a capital sigma at the end of a token.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf

from pipeline.config.settings import TextSettings
from pipeline.support.arrays import Flags
from pipeline.text import graph
from pipeline.text.characters import TAG
from pipeline.text.escaping import escapes
from pipeline.text.normalization import byte_table, context_free_pattern, normalize
from pipeline.text.token_batch import TokenBatch, replace_tokens, rows_with, split_rows, string_tensor

Tokenizer = Callable[[pa.LargeBinaryArray], TokenBatch]

_STRINGS = [tf.TensorSpec([None], tf.string)]


def make_tokenizer(settings: TextSettings) -> Tokenizer:
    """The function of raw texts [rows] -> their TokenBatch.

    >>> batch = make_tokenizer(TextSettings())(pa.array(["\u00c4 a (\u00e4)".encode(), b"a, c"], pa.large_binary()))
    >>> [token.decode() for token in batch.distinct.to_pylist()], batch.indices.tolist(), batch.row_splits.tolist()
    (['\u00e4', 'a', 'c'], [0, 1, 0, 1, 2], [0, 3, 5])
    """
    return _character_tokenizer(settings) if settings.split == "character" else _SpaceTokenizer(settings)


class _SpaceTokenizer:
    """Texts -> TokenBatch; the tokens of a normalized text are between spaces.

    Texts that went through the graph are tokenized again token by token. That is safe: normalization is idempotent and
    escaping happens last.
    """

    def __init__(self, settings: TextSettings) -> None:
        table = byte_table(settings)
        table[0] = ord(" ")  # NUL; in the graph it becomes a space before all other steps
        self._table = table.tobytes()
        self._punctuation = [character.encode() for character in sorted(set(settings.punctuation))]
        self._first_of_tag = ord(TAG[0]) if settings.strip_html else None
        self._is_special_byte = np.arange(256) > 127
        self._is_special_byte[[ord(character) for character, _ in escapes(settings)]] = True
        pattern = context_free_pattern(settings)
        self._normalize = tf.function(lambda texts: normalize(texts, settings), _STRINGS, autograph=False)
        self._escape = tf.function(
            lambda tokens: (graph.escaped_text(tokens, settings), tf.strings.regex_full_match(tokens, pattern)),
            _STRINGS,
            autograph=False,
        )

    def __call__(self, texts: pa.LargeBinaryArray) -> TokenBatch:
        """Texts [rows] -> TokenBatch."""
        offsets, content = _buffers(texts)
        translated = content.tobytes().translate(self._table)
        rows = [translated[begin:end] for begin, end in pairwise(offsets.tolist())]
        if self._first_of_tag is not None:
            self._normalize_rows(rows, texts, _rows_with_byte(content == self._first_of_tag, offsets))
        batch = self._split(rows)
        special = self._special_tokens(batch)
        if not special.is_context_free.all():
            needs_context = np.zeros(len(batch.distinct), np.bool_)
            needs_context[special.indices[~special.is_context_free]] = True
            self._normalize_rows(rows, texts, rows_with(batch, needs_context))
            batch = self._split(rows)
            special = self._special_tokens(batch)  # tokens that need their context are normalized now
        tokens = batch.distinct.take(pa.array(special.indices)).to_pylist()
        each = zip(special.indices.tolist(), tokens, special.escaped.tolist(), strict=True)
        replacements = {
            index: list(filter(None, escaped.split(b" "))) for index, token, escaped in each if escaped != token
        }
        return replace_tokens(batch, replacements) if replacements else batch

    def _split(self, rows: list[bytes]) -> TokenBatch:
        """Translated rows -> their tokens."""
        for character in self._punctuation:
            spaced = b" " + character + b" "
            rows = [row.replace(character, spaced) for row in rows]
        return split_rows(rows)

    def _normalize_rows(self, rows: list[bytes], texts: pa.LargeBinaryArray, is_chosen: Flags) -> None:
        """Replaces the chosen rows, bool [rows], by what the graph makes of their texts."""
        if is_chosen.any():
            normalized = self._normalize(string_tensor(texts.filter(pa.array(is_chosen)))).numpy().tolist()
            for row, content in zip(np.flatnonzero(is_chosen).tolist(), normalized, strict=True):
                rows[row] = content

    def _special_tokens(self, batch: TokenBatch) -> "_SpecialTokens":
        offsets, content = _buffers(batch.distinct)
        indices = np.flatnonzero(_rows_with_byte(self._is_special_byte[content], offsets))
        if not len(indices):
            return _SpecialTokens(indices, np.empty(0, np.object_), np.ones(0, np.bool_))
        escaped, is_context_free = self._escape(string_tensor(batch.distinct.take(pa.array(indices))))
        return _SpecialTokens(indices, escaped.numpy(), is_context_free.numpy())


class _SpecialTokens(NamedTuple):
    """The distinct tokens of a batch that the graph normalizes: their indices, int64 [tokens]; what the graph makes of
    each, object [tokens]; and whether it makes the same of it in every text, bool [tokens]."""

    indices: npt.NDArray[np.int64]
    escaped: npt.NDArray[np.object_]
    is_context_free: Flags


def _character_tokenizer(settings: TextSettings) -> Tokenizer:
    @tf.function(input_signature=_STRINGS, autograph=False)
    def characters(texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        tokens = graph.tokenize(texts, settings)
        distinct, indices = tf.unique(tokens.flat_values)
        return distinct, indices, tokens.row_splits

    def tokenize(texts: pa.LargeBinaryArray) -> TokenBatch:
        distinct, indices, row_splits = (tensor.numpy() for tensor in characters(string_tensor(texts)))
        return TokenBatch(pa.array(distinct, pa.large_binary()), indices, row_splits)

    return tokenize


def _buffers(texts: pa.LargeBinaryArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Where each text begins and ends, int64 [rows + 1], and the bytes of all texts, uint8 [bytes]."""
    _, offsets, content = texts.buffers()
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return ends - ends[0], np.frombuffer(content or b"", np.uint8)[ends[0] : ends[-1]]


def _rows_with_byte(is_marked: Flags, offsets: npt.NDArray[np.int64]) -> Flags:
    """Which rows have a marked byte, bool [rows]. is_marked: [bytes]; offsets: where each row begins and ends."""
    begins = offsets[:-1]
    has_bytes = begins < offsets[1:]
    has_marked = np.zeros(len(begins), np.bool_)
    if has_bytes.any():
        has_marked[has_bytes] = np.logical_or.reduceat(is_marked, begins[has_bytes])
    return has_marked

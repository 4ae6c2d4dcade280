r"""Texts -> tokens -> ids -> padded ids: pure functions of tensors, the same graph in the job and in the served model.
This is the reference. text/fast_tokenizer.py and text/fast_sequences.py do the same with bytes and NumPy.

    text        string [batch]             as the source gave it
    normalized  string [batch]             lower case, filtered, spaces between tokens (text/normalization.py)
    tokens      string [batch, (tokens)]   ragged, in order
    known ids   int64  [batch, (known)]    ragged; with `oov: drop` unknown tokens have no id
    ids         int64  [batch, max_length] truncated and padded as Keras's pad_sequences

Order of operations: NUL -> space, invalid UTF-8 -> U+FFFD, lower case, tags -> space, filters -> space, spaces around
punctuation, split, look up, truncate, pad.

`tokens` are escaped as files write them (text/escaping.py), because they are looked up in such a file. With the default
settings no token has a character to escape.
"""

import contextlib
import re
from typing import NamedTuple

import tensorflow as tf

from pipeline.config.settings import SequenceSettings, TextSettings
from pipeline.contract import PADDING_ID, VOCABULARY_COLUMNS, Oov, oov_id
from pipeline.text.escaping import escapes
from pipeline.text.normalization import normalize


class Sequences(NamedTuple):
    """The ids of a batch of texts before truncation, and the numbers of their tokens.

    known: ragged int64 [batch, (known)], the ids.
    token_count: int64 [batch], tokens of the text, unknown ones too.
    known_count: int64 [batch], tokens that are in the vocabulary.
    """

    known: tf.RaggedTensor
    token_count: tf.Tensor
    known_count: tf.Tensor


def tokenize(text: tf.Tensor, settings: TextSettings) -> tf.RaggedTensor:
    """The tokens of string [batch] as ragged string [batch, (tokens)], empty ones dropped.

    >>> tokenize(tf.constant(["Not bad, NOT bad!", ""]), TextSettings()).to_list()
    [[b'not', b'bad', b'not', b'bad'], []]
    """
    if settings.split == "character":
        characters = tf.strings.unicode_split(normalize(text, settings), "UTF-8")
        return characters.with_flat_values(_escaped(characters.flat_values, settings))
    # tf.strings.split takes 8.4 ms a MB for this, the older operation 4.7.
    tokens = tf.raw_ops.StringSplit(input=escaped_text(text, settings), delimiter=" ", skip_empty=True)
    return tf.RaggedTensor.from_row_splits(
        tokens.values, _row_splits(tokens.indices[:, 0], rows=tokens.shape[0]), validate=False
    )


def escaped_text(text: tf.Tensor, settings: TextSettings) -> tf.Tensor:
    """String [batch] -> string [batch]: normalized, and each token escaped as files write it. One or more spaces are
    between two tokens, unless a token is a character.

    >>> escaped_text(tf.constant(["Not bad, NOT bad!"]), TextSettings()).numpy().tolist()
    [b'not bad  not bad ']
    """
    return _escaped(normalize(text, settings), settings)


def word_table(vocabulary_file: str | tf.Tensor) -> tf.lookup.StaticHashTable:
    r"""The table from a token to its id, of a vocabulary file with a line `id TAB token TAB count` for each word.

    It gives PADDING_ID for an unknown token; no word has that id. In a tf.function the table is built outside, once:
    inside, the file would be read at each call.
    """
    is_constant = isinstance(vocabulary_file, str) or hasattr(vocabulary_file, "numpy")
    with tf.init_scope() if is_constant and tf.inside_function() else contextlib.nullcontext():
        words = tf.lookup.TextFileInitializer(
            vocabulary_file,
            key_dtype=tf.string,
            key_index=VOCABULARY_COLUMNS.index("token"),
            value_dtype=tf.int64,
            value_index=VOCABULARY_COLUMNS.index("id"),
            delimiter="\t",
        )
        return tf.lookup.StaticHashTable(words, tf.constant(PADDING_ID, tf.int64))


def sequences(word_ids: tf.RaggedTensor, *, oov: Oov) -> Sequences:
    """The ids that `word_table` gives for tokens, ragged int64 [batch, (tokens)] with PADDING_ID for unknown ones ->
    Sequences.

    >>> word_ids = tf.ragged.constant([[1, 0, 2]], dtype=tf.int64)
    >>> sequences(word_ids, oov="drop").known.to_list()
    [[1, 2]]
    >>> sequences(tf.ragged.constant([[2, 0, 3]], dtype=tf.int64), oov="token").known.to_list()
    [[2, 1, 3]]
    """
    flat = word_ids.flat_values
    is_known = tf.not_equal(flat, tf.constant(PADDING_ID, tf.int64))
    # Plain tensor operations. The ragged ones take twice the time, and tracing them takes 0.3 s of a job's start.
    known_before = tf.concat([[0], tf.cumsum(tf.cast(is_known, tf.int64))], axis=0)
    known_splits = tf.gather(known_before, word_ids.row_splits)
    shared = oov_id(oov)
    if shared is None:
        known_ids = tf.gather(flat, tf.squeeze(tf.where(is_known), axis=1))
        known = tf.RaggedTensor.from_row_splits(known_ids, known_splits, validate=False)
    else:
        known = word_ids.with_flat_values(tf.where(is_known, flat, tf.constant(shared, tf.int64)))
    return Sequences(known, word_ids.row_lengths(), known_splits[1:] - known_splits[:-1])


def pad(known: tf.RaggedTensor, settings: SequenceSettings) -> tf.Tensor:
    """Ragged int64 [batch, (known)] -> int64 [batch, max_length], Keras's pad_sequences.

    >>> known = tf.ragged.constant([[1, 2, 3, 4], [1]], dtype=tf.int64)
    >>> pad(known, SequenceSettings(max_length=3)).numpy().tolist()
    [[2, 3, 4], [0, 0, 1]]
    >>> pad(known, SequenceSettings(max_length=3, padding="post", truncating="post")).numpy().tolist()
    [[1, 2, 3], [1, 0, 0]]
    """
    width = settings.max_length
    cuts_start = settings.truncating == "pre"
    # `to_tensor` cuts and pads each row at its end. To cut and pad at the start, reverse the rows, convert, and reverse
    # back.
    padded = (_reversed(known) if cuts_start else known).to_tensor(PADDING_ID, shape=[None, width])
    if cuts_start:
        padded = tf.reverse(padded, axis=[0, 1])
    if settings.padding != settings.truncating:
        lengths = tf.minimum(known.row_lengths(), width)
        ids_first = tf.reverse(padded, axis=[1]) if cuts_start else padded
        padded = tf.reverse_sequence(ids_first, lengths, seq_axis=1)
        padded = padded if cuts_start else tf.reverse(padded, axis=[1])
    return tf.ensure_shape(padded, [None, width])


def _row_splits(row_of_value: tf.Tensor, *, rows: tf.Tensor) -> tf.Tensor:
    """The row of each value, ascending, int64 [values] -> where each row begins and ends, int64 [rows + 1].

    TensorFlow's own way takes 14 operations and not two. An operation takes about 3 us of an answer.
    """
    lengths = tf.raw_ops.DenseBincount(input=row_of_value, size=rows, weights=tf.constant([], tf.int64))
    return tf.concat([[0], tf.cumsum(lengths)], axis=0)


def _reversed(rows: tf.RaggedTensor) -> tf.RaggedTensor:
    """The last row first, and in each row the last value first."""
    splits = rows.row_splits
    return tf.RaggedTensor.from_row_splits(
        tf.reverse(rows.flat_values, axis=[0]), splits[-1] - tf.reverse(splits, axis=[0]), validate=False
    )


def _escaped(text: tf.Tensor, settings: TextSettings) -> tf.Tensor:
    for character, written in escapes(settings):
        text = tf.strings.regex_replace(text, re.escape(character), written.replace("\\", "\\\\"))
    return text

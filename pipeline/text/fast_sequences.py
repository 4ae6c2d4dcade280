"""Tokenized texts -> the features that records and the manifest are made of, as preprocessing.preprocess makes them of
texts.

A word of a batch is looked up once, in 1.5 ms a MB of text. What follows goes over its tokens a few times by NumPy, in
2 ms, where the graph's way, text.sequences and text.pad, takes 9: it adds up running sums of all tokens, and turns all
round twice.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.config.settings import Config, SequenceSettings
from pipeline.contract import IDS, KNOWN_COUNT, PADDING_ID, TOKEN_COUNT, UNKNOWN_HASH, oov_id
from pipeline.text import graph
from pipeline.text.hashing import word_hashes
from pipeline.text.token_batch import Tokenized, strings

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Features = dict[str, Int32s | Int64s]


def transformer(config: Config, vocabulary_file: str) -> Callable[[Tokenized], Features]:
    """A function of Tokenized texts [rows] -> IDS int32 [rows, max_length], TOKEN_COUNT, KNOWN_COUNT and UNKNOWN_HASH
    int64 [rows]; the ids of the words are those of the file."""
    table = graph.word_table(vocabulary_file)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def look_up(words: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return table.lookup(words), word_hashes(words)

    shared = oov_id(config.vocabulary.oov)
    unknown_id = PADDING_ID if shared is None else shared

    def transform(tokenized: Tokenized) -> Features:
        words, numbers, row_splits = tokenized
        word_ids, hashes = (tensor.numpy() for tensor in look_up(strings(words)))
        word_ids[word_ids == PADDING_ID] = unknown_id
        ids = word_ids.astype(np.int32)[numbers]  # all are below MAX_TOP_WORDS
        unknown = np.flatnonzero(ids == unknown_id)
        unknown_before = np.searchsorted(unknown, row_splits)
        known_splits = row_splits - unknown_before
        # The sums overflow on purpose; the difference of two is the sum of a row's.
        hashes_before = np.concatenate([[0], np.cumsum(hashes[numbers[unknown]])])[unknown_before]
        sequences = (np.delete(ids, unknown), known_splits) if shared is None else (ids, row_splits)
        return {
            IDS: padded(*sequences, settings=config.sequence),
            TOKEN_COUNT: np.diff(row_splits),
            KNOWN_COUNT: np.diff(known_splits),
            UNKNOWN_HASH: np.diff(hashes_before),
        }

    return transform


def padded(ids: Int32s, row_splits: Int64s, *, settings: SequenceSettings) -> Int32s:
    """The ids of some texts, int32 [ids], where each begins and ends, int64 [rows + 1] -> int32 [rows, max_length],
    Keras's pad_sequences.

    >>> ids, row_splits = np.array([1, 2, 3, 4, 1], np.int32), np.array([0, 4, 5])
    >>> padded(ids, row_splits, settings=SequenceSettings(max_length=3)).tolist()
    [[2, 3, 4], [0, 0, 1]]
    >>> padded(ids, row_splits, settings=SequenceSettings(max_length=3, padding="post", truncating="post")).tolist()
    [[1, 2, 3], [1, 0, 0]]
    """
    width = settings.max_length
    begins, ends = row_splits[:-1], row_splits[1:]
    lengths = ends - begins
    if lengths.max(initial=0) > width:
        place = np.arange(len(ids))
        if settings.truncating == "pre":
            ids = ids[place >= np.repeat(ends - width, lengths)]
        else:
            ids = ids[place < np.repeat(begins + width, lengths)]
        lengths = np.minimum(lengths, width)
    found = np.full((len(lengths), width), PADDING_ID, np.int32)
    column = np.arange(width)
    is_filled = column >= width - lengths[:, None] if settings.padding == "pre" else column < lengths[:, None]
    found[is_filled] = ids
    return found

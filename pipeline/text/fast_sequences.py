"""A TokenBatch -> the features of its records, the same that job/preprocessing.py's graph makes of the texts.

Each distinct token of a batch is looked up once: 1.5 ms a MB of text. The steps after that take NumPy 2 ms a MB. The
graph (graph.sequences and graph.pad) takes 9 ms, because it sums over all tokens and reverses them twice.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from pipeline.config.settings import Config, SequenceSettings
from pipeline.contract import IDS, KNOWN_COUNT, PADDING_ID, TOKEN_COUNT, UNKNOWN_HASH, oov_id
from pipeline.support.arrays import Int32s, Int64s
from pipeline.text import graph
from pipeline.text.hashing import token_hashes
from pipeline.text.token_batch import TokenBatch, string_tensor

Features = dict[str, Int32s | Int64s]


def feature_function(config: Config, vocabulary_file: str) -> Callable[[TokenBatch], Features]:
    """The function of a TokenBatch of texts [rows] -> IDS int32 [rows, max_length], TOKEN_COUNT, KNOWN_COUNT and
    UNKNOWN_HASH int64 [rows]. The ids are those of the vocabulary file."""
    table = graph.word_table(vocabulary_file)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def look_up(tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return table.lookup(tokens), token_hashes(tokens)

    shared = oov_id(config.vocabulary.oov)
    unknown_id = PADDING_ID if shared is None else shared

    def features(batch: TokenBatch) -> Features:
        distinct, indices, row_splits = batch
        ids_of_distinct, hashes = (tensor.numpy() for tensor in look_up(string_tensor(distinct)))
        ids_of_distinct[ids_of_distinct == PADDING_ID] = unknown_id
        ids = ids_of_distinct.astype(np.int32)[indices]  # all are below MAX_TOP_WORDS
        unknown = np.flatnonzero(ids == unknown_id)
        unknown_before = np.searchsorted(unknown, row_splits)
        known_splits = row_splits - unknown_before
        # The sums overflow on purpose. The difference of two sums is the sum of one row.
        hashes_before = np.concatenate([[0], np.cumsum(hashes[indices[unknown]])])[unknown_before]
        sequences = (np.delete(ids, unknown), known_splits) if shared is None else (ids, row_splits)
        return {
            IDS: pad(*sequences, settings=config.sequence),
            TOKEN_COUNT: np.diff(row_splits),
            KNOWN_COUNT: np.diff(known_splits),
            UNKNOWN_HASH: np.diff(hashes_before),
        }

    return features


def pad(ids: Int32s, row_splits: Int64s, *, settings: SequenceSettings) -> Int32s:
    """The ids of all texts, int32 [ids], and where each text begins and ends, int64 [rows + 1] -> int32 [rows,
    max_length], as Keras's pad_sequences.

    >>> ids, row_splits = np.array([1, 2, 3, 4, 1], np.int32), np.array([0, 4, 5])
    >>> pad(ids, row_splits, settings=SequenceSettings(max_length=3)).tolist()
    [[2, 3, 4], [0, 0, 1]]
    >>> pad(ids, row_splits, settings=SequenceSettings(max_length=3, padding="post", truncating="post")).tolist()
    [[1, 2, 3], [1, 0, 0]]
    """
    width = settings.max_length
    begins, ends = row_splits[:-1], row_splits[1:]
    lengths = ends - begins
    if lengths.max(initial=0) > width:
        index = np.arange(len(ids))
        if settings.truncating == "pre":
            ids = ids[index >= np.repeat(ends - width, lengths)]
        else:
            ids = ids[index < np.repeat(begins + width, lengths)]
        lengths = np.minimum(lengths, width)
    padded = np.full((len(lengths), width), PADDING_ID, np.int32)
    column = np.arange(width)
    is_filled = column >= width - lengths[:, None] if settings.padding == "pre" else column < lengths[:, None]
    padded[is_filled] = ids
    return padded

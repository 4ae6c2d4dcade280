"""Record files -> serialized records -> tensors of their features, by what the manifest says that a record holds.

ids          int64 [rows, max_length]
labels       int64 [rows]; with several labels a text a ragged int64 [rows, labels of the row]
word_counts  int64 [rows], ids that are not padding
weights      float32 [rows]; None unless records have weights
slices       string [rows, columns]; None without columns, or if they are not asked for
"""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from pipeline.contract import IDS, LABEL, PADDING_ID, SLICES, WEIGHT
from trainer.data.records_folder import RecordsFolder


class ParsedRecords(NamedTuple):
    """The features of some records; see the module."""

    ids: tf.Tensor
    labels: tf.Tensor | tf.RaggedTensor
    word_counts: tf.Tensor
    weights: tf.Tensor | None
    slices: tf.Tensor | None


def serialized_records(paths: Sequence[str]) -> tf.data.Dataset:
    """Serialized records of the files, string []. A file is gzip if its name ends in .gz, and only then."""

    def records(path: tf.Tensor, compression: tf.Tensor) -> tf.data.Dataset:
        return tf.data.TFRecordDataset(path, compression_type=compression, buffer_size=1 << 20)

    compressions = ["GZIP" if path.endswith(".gz") else "" for path in paths]
    listed = (tf.constant(paths, tf.string), tf.constant(compressions, tf.string))
    return tf.data.Dataset.from_tensor_slices(listed).flat_map(records)


def parse_records(serialized: tf.Tensor, records: RecordsFolder, *, with_slices: bool = False) -> ParsedRecords:
    """Records of a folder, string [rows] -> their features.

    Raises:
      tf.errors.OpError: when the graph runs: a record lacks a feature, or has another number of values.
    """
    form = records.manifest.record
    features = {
        IDS: tf.io.FixedLenFeature([records.sequence.max_length], tf.int64),
        LABEL: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64)
        if form.several_labels
        else tf.io.FixedLenFeature([], tf.int64),
    }
    # With texts that were labelled in training, the files of train have weights and no slices, those of eval and test
    # perhaps no weights.
    is_mixed = records.train_path is not None
    if form.weighted:
        features[WEIGHT] = tf.io.FixedLenFeature([], tf.float32, default_value=1.0 if is_mixed else None)
    if with_slices and form.slices:
        none = [""] * len(form.slices) if is_mixed else None
        features[SLICES] = tf.io.FixedLenFeature([len(form.slices)], tf.string, default_value=none)
    parsed = tf.io.parse_example(serialized, features)
    word_counts = tf.math.count_nonzero(tf.not_equal(parsed[IDS], PADDING_ID), axis=1)
    return ParsedRecords(parsed[IDS], parsed[LABEL], word_counts, parsed.get(WEIGHT), parsed.get(SLICES))


def parse_ids(serialized: tf.Tensor, records: RecordsFolder) -> tf.Tensor:
    """Records with or without a label, string [rows] -> their ids, int64 [rows, max_length].

    Raises:
      tf.errors.OpError: when the graph runs: a record has another number of ids.
    """
    return tf.io.parse_example(serialized, {IDS: tf.io.FixedLenFeature([records.sequence.max_length], tf.int64)})[IDS]


def multi_hot(labels: tf.RaggedTensor, *, classes: int) -> tf.Tensor:
    """Indices of labels, ragged int64 [rows, labels of the row], each once -> float32 [rows, classes] of 0 and 1.

    >>> multi_hot(tf.ragged.constant([[0, 2], []], dtype=tf.int64), classes=3).numpy().tolist()
    [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    places = tf.stack([labels.value_rowids(), labels.values], axis=1)
    shape = tf.stack([labels.nrows(), tf.constant(classes, tf.int64)])
    return tf.scatter_nd(places, tf.ones_like(labels.values, tf.float32), shape)

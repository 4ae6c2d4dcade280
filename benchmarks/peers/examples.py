"""Ids and labels -> a gzip file of tf.train.Examples, as in TensorFlow's guide to TFRecord."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf


def record_file(output: str, split: str) -> AbstractContextManager[Any]:
    """The writer of a split's only file."""
    tf.io.gfile.makedirs(output)
    return tf.io.TFRecordWriter(f"{output}/{split}.tfrecord.gz", tf.io.TFRecordOptions(compression_type="GZIP"))


def write_rows(writer: Any, ids: Iterable[Any], labels: Iterable[int]) -> None:
    """Writes a record for each row. ids: a list or an array for each row."""
    for row, label in zip(ids, labels, strict=True):
        features = {
            "ids": tf.train.Feature(int64_list=tf.train.Int64List(value=row)),
            "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
        }
        example = tf.train.Example(features=tf.train.Features(feature=features))
        writer.write(example.SerializeToString())


def write_vocabulary(output: str, words: Iterable[str]) -> None:
    """Writes vocabulary.txt, a word a line."""
    with tf.io.gfile.GFile(f"{output}/vocabulary.txt", "w") as file:
        file.write("".join(f"{word}\n" for word in words))

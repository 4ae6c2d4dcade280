"""The job with Keras's TextVectorization: adapt on the train split, map over a dataset of batches, TFRecordWriter.

All texts are in memory, as in the layer's guide. Unknown words share id 1, and the layer pads and truncates at the end.
Standardization is a function, as in Keras's guide to text classification, so that the words are Keras's.
"""

import sys

import keras
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tensorflow as tf

from benchmarks.peers.examples import record_file, write_rows, write_vocabulary
from benchmarks.peers.rule import BATCH_ROWS, FILTERED, MAX_LENGTH, SPLITS, TOP_WORDS, mark


def standardize(text: tf.Tensor) -> tf.Tensor:
    """Lower case, filtered characters to spaces."""
    return tf.strings.regex_replace(tf.strings.lower(text, encoding="utf-8"), FILTERED, " ")


def run(path: str, output: str) -> None:
    """The whole job."""
    table = pq.read_table(path, columns=["text", "label", "split"])
    parts = {split: table.filter(pc.equal(table["split"], split)) for split in SPLITS}
    del table
    mark("read")
    layer = keras.layers.TextVectorization(
        max_tokens=TOP_WORDS, standardize=standardize, output_mode="int", output_sequence_length=MAX_LENGTH
    )
    train = tf.data.Dataset.from_tensor_slices(parts["train"]["text"].to_numpy())
    layer.adapt(train.batch(BATCH_ROWS))
    del train
    mark("adapt")
    for split, part in parts.items():
        texts = tf.data.Dataset.from_tensor_slices((part["text"].to_numpy(), part["label"].to_numpy()))
        batches = texts.batch(BATCH_ROWS).map(
            lambda text, label: (layer(text), label), num_parallel_calls=tf.data.AUTOTUNE
        )
        with record_file(output, split) as writer:
            for ids, labels in batches.prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
                write_rows(writer, ids, labels)
    write_vocabulary(output, layer.get_vocabulary(include_special_tokens=False))
    mark("map and write")


if __name__ == "__main__":
    mark("imports")
    run(sys.argv[1], sys.argv[2])

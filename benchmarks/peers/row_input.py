"""Records -> batches as in TensorFlow's guides: each row is parsed alone."""

import tensorflow as tf

from trainer.data.records_folder import RecordsFolder

_SHUFFLED = 10_000


def rows_of(records: RecordsFolder) -> tf.data.Dataset:
    """(ids int64 [max_length], label int64 []) of the train split, shuffled."""
    paths = records.shard_paths("train")
    compression = "GZIP" if paths[0].endswith(".gz") else ""
    features = {
        "ids": tf.io.FixedLenFeature([records.sequence.max_length], tf.int64),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }

    def parsed(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        example = tf.io.parse_single_example(serialized, features)
        return example["ids"], example["label"]

    examples = tf.data.TFRecordDataset(paths, compression, num_parallel_reads=tf.data.AUTOTUNE)
    return examples.shuffle(_SHUFFLED, seed=0).map(parsed, num_parallel_calls=tf.data.AUTOTUNE)


def batched(records: RecordsFolder, *, batch_size: int) -> tf.data.Dataset:
    """Batches of the full length."""
    return rows_of(records).batch(batch_size).prefetch(tf.data.AUTOTUNE)


def bucketed(records: RecordsFolder, *, batch_size: int) -> tf.data.Dataset:
    """Batches of about equal length, trimmed to it, by tf.data's own bucketing."""
    length = records.sequence.max_length

    def words(ids: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.boolean_mask(ids, ids > 0), label

    rows = rows_of(records).map(words, num_parallel_calls=tf.data.AUTOTUNE)
    bounds = [length * part // 10 for part in range(1, 10)]
    batches = rows.bucket_by_sequence_length(
        lambda ids, _: tf.size(ids),
        bucket_boundaries=bounds,
        bucket_batch_sizes=[batch_size] * (len(bounds) + 1),
        padded_shapes=([None], []),
    )
    return batches.prefetch(tf.data.AUTOTUNE)

"""The job in plain TensorFlow Transform: instance dicts and tft.compute_and_apply_vocabulary, as its guides show it.

Unknown words have id 0. TFT orders equal counts from the end of the alphabet. The runner has as many threads as ours.
"""

import sys
import tempfile
from collections.abc import Mapping
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.beam.tft_beam_io.transform_fn_io import WriteTransformFn
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata

from benchmarks.peers.beam_runner import new_pipeline
from benchmarks.peers.rule import FILTERED, MAX_LENGTH, SPLITS, TOP_WORDS, mark


def preprocess(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Lower case and filters as Keras, the vocabulary, padding at the start."""
    text = tf.strings.lower(inputs["text"], encoding="utf-8")
    words = tf.strings.split(tf.strings.regex_replace(text, FILTERED, " "))
    ids = 1 + tft.compute_and_apply_vocabulary(
        words, top_k=TOP_WORDS - 1, default_value=-1, vocab_filename="vocabulary"
    )
    last = ids[:, -MAX_LENGTH:]
    padded = tf.reverse(tf.reverse(last, [1]).to_tensor(0, shape=[None, MAX_LENGTH]), [1])
    return {"ids": padded, "label": inputs["label"]}


def split_of(row: Mapping[str, Any], number: int) -> int:
    """The index of a row's split, for beam.Partition; number: of splits."""
    del number
    return SPLITS.index(row["split"])


def run(path: str, output: str) -> None:
    """The whole job."""
    raw = DatasetMetadata.from_feature_spec(
        {"text": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
    )
    with (
        tempfile.TemporaryDirectory() as temporary,
        new_pipeline() as pipeline,
        tft_beam.Context(temp_dir=temporary),
    ):
        rows = pipeline | beam.io.ReadFromParquet(path, columns=["text", "label", "split"])
        train, *others = (
            part | f"Features{split}" >> beam.Map(lambda row: {"text": row["text"], "label": row["label"]})
            for split, part in zip(SPLITS, rows | beam.Partition(split_of, len(SPLITS)), strict=True)
        )
        transformed, transform = (train, raw) | tft_beam.AnalyzeAndTransformDataset(preprocess)
        every = [transformed] + [
            ((part, raw), transform) | f"Transform{split}" >> tft_beam.TransformDataset()
            for split, part in zip(SPLITS[1:], others, strict=True)
        ]
        for split, (data, metadata) in zip(SPLITS, every, strict=True):
            coder = tft.coders.ExampleProtoCoder(metadata.schema)
            _ = (
                data
                | f"Encode{split}" >> beam.Map(coder.encode)
                | f"Shuffle{split}" >> beam.Reshuffle()
                | f"Write{split}" >> beam.io.WriteToTFRecord(f"{output}/{split}", file_name_suffix=".tfrecord.gz")
            )
        _ = transform | WriteTransformFn(f"{output}/transform")
        mark("graphs")
    mark("job")


if __name__ == "__main__":
    mark("imports")
    run(sys.argv[1], sys.argv[2])

"""The job in plain TensorFlow Transform: instance dicts and tft.compute_and_apply_vocabulary, as its guides show it.

`python -m benchmarks.peers.plain_tft INPUT.parquet OUTPUT_FOLDER`: columns text and label in, splits 0.8 / 0.1 / 0.1,
5,000 words, 500 ids, gzip; the train split alone is analysed.
"""

import sys
import tempfile
import zlib
from collections.abc import Mapping
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.beam.tft_beam_io.transform_fn_io import WriteTransformFn
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata

_SPLITS = ("train", "eval", "test")
_MAX_LENGTH = 500
_TOP_WORDS = 5000


def preprocess(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Keras's cleaning, the vocabulary, padding in front."""
    text = tf.strings.lower(inputs["text"], encoding="utf-8")
    words = tf.strings.split(tf.strings.regex_replace(text, r"[^\w\s']", " "))
    ids = tft.compute_and_apply_vocabulary(words, top_k=_TOP_WORDS - 1, default_value=-1) + 1
    kept = ids[:, -_MAX_LENGTH:]
    padded = tf.reverse(tf.reverse(kept, [1]).to_tensor(0, shape=[None, _MAX_LENGTH]), [1])
    return {"ids": padded, "label": inputs["label"]}


def split_of(row: Mapping[str, Any], number: int) -> int:
    """The split of a row, by its text; `number` is how many there are."""
    drawn = zlib.crc32(row["text"].encode()) % 10
    return min(max(0, drawn - 7), number - 1)


def run(path: str, output: str) -> None:
    """The whole job."""
    raw = DatasetMetadata.from_feature_spec(
        {"text": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
    )
    with (
        tempfile.TemporaryDirectory() as temporary,
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
        tft_beam.Context(temp_dir=temporary),
    ):
        rows = (
            pipeline | beam.io.ReadFromParquet(path, columns=["text", "label"]) | beam.Partition(split_of, len(_SPLITS))
        )
        train, transform = (rows[0], raw) | tft_beam.AnalyzeAndTransformDataset(preprocess)
        others = [
            ((part, raw), transform) | f"Transform{split}" >> tft_beam.TransformDataset()
            for split, part in zip(_SPLITS[1:], (rows[1], rows[2]), strict=True)
        ]
        for split, (data, metadata) in zip(_SPLITS, [train, *others], strict=True):
            coder = tft.coders.ExampleProtoCoder(metadata.schema)
            _ = (
                data
                | f"Encode{split}" >> beam.Map(coder.encode)
                | f"Shuffle{split}" >> beam.Reshuffle()
                | f"Write{split}" >> beam.io.WriteToTFRecord(f"{output}/{split}", file_name_suffix=".tfrecord.gz")
            )
        _ = transform | WriteTransformFn(f"{output}/transform")


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2])

"""The job with Beam's MLTransform: ComputeAndApplyVocabulary learns from the train split, then transforms the others.

MLTransform neither pads nor normalizes; both are steps of their own, as its documentation advises. There are two
pipelines, because its artifacts can be read only once the first has ended. Unknown words have id 0.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.ml.transforms.base import MLTransform
from apache_beam.ml.transforms.tft import ComputeAndApplyVocabulary

from benchmarks.peers.beam_runner import new_pipeline
from benchmarks.peers.rule import FILTERED, MAX_LENGTH, SPLITS, TOP_WORDS, mark


class Clean(beam.DoFn):
    """Rows of one split -> the columns for MLTransform; the label passes through it."""

    def __init__(self, split: str) -> None:
        self._split = split
        self._filtered = re.compile(FILTERED)

    def process(self, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Lower case and filters, as Keras."""
        if row["split"] == self._split:
            yield {"text": self._filtered.sub(" ", row["text"].lower()), "label": row["label"]}


def encode(row: Any) -> bytes:
    """A row of MLTransform, with ids from -1 on -> an Example with ids from 0 on, padded at the start."""
    ids = np.asarray(row.text)[-MAX_LENGTH:] + 1
    padded = np.zeros(MAX_LENGTH, np.int64)
    padded[MAX_LENGTH - len(ids) :] = ids
    features = {
        "ids": tf.train.Feature(int64_list=tf.train.Int64List(value=padded)),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=np.asarray(row.label).ravel())),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def write(rows: beam.PCollection, transform: MLTransform, *, split: str, output: str) -> None:
    """Adds the stages of one split."""
    _ = (
        rows
        | f"Clean{split}" >> beam.ParDo(Clean(split)).with_output_types(dict[str, Any])
        | f"Transform{split}" >> transform
        | f"Encode{split}" >> beam.Map(encode)
        | f"Shuffle{split}" >> beam.Reshuffle()
        | f"Write{split}" >> beam.io.WriteToTFRecord(f"{output}/{split}", file_name_suffix=".tfrecord.gz")
    )


def run(path: str, output: str) -> None:
    """The whole job."""
    columns = ["text", "label", "split"]
    with tempfile.TemporaryDirectory() as artifacts:
        words = ComputeAndApplyVocabulary(
            columns=["text"], top_k=TOP_WORDS - 1, split_string_by_delimiter=" ", vocab_filename="vocabulary"
        )
        with new_pipeline() as pipeline:
            rows = pipeline | beam.io.ReadFromParquet(path, columns=columns)
            write(
                rows, MLTransform(write_artifact_location=artifacts).with_transform(words), split="train", output=output
            )
        mark("train")
        with new_pipeline() as pipeline:
            rows = pipeline | beam.io.ReadFromParquet(path, columns=columns)
            for split in SPLITS[1:]:
                write(rows, MLTransform(read_artifact_location=artifacts), split=split, output=output)
        mark("eval and test")
        (vocabulary,) = Path(artifacts).glob("*/transform_fn/assets/vocabulary_text")
        shutil.copy(vocabulary, f"{output}/vocabulary.txt")


if __name__ == "__main__":
    mark("imports")
    run(sys.argv[1], sys.argv[2])

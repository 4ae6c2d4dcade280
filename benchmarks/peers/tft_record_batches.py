"""The job in TensorFlow Transform on Arrow record batches, as in its guide for TFXIO and in TFX's own Transform.

Rows never become Python objects: Parquet is read as tables, TFT takes and returns record batches, and TFX's encoder in
C++ makes Examples of them. Ids are those of plain_tft.
"""

import sys
import tempfile
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.beam.tft_beam_io.transform_fn_io import WriteTransformFn
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder
from tfx_bsl.tfxio.tensor_adapter import TensorAdapterConfig
from tfx_bsl.tfxio.tensor_representation_util import InferTensorRepresentationsFromSchema

from benchmarks.peers.beam_runner import new_pipeline
from benchmarks.peers.plain_tft import preprocess
from benchmarks.peers.rule import BATCH_ROWS, SPLITS, mark

_ARROW = pa.schema([("text", pa.large_list(pa.large_binary())), ("label", pa.large_list(pa.int64()))])


def batches_by_split(table: pa.Table) -> Iterator[beam.pvalue.TaggedOutput]:
    """A table of Parquet -> record batches of lists of one, tagged with their split."""
    for split in SPLITS:
        rows = table.filter(pc.equal(table["split"], split))
        for batch in rows.combine_chunks().to_batches(max_chunksize=BATCH_ROWS):
            offsets = pa.array(np.arange(batch.num_rows + 1))
            texts, labels = batch["text"].cast(pa.large_binary()), batch["label"]
            lists = [pa.LargeListArray.from_arrays(offsets, column) for column in (texts, labels)]
            yield beam.pvalue.TaggedOutput(split, pa.RecordBatch.from_arrays(lists, schema=_ARROW))


def encode(element: tuple[pa.RecordBatch, object], *, schema: object) -> list[bytes]:
    """(record batch of TFT, columns that passed through) -> Examples."""
    return RecordBatchToExamplesEncoder(schema).encode(element[0])


def run(path: str, output: str) -> None:
    """The whole job."""
    raw = DatasetMetadata.from_feature_spec(
        {"text": tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
    )
    config = TensorAdapterConfig(_ARROW, InferTensorRepresentationsFromSchema(raw.schema))
    with (
        tempfile.TemporaryDirectory() as temporary,
        new_pipeline() as pipeline,
        tft_beam.Context(temp_dir=temporary),
    ):
        parts = (
            pipeline
            | beam.io.ReadFromParquetBatched(path, columns=["text", "label", "split"])
            | beam.FlatMap(batches_by_split).with_outputs(*SPLITS)
        )
        transformed, transform = (parts["train"], config) | tft_beam.AnalyzeAndTransformDataset(
            preprocess, output_record_batches=True
        )
        every = [transformed] + [
            ((parts[split], config), transform)
            | f"Transform{split}" >> tft_beam.TransformDataset(output_record_batches=True)
            for split in SPLITS[1:]
        ]
        for split, (data, metadata) in zip(SPLITS, every, strict=True):
            _ = (
                data
                | f"Encode{split}" >> beam.FlatMap(encode, schema=metadata.schema)
                | f"Shuffle{split}" >> beam.Reshuffle()
                | f"Write{split}" >> beam.io.WriteToTFRecord(f"{output}/{split}", file_name_suffix=".tfrecord.gz")
            )
        _ = transform | WriteTransformFn(f"{output}/transform")
        mark("graphs")
    mark("job")


if __name__ == "__main__":
    mark("imports")
    run(sys.argv[1], sys.argv[2])

"""Settings -> the preprocessing_fn of the TFT job: the graph of text/graph.py with the vocabulary file in it.

The graph takes TEXT, POSITION and LABEL of a batch. It gives IDS and LABEL for the records, and TOKEN_COUNT,
KNOWN_COUNT and UNKNOWN_HASH for the manifest's statistics. It is what serves a model, and the reference for ids; the
job itself maps tokens by text/fast_sequences.py. Nothing uses POSITION.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Final

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata
from tfx_bsl.tfxio.tensor_adapter import TensorAdapterConfig

from pipeline.config.settings import Config, SequenceSettings, TextSettings
from pipeline.contract import (
    IDS,
    KNOWN_COUNT,
    LABEL,
    PADDING_ID,
    POSITION,
    SLICES,
    TEXT,
    TOKEN_COUNT,
    UNKNOWN_HASH,
    WEIGHT,
    Oov,
)
from pipeline.records.record_columns import NO_FEATURES, RecordFeatures
from pipeline.text import graph
from pipeline.text.hashing import unknown_hashes

PreprocessingFn = Callable[[Mapping[str, tf.Tensor]], dict[str, tf.Tensor]]

# What TFT reads: one value a row, each in a list of its own.
_INPUT: Final = pa.schema(
    [
        (TEXT, pa.large_list(pa.large_binary())),
        (POSITION, pa.large_list(pa.int64())),
        (LABEL, pa.large_list(pa.int64())),
    ]
)


def preprocessing_fn(config: Config, *, vocabulary: str) -> PreprocessingFn:
    """The function that TFT traces. It holds only settings, so it can be shipped to a worker.

    vocabulary: the path of the vocabulary file, which exists when TFT's input ends.
    """
    return functools.partial(
        preprocess,
        text_settings=config.text,
        sequence=config.sequence,
        oov=config.vocabulary.oov,
        vocabulary=vocabulary,
    )


def preprocess(
    inputs: Mapping[str, tf.Tensor],
    *,
    text_settings: TextSettings,
    sequence: SequenceSettings,
    oov: Oov,
    vocabulary: str,
) -> dict[str, tf.Tensor]:
    """Raw features of a batch -> record features: IDS int64 [batch, max_length], the others int64 [batch]."""
    tokens = graph.tokenize(inputs[TEXT], text_settings)
    (path,) = tft.experimental.ptransform_analyzer(
        inputs=[inputs[TEXT]],
        ptransform=GivenFile(vocabulary),
        output_dtypes=[tf.string],
        output_shapes=[[]],
        # TFT's graph has a table with a word in it until the real file is there.
        output_asset_default_values=[b"1\tword\t1"],
        name="vocabulary",
    )
    # TFT's own lookup: during the analysis the file does not exist yet, and TFT replaces it by the real one.
    word_ids = tft.apply_vocabulary(tokens.flat_values, path, default_value=PADDING_ID, lookup_fn=_look_up)
    sequences = graph.sequences(tokens.with_flat_values(word_ids), oov=oov)
    return {
        IDS: graph.pad(sequences.known, sequence),
        LABEL: tf.identity(inputs[LABEL]),
        TOKEN_COUNT: sequences.token_count,
        KNOWN_COUNT: sequences.known_count,
        UNKNOWN_HASH: unknown_hashes(tokens, word_ids),
    }


class GivenFile(tft_beam.experimental.PTransformAnalyzer):
    """TFT's input, which has no row -> the path of a file that is there when the input ends, one element."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def expand(self, nothing: beam.PCollection) -> beam.PCollection:
        """Waits for the end of the input."""
        return (
            nothing.pipeline
            | "Path" >> beam.Create([self._path])
            | "Wait" >> beam.Map(_as_array, after=beam.pvalue.AsList(nothing)).with_output_types(np.ndarray)
        )


def _as_array(path: str, after: object) -> npt.NDArray[np.object_]:
    del after
    return np.array(path.encode(), dtype=object)


def _look_up(tokens: tf.Tensor, vocabulary_file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    table = graph.word_table(vocabulary_file)
    return table.lookup(tokens), table.size()


def input_config() -> TensorAdapterConfig:
    """How TFT makes tensors, of shape [batch] each, of a batch of its input."""
    representations = {
        name: schema_pb2.TensorRepresentation(
            dense_tensor=schema_pb2.TensorRepresentation.DenseTensor(column_name=name, shape=schema_pb2.FixedShape())
        )
        for name in _INPUT.names
    }
    return TensorAdapterConfig(_INPUT, representations)


def record_metadata(max_length: int, features: RecordFeatures = NO_FEATURES) -> DatasetMetadata:
    """The schema of a record, for transform/transformed_metadata; by it others parse records."""
    one_label = tf.io.FixedLenFeature([], tf.int64)
    spec: dict[str, object] = {
        IDS: tf.io.FixedLenFeature([max_length], tf.int64),
        LABEL: tf.io.VarLenFeature(tf.int64) if features.several_labels else one_label,
    }
    if features.slices:
        spec[SLICES] = tf.io.FixedLenFeature([features.slices], tf.string)
    if features.weighted:
        spec[WEIGHT] = tf.io.FixedLenFeature([], tf.float32)
    return DatasetMetadata.from_feature_spec(spec)

"""Settings -> the preprocessing_fn of the TFT job: the graph of text/graph.py with the vocabulary's analyzer in it.

The graph takes TEXT, POSITION and LABEL of a batch. It gives IDS and LABEL for the records, and TOKEN_COUNT,
KNOWN_COUNT and UNKNOWN_HASH for the manifest's statistics. Only the analysis uses POSITION.
"""

import functools
from collections.abc import Callable, Mapping

import tensorflow as tf
import tensorflow_transform as tft
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
from pipeline.job.transform_batches import tensor_representations, transform_schema
from pipeline.records.record_columns import NO_FEATURES, RecordFeatures
from pipeline.text import graph
from pipeline.text.hashing import unknown_hashes
from pipeline.vocabulary.analyzer import BatchCounts, VocabularyPlan, vocabulary_file, vocabulary_plan
from pipeline.vocabulary.cached_counting import CachedCounts
from pipeline.vocabulary.imported_words import ImportedWords

PreprocessingFn = Callable[[Mapping[str, tf.Tensor]], dict[str, tf.Tensor]]


def preprocessing_fn(
    config: Config,
    *,
    summary_path: str,
    buckets: int,
    imported: ImportedWords | None = None,
    cached: CachedCounts | None = None,
    batches: BatchCounts | None = None,
    hints: Mapping[str, str] | None = None,
) -> PreprocessingFn:
    """The function that TFT traces. It holds only settings, so it can be shipped to a worker.

    summary_path: the file for the summary of all counts. buckets: in how many buckets counts are merged. given: the
    imported words. counted: what a count cache adds to the batches. batches: count tables in place of batches of texts.
    hints: Beam's resource hints for the steps that merge counts.
    """
    plan = vocabulary_plan(
        top_words=config.vocabulary.top_words,
        min_count=config.vocabulary.min_count,
        oov=config.vocabulary.oov,
        summary_path=summary_path,
        buckets=buckets,
        imported=imported,
        grow=config.vocabulary.grow,
        cached=cached,
        batches=batches,
        by_occurrence=config.input.has_row_order
        and (config.input.has_unlabelled_order or not config.vocabulary.count_unlabelled),
        hints=hints,
    )
    return functools.partial(
        preprocess,
        text_settings=config.text,
        sequence=config.sequence,
        oov=config.vocabulary.oov,
        plan=plan,
    )


def preprocess(
    inputs: Mapping[str, tf.Tensor],
    *,
    text_settings: TextSettings,
    sequence: SequenceSettings,
    oov: Oov,
    plan: VocabularyPlan,
) -> dict[str, tf.Tensor]:
    """Raw features of a batch -> record features: IDS int64 [batch, max_length], the others int64 [batch]."""
    tokens = graph.tokenize(inputs[TEXT], text_settings)
    vocabulary = vocabulary_file(tokens, inputs[POSITION], plan)
    # TFT's own lookup: during the analysis the file does not exist yet, and TFT replaces it by the real one.
    word_ids = tft.apply_vocabulary(tokens.flat_values, vocabulary, default_value=PADDING_ID, lookup_fn=_look_up)
    sequences = graph.sequences(tokens.with_flat_values(word_ids), oov=oov)
    return {
        IDS: graph.pad(sequences.known, sequence),
        LABEL: tf.identity(inputs[LABEL]),
        TOKEN_COUNT: sequences.token_count,
        KNOWN_COUNT: sequences.known_count,
        UNKNOWN_HASH: unknown_hashes(tokens, word_ids),
    }


def _look_up(tokens: tf.Tensor, vocabulary_file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    table = graph.word_table(vocabulary_file)
    return table.lookup(tokens), table.size()


def input_config(features: RecordFeatures = NO_FEATURES) -> TensorAdapterConfig:
    """How TFT reads batches of transform_schema(features)."""
    return TensorAdapterConfig(transform_schema(features), tensor_representations())


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

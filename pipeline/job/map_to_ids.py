"""Tokens that wait in files, the labels and the vocabulary -> record features, and of these blocks of records.

    StoredGroups -> TransformStored -> FeatureBatches -> EncodeRecords -> blocks, statistics
                                    -> rejected rows, TaskRows

The ids are those that the transform graph gives the texts (text/fast_sequences.py).
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.utils.shared import Shared

from pipeline.config.settings import Config
from pipeline.contract import IDS
from pipeline.job import token_store
from pipeline.job.compare_ids import compared_rows
from pipeline.job.encode_records import NEAR, ROWS_TO_COMPARE, STATISTICS, EncodeRecords
from pipeline.job.feature_batch import feature_batch
from pipeline.job.read import StoredGroup
from pipeline.job.row_filter import ReadOptions, RowFilter
from pipeline.job.write import WriteOptions
from pipeline.text.fast_sequences import feature_function

REJECTED, TASK_ROWS, COMPARED = "rejected", "task_rows", "compared"


class Mapped(NamedTuple):
    """The outputs of MapToIds.

    blocks: (shard key, block). statistics, rows_to_compare, near: see EncodeRecords. rejected: tables of rejected rows.
    task_rows: row_counts.TaskRows. compared: packed rows, see job/compare_ids.py.
    """

    blocks: beam.PCollection
    statistics: beam.PCollection
    rows_to_compare: beam.PCollection
    near: beam.PCollection
    rejected: beam.PCollection
    task_rows: beam.PCollection
    compared: beam.PCollection


class MapToIds(beam.PTransform):
    """StoredGroups -> Mapped.

    compared_share: of the rows, see job/compare_ids.py. labels: a PCollection of the one list of labels. vocabulary:
    one of the path of the vocabulary file.
    """

    def __init__(
        self,
        options: ReadOptions,
        write_options: WriteOptions,
        config: Config,
        *,
        token_folder: str,
        compared_share: float,
        labels: beam.PCollection,
        vocabulary: beam.PCollection,
    ) -> None:
        super().__init__()
        self._transform = TransformStored(options, config, folder=token_folder, compared_share=compared_share)
        self._encode = EncodeRecords(write_options)
        self._labels = labels
        self._vocabulary = vocabulary

    def expand(self, stored: beam.PCollection) -> Mapped:
        """Spreads the task groups over all workers again."""
        transformed = (
            stored
            | "Spread" >> beam.Reshuffle()
            | "Ids"
            >> beam.ParDo(
                self._transform,
                labels=beam.pvalue.AsSingleton(self._labels),
                vocabulary=beam.pvalue.AsSingleton(self._vocabulary),
            ).with_outputs(REJECTED, TASK_ROWS, COMPARED, main="batches")
        )
        encoded = transformed["batches"] | "Encode" >> beam.ParDo(self._encode).with_outputs(
            STATISTICS, ROWS_TO_COMPARE, NEAR, main="blocks"
        )
        return Mapped(
            encoded["blocks"],
            encoded[STATISTICS],
            encoded[ROWS_TO_COMPARE],
            encoded[NEAR],
            transformed[REJECTED],
            transformed[TASK_ROWS],
            transformed[COMPARED],
        )


class TransformStored(beam.DoFn):
    """A StoredGroup, the labels and the path of the vocabulary file -> FeatureBatches of the rows that become records.

    Tagged REJECTED: tables of rejected rows. Tagged TASK_ROWS: row_counts.TaskRows. Tagged COMPARED: packed rows to
    compare with the graph, a share of all.
    """

    def __init__(self, options: ReadOptions, config: Config, *, folder: str, compared_share: float) -> None:
        self._options = options
        self._config = config
        self._folder = folder
        self._compared_share = compared_share
        self._shared = Shared()

    def process(self, stored: StoredGroup, labels: list[str], vocabulary: str) -> Iterator[Any]:
        """Yields each batch as soon as it has its ids."""
        self._options.observe("transform")
        transform = self._shared.acquire(partial(feature_function, self._config, vocabulary), tag=vocabulary)
        row_filter = RowFilter(list(stored.group.tasks()), self._options.of(stored.group), labels=labels)
        row_filter.lost(stored.lost)
        row_filter.left_out(stored.label_map)
        row_filter.found(stored.findings)
        row_filter.add_groups(stored.groups)
        for keyed, tokens in token_store.read_batches(stored.tokens, self._folder):
            labelled = row_filter.labelled(keyed)
            if labelled.rejected.num_rows:
                yield beam.pvalue.TaggedOutput(REJECTED, labelled.rejected)
            if labelled.rows.num_rows:
                kept = tokens if labelled.is_labelled.all() else tokens.filter(pa.array(labelled.is_labelled))
                features = transform(token_store.to_token_batch(kept))
                yield feature_batch(labelled, features, self._options.features)
                compared = compared_rows(labelled, features[IDS], share=self._compared_share)
                if compared is not None:
                    yield beam.pvalue.TaggedOutput(COMPARED, compared)
        for rows in row_filter.task_rows():
            yield beam.pvalue.TaggedOutput(TASK_ROWS, rows)

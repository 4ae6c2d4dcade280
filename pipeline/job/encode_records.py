"""FeatureBatches -> blocks of framed records, rows to search for duplicates, statistics of each split.

Per bundle, not per batch: small blocks and small counts would cost more than the work in them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.contract import SPLITS, UNLABELLED_INDEX
from pipeline.job import spill
from pipeline.job.feature_batch import FeatureBatch
from pipeline.job.write import WriteOptions
from pipeline.records import encode, framing, shuffle
from pipeline.records.keys import KEY_BYTES, is_sampled, key_halves, range_of, shard_of
from pipeline.records.record_columns import RecordColumns
from pipeline.statistics import duplicates, near_duplicates
from pipeline.statistics.accumulator import BundleStatistics
from pipeline.statistics.fingerprints import fingerprints
from pipeline.statistics.split_statistics import BatchColumns, SplitStatistics, merge
from pipeline.support.arrays import Int64s
from pipeline.support.counters import LENGTHS, NAMESPACE, TOKENS

STATISTICS, ROWS_TO_COMPARE, NEAR = "statistics", "rows_to_compare", "near"

# Sampled rows of 150 bytes that wait for their merge, and their tables.
_PENDING_NEAR_ROWS, _PENDING_NEAR_PARTS = 1 << 16, 256


class EncodeRecords(beam.DoFn):
    """FeatureBatches -> (shard key, block).

    Tagged STATISTICS: (index of a split, SplitStatistics of the bundle's rows in it). Tagged ROWS_TO_COMPARE: (bucket,
    packed table of duplicates.SCHEMA). Tagged NEAR: packed near_duplicates.SampledRows of the bundle.
    """

    def __init__(self, options: WriteOptions) -> None:
        self._options = options
        self._shards = options.all_shards()
        self._tokens = Metrics.counter(NAMESPACE, TOKENS)
        self._lengths = Metrics.distribution(NAMESPACE, LENGTHS)

    def start_bundle(self) -> None:
        """Begins with nothing pending."""
        self._pending: defaultdict[int, list[pa.RecordBatch]] = defaultdict(list)
        self._pending_bytes: defaultdict[int, int] = defaultdict(int)
        self._statistics = BundleStatistics(
            unknown_has_id=self._options.unknown_has_id, first_id=self._options.first_word_id
        )
        self._rows: list[pa.Table] = []
        self._near: list[near_duplicates.SampledRows] = []
        self._writer = spill.BlockWriter(self._options.spill_folder)

    def process(self, batch: FeatureBatch) -> Iterator[tuple[int, bytes]]:
        """Encodes one batch; yields the blocks that are full."""
        columns, limits = batch.columns, self._options.limits
        self._count(columns, batch.keys)
        # All rows of a batch have a label, or none has: they come from one task group.
        is_unlabelled = bool(columns.splits[0] == UNLABELLED_INDEX)
        records = encode.encode_records(record_columns(batch, is_unlabelled=is_unlabelled))
        framed = pa.RecordBatch.from_arrays(
            [
                batch.keys.cast(pa.binary(KEY_BYTES)),
                framing.frame(records),
                pa.array(columns.label_codes(), pa.int32()),
            ],
            schema=shuffle.SCHEMA,
        )
        for key, part in shuffle.partition(framed, self._shard_keys(framed["key"], columns.splits)):
            self._pending[key].append(part)
            self._pending_bytes[key] += part.nbytes
            if self._pending_bytes[key] > limits.block_bytes:
                yield self._write_block(key)
        if sum(self._pending_bytes.values()) > limits.pending_block_bytes:
            yield from [self._write_block(key) for key in list(self._pending)]
        if sum(len(rows) for rows in self._rows) > limits.pending_rows:
            yield from [beam.pvalue.TaggedOutput(ROWS_TO_COMPARE, rows) for rows in self._row_buckets()]

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Yields what is pending, and the statistics."""
        window = GlobalWindow()
        for key in list(self._pending):
            yield WindowedValue(self._write_block(key), window.max_timestamp(), [window])
        for rows in self._row_buckets():
            yield beam.pvalue.TaggedOutput(ROWS_TO_COMPARE, WindowedValue(rows, window.max_timestamp(), [window]))
        near = near_duplicates.merge(self._near)
        if len(near.rows):
            packed = near_duplicates.pack(near)
            yield beam.pvalue.TaggedOutput(NEAR, WindowedValue(packed, window.max_timestamp(), [window]))
        for statistics in self._statistics.result():
            yield beam.pvalue.TaggedOutput(STATISTICS, WindowedValue(statistics, window.max_timestamp(), [window]))

    def _write_block(self, key: int) -> tuple[int, bytes]:
        del self._pending_bytes[key]
        (batch,) = pa.Table.from_batches(self._pending.pop(key)).combine_chunks().to_batches()
        split, _ = self._shards[key]
        shards = self._options.by_part[split]
        ranges = range_of(batch["key"], shards=shards, ranges=self._options.sort_ranges)
        pieces = [(number, shuffle.pack_piece(part)) for number, part in shuffle.partition(batch, ranges)]
        return key, self._writer.write(pieces)

    def _row_buckets(self) -> list[tuple[int, bytes]]:
        rows, self._rows = self._rows, []
        return list(duplicates.buckets(rows, self._options.row_buckets)) if rows else []

    def _shard_keys(self, keys: pa.FixedSizeBinaryArray, splits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The index into all_shards() of each row, int64 [rows]."""
        shard_keys = np.zeros(len(splits), np.int64)
        before = 0
        for split, number in enumerate(self._options.by_part.values()):
            in_split = splits == split
            shard_keys[in_split] = before + shard_of(keys, number)[in_split]
            before += number
        return shard_keys

    def _count(self, columns: BatchColumns, keys: pa.LargeBinaryArray) -> None:
        """Adds the rows to the statistics and to those that wait to be searched for duplicates."""
        self._tokens.inc(int(columns.token_counts.sum()))
        for count in columns.token_counts.tolist():
            self._lengths.update(count)
        tokens = fingerprints(
            columns.ids,
            token_counts=columns.token_counts,
            known_counts=columns.known_counts,
            unknown=columns.unknown_hashes,
        )
        halves = key_halves(keys)
        if columns.splits[0] != UNLABELLED_INDEX:
            self._sample_near(columns, keys=halves[:, 1], tokens=tokens)
        text = halves[:, 0]
        self._rows.append(
            duplicates.rows_table(tokens=tokens, text=text, split=columns.splits, label=columns.label_codes())
        )
        is_train = columns.splits == SPLITS.index("train")
        self._statistics.add(columns, is_counted=is_train & is_sampled(keys, self._options.sampled_share))

    def _sample_near(self, columns: BatchColumns, *, keys: npt.NDArray[np.uint64], tokens: Int64s) -> None:
        """Adds rows to those among which near duplicates are searched."""
        sampled = near_duplicates.sampled_rows(
            columns.ids, splits=columns.splits, keys=keys, tokens=tokens, share=self._options.near_share
        )
        self._near.append(sampled)
        if sum(len(part.rows) for part in self._near) > _PENDING_NEAR_ROWS or len(self._near) > _PENDING_NEAR_PARTS:
            self._near = [near_duplicates.merge(self._near)]


def record_columns(batch: FeatureBatch, *, is_unlabelled: bool) -> RecordColumns:
    """What the records of a batch hold."""
    columns = batch.columns
    if is_unlabelled:
        return RecordColumns(columns.ids, None)
    labels = columns.labels if columns.sets is None else columns.sets
    return RecordColumns(columns.ids, labels, batch.slices, columns.weights)


class MergeStatistics(beam.CombineFn):
    """Statistics of parts of a split -> those of the split."""

    def create_accumulator(self) -> SplitStatistics:
        """Nothing counted."""
        return SplitStatistics()

    def add_input(self, accumulator: SplitStatistics, element: SplitStatistics) -> SplitStatistics:
        """Adds a part."""
        return merge([accumulator, element])

    def merge_accumulators(self, accumulators: Iterable[SplitStatistics]) -> SplitStatistics:
        """Adds parts."""
        return merge(accumulators)

    def extract_output(self, accumulator: SplitStatistics) -> SplitStatistics:
        """The sum."""
        return accumulator

"""Transformed batches -> shard files and statistics: the Beam stages around pipeline/records.

What crosses the shuffle is a block of framed records of one shard, or where it waits on disk (job/spill.py), keyed by a
number for (split, shard).
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.contract import IDS, KNOWN_COUNT, LABEL, SPLITS, TOKEN_COUNT, UNKNOWN_HASH, Compression, Split, shard_file
from pipeline.files.beam import BeamFiles
from pipeline.job import spill
from pipeline.job.transform_batches import KEY, SAMPLE, SPLIT
from pipeline.records import encode, framing, shards, shuffle
from pipeline.records.keys import KEY_BYTES, is_sampled, key_halves, range_of, shard_of
from pipeline.statistics import duplicates
from pipeline.statistics.accumulator import BundleStatistics
from pipeline.statistics.fingerprints import fingerprints
from pipeline.statistics.split_statistics import Columns, SplitStatistics, merge
from pipeline.support.progress import NAMESPACE, Tally

STATISTICS, REPEATS = "statistics", "repeats"

# A block of 2 MB holds some 3,000 records of 500 ids; larger ones save nothing more, and hundreds of shards times a
# block must fit into a worker's memory.
_BLOCK_BYTES = 2 << 20
# All blocks that wait in a bundle together; then they go out, full or not.
_WAITING_BYTES = 256 << 20
# Rows of 21 bytes that wait to be compared with others; with 2**20 of them a job over a million texts takes 50 MB more.
_WAITING_ROWS = 1 << 18

_NUMBERS = (IDS, LABEL, SPLIT, TOKEN_COUNT, KNOWN_COUNT, UNKNOWN_HASH)


class Writing(NamedTuple):
    """How shards are written: the folder they go to, that of unfinished ones, how many a split has, in which form.

    buckets: into how many parts rows are divided to find equal texts; counted: what words are counted of; ranges: into
    how many sub-ranges of its keys a shard is divided, which are ordered one after the other; waiting: the folder of
    this machine where blocks wait, None where they cross the shuffle.
    """

    folder: str
    attempts: str
    shards: tuple[int, int, int]
    compression: Compression
    keeps_unknown: bool
    progress_folder: str | None
    buckets: int
    counted: "Counted"
    ranges: int = 1
    waiting: str | None = None

    def shards_of(self, split: Split) -> int:
        """How many shards a split has."""
        return self.shards[SPLITS.index(split)]

    def places(self) -> list[tuple[Split, int]]:
        """(split, shard) of every shard, in order; a block's key is the index into this list."""
        return [(split, shard) for split, number in zip(SPLITS, self.shards, strict=True) for shard in range(number)]


class Counted(NamedTuple):
    """Of which share of the train records words are counted, and the smallest id of a word."""

    share: float
    first_id: int


@dataclass(frozen=True, kw_only=True)
class WrittenShard:
    """A shard file that is complete: its split and path within the records folder, and what it holds."""

    split: Split
    path: str
    summary: shards.ShardSummary
    duplicates: shuffle.DuplicateCounts


class EncodeRecords(beam.DoFn):
    """Transformed batches -> (shard key, block); tagged STATISTICS what a bundle's rows add to each split's, tagged
    REPEATS (bucket, block of repeats.SCHEMA)."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._places = writing.places()
        self._tokens = Metrics.counter(NAMESPACE, "tokens")
        self._lengths = Metrics.distribution(NAMESPACE, "tokens_of_text")

    def start_bundle(self) -> None:
        """Begins with nothing waiting."""
        self._blocks: defaultdict[int, list[pa.RecordBatch]] = defaultdict(list)
        self._bytes: defaultdict[int, int] = defaultdict(int)
        self._statistics = BundleStatistics(
            keeps_unknown=self._writing.keeps_unknown, first_id=self._writing.counted.first_id
        )
        self._rows: list[pa.Table] = []
        self._out = spill.Blocks(self._writing.waiting)

    def process(self, element: tuple[pa.RecordBatch, object]) -> Iterator[tuple[int, bytes]]:
        """Encodes one batch; gives the blocks that are full."""
        batch = element[0]
        columns = batch_columns(batch)
        self._gather(batch, columns)
        records = encode.encode_examples(columns.ids, columns.labels)
        block = pa.RecordBatch.from_arrays(
            [
                batch[KEY].flatten().cast(pa.binary(KEY_BYTES)),
                framing.frame(records),
                pa.array(columns.labels, pa.int32()),
            ],
            schema=shuffle.SCHEMA,
        )
        for key, part in shuffle.partition(block, self._shard_keys(block["key"], columns.splits)):
            self._blocks[key].append(part)
            self._bytes[key] += part.nbytes
            if self._bytes[key] > _BLOCK_BYTES:
                yield self._taken(key)
        if sum(self._bytes.values()) > _WAITING_BYTES:
            yield from [self._taken(key) for key in list(self._blocks)]
        if sum(len(rows) for rows in self._rows) > _WAITING_ROWS:
            yield from [beam.pvalue.TaggedOutput(REPEATS, block) for block in self._taken_rows()]

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Gives what is left, and the statistics."""
        window = GlobalWindow()
        for key in list(self._blocks):
            yield WindowedValue(self._taken(key), window.max_timestamp(), [window])
        for block in self._taken_rows():
            yield beam.pvalue.TaggedOutput(REPEATS, WindowedValue(block, window.max_timestamp(), [window]))
        for found in self._statistics.result():
            yield beam.pvalue.TaggedOutput(STATISTICS, WindowedValue(found, window.max_timestamp(), [window]))

    def _taken(self, key: int) -> tuple[int, bytes]:
        del self._bytes[key]
        (whole,) = pa.Table.from_batches(self._blocks.pop(key)).combine_chunks().to_batches()
        split, _ = self._places[key]
        shards_of_split = self._writing.shards_of(split)
        ranges = range_of(whole["key"], shards=shards_of_split, ranges=self._writing.ranges)
        pieces = [(place, shuffle.pack_piece(part)) for place, part in shuffle.partition(whole, ranges)]
        return key, self._out.put(pieces)

    def _taken_rows(self) -> list[tuple[int, bytes]]:
        rows, self._rows = self._rows, []
        return list(duplicates.buckets(rows, self._writing.buckets)) if rows else []

    def _shard_keys(self, keys: pa.FixedSizeBinaryArray, splits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        found = np.zeros(len(splits), np.int64)
        before = 0
        for split, number in enumerate(self._writing.shards):
            in_split = splits == split
            found[in_split] = before + shard_of(keys, number)[in_split]
            before += number
        return found

    def _gather(self, batch: pa.RecordBatch, columns: Columns) -> None:
        """Keeps what statistics are made of, and what equal texts are found by."""
        self._tokens.inc(int(columns.token_counts.sum()))
        for count in columns.token_counts.tolist():
            self._lengths.update(count)
        keys = batch[KEY].flatten()
        tokens = fingerprints(
            columns.ids,
            token_counts=columns.token_counts,
            known_counts=columns.known_counts,
            unknown=columns.unknown_hashes,
        )
        text = key_halves(keys)[:, 0]
        self._rows.append(duplicates.rows_table(tokens=tokens, text=text, split=columns.splits, label=columns.labels))
        is_train = columns.splits == SPLITS.index("train")
        self._statistics.add(columns, is_counted=is_train & is_sampled(keys, self._writing.counted.share))


def batch_columns(batch: pa.RecordBatch) -> Columns:
    """A batch as TFT gives it -> its columns as arrays."""
    numbers = {name: batch[name].flatten().to_numpy() for name in _NUMBERS}
    sample_rows = pa.array(np.repeat(np.arange(batch.num_rows), batch[SAMPLE].value_lengths().to_numpy()))
    samples = (sample_rows, batch[KEY].flatten().take(sample_rows), batch[SAMPLE].flatten())
    return Columns(
        numbers[IDS].reshape(batch.num_rows, -1),
        numbers[LABEL],
        numbers[SPLIT],
        numbers[TOKEN_COUNT],
        numbers[KNOWN_COUNT],
        numbers[UNKNOWN_HASH],
        list(zip(*(column.to_pylist() for column in samples), strict=True)),
    )


class MergeStatistics(beam.CombineFn):
    """Statistics of parts of a split -> those of all."""

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


class WriteShards(beam.PTransform):
    """(shard key, block) -> WrittenShard, one for each shard, also for those without a record."""

    def __init__(self, writing: Writing) -> None:
        super().__init__()
        self._writing = writing

    def expand(self, blocks: beam.PCollection) -> beam.PCollection:
        """Brings the blocks of each shard together, orders their records and writes them."""
        nothing = [(key, b"") for key in range(len(self._writing.places()))]
        every = blocks.pipeline | "EveryShard" >> beam.Create(nothing).with_output_types(tuple[int, bytes])
        return (
            (blocks, every)
            | "WithEmptyShards" >> beam.Flatten()
            | "GroupByShard" >> beam.GroupByKey()
            | "WriteShard" >> beam.ParDo(WriteShard(self._writing))
        )


class WriteShard(beam.DoFn):
    """All blocks of a shard -> its file, written under an attempt's own name and then renamed."""

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._places = writing.places()

    def process(self, shard: tuple[int, Iterable[bytes]]) -> Iterator[WrittenShard]:
        """Writes one shard; a twin of this attempt writes the same bytes."""
        key, blocks = shard
        split, index = self._places[key]
        compression = self._writing.compression
        path = shard_file(split, index, shards=self._writing.shards_of(split), compression=compression)
        duplicates: list[shuffle.DuplicateCounts] = []
        files = BeamFiles()
        attempt = f"{self._writing.attempts}/{uuid.uuid4().hex}"
        arrived = spill.Arrived(filter(None, blocks), self._writing.waiting)
        with files.create(attempt) as file:
            summary = shards.write_shard(self._frames(arrived, duplicates), file, compression=compression)
        files.move(attempt, f"{self._writing.folder}/{path}")
        tally = Tally(self._writing.progress_folder, "write")
        tally.add(summary.records)
        tally.write()
        yield WrittenShard(split=split, path=path, summary=summary, duplicates=shuffle.add_counts(duplicates))

    def _frames(
        self, arrived: spill.Arrived, duplicates: list[shuffle.DuplicateCounts]
    ) -> Iterator[pa.LargeBinaryArray]:
        """The shard's frames in order, of a sub-range at a time; adds the equal texts of each to `duplicates`."""
        for number in range(self._writing.ranges):
            ordered = shuffle.order_records(arrived.pieces(number))
            duplicates.append(shuffle.duplicate_counts(ordered))
            yield from ordered["frame"].chunks
            del ordered  # before the next is read

"""Blocks of framed records -> shard files: all blocks of a shard come together, are sorted and written.

A shard's key is its index in `WriteOptions.all_shards()`. What crosses the shuffle under it is a block of the shard's
records, or a reference to one that was spilled to disk (job/spill.py).
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics

from pipeline.contract import SPLITS, UNLABELLED, Compression, Split, Unlabelled, shard_file
from pipeline.files.beam import BeamFiles
from pipeline.job import spill
from pipeline.job.limits import DEFAULT_LIMITS, Limits
from pipeline.job.stages import StageObserver, ignore_stage
from pipeline.records import shards, shuffle
from pipeline.support.counters import NAMESPACE, RECORD_BYTES, RECORDS, SHARDS
from pipeline.support.progress import Tally


@dataclass(frozen=True, kw_only=True)
class WriteOptions:
    """How records are encoded and written.

    folder: where the records folder is built. attempts_folder: for files that are not complete. shards: how many each
    split has. unlabelled_shards: how many there are of texts without labels. unknown_has_id: unknown tokens have an id
    (`vocabulary.oov: token`). first_word_id: the smallest id of a word. sampled_share: the share of the train rows in
    which distinctive words are counted. near_share: the share of the rows among which near duplicates are searched.
    row_buckets: in how many buckets rows are searched for duplicates. sort_ranges: of each shard. spill_folder: where
    blocks are spilled, or None. progress_folder: where this machine's workers count their rows, or None. limits: the
    sizes by which the work is divided. observe: is called with the name of each stage that begins.
    """

    folder: str
    attempts_folder: str
    shards: tuple[int, int, int]
    compression: Compression
    unknown_has_id: bool
    first_word_id: int
    sampled_share: float
    near_share: float
    row_buckets: int
    unlabelled_shards: int = 0
    sort_ranges: int = 1
    spill_folder: str | None = None
    progress_folder: str | None = None
    limits: Limits = DEFAULT_LIMITS
    observe: StageObserver = ignore_stage

    @property
    def by_part(self) -> dict[Split | Unlabelled, int]:
        """The number of shards of each split, in the order of SPLITS, and of the texts without labels after them."""
        return {**dict(zip(SPLITS, self.shards, strict=True)), UNLABELLED: self.unlabelled_shards}

    def all_shards(self) -> list[tuple[Split | Unlabelled, int]]:
        """(split, number in the split) of every shard, in order."""
        return [(split, shard) for split, number in self.by_part.items() for shard in range(number)]


@dataclass(frozen=True, kw_only=True)
class WrittenShard:
    """A complete shard file: its split, its path inside the records folder, what it holds, and its equal texts."""

    split: Split | Unlabelled
    path: str
    summary: shards.ShardSummary
    duplicates: shuffle.DuplicateCounts


class WriteShards(beam.PTransform):
    """(shard key, block) -> a WrittenShard for each shard, also for a shard without records; hints: Beam's resource
    hints for the step that writes."""

    def __init__(self, options: WriteOptions, *, hints: Mapping[str, str]) -> None:
        super().__init__()
        self._options = options
        self._hints = hints

    def expand(self, blocks: beam.PCollection) -> beam.PCollection:
        """Brings the blocks of each shard together, sorts their records and writes them."""
        nothing = [(key, b"") for key in range(len(self._options.all_shards()))]
        every = blocks.pipeline | "EveryShard" >> beam.Create(nothing).with_output_types(tuple[int, bytes])
        return (
            (blocks, every)
            | "WithEmptyShards" >> beam.Flatten()
            | "GroupByShard" >> beam.GroupByKey()
            | "WriteShard" >> beam.ParDo(WriteShard(self._options)).with_resource_hints(**self._hints)
        )


class WriteShard(beam.DoFn):
    """All blocks of a shard -> its file. Each attempt writes under its own name and then renames the file."""

    def __init__(self, options: WriteOptions) -> None:
        self._options = options
        self._shards = options.all_shards()

    def process(self, shard: tuple[int, Iterable[bytes]]) -> Iterator[WrittenShard]:
        """Writes one shard; another attempt at it writes the same bytes."""
        self._options.observe("write")
        key, blocks = shard
        split, index = self._shards[key]
        compression = self._options.compression
        path = shard_file(split, index, shards=self._options.by_part[split], compression=compression)
        duplicates: list[shuffle.DuplicateCounts] = []
        files = BeamFiles()
        attempt = f"{self._options.attempts_folder}/{uuid.uuid4().hex}"
        reader = spill.BlockReader(filter(None, blocks), self._options.spill_folder)
        with files.create(attempt) as file:
            summary = shards.write_shard(self._frames(reader, duplicates), file, compression=compression)
        files.move(attempt, f"{self._options.folder}/{path}")
        tally = Tally(self._options.progress_folder, "write")
        tally.add(summary.records)
        tally.write()
        for name, value in ((SHARDS, 1), (RECORDS, summary.records), (RECORD_BYTES, summary.bytes)):
            Metrics.counter(NAMESPACE, name).inc(value)
        yield WrittenShard(split=split, path=path, summary=summary, duplicates=shuffle.add_counts(duplicates))

    def _frames(
        self, reader: spill.BlockReader, duplicates: list[shuffle.DuplicateCounts]
    ) -> Iterator[pa.LargeBinaryArray]:
        """The shard's frames in order, a sort range at a time; adds the equal texts of each to `duplicates`."""
        for number in range(self._options.sort_ranges):
            ordered = shuffle.order_records(reader.pieces(number))
            duplicates.append(shuffle.duplicate_counts(ordered))
            yield from ordered["frame"].chunks
            del ordered  # before the next range is read

"""Counting by file: counts of a file come from `vocabulary.cache` if it has them; others are counted and written there.

    task groups -> LookUpCounts -> the same groups, each with the files whose counts are in the cache
                                -> count tables of these files
    count tables of the other files, what LookUp and ReadRows know of each -> CountByFile -> entries; count tables

A file is looked up once: all ranges of it come to one place for that. Its entry is written where all its counts come
together, if all of it could be read.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.files.beam import BeamFiles
from pipeline.records_folder.manifest import CacheUse
from pipeline.sources.tasks import PLACE_BITS, ReadTask, TaskGroup
from pipeline.support import arrow_ipc
from pipeline.support.counters import CACHED_FILES, FILES_TO_COUNT, NAMESPACE
from pipeline.vocabulary import count_cache, count_tables

# Tags of outputs. ENTRY_PARTS: (file_index, EntryPart). TABLES: (bucket, packed count table) from the cache. CACHE_USE:
# a CacheUse for each task group.
ENTRY_PARTS, TABLES, CACHE_USE = "entry_parts", "tables", "cache_use"

# Entries that are read at the same time: they are small, and an object store takes tens of milliseconds for each.
_READ_THREADS: Final = 16


class LookedUpGroup(NamedTuple):
    """A task group, and the file indices of its files whose counts are in the cache, or that are not counted at all."""

    group: TaskGroup
    cached: frozenset[int]


class EntryToWrite(NamedTuple):
    """From LookUp: a file that is not in the cache, and the path of its future entry; None: the file can't be read."""

    task: ReadTask
    path: str | None


class RangeRead(NamedTuple):
    """From ReadRows: whether all of a range of a file could be read."""

    is_complete: bool


class PartialCounts(NamedTuple):
    """The packed count table of some rows of a file."""

    table: bytes


EntryPart = EntryToWrite | RangeRead | PartialCounts


def total_cache_use(parts: Iterable[CacheUse]) -> CacheUse:
    """The numbers of all task groups together.

    >>> total_cache_use([CacheUse(reused_files=8, counted_files=0), CacheUse(reused_files=0, counted_files=2)])
    CacheUse(reused_files=8, counted_files=2)
    """
    parts = list(parts)
    return CacheUse(
        reused_files=sum(part.reused_files for part in parts), counted_files=sum(part.counted_files for part in parts)
    )


class LookedUp(NamedTuple):
    """The outputs of LookUpCounts.

    groups: LookedUpGroups. tables, entry_parts, cache_use: see the tags.
    """

    groups: beam.PCollection
    tables: beam.PCollection
    entry_parts: beam.PCollection
    cache_use: beam.PCollection


class LookUpCounts(beam.PTransform):
    """Task groups -> LookedUp. folder: of the entries. counts_unlabelled: whether texts without labels are counted."""

    def __init__(self, folder: str, *, buckets: int, counts_unlabelled: bool) -> None:
        super().__init__()
        self._look_up = LookUp(folder, buckets, counts_unlabelled=counts_unlabelled)

    def expand(self, groups: beam.PCollection) -> LookedUp:
        """Brings all ranges of a file together first."""
        found = (
            groups
            | "ByFile" >> beam.Map(lambda group: (group.first_file, group)).with_output_types(tuple[int, TaskGroup])
            | "GroupByFile" >> beam.GroupByKey()
            | "LookUp" >> beam.ParDo(self._look_up).with_outputs(TABLES, ENTRY_PARTS, CACHE_USE, main="groups")
        )
        spread = found["groups"] | "Spread" >> beam.Reshuffle()
        return LookedUp(spread, found[TABLES], found[ENTRY_PARTS], found[CACHE_USE])


class LookUp(beam.DoFn):
    """(first_file, its task groups) -> LookedUpGroups.

    Tagged TABLES: what the cache has of the files. Tagged ENTRY_PARTS: an EntryToWrite for each file that must be
    counted. Tagged CACHE_USE: how many files are in the cache and how many are not.
    """

    def __init__(self, folder: str, buckets: int, *, counts_unlabelled: bool) -> None:
        self._folder = folder
        self._buckets = buckets
        self._counts_unlabelled = counts_unlabelled
        self._cached = Metrics.counter(NAMESPACE, CACHED_FILES)
        self._to_count = Metrics.counter(NAMESPACE, FILES_TO_COUNT)

    def process(self, element: tuple[int, Iterable[TaskGroup]]) -> Iterator[Any]:
        """Looks up one group of whole files, or all the ranges of one file."""
        groups = list(element[1])
        tasks = list(groups[0].tasks())
        if groups[0].is_unlabelled and not self._counts_unlabelled:
            yield from _looked_up(groups, {task.file_index for task in tasks})
            return
        with ThreadPoolExecutor(_READ_THREADS) as pool:
            entries = list(pool.map(self._read, tasks))
        merger = count_tables.Merger()
        cached = set()
        for task, (path, table) in zip(tasks, entries, strict=True):
            if table is None:
                yield beam.pvalue.TaggedOutput(ENTRY_PARTS, (task.file_index, EntryToWrite(task, path)))
            else:
                merger.add(count_cache.with_file_index(table, task.file_index))
                cached.add(task.file_index)
        for bucket, part in count_tables.buckets(merger.result(), self._buckets):
            yield beam.pvalue.TaggedOutput(TABLES, (bucket, arrow_ipc.pack(part)))
        self._cached.inc(len(cached))
        self._to_count.inc(len(tasks) - len(cached))
        use = CacheUse(reused_files=len(cached), counted_files=len(tasks) - len(cached))
        yield beam.pvalue.TaggedOutput(CACHE_USE, use)
        yield from _looked_up(groups, cached)

    def _read(self, task: ReadTask) -> tuple[str | None, pa.Table | None]:
        files = BeamFiles()
        path = count_cache.entry_path(self._folder, task, files)
        return path, None if path is None else count_cache.read_entry(path, files)


def _looked_up(groups: Iterable[TaskGroup], cached: Iterable[int]) -> Iterator[LookedUpGroup]:
    for group in groups:
        yield LookedUpGroup(group, frozenset(cached))


class CountByFile(beam.PTransform):
    """Count tables, each of rows of one file -> (bucket, packed count table), those from the cache among them.

    folder: of the entries. tables: from the cache. entry_parts: PCollections of (file_index, EntryPart).
    """

    def __init__(
        self, folder: str, *, tables: beam.PCollection, entry_parts: Sequence[beam.PCollection], buckets: int
    ) -> None:
        super().__init__()
        self._folder = folder
        self._tables = tables
        self._entry_parts = entry_parts
        self._buckets = buckets

    def expand(self, counted: beam.PCollection) -> beam.PCollection:
        """Brings all parts of each file's entry together, and writes the entry."""
        counts = counted | "MergeByFile" >> beam.ParDo(MergeByFile()).with_output_types(tuple[int, Any])
        tables = (
            (counts, *self._entry_parts)
            | "EntryParts" >> beam.Flatten()
            | "GroupEntryParts" >> beam.GroupByKey()
            | "MergeFileCounts"
            >> beam.FlatMap(merge_file_counts, folder=self._folder, buckets=self._buckets).with_output_types(
                tuple[int, bytes]
            )
        )
        return (tables, self._tables) | "Tables" >> beam.Flatten()


class MergeByFile(beam.DoFn):
    """The count tables of a bundle's batches -> (file_index, PartialCounts), when a batch of another file follows."""

    def start_bundle(self) -> None:
        """Starts without counts."""
        self._merger = count_tables.Merger()
        self._file: int | None = None

    def process(self, table: pa.Table) -> Iterator[tuple[int, PartialCounts]]:
        """Adds the counts of one batch."""
        if not table.num_rows:
            return
        file = table["position"][0].as_py() >> PLACE_BITS
        if self._file is not None and file != self._file:
            yield self._counts(self._file)
        self._file = file
        self._merger.add(table)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Gives the counts of the last file."""
        if self._file is not None:
            window = GlobalWindow()
            yield WindowedValue(self._counts(self._file), window.max_timestamp(), [window])

    def _counts(self, file: int) -> tuple[int, PartialCounts]:
        table = self._merger.result()
        self._merger = count_tables.Merger()
        return file, PartialCounts(arrow_ipc.pack(table))


def merge_file_counts(
    file: tuple[int, Iterable[EntryPart]], *, folder: str, buckets: int
) -> Iterator[tuple[int, bytes]]:
    """(file_index, all parts of its entry) -> its count table by buckets; writes the entry if all of it was read."""
    merger = count_tables.Merger()
    task, path, is_complete = None, None, True
    for part in file[1]:
        match part:
            case EntryToWrite():
                task, path = part
            case RangeRead():
                is_complete = is_complete and part.is_complete
            case PartialCounts():
                merger.add(arrow_ipc.unpack(part.table))
    table = merger.result()
    files = BeamFiles()
    # The file is checked again: what was read must be the file that was looked up, not one that replaced it since.
    if task and path and is_complete and path == count_cache.entry_path(folder, task, files):
        count_cache.write_entry(path, count_cache.with_file_index(table, 0), files)
    for bucket, part_of_table in count_tables.buckets(table, buckets):
        yield bucket, arrow_ipc.pack(part_of_table)

"""Counting by file: counts of a file come from `vocabulary.cache` if it has them; others are counted and written there.

    task groups -> LookUp -> the groups of files that are not in the cache, which are counted in the graph as usual
                          -> count tables and labels of the files that are in the cache
    count tables of batches, what LookUp and ReadTrain know of each file -> merge_file_counts -> entries; count tables

A file is looked up once: all ranges of it come to one place for that. Its entry is written where all its counts come
together, if all of it could be read.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.files.beam import BeamFiles
from pipeline.records_folder.manifest import CacheUse
from pipeline.sources.tasks import PLACE_BITS, ReadTask, TaskGroup
from pipeline.support import arrow_ipc
from pipeline.vocabulary import count_cache, count_tables

# Tags of outputs. LABELS: lists of labels of train rows. ENTRY_PARTS: (file_index, EntryPart). TABLES: (bucket, packed
# count table) from the cache. CACHE_USE: a CacheUse for each task group.
LABELS, ENTRY_PARTS, TABLES, CACHE_USE = "labels", "entry_parts", "tables", "cache_use"

# Entries that are read at the same time: they are small, and an object store takes tens of milliseconds for each.
_READ_THREADS: Final = 16


class EntryToWrite(NamedTuple):
    """From LookUp: a file that is not in the cache, and the path of its future entry; None: the file can't be read."""

    task: ReadTask
    path: str | None


class RangeRead(NamedTuple):
    """From ReadTrain: the labels of the train rows in a range of a file, and whether all of the range could be read."""

    labels: Sequence[str]
    is_complete: bool


class PartialCounts(NamedTuple):
    """From the graph: the packed count table of some rows of a file."""

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


class CachedCounts:
    """The cache as the analyzer uses it: counts that it has, and where new counts go.

    folder: of the entries. tables: (bucket, packed count table) from the cache. entry_parts: (file_index, EntryPart).
    The two PCollections are used only where the pipeline is built; pickling leaves them out, so that preprocessing_fn
    can be sent to workers.
    """

    def __init__(self, folder: str, tables: beam.PCollection = None, entry_parts: beam.PCollection = None) -> None:
        self.folder = folder
        self.tables = tables
        self.entry_parts = entry_parts

    def __reduce__(self) -> tuple[type["CachedCounts"], tuple[str]]:
        return CachedCounts, (self.folder,)


def look_up_counts(groups: beam.PCollection, folder: str, *, buckets: int) -> beam.pvalue.DoOutputsTuple:
    """Task groups -> the groups that must be counted ("missing"); tagged TABLES, ENTRY_PARTS, LABELS, CACHE_USE.

    All ranges of a file come together first.
    """
    return (
        groups
        | "ByFile" >> beam.Map(lambda group: (group.first_file, group)).with_output_types(tuple[int, TaskGroup])
        | "GroupByFile" >> beam.GroupByKey()
        | "LookUp"
        >> beam.ParDo(LookUp(folder, buckets)).with_outputs(TABLES, ENTRY_PARTS, LABELS, CACHE_USE, main="missing")
    )


class LookUp(beam.DoFn):
    """(first_file, its task groups) -> the groups of files that are not in the cache.

    Tagged TABLES and LABELS: what the cache has of the other files. Tagged ENTRY_PARTS: an EntryToWrite for each file
    that must be counted. Tagged CACHE_USE: how many files are in the cache and how many are not.
    """

    def __init__(self, folder: str, buckets: int) -> None:
        self._folder = folder
        self._buckets = buckets

    def process(self, element: tuple[int, Iterable[TaskGroup]]) -> Iterator[Any]:
        """Looks up one group of whole files, or all the ranges of one file."""
        groups = list(element[1])
        tasks = list(groups[0].tasks())
        with ThreadPoolExecutor(_READ_THREADS) as pool:
            entries = list(pool.map(self._read, tasks))
        merger = count_tables.Merger()
        labels: set[str] = set()
        missing = []
        for task, (path, entry) in zip(tasks, entries, strict=True):
            if entry is None:
                missing.append(task)
                yield beam.pvalue.TaggedOutput(ENTRY_PARTS, (task.file_index, EntryToWrite(task, path)))
            else:
                merger.add(count_cache.with_file_index(entry.table, task.file_index))
                labels.update(entry.labels)
        for bucket, table in count_tables.buckets(merger.result(), self._buckets):
            yield beam.pvalue.TaggedOutput(TABLES, (bucket, arrow_ipc.pack(table)))
        yield beam.pvalue.TaggedOutput(LABELS, sorted(labels))
        use = CacheUse(reused_files=len(tasks) - len(missing), counted_files=len(missing))
        yield beam.pvalue.TaggedOutput(CACHE_USE, use)
        if missing:
            yield from groups if groups[0].stop is not None or len(groups) > 1 else _split(groups[0], missing)

    def _read(self, task: ReadTask) -> tuple[str | None, count_cache.Entry | None]:
        files = BeamFiles()
        path = count_cache.entry_path(self._folder, task, files)
        return path, None if path is None else count_cache.read_entry(path, files)


class CountByFile(beam.PTransform):
    """Count tables of batches, each of one file -> (bucket, packed count table), those from the cache among them."""

    def __init__(self, cached: CachedCounts, *, buckets: int) -> None:
        super().__init__()
        self._cached = cached
        self._buckets = buckets

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Brings all parts of each file's entry together, and writes the entry."""
        counts = batches | "MergeByFile" >> beam.ParDo(MergeByFile()).with_output_types(tuple[int, Any])
        tables = (
            (counts, self._cached.entry_parts)
            | "EntryParts" >> beam.Flatten()
            | "GroupEntryParts" >> beam.GroupByKey()
            | "MergeFileCounts"
            >> beam.FlatMap(merge_file_counts, folder=self._cached.folder, buckets=self._buckets).with_output_types(
                tuple[int, bytes]
            )
        )
        return (tables, self._cached.tables) | "Tables" >> beam.Flatten()


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
    labels: set[str] = set()
    task, path, is_complete = None, None, True
    for part in file[1]:
        match part:
            case EntryToWrite():
                task, path = part
            case RangeRead():
                is_complete = is_complete and part.is_complete
                labels.update(part.labels)
            case PartialCounts():
                merger.add(arrow_ipc.unpack(part.table))
    table = merger.result()
    files = BeamFiles()
    # The file is checked again: what was read must be the file that was looked up, not one that replaced it since.
    if task and path and is_complete and path == count_cache.entry_path(folder, task, files):
        entry = count_cache.Entry(count_cache.with_file_index(table, 0), sorted(labels))
        count_cache.write_entry(path, entry, files)
    for bucket, part_of_table in count_tables.buckets(table, buckets):
        yield bucket, arrow_ipc.pack(part_of_table)


def _split(group: TaskGroup, missing: Sequence[ReadTask]) -> Iterator[TaskGroup]:
    """The missing files of a group as task groups; the files of each follow each other."""
    start = 0
    for end in range(1, len(missing) + 1):
        if end == len(missing) or missing[end].file_index != missing[end - 1].file_index + 1:
            first, last = missing[start].file_index, missing[end - 1].file_index
            yield group.part(first - group.first_file, last - group.first_file + 1)
            start = end

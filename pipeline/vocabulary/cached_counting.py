"""Counting by files: what `vocabulary.cache` holds is taken from there, the rest is counted and left there.

    groups of tasks -> LookUp -> the groups of files that are not in the cache   (counted in the graph, as ever)
                              -> count tables and labels of those that are
    counted batches, LookUp's and ReadTrain's notes by file -> keep -> entries; count tables

Whether a file is in the cache is decided once, where it is looked up: all ranges of a file come to one place for it.
An entry is written where all counts of a file come together, if all of it could be read.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, NamedTuple

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.files.beam import BeamFiles
from pipeline.sources.schema import PLACE_BITS, ReadTask, TaskGroup
from pipeline.support import arrow_ipc
from pipeline.vocabulary import count_cache, count_tables

# Tags of outputs: labels in train rows, notes by file, count tables from the cache, how many files were there.
LABELS, NOTES, TABLES, FOUND = "labels", "notes", "tables", "found"

# Entries are small and of an object store each takes tens of milliseconds.
_AT_A_TIME: Final = 16


class Found(NamedTuple):
    """How many files were taken from the cache, and how many were not."""

    reused_files: int
    counted_files: int


def add_found(parts: Iterable[Found]) -> Found:
    """The numbers of all groups together.

    >>> add_found([Found(8, 0), Found(0, 2)])
    Found(reused_files=8, counted_files=2)
    """
    parts = list(parts)
    return Found(sum(part.reused_files for part in parts), sum(part.counted_files for part in parts))


class Note(NamedTuple):
    """What one step knows of a file whose counts are kept, see vocabulary/cached_counting.py.

    task, entry: the file, and where its counts will be kept (LookUp). labels, is_complete: of a range of it, and
    whether all of that could be read (ReadTrain). table: counts of some of its rows, packed (the graph).
    """

    task: ReadTask | None = None
    entry: str | None = None
    labels: Sequence[str] = ()
    is_complete: bool = True
    table: bytes = b""


class Counted:
    """What the analyzer is given beside the batches of the files that are not in the cache.

    folder: where entries go. tables: (bucket, count table as bytes) from the cache. notes: (file_index, Note). It is
    used where the pipeline is built; the two PCollections stay behind when preprocessing_fn is shipped to workers.
    """

    def __init__(self, folder: str, tables: beam.PCollection = None, notes: beam.PCollection = None) -> None:
        self.folder = folder
        self.tables = tables
        self.notes = notes

    def __reduce__(self) -> tuple[type["Counted"], tuple[str]]:
        return Counted, (self.folder,)


def look_up_counts(groups: beam.PCollection, folder: str, *, buckets: int) -> beam.pvalue.DoOutputsTuple:
    """Groups of tasks -> the groups that must be counted ("missing"); tagged TABLES, NOTES, LABELS, FOUND, see LookUp.

    All ranges of a file come together first.
    """
    return (
        groups
        | "ByFile" >> beam.Map(lambda group: (group.first_file, group)).with_output_types(tuple[int, TaskGroup])
        | "GroupByFile" >> beam.GroupByKey()
        | "LookUp" >> beam.ParDo(LookUp(folder, buckets)).with_outputs(TABLES, NOTES, LABELS, FOUND, main="missing")
    )


class LookUp(beam.DoFn):
    """(first_file, its groups) -> the groups of files that are not in the cache.

    Tagged TABLES (bucket, count table as bytes) and LABELS lists of the others, NOTES (file_index, Note) of those to
    count, FOUND a Found.
    """

    def __init__(self, folder: str, buckets: int) -> None:
        self._folder = folder
        self._buckets = buckets

    def process(self, element: tuple[int, Iterable[TaskGroup]]) -> Iterator[Any]:
        """One group of whole files, or all the ranges of one file."""
        groups = list(element[1])
        tasks = list(groups[0].tasks())
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            entries = list(pool.map(self._entry, tasks))
        merger = count_tables.Merger()
        labels: set[str] = set()
        missing = []
        for task, (path, entry) in zip(tasks, entries, strict=True):
            if entry is None:
                missing.append(task)
                yield beam.pvalue.TaggedOutput(NOTES, (task.file_index, Note(task=task, entry=path)))
            else:
                merger.add(count_cache.moved(entry.table, task.file_index))
                labels.update(entry.labels)
        for bucket, table in count_tables.buckets(merger.result(), self._buckets):
            yield beam.pvalue.TaggedOutput(TABLES, (bucket, arrow_ipc.pack(table)))
        yield beam.pvalue.TaggedOutput(LABELS, sorted(labels))
        yield beam.pvalue.TaggedOutput(FOUND, Found(len(tasks) - len(missing), len(missing)))
        if missing:
            yield from groups if groups[0].stop is not None or len(groups) > 1 else _parts(groups[0], missing)

    def _entry(self, task: ReadTask) -> tuple[str | None, count_cache.Entry | None]:
        files = BeamFiles()
        path = count_cache.entry_path(self._folder, task, files)
        return path, None if path is None else count_cache.read_entry(path, files)


class CountByFile(beam.PTransform):
    """Count tables of batches, each of one file -> (bucket, count table as bytes), those from the cache among them."""

    def __init__(self, counted: Counted, *, buckets: int) -> None:
        super().__init__()
        self._counted = counted
        self._buckets = buckets

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        """Brings all that is known of a file together, and keeps it."""
        notes = batches | "MergeByFile" >> beam.ParDo(MergeByFile()).with_output_types(tuple[int, Any])
        tables = (
            (notes, self._counted.notes)
            | "Notes" >> beam.Flatten()
            | "GroupNotes" >> beam.GroupByKey()
            | "KeepCounts"
            >> beam.FlatMap(keep, folder=self._counted.folder, buckets=self._buckets).with_output_types(
                tuple[int, bytes]
            )
        )
        return (tables, self._counted.tables) | "Tables" >> beam.Flatten()


class MergeByFile(beam.DoFn):
    """The count tables of a bundle's batches -> (file_index, Note with a count table) when another file follows."""

    def start_bundle(self) -> None:
        """Begins with nothing counted."""
        self._merger = count_tables.Merger()
        self._file: int | None = None

    def process(self, table: pa.Table) -> Iterator[tuple[int, Note]]:
        """Takes in the counts of one batch."""
        if not table.num_rows:
            return
        file = table["position"][0].as_py() >> PLACE_BITS
        if self._file is not None and file != self._file:
            yield self._note(self._file)
        self._file = file
        self._merger.add(table)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Gives the counts of the last file."""
        if self._file is not None:
            window = GlobalWindow()
            yield WindowedValue(self._note(self._file), window.max_timestamp(), [window])

    def _note(self, file: int) -> tuple[int, Note]:
        table = self._merger.result()
        self._merger = count_tables.Merger()
        return file, Note(table=arrow_ipc.pack(table))


def keep(file: tuple[int, Iterable[Note]], *, folder: str, buckets: int) -> Iterator[tuple[int, bytes]]:
    """(file_index, all Notes of the file) -> its count table by buckets; leaves the entry, if all of it was read."""
    merger = count_tables.Merger()
    labels: set[str] = set()
    task, path, is_complete = None, None, True
    for note in file[1]:
        if note.task is not None:
            task, path = note.task, note.entry
        is_complete = is_complete and note.is_complete
        labels.update(note.labels)
        if note.table:
            merger.add(arrow_ipc.unpack(note.table))
    table = merger.result()
    files = BeamFiles()
    # Looked at once more: what was read must be the file that was looked up, not one that came in its place meanwhile.
    if task and path and is_complete and path == count_cache.entry_path(folder, task, files):
        entry = count_cache.Entry(count_cache.moved(table, 0), sorted(labels))
        count_cache.write_entry(path, entry, files)
    for bucket, part in count_tables.buckets(table, buckets):
        yield bucket, arrow_ipc.pack(part)


def _parts(group: TaskGroup, missing: Sequence[ReadTask]) -> Iterator[TaskGroup]:
    """The missing files of a group in groups of files that follow each other."""
    start = 0
    for end in range(1, len(missing) + 1):
        if end == len(missing) or missing[end].file_index != missing[end - 1].file_index + 1:
            first, last = missing[start].file_index, missing[end - 1].file_index
            chosen = slice(first - group.first_file, last - group.first_file + 1)
            yield replace(group, first_file=first, paths=group.paths[chosen], kinds=group.kinds[chosen])
            start = end

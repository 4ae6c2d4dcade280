"""Read tasks -> Arrow batches for TFT, twice: the train split for the analysis, then everything for the transform.

Reading twice costs less than letting a runner keep the input between the two passes: time and memory halve. Where
batches can wait on disk they are read once, see job/read_once.py; how rows are sorted and sieved is the same.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import apache_beam as beam
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.metrics import Metrics

from pipeline.config.settings import SplitSettings
from pipeline.contract import SPLITS
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.job import transform_batches
from pipeline.records.keys import content_keys, split_by_name, split_where_allowed
from pipeline.sources import read_tasks
from pipeline.sources.schema import (
    REJECTED_SCHEMA,
    Batch,
    ColumnNames,
    ReadTask,
    RejectedRow,
    TaskGroup,
    excerpt,
    file_indices,
    rejected_rows,
)
from pipeline.statistics.row_counts import Account, TaskRows
from pipeline.statistics.text_quality import Look, Looker
from pipeline.support.progress import NAMESPACE, ROWS, TRAIN_ROWS, Tally
from pipeline.vocabulary.cached_counting import LABELS, NOTES, Note

UNKNOWN_SPLIT = "split is not train, eval or test"
UNKNOWN_LABEL = "label does not occur in the train split"

# A text column taken for the labels by mistake has as many labels as rows; no use in collecting them all.
MOST_LABELS = 10_000

# Tags of what ReadTrain and ReadAll, or ReadOnce and TransformKept, give beside batches. REFUSED: the message of a
# UserError. Raised on a worker it would be tried again and again, with a traceback each time; so the job's last step is
# told, which ends the run.
REJECTED, TASK_ROWS, REFUSED = "rejected", "task_rows", "refused"


class Reading(NamedTuple):
    """How rows are read: columns, how they are split, the seed of the keys, where progress is told, and how texts are
    looked at for the manifest."""

    columns: ColumnNames
    split: SplitSettings
    seed: int
    progress_folder: str | None
    look: Look


class Sorted(NamedTuple):
    """A batch's rows with the key and the split of each, and its rejected rows, in batches of REJECTED_SCHEMA."""

    rows: pa.RecordBatch
    keys: pa.LargeBinaryArray
    splits: npt.NDArray[np.int64]
    rejected: list[pa.RecordBatch]


class ReadTrain(beam.DoFn):
    """A group of read tasks -> batches of its train rows; tagged LABELS the labels in them, tagged REFUSED messages.

    by_file: no batch holds rows of two files, and there is a (file_index, Note) tagged NOTES of each file.
    """

    def __init__(self, reading: Reading, *, by_file: bool = False) -> None:
        self._reading = reading
        self._rows = Metrics.counter(NAMESPACE, TRAIN_ROWS)
        self._by_file = by_file

    def process(self, group: TaskGroup) -> Iterator[pa.RecordBatch]:
        """Gives a batch as soon as it is read."""
        tasks = list(group.tasks())
        tally = Tally(self._reading.progress_folder, "analyse")
        labels = Labels()
        labels_by_file: dict[int, set[str]] = {task.file_index: set() for task in tasks if self._by_file}
        is_complete = True
        try:
            for batch in read_tasks(tasks, self._reading.columns, BeamFiles()):
                found = sort_rows(batch, self._reading, tasks=tasks)
                is_train = found.splits == SPLITS.index("train")
                rows = found.rows.filter(pa.array(is_train))
                labels.add(rows["label"])
                keys = found.keys.filter(pa.array(is_train))
                for part, part_keys in _files_apart(rows, keys) if self._by_file else [(rows, keys)]:
                    zeros = np.zeros(part.num_rows, np.int64)
                    if part.num_rows:
                        yield transform_batches.transform_batch(part, labels=zeros, keys=part_keys, splits=zeros)
                    if part.num_rows and self._by_file:
                        labels_by_file[int(file_indices(part)[0])].update(pc.unique(part["label"]).to_pylist())
                self._rows.inc(batch.count)
                tally.add(batch.count)
        except UserError as error:
            is_complete = False
            yield beam.pvalue.TaggedOutput(REFUSED, str(error))
        tally.write()
        for file, found_labels in labels_by_file.items():
            note = Note(labels=sorted(found_labels)[: MOST_LABELS + 1], is_complete=is_complete)
            yield beam.pvalue.TaggedOutput(NOTES, (file, note))
        yield beam.pvalue.TaggedOutput(LABELS, labels.listed())


class Labels:
    """The labels of some rows, of more than MOST_LABELS not all."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def add(self, column: pa.StringArray) -> None:
        """Takes in those of a batch."""
        if len(self.found) <= MOST_LABELS:
            self.found.update(pc.unique(column).to_pylist())

    def listed(self) -> list[str]:
        """They, or one more than MOST_LABELS of them."""
        return sorted(self.found)[: MOST_LABELS + 1]


class ReadAll(beam.DoFn):
    """A group of read tasks and the labels -> batches of all usable rows.

    Tagged REJECTED tables of rejected rows, TASK_ROWS accounts.TaskRows, REFUSED messages.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def process(self, group: TaskGroup, labels: list[str]) -> Iterator[pa.RecordBatch]:
        """Gives a batch as soon as it is read."""
        tasks = list(group.tasks())
        sieve = Sieve(tasks, self._reading, labels=labels)
        try:
            for batch in read_tasks(tasks, self._reading.columns, BeamFiles()):
                usable = sieve.usable(sort_rows(batch, self._reading, tasks=tasks))
                if usable.rejected.num_rows:
                    yield beam.pvalue.TaggedOutput(REJECTED, usable.rejected)
                if usable.rows.num_rows:
                    yield transform_batches.transform_batch(
                        usable.rows, labels=usable.labels, keys=usable.keys, splits=usable.splits
                    )
        except UserError as error:
            yield beam.pvalue.TaggedOutput(REFUSED, str(error))
        for rows in sieve.task_rows():
            yield beam.pvalue.TaggedOutput(TASK_ROWS, rows)


class Usable(NamedTuple):
    """The rows of a batch that become records.

    labels: int64 [rows], the index of each one's. is_usable: bool, which rows of the batch they are. rejected: a table
    of REJECTED_SCHEMA, all others.
    """

    rows: pa.RecordBatch
    keys: pa.LargeBinaryArray
    splits: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    is_usable: npt.NDArray[np.bool_]
    rejected: pa.Table


class Sieve:
    """Keeps the rows of a group of read tasks that have a label of the train split, and account of all of them."""

    def __init__(self, tasks: Sequence[ReadTask], reading: Reading, *, labels: list[str]) -> None:
        self._tasks = tasks
        self._labels = pa.array(labels, pa.string())
        self._account = Account(tasks)
        self._tally = Tally(reading.progress_folder, "transform")
        self._looker = Looker(reading.look)
        self._rows = Metrics.counter(NAMESPACE, ROWS)
        self._rejected = Metrics.counter(NAMESPACE, "rejected_rows")

    def usable(self, found: Sorted) -> Usable:
        """The usable rows of a batch."""
        index = pc.fill_null(pc.index_in(found.rows["label"], self._labels), -1)
        index = index.to_numpy(zero_copy_only=False).astype(np.int64)
        is_usable = index >= 0
        rows, keys, split_of_row, rejected_batches = found
        if not is_usable.all():
            unknown = _rejects(rows, ~is_usable, self._tasks, reason=UNKNOWN_LABEL, column="label")
            rejected_batches = [*rejected_batches, unknown]
            chosen = pa.array(is_usable)
            rows, keys = rows.filter(chosen), keys.filter(chosen)
            split_of_row, index = split_of_row[is_usable], index[is_usable]
        self._looker.add(rows["text"], keys)
        rejected = pa.Table.from_batches(rejected_batches, REJECTED_SCHEMA)
        self._account.add(rows, rejected)
        self._rejected.inc(rejected.num_rows)
        self._rows.inc(rows.num_rows + rejected.num_rows)
        self._tally.add(rows.num_rows + rejected.num_rows)
        return Usable(rows, keys, split_of_row, index, is_usable, rejected)

    def task_rows(self) -> list[TaskRows]:
        """How many rows each task had, when all are through."""
        self._tally.write()
        return self._account.rows(self._looker.result())


def sort_rows(batch: Batch, reading: Reading, *, tasks: Sequence[ReadTask]) -> Sorted:
    """Finds the key and the split of each row of a batch that was read from the tasks."""
    rows = batch.rows
    keys = content_keys(rows["text"].to_pylist(), seed=reading.seed)
    if reading.split.column is None:
        return Sorted(rows, keys, split_where_allowed(keys, rows["split"], reading.split), [batch.rejected])
    named = split_by_name(rows["split"])
    is_named = named >= 0
    rejected = _rejects(rows, ~is_named, tasks, reason=UNKNOWN_SPLIT, column="split")
    kept = pa.array(is_named)
    return Sorted(rows.filter(kept), keys.filter(kept), named[is_named], [batch.rejected, rejected])


def _files_apart(rows: pa.RecordBatch, keys: pa.Array) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    """Ordered rows and their keys, cut where another file begins."""
    files = file_indices(rows)
    edges = [0, *(np.flatnonzero(np.diff(files)) + 1).tolist(), rows.num_rows]
    for start, stop in pairwise(edges):
        yield rows.slice(start, stop - start), keys.slice(start, stop - start)


def _rejects(
    rows: pa.RecordBatch,
    is_rejected: npt.NDArray[np.bool_],
    tasks: Sequence[ReadTask],
    *,
    reason: str,
    column: str,
) -> pa.RecordBatch:
    bad = rows.filter(pa.array(is_rejected))
    if not bad.num_rows:
        return rejected_rows([])
    by_index = {task.file_index: task for task in tasks}
    columns = (bad["row"].to_pylist(), bad[column].to_pylist(), bad["text"].to_pylist(), file_indices(bad).tolist())
    # A text may be missing that was kept from reading once (job/token_store.py), of a job that has too many labels and
    # is refused.
    return rejected_rows(
        (by_index[file], RejectedRow(row, reason, excerpt(f"{column}: {value}, text: {(text or b'').decode()}")))
        for row, value, text, file in zip(*columns, strict=True)
    )

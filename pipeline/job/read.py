"""Task groups -> Arrow batches for TFT, twice: the train split to count tokens, then all rows to become records.

To read twice costs less than to let a runner hold the input between the two passes: it halves time and memory. Where
tokens can be spilled to disk the input is read once; see job/read_once.py.
"""

from collections.abc import Iterator
from itertools import pairwise

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics

from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.job import transform_batches
from pipeline.job.decisions import SurveyedGroup, surveyed
from pipeline.job.row_filter import ReadOptions, RowFilter, key_rows
from pipeline.job.row_labels import IndexedLabels
from pipeline.sources import read_tasks
from pipeline.sources.schema import Batch, file_indices
from pipeline.sources.tasks import ReadTask, TaskGroup
from pipeline.sources.unlabelled_files import naming_unlabelled
from pipeline.support.progress import NAMESPACE, TRAIN_ROWS, Tally
from pipeline.vocabulary.cached_counting import ENTRY_PARTS, LABELS, RangeRead

# Tags of the other outputs of both passes. REJECTED: tables of rejected rows. TASK_ROWS: row_counts.TaskRows. REFUSED:
# messages of UserErrors. An error raised on a worker would be retried, with a traceback each time; so the message goes
# to the last step, which ends the run.
REJECTED, TASK_ROWS, REFUSED = "rejected", "task_rows", "refused"


class ReadTrain(beam.DoFn):
    """A task group -> batches of its rows that the vocabulary counts.

    Tagged LABELS: a list of their labels. Tagged REFUSED: messages.

    by_file: no batch holds rows of two files, and tagged ENTRY_PARTS there is a (file_index, RangeRead) of each file.
    """

    def __init__(self, options: ReadOptions, *, by_file: bool = False) -> None:
        self._options = options
        self._rows = Metrics.counter(NAMESPACE, TRAIN_ROWS)
        self._by_file = by_file

    def process(self, element: TaskGroup | SurveyedGroup) -> Iterator[pa.RecordBatch]:
        """Yields each batch as soon as it is read."""
        self._options.observe("count")
        group, decisions = surveyed(element)
        options = self._options.of(group)
        tasks = list(group.tasks())
        tally = Tally(self._options.progress_folder, "analyse")
        labels = options.label_set()
        labels_by_file = {task.file_index: options.label_set() for task in tasks if self._by_file}
        is_complete = True
        lost: set[str] = set()
        try:
            for batch in read_batches(tasks, options):
                keyed = key_rows(batch, options, tasks=tasks, decisions=decisions)
                is_counted = pa.array(options.is_counted(keyed.splits))
                rows, keys = keyed.rows.filter(is_counted), keyed.keys.filter(is_counted)
                labels.add(rows["label"])
                for part, part_keys in _by_file(rows, keys) if self._by_file else [(rows, keys)]:
                    if part.num_rows:
                        zeros = np.zeros(part.num_rows, np.int64)
                        yield transform_batches.transform_batch(
                            part, labels=IndexedLabels(zeros), keys=part_keys, splits=zeros
                        )
                        if self._by_file:
                            labels_by_file[int(file_indices(part)[0])].add(part["label"])
                lost.update(rest.file for rest in batch.lost)
                self._rows.inc(batch.count)
                tally.add(batch.count)
        except UserError as error:
            is_complete = False
            yield beam.pvalue.TaggedOutput(REFUSED, str(error))
        tally.write()
        for task in tasks if self._by_file else []:
            read = RangeRead(labels_by_file[task.file_index].listed(), is_complete and task.path not in lost)
            yield beam.pvalue.TaggedOutput(ENTRY_PARTS, (task.file_index, read))
        yield beam.pvalue.TaggedOutput(LABELS, labels.listed())


class ReadAll(beam.DoFn):
    """A task group and the labels -> batches of all rows that become records.

    Tagged REJECTED: tables of rejected rows. Tagged TASK_ROWS: row_counts.TaskRows. Tagged REFUSED: messages.
    """

    def __init__(self, options: ReadOptions) -> None:
        self._options = options

    def process(self, element: TaskGroup | SurveyedGroup, labels: list[str]) -> Iterator[pa.RecordBatch]:
        """Yields each batch as soon as it is read."""
        self._options.observe("transform")
        group, decisions = surveyed(element)
        options = self._options.of(group)
        tasks = list(group.tasks())
        row_filter = RowFilter(tasks, options, labels=labels)
        try:
            for batch in read_batches(tasks, options):
                row_filter.lost(batch.lost)
                row_filter.left_out(batch.label_map)
                row_filter.found(batch.findings)
                keyed = key_rows(batch, options, tasks=tasks, decisions=decisions)
                row_filter.add_groups(keyed.groups)
                labelled = row_filter.labelled(keyed)
                if labelled.rejected.num_rows:
                    yield beam.pvalue.TaggedOutput(REJECTED, labelled.rejected)
                if labelled.rows.num_rows:
                    yield transform_batches.transform_batch(
                        labelled.rows,
                        labels=labelled.labels,
                        keys=labelled.keys,
                        splits=labelled.splits,
                        features=options.features,
                    )
        except UserError as error:
            yield beam.pvalue.TaggedOutput(REFUSED, str(error))
        for rows in row_filter.task_rows():
            yield beam.pvalue.TaggedOutput(TASK_ROWS, rows)


def read_batches(tasks: list[ReadTask], options: ReadOptions) -> Iterator[Batch]:
    """The batches of read tasks, in the sizes that the options ask for."""
    with naming_unlabelled(is_unlabelled=options.is_unlabelled):
        yield from read_tasks(
            tasks,
            options.columns,
            BeamFiles(),
            damaged=options.damaged,
            batch_rows=options.limits.batch_rows,
            batch_bytes=options.limits.batch_bytes,
        )


def _by_file(rows: pa.RecordBatch, keys: pa.Array) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    """Rows in the order of their files, and their keys -> the rows and keys of each file."""
    files = file_indices(rows)
    edges = [0, *(np.flatnonzero(np.diff(files)) + 1).tolist(), rows.num_rows]
    for start, stop in pairwise(edges):
        yield rows.slice(start, stop - start), keys.slice(start, stop - start)

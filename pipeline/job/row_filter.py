"""Batches of read tasks -> rows with a key, a split and a label index; and rejected rows, each with its reason.

The first pass gives rows their keys and splits, the second their labels:

    Batch (sources/schema.py) -> key_rows -> KeyedRows -> RowFilter.labelled -> LabelledRows
                                                                             -> a table of rejected rows
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from apache_beam.metrics import Metrics

from pipeline.config.input_settings import Damaged, SplitSettings
from pipeline.contract import SPLITS, UNLABELLED_INDEX
from pipeline.job.decisions import Decisions, SurveyedGroup, surveyed
from pipeline.job.limits import DEFAULT_LIMITS, Limits
from pipeline.job.row_labels import IndexedLabels, index_labels, no_labels, single_labels
from pipeline.job.stages import StageObserver, ignore_stage
from pipeline.records.keys import content_keys, key_halves, split_by_name, split_by_time, split_where_allowed
from pipeline.records.record_columns import NO_FEATURES, RecordFeatures
from pipeline.records.survey import allowed_bits, label_hashes, split_by_strata, stratum_numbers
from pipeline.sources.columns import ColumnNames
from pipeline.sources.schema import (
    CONFLICTING_LABELS,
    EQUAL_TEXT,
    REJECTED_SCHEMA,
    Batch,
    Findings,
    LabelMapUse,
    LostRest,
    RejectedRow,
    excerpt,
    file_indices,
    rejected_rows,
)
from pipeline.sources.tasks import ReadTask, TaskGroup
from pipeline.statistics import groups
from pipeline.statistics.groups import NO_GROUPS, GroupSketch
from pipeline.statistics.row_counts import TaskRowCounter, TaskRows
from pipeline.statistics.text_quality import QualityAccumulator, QualityOptions
from pipeline.support.arrays import Int64s
from pipeline.support.counters import NAMESPACE, REJECTED_ROWS, ROWS
from pipeline.support.progress import Tally

UNKNOWN_SPLIT = "split is not train, eval or test"
CONTRADICTED_TIME = "time is not in a split of its folder"
UNKNOWN_LABEL = "label does not occur in the train split"


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How rows are read.

    columns: the names of the columns. damaged: input.damaged. split: how rows are split. seed: of the row keys.
    features: what records have besides ids. counts_unlabelled: vocabulary.count_unlabelled. is_unlabelled: whether the
    rows are texts without labels.
    quality: which texts are examined for the manifest, and how. progress_folder: where this machine's workers count
    their rows, or None. limits: the sizes by which the work is divided. observe: is called with the name of each stage
    that begins.
    """

    columns: ColumnNames
    damaged: Damaged
    split: SplitSettings
    seed: int
    quality: QualityOptions
    progress_folder: str | None
    features: RecordFeatures = NO_FEATURES
    counts_unlabelled: bool = False
    is_unlabelled: bool = False
    limits: Limits = DEFAULT_LIMITS
    observe: StageObserver = ignore_stage

    def of(self, group: TaskGroup) -> "ReadOptions":
        """The options for a task group: of texts without labels only the columns of the text are read."""
        if not group.is_unlabelled:
            return self
        return replace(self, columns=ColumnNames(self.columns.text), is_unlabelled=True)

    def counts(self, element: TaskGroup | SurveyedGroup) -> bool:
        """Whether a task group can have rows that the vocabulary counts."""
        return self.counts_unlabelled or not surveyed(element)[0].is_unlabelled

    def label_set(self) -> "LabelSet":
        """An empty set, for the labels of some rows."""
        return LabelSet(self.limits.max_labels, several=self.features.several_labels)

    def is_counted(self, splits: Int64s) -> npt.NDArray[np.bool_]:
        """Whether the vocabulary counts the rows of these splits (KeyedRows.splits), bool [rows]."""
        counted: npt.NDArray[np.bool_] = splits == SPLITS.index("train")
        return counted | (splits == UNLABELLED_INDEX) if self.counts_unlabelled else counted


class KeyedRows(NamedTuple):
    """Rows of a batch with their row keys and splits.

    rows: as their source gives them, see sources/schema.py. keys: large_binary [rows] of 16 bytes. splits: int64
    [rows], indices into SPLITS, or UNLABELLED_INDEX for all of them. rejected: batches of REJECTED_SCHEMA, the rows of
    the batch that are rejected so far. groups: of the rows, with split.group_column.
    """

    rows: pa.RecordBatch
    keys: pa.LargeBinaryArray
    splits: npt.NDArray[np.int64]
    rejected: list[pa.RecordBatch]
    groups: GroupSketch = NO_GROUPS


class LabelledRows(NamedTuple):
    """The rows of a batch that become records.

    rows, keys, splits: as in KeyedRows. labels: of the rows, as indices into the list of labels. is_labelled: bool, for
    each of the KeyedRows whether it is one of these. rejected: a table of REJECTED_SCHEMA, all other rows of the batch.
    """

    rows: pa.RecordBatch
    keys: pa.LargeBinaryArray
    splits: npt.NDArray[np.int64]
    labels: IndexedLabels
    is_labelled: npt.NDArray[np.bool_]
    rejected: pa.Table


def key_rows(
    batch: Batch, options: ReadOptions, *, tasks: Sequence[ReadTask], decisions: Decisions | None = None
) -> KeyedRows:
    """Gives each row of a batch its key and split; `tasks` are those that the batch was read from."""
    if decisions is None or options.is_unlabelled:
        return _keyed(batch.rows, [batch.rejected], options, tasks=tasks)
    is_left_out = decisions.is_left_out(batch.rows)
    reason = EQUAL_TEXT if options.split.duplicates == "first" else CONFLICTING_LABELS
    left_out = _rejected(batch.rows, is_left_out, tasks, reason=reason, column="label")
    rows = batch.rows.filter(pa.array(~is_left_out))
    keyed = _keyed(rows, [batch.rejected, left_out], options, tasks=tasks)
    if decisions.strata is None:
        return keyed
    numbers = stratum_numbers(label_hashes(keyed.rows["label"]), allowed_bits(keyed.rows["split"]))
    numbers = decisions.with_moved(numbers, keyed.rows)
    splits = split_by_strata(keyed.keys, numbers, decisions.strata, otherwise=keyed.splits)
    return keyed._replace(splits=splits)


def _keyed(
    rows: pa.RecordBatch, rejected_before: list[pa.RecordBatch], options: ReadOptions, *, tasks: Sequence[ReadTask]
) -> KeyedRows:
    keys = content_keys(rows["text"].to_pylist(), seed=options.seed)
    if options.is_unlabelled:
        return KeyedRows(rows, keys, np.full(len(keys), UNLABELLED_INDEX), rejected_before)
    if options.split.has_shares:
        if options.split.group_column is None:
            return KeyedRows(rows, keys, split_where_allowed(keys, rows["split"], options.split), rejected_before)
        # All rows of a group go where the group goes, as equal texts do otherwise.
        of_groups = content_keys(rows["group"].cast(pa.binary()).to_pylist(), seed=options.seed)
        splits = split_where_allowed(of_groups, rows["split"], options.split)
        return KeyedRows(rows, keys, splits, rejected_before, groups.sketch(key_halves(of_groups)[:, 1]))
    if options.split.column is not None:
        splits, reason, column = split_by_name(rows["split"]), UNKNOWN_SPLIT, "split"
    else:
        splits, reason, column = split_by_time(rows["time"], rows["split"], options.split), CONTRADICTED_TIME, "time"
    is_known = splits >= 0
    rejected = _rejected(rows, ~is_known, tasks, reason=reason, column=column)
    known = pa.array(is_known)
    return KeyedRows(rows.filter(known), keys.filter(known), splits[is_known], [*rejected_before, rejected])


class RowFilter:
    """Rejects the rows of a task group whose label is not one of the train split's, and counts all rows by file.

    With several labels a row is rejected as a whole if one of its labels is not: with the others alone it would be
    another row. Texts without labels have the index 0 in place of a label's, which nothing reads, and are not examined.
    """

    def __init__(self, tasks: Sequence[ReadTask], options: ReadOptions, *, labels: list[str]) -> None:
        self._tasks = tasks
        self._labels = pa.array(labels, pa.string())
        self._is_unlabelled = options.is_unlabelled
        self._several = options.features.several_labels
        self._row_counter = TaskRowCounter(tasks)
        self._tally = Tally(options.progress_folder, "transform")
        self._quality = QualityAccumulator(options.quality)
        self._rows = Metrics.counter(NAMESPACE, ROWS)
        self._rejected = Metrics.counter(NAMESPACE, REJECTED_ROWS)

    def labelled(self, keyed: KeyedRows) -> LabelledRows:
        """The rows of a batch whose label is in the list, and the rejected ones."""
        index = self._label_indices(keyed.rows["label"])
        is_labelled = index.numbers >= 0
        rows, keys, splits, rejected_batches, _ = keyed
        if not is_labelled.all():
            unknown = _rejected(rows, ~is_labelled, self._tasks, reason=UNKNOWN_LABEL, column="label")
            rejected_batches = [*rejected_batches, unknown]
            chosen = pa.array(is_labelled)
            rows, keys = rows.filter(chosen), keys.filter(chosen)
            splits, index = splits[is_labelled], index.of(is_labelled)
        if not self._is_unlabelled:
            self._quality.add(rows["text"], keys)
        rejected = pa.Table.from_batches(rejected_batches, REJECTED_SCHEMA)
        self._row_counter.add(rows, rejected)
        self._rejected.inc(rejected.num_rows)
        self._rows.inc(rows.num_rows + rejected.num_rows)
        self._tally.add(rows.num_rows + rejected.num_rows)
        return LabelledRows(rows, keys, splits, index, is_labelled, rejected)

    def _label_indices(self, labels: pa.StringArray) -> IndexedLabels:
        if self._is_unlabelled:
            return no_labels(len(labels), several=self._several)
        return index_labels(labels, self._labels, several=self._several)

    def lost(self, lost: Sequence[LostRest]) -> None:
        """Notes what can't be read of the tasks."""
        self._row_counter.add_lost(lost)

    def found(self, findings: Findings) -> None:
        """Notes what is told of rows."""
        self._row_counter.add_findings(findings)

    def add_groups(self, sketch: GroupSketch) -> None:
        """Notes the groups of some rows."""
        self._row_counter.add_groups(sketch)

    def left_out(self, use: LabelMapUse) -> None:
        """Notes the rows that input.label_map renames or leaves out."""
        self._row_counter.add_label_map(use)
        rows = sum(use.left_out.values())
        self._rows.inc(rows)
        self._tally.add(rows)

    def task_rows(self) -> list[TaskRows]:
        """The numbers of rows of each read task, after its last batch."""
        self._tally.write()
        return self._row_counter.result(self._quality.result())


class LabelSet:
    """The distinct labels of some rows; several: whether a row has a list of them.

    No label is added to a set of more than `max_labels`: so many labels end the run.
    """

    def __init__(self, max_labels: int, *, several: bool = False) -> None:
        self.labels: set[str] = set()
        self._max_labels = max_labels
        self._several = several

    def add(self, column: pa.StringArray) -> None:
        """Adds the labels of a batch, [rows]; null: a text without a label."""
        if len(self.labels) <= self._max_labels:
            self.labels.update(single_labels(column, several=self._several))

    def listed(self) -> list[str]:
        """The labels in order, at most `max_labels` + 1 of them."""
        return sorted(self.labels)[: self._max_labels + 1]


def _rejected(
    rows: pa.RecordBatch,
    is_rejected: npt.NDArray[np.bool_],
    tasks: Sequence[ReadTask],
    *,
    reason: str,
    column: str,
) -> pa.RecordBatch:
    """The marked rows as a batch of REJECTED_SCHEMA."""
    bad = rows.filter(pa.array(is_rejected))
    if not bad.num_rows:
        return rejected_rows([])
    by_index = {task.file_index: task for task in tasks}
    columns = (bad["row"].to_pylist(), bad[column].to_pylist(), bad["text"].to_pylist(), file_indices(bad).tolist())
    # The text is missing of a row that was stored without it (job/token_store.py): only in a job that has too many
    # labels, which is refused.
    return rejected_rows(
        (by_index[file], RejectedRow(row, reason, excerpt(f"{column}: {value}, text: {(text or b'').decode()}")))
        for row, value, text, file in zip(*columns, strict=True)
    )

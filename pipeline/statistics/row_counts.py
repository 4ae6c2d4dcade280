"""Batches of read tasks -> how many rows each file had, how many of them were rejected, and which files are damaged.

Files that were read to their end and without a rejected row are counted together: there may be a million of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.contract import UNLABELLED
from pipeline.records_folder.manifest import DamagedFile
from pipeline.records_folder.rejected_summary import RejectedFile
from pipeline.sources.losses import described
from pipeline.sources.schema import NO_FINDINGS, Findings, LabelMapUse, LostRest, file_indices
from pipeline.sources.tasks import ReadTask
from pipeline.statistics.groups import NO_GROUPS, GroupSketch, merge
from pipeline.statistics.text_quality import TextQuality

# Files that the manifest lists: those with the most rejected rows, and damaged ones.
_MAX_FILES = 100


class TaskRows(NamedTuple):
    """How many rows a read task had: used, rejected and left out together.

    path "": all files of a task group that have no TaskRows of their own. Only this one has `quality`, that of the used
    texts of the whole group; `mapped`, how many rows of the group had each key of input.label_map; `groups`, those of
    split.group_column; and `findings` of its rows. lost: why the rest of the task can't be read; empty: it was read to
    its end. is_unlabelled: whether the rows are texts without labels.
    """

    path: str
    start: int
    rows: int
    rejected: int = 0
    quality: TextQuality = TextQuality()
    lost: str = ""
    left_out: int = 0
    mapped: Mapping[str, int] = {}
    groups: GroupSketch = NO_GROUPS
    findings: Findings = NO_FINDINGS
    is_unlabelled: bool = False


class TaskRowCounter:
    """Counts the rows of read tasks, batch by batch."""

    def __init__(self, tasks: Sequence[ReadTask]) -> None:
        self._tasks = tasks
        self._index = {task.path: task.file_index for task in tasks}
        self._rows: Counter[int] = Counter()
        self._rejected: Counter[str] = Counter()
        self._lost: dict[str, str] = {}
        self._left_out: Counter[str] = Counter()
        self._mapped: Counter[str] = Counter()
        self._groups = NO_GROUPS
        self._findings = NO_FINDINGS

    def add(self, used: pa.RecordBatch, rejected: pa.Table) -> None:
        """Counts the used and the rejected rows of a batch."""
        files, counts = np.unique(file_indices(used), return_counts=True)
        self._rows.update(dict(zip(files.tolist(), counts.tolist(), strict=True)))
        for path, rows in _counted(rejected["file"]) if rejected.num_rows else ():
            self._rows[self._index[path]] += rows
            self._rejected[path] += rows

    def add_lost(self, lost: Iterable[LostRest]) -> None:
        """Notes what can't be read of the tasks, at most one of each."""
        self._lost.update((rest.file, described(rest)) for rest in lost)

    def add_groups(self, sketch: GroupSketch) -> None:
        """Adds groups of rows."""
        if len(sketch.keys):
            self._groups = merge([self._groups, sketch])

    def add_label_map(self, use: LabelMapUse) -> None:
        """Counts the rows that input.label_map renames or leaves out."""
        self._mapped.update(use.rows)
        for path, rows in use.left_out.items():
            self._rows[self._index[path]] += rows
            self._left_out[path] += rows

    def add_findings(self, findings: Findings) -> None:
        """Counts what is told of rows."""
        self._findings = self._findings.plus(findings)

    def result(self, quality: TextQuality) -> list[TaskRows]:
        """The rows of the read tasks. A range has its own TaskRows; so has a file with rejects or damage."""
        own, others, others_left_out = [], 0, 0
        is_unlabelled = any(task.splits == UNLABELLED for task in self._tasks)
        for task in self._tasks:
            rows, rejected = self._rows[task.file_index], self._rejected[task.path]
            left_out = self._left_out[task.path]
            lost = self._lost.get(task.path, "")
            if rejected or lost or task.stop is not None:
                own.append(
                    TaskRows(
                        task.path, task.start, rows, rejected, lost=lost, left_out=left_out, is_unlabelled=is_unlabelled
                    )
                )
            else:
                others += rows
                others_left_out += left_out
        rest = TaskRows(
            "",
            0,
            others,
            quality=quality,
            left_out=others_left_out,
            mapped=dict(self._mapped),
            is_unlabelled=is_unlabelled,
            findings=self._findings,
        )
        return [*own, rest._replace(groups=self._groups)]


def files_with_rejects(task_rows: Iterable[TaskRows]) -> tuple[int, list[RejectedFile]]:
    """How many files have rejected rows, and those with the most.

    >>> files_with_rejects([TaskRows("a", 0, 5, 2), TaskRows("a", 90, 5, 1), TaskRows("b", 0, 3), TaskRows("", 0, 8)])
    (1, [RejectedFile(file='a', rows=10, used=7, rejected=3)])
    """
    rows: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for part in task_rows:
        rows[part.path] += part.rows
        rejected[part.path] += part.rejected
        left_out[part.path] += part.left_out
    files = sorted((path for path in rejected if rejected[path]), key=lambda path: (-rejected[path], path))
    return len(files), [
        RejectedFile(
            file=path,
            rows=rows[path],
            used=rows[path] - rejected[path] - left_out[path],
            rejected=rejected[path],
        )
        for path in files[:_MAX_FILES]
    ]


def mapped_labels(task_rows: Iterable[TaskRows], label_map: Mapping[str, str | None]) -> dict[str, int]:
    """How many rows had each label that input.label_map names.

    >>> mapped_labels([TaskRows("", 0, 5, mapped={"1": 3}), TaskRows("", 0, 5, mapped={"1": 2})], {"0": "a", "1": "b"})
    {'0': 0, '1': 5}
    """
    rows: Counter[str] = Counter()
    for part in task_rows:
        rows.update(part.mapped)
    return {key: rows[key] for key in label_map}


def damaged_files(task_rows: Iterable[TaskRows]) -> tuple[int, list[DamagedFile]]:
    """How many files are damaged, and the first of them by path.

    >>> damaged_files([TaskRows("a", 0, 5), TaskRows("a", 90, 2, lost="damaged file"), TaskRows("", 0, 8)])
    (1, [DamagedFile(file='a', rows=7, why='damaged file')])
    """
    rows: Counter[str] = Counter()
    why: dict[str, str] = {}
    for part in sorted(task_rows, key=lambda part: (part.path, part.start)):
        rows[part.path] += part.rows
        if part.lost:
            why.setdefault(part.path, part.lost)
    return len(why), [DamagedFile(file=path, rows=rows[path], why=why[path]) for path in list(why)[:_MAX_FILES]]


def _counted(values: pa.ChunkedArray) -> Iterable[tuple[str, int]]:
    counted = values.value_counts()
    return zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)

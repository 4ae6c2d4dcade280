"""What a job read and counted of texts without labels -> their part of the manifest."""

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.contract import SPLITS
from pipeline.records_folder.manifest import SplitSummary
from pipeline.records_folder.record_files import Shard, UnlabelledDuplicates, UnlabelledSummary
from pipeline.statistics.row_counts import TaskRows
from pipeline.statistics.split_statistics import SplitStatistics, split_summary
from pipeline.support.arrays import Int64s

# What only a split with labels has.
_OF_LABELS = frozenset({"labels", "no_labels", "weights"})


class UnlabelledInput(NamedTuple):
    """Texts without labels as they were read: files, their size in bytes, rows used and rejected, rows rejected."""

    files: int
    bytes: int
    rows: int
    rejected: int


def unlabelled_input(task_rows: Sequence[TaskRows], *, files: int, bytes: int) -> UnlabelledInput | None:
    """What was read; None without input.unlabelled. files, bytes: as planned."""
    parts = [part for part in task_rows if part.is_unlabelled]
    rows, rejected = sum(part.rows for part in parts), sum(part.rejected for part in parts)
    return UnlabelledInput(files, bytes, rows, rejected) if files else None


def unlabelled_summary(
    found: UnlabelledInput | None, *, statistics: SplitStatistics, duplicates: Int64s, shards: list[Shard]
) -> UnlabelledSummary | None:
    """The part of the manifest. duplicates: as `TextDuplicates.unlabelled`."""
    if found is None:
        return None
    texts = split_summary(statistics, labels=[], shards=shards)
    beyond_first, *in_splits = duplicates.tolist()
    return UnlabelledSummary(
        files=found.files,
        bytes=found.bytes,
        rejected=found.rejected,
        duplicates=UnlabelledDuplicates(rows=beyond_first, in_splits=dict(zip(SPLITS, in_splits, strict=True))),
        **{name: getattr(texts, name) for name in SplitSummary.model_fields if name not in _OF_LABELS},
    )

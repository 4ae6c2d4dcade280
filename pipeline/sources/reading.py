"""Read tasks -> batches; and whether the input can be read at all."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UserError
from pipeline.files.local import Files
from pipeline.sources.formats import FORMATS
from pipeline.sources.prefetch import fetching
from pipeline.sources.schema import Batch, ColumnNames, ReadTask

# What a batch holds at most: so many rows keep the graph's fixed costs small, so many bytes its temporary tensors. Of 2
# MiB of English the graph counts a MB in 7 ms, of 4 MiB in 14: TensorFlow's hash table outgrows what malloc keeps.
BATCH_ROWS: Final = 4096
BATCH_BYTES: Final = 2 << 20

# Files looked at before a job starts; a wrong column shows in the first already.
CHECKED_FILES: Final = 8
# Where none of those has a row, so many are looked at; whether others have some the job itself will tell.
MOST_CHECKED_FILES: Final = 1000


def read_tasks(
    tasks: Iterable[ReadTask],
    columns: ColumnNames,
    files: Files,
    *,
    batch_rows: int = BATCH_ROWS,
    batch_bytes: int = BATCH_BYTES,
) -> Iterator[Batch]:
    """The rows of tasks that follow each other, in batches near the bounds; only the last is small.

    Each row of the tasks is used or rejected in one batch; used rows are in order, so those of a batch are an interval
    of the input's. One text longer than `batch_bytes` makes a batch. Small files of a remote filesystem are fetched
    side by side.

    Raises:
      UserError: a file is not there or may not be read, or lacks a column. A damaged file raises nothing.
    """
    listed = list(tasks)
    if not listed:
        return
    with fetching(listed, files) as fetched:
        runs = groupby(listed, key=lambda task: task.format)
        found = chain.from_iterable(FORMATS[format].read_all(list(run), columns, fetched) for format, run in runs)
        yield from _rebatched(found, batch_rows=batch_rows, batch_bytes=batch_bytes)


def check_columns(tasks: Iterable[ReadTask], columns: ColumnNames, files: Files) -> None:
    """Looks into the first files, so that what is wrong with all of them is said before a job starts.

    Raises:
      UserError: a file is not of its format or lacks a column, or the first MOST_CHECKED_FILES have no row.
    """
    checked: dict[int, str] = {}
    has_rows = False
    for task in tasks:
        # Further files only matter as long as no row has been seen.
        if len(checked) == MOST_CHECKED_FILES or (len(checked) >= CHECKED_FILES and has_rows):
            return
        if task.file_index not in checked:
            checked[task.file_index] = task.path
            has_rows = FORMATS[task.format].check(task, columns, files) or has_rows
    if not has_rows:
        raise UserError(f"input.path: no rows in {', '.join(list(checked.values())[:3])}")


def _rebatched(found: Iterable[Batch], *, batch_rows: int, batch_bytes: int) -> Iterator[Batch]:
    waiting: list[Batch] = []
    rows = size = rejected = 0
    for batch in found:
        waiting.append(batch)
        rows += batch.rows.num_rows
        size += batch.rows["text"].nbytes
        rejected += batch.rejected.num_rows
        if rows >= batch_rows or size >= batch_bytes or rejected >= batch_rows:
            *full, rest = _cut(_joined(waiting), batch_rows=batch_rows, batch_bytes=batch_bytes)
            yield from map(_copied, full)
            waiting = [rest]
            rows, size, rejected = rest.rows.num_rows, rest.rows["text"].nbytes, rest.rejected.num_rows
    if rows or rejected:
        yield _copied(_joined(waiting))


def _joined(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return Batch(
        pa.concat_batches([batch.rows for batch in batches]),
        pa.concat_batches([batch.rejected for batch in batches]),
    )


def _copied(batch: Batch) -> Batch:
    """A small part of a large batch would keep the whole, and pickle it."""
    return Batch(pa.concat_batches([batch.rows]), pa.concat_batches([batch.rejected]))


def _cut(batch: Batch, *, batch_rows: int, batch_bytes: int) -> list[Batch]:
    """Full batches, and the rest (which may be empty); all rejected rows go with the first."""
    ends = _ends(batch.rows["text"], batch_rows=batch_rows, batch_bytes=batch_bytes)
    if not ends and batch.rejected.num_rows >= batch_rows:
        ends = [0]  # Many rejects make a batch as well.
    edges = [0, *ends, batch.rows.num_rows]
    parts = [batch.rows.slice(start, stop - start) for start, stop in pairwise(edges)]
    rejected = [batch.rejected] + [batch.rejected.slice(0, 0)] * (len(parts) - 1)
    return [Batch(*pair) for pair in zip(parts, rejected, strict=True)]


def _ends(text: pa.LargeBinaryArray, *, batch_rows: int, batch_bytes: int) -> list[int]:
    """The row numbers at which full batches end."""
    count = len(text)
    lengths = pc.binary_length(text).to_numpy()
    bytes_before = np.concatenate([[0], np.cumsum(lengths)])
    ends: list[int] = []
    start = 0
    while start < count:
        within_bytes = int(np.searchsorted(bytes_before, bytes_before[start] + batch_bytes, side="right")) - 1
        stop = max(start + 1, min(start + batch_rows, within_bytes))
        is_full = stop < count or stop - start == batch_rows or bytes_before[stop] - bytes_before[start] >= batch_bytes
        if not is_full:
            break
        ends.append(stop)
        start = stop
    return ends

"""Read tasks -> batches; and whether the input can be read at all."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UserError
from pipeline.sources.files import Files
from pipeline.sources.formats import FORMATS
from pipeline.sources.schema import Batch, Columns, ReadTask

# What a batch holds at most: so many rows keep the graph's fixed costs small, so many bytes its temporary tensors. Of 2
# MiB of English the graph counts a MB in 7 ms, of 4 MiB in 14: TensorFlow's hash table outgrows what malloc keeps.
BATCH_ROWS: Final = 4096
BATCH_BYTES: Final = 2 << 20

# Files looked at before a job starts; a wrong column shows in the first already.
CHECKED_FILES: Final = 8


def read_task(
    task: ReadTask,
    columns: Columns,
    files: Files,
    *,
    batch_rows: int = BATCH_ROWS,
    batch_bytes: int = BATCH_BYTES,
) -> Iterator[Batch]:
    """The rows of a task in batches near the bounds; only the last, or one with many rejects, is small.

    A batch holds successive rows of the task, each used or rejected. One text longer than `batch_bytes` makes
    a batch.

    Raises:
      UserError: the file is not there or may not be read, or lacks a column. A damaged file raises nothing.
    """
    found = FORMATS[task.format].read(task, columns, files)
    return _rebatched(found, batch_rows=batch_rows, batch_bytes=batch_bytes)


def check_columns(tasks: Iterable[ReadTask], columns: Columns, files: Files) -> None:
    """Looks into the first files, so that what is wrong with all of them is said before a job starts.

    Raises:
      UserError: a file is not of its format or lacks a column, or no file has a row.
    """
    has_rows = False
    first_tasks = {task.file_index: task for task in reversed(list(tasks))}
    for number, index in enumerate(sorted(first_tasks)):
        # Further files only matter as long as no row has been seen.
        if number >= CHECKED_FILES and has_rows:
            return
        task = first_tasks[index]
        has_rows = FORMATS[task.format].check(task, columns, files) or has_rows
    if not has_rows:
        paths = ", ".join(task.path for task in list(first_tasks.values())[:3])
        raise UserError(f"input.path: no rows in {paths}")


def _rebatched(found: Iterable[Batch], *, batch_rows: int, batch_bytes: int) -> Iterator[Batch]:
    waiting: list[Batch] = []
    first = 0  # The number in the task of the first waiting row.
    for batch in found:
        waiting.append(batch)
        has_enough = (
            sum(part.rows.num_rows for part in waiting) >= batch_rows
            or sum(part.rejected.num_rows for part in waiting) >= batch_rows
            or sum(part.rows["text"].nbytes for part in waiting) >= batch_bytes
        )
        if has_enough:
            *full, rest = _cut(_joined(waiting), first=first, batch_rows=batch_rows, batch_bytes=batch_bytes)
            for part in full:
                first += part.count
                yield _copied(part)
            waiting = [rest]
    if sum(part.count for part in waiting):
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


def _cut(batch: Batch, *, first: int, batch_rows: int, batch_bytes: int) -> list[Batch]:
    """Full batches, and the rest (which may be empty); a rejected row stays with the used rows around it."""
    count = batch.rows.num_rows
    edges = [0, *_ends(batch.rows["text"], batch_rows=batch_rows, batch_bytes=batch_bytes)]
    if batch.rejected.num_rows >= batch_rows and (edges[-1] < count or not count):
        edges.append(count)  # Many rejects fill a batch as well.
    edges.append(count)
    rejected = batch.rejected["row"].to_numpy()
    used = np.setdiff1d(np.arange(first, first + batch.count), rejected, assume_unique=True)
    rejected_edges = np.searchsorted(rejected, np.append(used, first + batch.count)[edges])
    rejected_edges[0] = 0
    return [
        Batch(
            batch.rows.slice(start, stop - start),
            batch.rejected.slice(rejected_start, rejected_stop - rejected_start),
        )
        for start, stop, rejected_start, rejected_stop in zip(
            edges[:-1], edges[1:], rejected_edges[:-1].tolist(), rejected_edges[1:].tolist(), strict=True
        )
    ]


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

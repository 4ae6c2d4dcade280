"""Read tasks -> batches of rows, full ones; and a look into the first files before a job starts."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import reduce
from itertools import chain, groupby, islice, pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.input_settings import Damaged
from pipeline.errors import DamagedFileError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.member_files import member_files
from pipeline.files.text_stream import READ_SIZES, ReadSizes
from pipeline.files.verified import VerifiedFiles, verify
from pipeline.sources.columns import ColumnNames
from pipeline.sources.folder_columns import with_given_columns
from pipeline.sources.format_detection import check_not_foreign
from pipeline.sources.formats import FORMATS
from pipeline.sources.given_check import check_given
from pipeline.sources.losses import REFUSE, refusal
from pipeline.sources.mapped_labels import with_mapped_labels
from pipeline.sources.prefetch import prefetching
from pipeline.sources.schema import NO_FINDINGS, Batch, Findings
from pipeline.sources.tasks import ReadTask
from pipeline.sources.unchanged import unchanged

# The limits of a batch. 4,096 rows keep the fixed costs of a call of the graph small. 2 MiB keep its temporary tensors
# small: the graph counts 1 MB of English in 7 ms if batches hold 2 MiB, and in 14 ms if they hold 4 MiB, because
# TensorFlow's hash table then needs more memory than malloc keeps for it.
BATCH_ROWS: Final = 4096
BATCH_BYTES: Final = 2 << 20

# Files that are opened before a job starts. A wrong column shows in the first file already.
CHECKED_FILES: Final = 8
# If none of those has a row, up to this many files are opened. If they have none either, the input counts as empty.
MAX_CHECKED_FILES: Final = 1000


def read_tasks(
    tasks: Iterable[ReadTask],
    columns: ColumnNames,
    files: Files,
    *,
    damaged: Damaged = REFUSE,
    batch_rows: int = BATCH_ROWS,
    batch_bytes: int = BATCH_BYTES,
    sizes: ReadSizes = READ_SIZES,
) -> Iterator[Batch]:
    """The rows of tasks that follow each other, in batches near the limits; only the last batch is small.

    Each row of the tasks is used or rejected in one batch, unless input.label_map leaves it out. Used rows are in
    order, so those of a batch are an interval of the input's used rows. Rejected rows may come in an earlier batch than
    their neighbours; `read_in_order` puts each at its place. What can't be read of a damaged file is `lost` in its last
    batch or an earlier one. One text longer than `batch_bytes` makes a batch of its own. Small files of a remote
    filesystem are fetched several at a time.

    Args:
      tasks: the tasks, in the order of the input.
      columns: the columns to read, and what becomes of labels.
      files: the filesystem.
      damaged: input.damaged. use_what_is_whole: compressed files are read twice, so that nothing is used whose checksum
        is wrong or missing.
      batch_rows: the most used rows of a batch.
      batch_bytes: the most bytes of texts in a batch.
      sizes: what is read and parsed at a time.

    Raises:
      UserError: a file is not there or may not be read, lacks a column, or has changed since it was planned; or it is
        damaged, and `damaged` is refuse.
    """
    listed = list(tasks)
    if not listed:
        return
    is_verified = damaged != REFUSE
    with (
        unchanged(listed, files),
        member_files(listed, files, verified=is_verified) as opened,
        prefetching(listed, opened) as prefetched,
    ):
        verified = VerifiedFiles(prefetched) if is_verified else prefetched
        by_format = groupby(listed, key=lambda task: task.format)
        batches: Iterator[Batch] = chain.from_iterable(
            FORMATS[format].read_all(
                list(some), columns, verified if FORMATS[format].needs_verified else prefetched, sizes=sizes
            )
            for format, some in by_format
        )
        if damaged == REFUSE:
            batches = map(_whole, batches)
        batches = _rebatched(batches, batch_rows=batch_rows, batch_bytes=batch_bytes)
        yield from with_mapped_labels(batches, columns, listed)


def check_columns(tasks: Iterable[ReadTask], columns: ColumnNames, files: Files, *, damaged: Damaged = REFUSE) -> None:
    """Looks into the first files, so that a mistake that all files share is reported before a job starts.

    damaged: input.damaged. use_what_is_whole: a file that seems to be of another format, or to lack a column, may be
    damaged instead; then it is not refused.

    Raises:
      UserError: a file is not of its format or lacks a column, or the first MAX_CHECKED_FILES have no row.
    """
    checked: list[str] = []
    has_rows = False
    # As a whole: its header, or its first row, may be longer than its first range.
    whole = (next(ranges).of_whole_file() for _, ranges in groupby(tasks, key=lambda task: task.file_index))
    # After CHECKED_FILES the search goes on only until a row is seen.
    while not has_rows and len(checked) < MAX_CHECKED_FILES and (some := list(islice(whole, CHECKED_FILES))):
        with member_files(some, files) as opened:
            for task in some:
                if has_rows and len(checked) >= CHECKED_FILES:
                    return
                checked.append(task.path)
                has_rows = _has_rows(task, columns, opened, damaged=damaged) or has_rows
                with suppress(DamagedFileError):
                    check_given(task, columns, opened)
    if not has_rows:
        raise UserError(f"input.path: no rows in {', '.join(checked[:3])}")


def _has_rows(task: ReadTask, columns: ColumnNames, files: Files, *, damaged: Damaged) -> bool:
    try:
        return FORMATS[task.format].check(task, with_given_columns(task, columns)[1], files)
    except DamagedFileError:  # of a file of an archive, in its first bytes
        return True
    except UserError:
        if FORMATS[task.format].plan is not None:  # a database is no file
            raise
        check_not_foreign(task, files)
        if damaged == REFUSE:
            raise
        with open_file(files, task.path) as file:
            verified = verify(file)
        if verified is None or verified.damage is None:
            raise
        return True


def _whole(batch: Batch) -> Batch:
    """The batch.

    Raises:
      UserError: a file of it is damaged.
    """
    for lost in batch.lost:
        raise refusal(lost, has_setting=True)
    return batch


def _rebatched(batches: Iterable[Batch], *, batch_rows: int, batch_bytes: int) -> Iterator[Batch]:
    waiting: list[Batch] = []
    rows = size = rejected = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.rows.num_rows
        size += batch.rows["text"].nbytes
        rejected += batch.rejected.num_rows
        if rows >= batch_rows or size >= batch_bytes or rejected >= batch_rows:
            *full, rest = _cut(_joined(waiting), batch_rows=batch_rows, batch_bytes=batch_bytes)
            yield from map(_copied, full)
            waiting = [rest]
            rows, size, rejected = rest.rows.num_rows, rest.rows["text"].nbytes, rest.rejected.num_rows
    if waiting and (rows or rejected or any(batch.lost or any(batch.findings) for batch in waiting)):
        yield _copied(_joined(waiting))


def _joined(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    return Batch(
        pa.concat_batches([batch.rows for batch in batches]),
        pa.concat_batches([batch.rejected for batch in batches]),
        tuple(lost for batch in batches for lost in batch.lost),
        findings=reduce(Findings.plus, (batch.findings for batch in batches)),
    )


def _copied(batch: Batch) -> Batch:
    """The batch in memory of its own. A slice would keep all of the large batch it is cut from, and pickle it."""
    rows, rejected = pa.concat_batches([batch.rows]), pa.concat_batches([batch.rejected])
    return Batch(rows, rejected, batch.lost, findings=batch.findings)


def _cut(batch: Batch, *, batch_rows: int, batch_bytes: int) -> list[Batch]:
    """Full batches, and the rest (which may be empty). All rejected rows, losses and findings go with the first."""
    ends = _ends(batch.rows["text"], batch_rows=batch_rows, batch_bytes=batch_bytes)
    if not ends and batch.rejected.num_rows >= batch_rows:
        ends = [0]  # Many rejected rows make a batch as well.
    edges = [0, *ends, batch.rows.num_rows]
    parts = [batch.rows.slice(start, stop - start) for start, stop in pairwise(edges)]
    rejected = [batch.rejected] + [batch.rejected.slice(0, 0)] * (len(parts) - 1)
    lost = [batch.lost] + [()] * (len(parts) - 1)
    findings = [batch.findings] + [NO_FINDINGS] * (len(parts) - 1)
    return [
        Batch(*triple, findings=found)
        for triple, found in zip(zip(parts, rejected, lost, strict=True), findings, strict=True)
    ]


def _ends(text: pa.LargeBinaryArray, *, batch_rows: int, batch_bytes: int) -> list[int]:
    """The numbers of the rows before which full batches end."""
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

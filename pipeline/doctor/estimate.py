"""The input's size and its first rows -> an estimate of the memory and disk that the job needs.

The constants were measured on reviews. For other texts they are right within a factor of two. That is enough to see
that a machine is ten times too small.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.filesize import decimal

from pipeline.doctor.access import FirstRows
from pipeline.doctor.finding import Finding
from pipeline.files.beam import is_local
from pipeline.files.temporary import place_of_temporary_files
from pipeline.job.plan import Plan
from pipeline.runners.options import LocalWorkers
from pipeline.sources import InputTasks
from pipeline.sources.tasks import ReadTask
from pipeline.support.arrow_ipc import Codec

# Bytes of text for each byte as stored: reviews in gzip, zstd and Parquet (which is compressed inside).
_TEXT_BYTES_PER_BYTE: Final = {".gz": 2.7, ".zst": 2.8, ".parquet": 2.1, ".pq": 2.1}
# Memory of a process that has imported TensorFlow and Beam and built the job's graphs, before it reads.
_PROCESS_BYTES: Final = 800 << 20
# Memory of a worker's thread: a batch in the graph, one that is read, and blocks that fill.
_THREAD_BYTES: Final = 130 << 20
# Memory to sort, in bytes for each byte of frames: twice the frames of a sort range, and its packed pieces.
_SORT_BYTES_PER_BYTE: Final = 2.5
# Bytes of a record in a block for each byte of it in a gzip shard: 290 to 370 bytes against 270.
_BLOCK_BYTES_PER_BYTE: Final = 1.3
# Bytes on disk of a token that waits for its id, its share of the batch's words and texts included: 2.3 in the sample's
# joined reviews, 3.4 in IMDB's; with zstd two thirds of that.
_TOKEN_BYTES: Final[dict[Codec, int]] = {"lz4": 3, "zstd": 2}
# Bytes of an id in a record, a varint: 2 for nearly all words, 1 for padding; and bytes of a record beside its ids.
_WORD_BYTES, _PADDING_BYTES, _RECORD_BYTES = 2, 1, 60
# Bytes of a word in a gzip shard: 25,000 reviews of 230 words take 6.7 MB.
_PACKED_WORD_BYTES: Final = 1.2


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What a job needs.

    text_bytes: of the input's text. rows: of the input. output_bytes: of the records folder. block_bytes: of all blocks
    of records. token_bytes: of all tokens in files. thread_bytes: memory of a worker's thread.
    """

    text_bytes: int
    rows: int
    output_bytes: int
    block_bytes: int
    token_bytes: int
    thread_bytes: int

    @property
    def worker_bytes(self) -> int:
        """Memory of a worker process with one thread, in bytes."""
        return _PROCESS_BYTES + self.thread_bytes


def estimate(plan: Plan, tasks: InputTasks, *, first: FirstRows) -> Estimate:
    """The estimate for the whole input, if it is like its first rows."""
    sample = max(first.rows - first.rejected.total(), 1)
    row_bytes = max(first.text_bytes / sample, 1)
    if plan.labelled_bytes:
        labelled = _text_bytes(plan.labelled_bytes, tasks.labelled().tasks())
    else:  # the built-in corpus, whose read tasks count rows
        labelled = int(row_bytes * sum((task.stop or 0) - task.start for task in tasks.labelled().tasks()))
    unlabelled = _text_bytes(plan.unlabelled_bytes, tasks.unlabelled().tasks())
    rows = int(labelled / row_bytes) + int(unlabelled / row_bytes)
    length = plan.config.sequence.max_length
    words = min(first.words / sample, length)
    frame = _RECORD_BYTES + words * _WORD_BYTES + (length - words) * _PADDING_BYTES
    packed = _RECORD_BYTES / 4 + words * _PACKED_WORD_BYTES
    largest = max(
        labelled / row_bytes * plan.largest_shard_share, unlabelled / row_bytes / max(plan.unlabelled_shards, 1)
    )
    return Estimate(
        text_bytes=labelled + unlabelled,
        rows=rows,
        output_bytes=int(rows * (packed if plan.config.output.compression == "gzip" else frame)),
        block_bytes=int(rows * packed * _BLOCK_BYTES_PER_BYTE),
        token_bytes=int(rows * first.words / sample * _TOKEN_BYTES[plan.token_place.codec]),
        thread_bytes=_THREAD_BYTES + int(largest * frame * _SORT_BYTES_PER_BYTE / plan.sort_ranges),
    )


def _text_bytes(stored_bytes: int, tasks: Iterable[ReadTask]) -> int:
    factors = (_TEXT_BYTES_PER_BYTE.get(Path(task.path).suffix, 1.0) for task in tasks)
    return int(stored_bytes * max(factors, default=1.0))


def check_machine(
    expected: Estimate, plan: Plan, *, workers_here: bool, in_process: LocalWorkers | None
) -> list[Finding]:
    """Whether this machine has the memory and disk that its part of the job needs.

    in_process: the workers of the in-process runner, or None for another runner.
    """
    return [_memory(expected, plan, workers_here=workers_here, in_process=in_process), *_disks(expected, plan)]


def rough_size(size: int) -> str:
    """A number of bytes that is not exact: two digits or three.

    >>> rough_size(7_240_000_000), rough_size(16_400_000), rough_size(886_900)
    ('7.2 GB', '16 MB', '887 kB')
    """
    return decimal(size, precision=1 if len(str(size)) % 3 == 1 and size >= 1000 else 0)


def _memory(expected: Estimate, plan: Plan, *, workers_here: bool, in_process: LocalWorkers | None) -> Finding:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if not workers_here:
        if plan.config.output.shards != "auto" and expected.worker_bytes > 4 << 30:
            size = rough_size(expected.worker_bytes)
            text = f"about {size}, to order a whole shard; raise output.shards or set it to auto"
            return Finding("error", "output.shards", text)
        return Finding("ok", "memory of a worker", f"about {rough_size(expected.worker_bytes)}")
    if in_process is None:  # another runner of this machine, which may hold all blocks in memory
        needed = expected.worker_bytes + expected.block_bytes
    elif in_process.mode == "multi_processing":
        needed = _PROCESS_BYTES + in_process.number * expected.worker_bytes
    else:
        needed = _PROCESS_BYTES + in_process.number * expected.thread_bytes
    if needed > memory:
        sizes = f"about {rough_size(needed)}, and this machine has {rough_size(memory)}"
        text = f"{sizes}: use a runner with workers elsewhere"
        return Finding("error", "memory", text)
    return Finding("ok", "memory", f"about {rough_size(needed)}")


def _disks(expected: Estimate, plan: Plan) -> Iterator[Finding]:
    """The disk of the output, and that of temporary files if blocks and tokens are spilled there."""
    output = plan.config.output.path
    spilled = expected.token_bytes + (expected.block_bytes if plan.spills else 0)
    if not is_local(output):
        yield Finding("ok", "disk", f"about {rough_size(expected.output_bytes)} at {output}")
        if plan.spills:
            yield _disk(spilled, place_of_temporary_files())
    else:
        yield _disk(expected.output_bytes + spilled, output)


def _disk(needed: int, path: str) -> Finding:
    free = shutil.disk_usage(_existing_folder(path)).free
    text = f"about {rough_size(needed)} of {rough_size(free)} that are free at {path}"
    return Finding("ok" if free > needed else "error", "disk", text)


def _existing_folder(path: str) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = Path(path).absolute()
    return next(parent for parent in [folder, *folder.parents] if parent.exists())

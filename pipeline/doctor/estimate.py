"""The input's size and its first rows -> about how much memory and disk the job takes.

The constants were measured on reviews; for other texts they are right within a factor of two, which is what is needed
to see that a machine is ten times too small.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.doctor.access import FirstRows
from pipeline.doctor.finding import Finding
from pipeline.files.beam import is_local
from pipeline.job.plan import Plan
from pipeline.runners.options import LocalWorkers
from pipeline.sources import InputTasks

# A byte stored -> bytes of text: reviews in gzip, zstd and Parquet (which is packed within).
_UNPACKED: Final = {".gz": 2.7, ".zst": 2.8, ".parquet": 2.1, ".pq": 2.1}
# A process with TensorFlow, Beam and the job's graphs in it, before it has read anything.
_PROCESS_BYTES: Final = 800 << 20
# A worker's thread with a batch in the graph, one being read, and blocks that fill.
_THREAD_BYTES: Final = 130 << 20
# Ordering takes twice the frames of a sub-range, and its pieces wait packed beside it.
_ORDERING: Final = 2.5
# Blocks of records as they wait or cross the shuffle: 290 to 370 bytes where gzip leaves 270.
_BLOCKS: Final = 1.3
# A token that waits for its id, with words and the texts that wait: 2.3 bytes in the sample's joined reviews, 3.4 in
# IMDB's.
_TOKEN_BYTES: Final = 3
# An id in a record is a varint: 1 byte below 128, as padding is, 2 for nearly all words.
_WORD_BYTES, _PADDING_BYTES, _RECORD_BYTES = 2, 1, 60
# What gzip leaves of a record: 6.7 MB of 25,000 reviews of 230 words.
_PACKED_WORD_BYTES: Final = 1.2


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Bytes of the input's text, of the records folder, of all blocks of records and of all tokens that wait, rows, and
    bytes of memory that a working thread takes."""

    text_bytes: int
    rows: int
    output_bytes: int
    blocks_bytes: int
    kept_bytes: int
    thread_bytes: int

    @property
    def worker_bytes(self) -> int:
        """Memory of a process with one thread that works."""
        return _PROCESS_BYTES + self.thread_bytes


def estimate(plan: Plan, tasks: InputTasks, *, first: FirstRows) -> Estimate:
    """What the whole input comes to, if it is like its first rows."""
    sample = max(first.rows - first.rejected.total(), 1)
    row_bytes = max(first.text_bytes / sample, 1)
    if plan.input_bytes:
        factor = max(_UNPACKED.get(Path(task.path).suffix, 1.0) for task in tasks.tasks())
        text_bytes = int(plan.input_bytes * factor)
        rows = int(text_bytes / row_bytes)
    else:  # the built-in corpus, whose parts count rows
        rows = sum((task.stop or 0) - task.start for task in tasks.tasks())
        text_bytes = int(rows * row_bytes)
    length = plan.config.sequence.max_length
    words = min(first.words / sample, length)
    frame = _RECORD_BYTES + words * _WORD_BYTES + (length - words) * _PADDING_BYTES
    packed = _RECORD_BYTES / 4 + words * _PACKED_WORD_BYTES
    largest = rows * plan.largest_share
    return Estimate(
        text_bytes=text_bytes,
        rows=rows,
        output_bytes=int(rows * (packed if plan.config.output.compression == "gzip" else frame)),
        blocks_bytes=int(rows * packed * _BLOCKS),
        kept_bytes=int(rows * first.words / sample * _TOKEN_BYTES) if plan.keeps_tokens else 0,
        thread_bytes=_THREAD_BYTES + int(largest * frame * _ORDERING / plan.ranges),
    )


def check_machine(found: Estimate, plan: Plan, *, workers_here: bool, in_process: LocalWorkers | None) -> list[Finding]:
    """Whether this machine is large enough for what is done on it; in_process: the workers, if its runner is here."""
    return [_memory(found, plan, workers_here=workers_here, in_process=in_process), *_disks(found, plan)]


def _memory(found: Estimate, plan: Plan, *, workers_here: bool, in_process: LocalWorkers | None) -> Finding:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if not workers_here:
        if plan.config.output.shards != "auto" and found.worker_bytes > 4 << 30:
            text = f"about {told(found.worker_bytes)}, to order a whole shard; raise output.shards or set it to auto"
            return Finding("error", "output.shards", text)
        return Finding("ok", "memory of a worker", f"about {told(found.worker_bytes)}")
    if in_process is None:  # another runner of this machine, which may keep all blocks
        needed = found.worker_bytes + found.blocks_bytes
    elif in_process.mode == "multi_processing":
        needed = _PROCESS_BYTES + in_process.number * found.worker_bytes
    else:
        needed = _PROCESS_BYTES + in_process.number * found.thread_bytes
    if needed > memory:
        text = f"about {told(needed)}, and this machine has {told(memory)}: use a runner with workers elsewhere"
        return Finding("error", "memory", text)
    return Finding("ok", "memory", f"about {told(needed)}")


def _disks(found: Estimate, plan: Plan) -> Iterator[Finding]:
    """What is needed where the output is, and in the folder for temporary files if blocks and tokens wait there."""
    output = plan.config.output.path
    waiting = found.blocks_bytes + found.kept_bytes if plan.waits_on_disk else 0
    if not is_local(output):
        yield Finding("ok", "disk", f"about {told(found.output_bytes)} at {output}")
        if waiting:
            yield _disk(waiting, tempfile.gettempdir())
    else:
        yield _disk(found.output_bytes + waiting, output)


def _disk(needed: int, path: str) -> Finding:
    free = shutil.disk_usage(_nearest(path)).free
    text = f"about {told(needed)} of {told(free)} that are free at {path}"
    return Finding("ok" if free > needed else "error", "disk", text)


def told(size: float) -> str:
    """Bytes for a person.

    >>> told(999), told(210_035), told(7.25e9)
    ('999 B', '210 kB', '7.2 GB')
    """
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.1f} {unit}" if size < 10 and unit != "B" else f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _nearest(path: str) -> Path:
    folder = Path(path).absolute()
    return next(parent for parent in [folder, *folder.parents] if parent.exists())

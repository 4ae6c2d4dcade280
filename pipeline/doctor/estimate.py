"""The input's size and its first rows -> about how much memory and disk the job takes.

The constants were measured on reviews; for other texts they are right within a factor of two, which is what is needed
to see that a machine is ten times too small.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.config import Config
from pipeline.contract import SPLITS
from pipeline.doctor.finding import Finding
from pipeline.doctor.places import FirstRows
from pipeline.filesystem import is_local
from pipeline.plan import Plan
from pipeline.sources import InputTasks

# A byte stored -> bytes of text: reviews in gzip, zstd and Parquet (which is packed within).
_UNPACKED: Final = {".gz": 2.7, ".zst": 2.8, ".parquet": 2.1, ".pq": 2.1}
# A process with TensorFlow and Beam in it, before it has read anything.
_PROCESS_BYTES: Final = 800 << 20
# Of a shard's records in memory, ordering takes twice the frames, and blocks wait packed beside it.
_ORDERING: Final = 2.5
# An id in a record is a varint: 1 byte below 128, as padding is, 2 for nearly all words.
_WORD_BYTES, _PADDING_BYTES, _RECORD_BYTES = 2, 1, 60
# What gzip leaves of a record: 7.0 MB of 25,000 reviews of 230 words.
_PACKED_WORD_BYTES: Final = 1.2


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Bytes of the input's text and of the records folder, rows, and bytes of memory that a worker process takes."""

    text_bytes: int
    rows: int
    output_bytes: int
    worker_bytes: int


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
    largest = max(rows * share / shards for share, shards in zip(_shares(plan.config), plan.shards, strict=True))
    return Estimate(
        text_bytes=text_bytes,
        rows=rows,
        output_bytes=int(rows * (packed if plan.config.output.compression == "gzip" else frame)),
        worker_bytes=_PROCESS_BYTES + int(largest * frame * _ORDERING),
    )


def check_machine(found: Estimate, plan: Plan, *, workers_here: bool) -> list[Finding]:
    """Whether this machine is large enough for what is done on it."""
    findings = []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # In-process runners keep what crosses between two stages, and that is every record once.
    needed = found.worker_bytes + (found.output_bytes * 2 if workers_here else 0)
    about = "memory" if workers_here else "memory of a worker"
    findings.append(Finding("ok", about, f"about {told(needed)}"))
    if workers_here and needed > memory:
        text = f"about {told(needed)}, and this machine has {told(memory)}: use a runner with workers elsewhere"
        findings[-1] = Finding("error", about, text)
    elif not workers_here and plan.config.output.shards != "auto" and found.worker_bytes > 4 << 30:
        text = f"about {told(found.worker_bytes)}, to order a whole shard; raise output.shards or set it to auto"
        findings[-1] = Finding("error", "output.shards", text)
    if is_local(plan.config.output.path):
        free = shutil.disk_usage(_nearest(plan.config.output.path)).free
        enough = free > found.output_bytes
        text = f"about {told(found.output_bytes)} of {told(free)} that are free at {plan.config.output.path}"
        findings.append(Finding("ok" if enough else "error", "disk", text))
    else:
        findings.append(Finding("ok", "disk", f"about {told(found.output_bytes)} at {plan.config.output.path}"))
    return findings


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


def _shares(config: Config) -> tuple[float, ...]:
    if config.split.column is not None:
        return tuple(1.0 for _ in SPLITS)
    return config.split.train, config.split.eval, config.split.test


def _nearest(path: str) -> Path:
    folder = Path(path).absolute()
    return next(parent for parent in [folder, *folder.parents] if parent.exists())

"""The number of rows done so far: from the workers of this machine to the command that waits for them.

Beam's in-process runner blocks until the job ends and shows no counters meanwhile. So each worker writes its count to a
small file of its own in a folder, and the command sums them up. Workers on other machines do not have that folder, so
they write nothing.
"""

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

# The end of a stage's name in a file with the runner's counters. The workers' own counts, if any, are newer.
RUNNER_SUFFIX = "@runner"

# A display changes 4 times a second; a write takes 30 us.
_SECONDS_BETWEEN_WRITES = 0.2


class StageProgress(NamedTuple):
    """Rows done in a stage, and the seconds from its first worker's start to the newest count."""

    rows: int
    seconds: float

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / max(self.seconds, 1e-3)


class Tally:
    """One worker's count of the rows of a stage.

    folder: where the counts are written. If it is None, or this machine does not have it, the counts are discarded.
    """

    def __init__(self, folder: str | None, stage: str) -> None:
        self._path = self._file(folder, stage) if folder is not None and os.path.isdir(folder) else None
        self._rows = 0
        self._begin = self._written = time.time()

    @staticmethod
    def _file(folder: str, stage: str) -> Path:
        return Path(folder) / f"{stage}.{os.getpid()}.{threading.get_ident()}.{time.monotonic_ns()}"

    def add(self, rows: int) -> None:
        """Adds rows to the count, and writes it if the last write is 0.2 s ago."""
        self._rows += rows
        if time.time() - self._written > _SECONDS_BETWEEN_WRITES:
            self.write()

    def write(self) -> None:
        """Writes the count to its file."""
        self._written = time.time()
        if self._path is not None:
            # The command removes the folder when it ends; the count of a worker that still runs is not needed. A full
            # disk has no counts.
            with contextlib.suppress(OSError):
                self._path.write_text(f"{self._rows} {self._begin} {self._written}")


def read_progress(folder: str) -> dict[str, StageProgress]:
    """The counts of all workers together, by stage."""
    counts: dict[str, list[tuple[int, float, float]]] = {}
    for file in Path(folder).iterdir():
        fields = file.read_text().split()
        if len(fields) == 3:  # fewer while a worker writes it
            count = int(fields[0]), float(fields[1]), float(fields[2])
            counts.setdefault(file.name.partition(".")[0], []).append(count)
    return {
        stage.removesuffix(RUNNER_SUFFIX): StageProgress(
            sum(rows for rows, _, _ in parts), max(end for *_, end in parts) - min(start for _, start, _ in parts)
        )
        for stage, parts in counts.items()
        if not stage.endswith(RUNNER_SUFFIX) or stage.removesuffix(RUNNER_SUFFIX) not in counts
    }

"""Rows done so far, told from the workers of this machine to the command that waits for them.

Beam's in-process runner blocks until all is done and shows no counters meanwhile. So each worker keeps its own small
file in a folder, and whoever wants to know adds them up. On other machines there is no such folder, and nothing is
told.
"""

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

# Beam's counters, and those of rows read, rejected ones among them: in the first pass, in the second.
NAMESPACE = "textrecords"
TRAIN_ROWS, ROWS = "rows_to_count", "rows"

# Ends the name of a stage whose rows a runner told; what workers tell themselves is newer.
TOLD_BY_RUNNER = "@runner"

# Often enough for a display, seldom enough to cost nothing (30 us a write).
_SECONDS_BETWEEN_WRITES = 0.2


class Done(NamedTuple):
    """Rows done in a stage, and in how many seconds, from its first worker's begin to the last that was heard of it."""

    rows: int
    seconds: float

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / max(self.seconds, 1e-3)


class Tally:
    """Counts rows of a stage; `folder` None, or one that this machine does not have: to no end."""

    def __init__(self, folder: str | None, stage: str) -> None:
        self._path = self._file(folder, stage) if folder is not None and os.path.isdir(folder) else None
        self._rows = 0
        self._begin = self._written = time.time()

    @staticmethod
    def _file(folder: str, stage: str) -> Path:
        return Path(folder) / f"{stage}.{os.getpid()}.{threading.get_ident()}.{time.monotonic_ns()}"

    def add(self, rows: int) -> None:
        """Counts some more rows."""
        self._rows += rows
        if time.time() - self._written > _SECONDS_BETWEEN_WRITES:
            self.write()

    def write(self) -> None:
        """Makes the count known."""
        self._written = time.time()
        if self._path is not None:
            # The folder goes when the command ends; a worker that is late has nobody to tell.
            with contextlib.suppress(FileNotFoundError):
                self._path.write_text(f"{self._rows} {self._begin} {self._written}")


def totals(folder: str) -> dict[str, Done]:
    """What is done by stage, over all workers."""
    found: dict[str, list[tuple[int, float, float]]] = {}
    for file in Path(folder).iterdir():
        fields = file.read_text().split()
        if len(fields) == 3:  # not in the moment of being written
            part = int(fields[0]), float(fields[1]), float(fields[2])
            found.setdefault(file.name.partition(".")[0], []).append(part)
    return {
        stage.removesuffix(TOLD_BY_RUNNER): Done(
            sum(rows for rows, _, _ in parts), max(end for *_, end in parts) - min(start for _, start, _ in parts)
        )
        for stage, parts in found.items()
        if not stage.endswith(TOLD_BY_RUNNER) or stage.removesuffix(TOLD_BY_RUNNER) not in found
    }

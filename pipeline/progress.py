"""Rows done so far, told from the workers of this machine to the command that waits for them.

Beam's in-process runner blocks until all is done and shows no counters meanwhile. So each worker keeps its own small
file in a folder, and whoever wants to know adds them up. On other machines there is no such folder, and nothing is
told.
"""

import contextlib
import os
import threading
import time
from collections import Counter
from pathlib import Path

# Often enough for a display, seldom enough to cost nothing (30 us a write).
_SECONDS_BETWEEN_WRITES = 0.2


class Tally:
    """Counts rows of a stage; `folder` None: to no end."""

    def __init__(self, folder: str | None, stage: str) -> None:
        self._path = self._file(folder, stage) if folder is not None and os.path.isdir(folder) else None
        self._rows = 0
        self._written = 0.0

    @staticmethod
    def _file(folder: str, stage: str) -> Path:
        return Path(folder) / f"{stage}.{os.getpid()}.{threading.get_ident()}.{time.monotonic_ns()}"

    def add(self, rows: int) -> None:
        """Counts some more rows."""
        self._rows += rows
        now = time.monotonic()
        if now - self._written > _SECONDS_BETWEEN_WRITES:
            self._written = now
            self.write()

    def write(self) -> None:
        """Makes the count known."""
        if self._path is not None:
            # The folder goes when the command ends; a worker that is late has nobody to tell.
            with contextlib.suppress(FileNotFoundError):
                self._path.write_text(str(self._rows))


def totals(folder: str) -> dict[str, int]:
    """Rows done by stage, over all workers."""
    rows: Counter[str] = Counter()
    for file in Path(folder).iterdir():
        content = file.read_text()
        rows[file.name.partition(".")[0]] += int(content or 0)
    return dict(rows)

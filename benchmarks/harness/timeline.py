"""A process -> its parts with their begin and end, without slowing it.

Our process is watched from outside: the folders that a run makes, the tallies that its workers write for the live
display (pipeline/support/progress.py), and the manifest. Peers write marks into a file (benchmarks/peers/rule.py).
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.harness.processes import Measurement
from pipeline.contract import MANIFEST_FILE


class Part(NamedTuple):
    """A part of a process's life, in time.time()."""

    name: str
    begin: float
    end: float


class Watch:
    """Watches a run of ours. temporary: the folder of its temporary files; output: its records folder."""

    def __init__(self, temporary: Path, output: Path) -> None:
        self._temporary = temporary
        self._manifest = output / MANIFEST_FILE
        self._planned: float | None = None
        self._stages: dict[str, dict[str, tuple[float, float]]] = {}
        self._published: float | None = None

    def look(self) -> None:
        """Reads what there is now; to be called often while the run lasts."""
        if self._published is None and self._manifest.exists():
            self._published = time.time()
        # A command has one folder for all that is temporary; a job counts its rows in a folder of it.
        for folder in self._temporary.glob("textrecords-*/textrecords-*"):
            self._planned = self._planned or time.time()
            for tally in folder.iterdir():
                self._read(tally)

    def _read(self, tally: Path) -> None:
        try:
            fields = tally.read_text().split()
        except FileNotFoundError:
            return  # the run has just removed it
        if len(fields) == 3:  # less while a worker is writing it
            stage = tally.name.partition(".")[0]
            self._stages.setdefault(stage, {})[tally.name] = float(fields[1]), float(fields[2])

    def parts(self, measured: Measurement) -> list[Part]:
        """The parts of the run, without gaps, once it has ended."""
        moments = [
            ("imports and planning", self._planned),
            ("building the graphs", self._bound("analyse", first=True)),
            ("analysis", self._bound("analyse", first=False)),
            ("vocabulary and transform graph", self._bound("transform", first=True)),
            ("transform", self._bound("transform", first=False)),
            ("writing shards", self._bound("write", first=False)),
            ("manifest, report, publishing", self._published),
            ("end", measured.end),
        ]
        return list(_parts(measured.begin, [(name, moment) for name, moment in moments if moment is not None]))

    def _bound(self, stage: str, *, first: bool) -> float | None:
        tallies = self._stages.get(stage, {}).values()
        if not tallies:
            return None
        return min(begin for begin, _ in tallies) if first else max(end for _, end in tallies)


def marked_parts(marks: Path, measured: Measurement) -> list[Part]:
    """The parts of a peer, from the file of its marks."""
    lines = marks.read_text().splitlines() if marks.exists() else []
    moments = [(name, float(moment)) for moment, _, name in (line.partition(" ") for line in lines)]
    return list(_parts(measured.begin, [*moments, ("end", measured.end)]))


def _parts(begin: float, moments: list[tuple[str, float]]) -> Iterator[Part]:
    for name, end in moments:
        yield Part(name, begin, max(begin, end))
        begin = max(begin, end)

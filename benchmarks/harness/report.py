"""What a suite measured <-> a small JSON file below benchmarks/results, from which all tables are made.

A row is one subject (we, or a peer) on one case (an input). Its values are lists, a number a repeat; the name of a
value ends in its unit (seconds, cpu_seconds, peak_bytes, examples_per_second).
"""

import importlib.metadata
import os
import platform
import re
import shlex
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

RESULTS = Path(__file__).parent.parent / "results"
OURS = "TextRecords"

_VERSIONS = ("tensorflow", "tensorflow-transform", "apache-beam", "keras", "pyarrow")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Machine(_Model):
    """Where it was measured: cores that this process may use, bytes of memory, the processor's name."""

    cores: int
    memory_bytes: int
    processor: str
    python: str
    versions: dict[str, str]


class Row(_Model):
    """One subject on one case. facts: what was checked or counted; failure: why there are no figures, if so."""

    case: str
    subject: str
    values: dict[str, list[float]] = {}
    facts: dict[str, float | str | bool] = {}
    failure: str | None = None

    def median(self, name: str) -> float:
        """The median of a value's repeats."""
        return statistics.median(self.values[name])


class Report(_Model):
    """One call of a suite: the command that gives it again, the machine, and what came out."""

    suite: str
    name: str
    command: str
    machine: Machine
    rows: list[Row]

    def row(self, case: str, subject: str) -> Row | None:
        """The row of a case and a subject, if it has figures."""
        found = [row for row in self.rows if (row.case, row.subject) == (case, subject) and row.failure is None]
        return found[0] if found else None

    def cases(self) -> list[str]:
        """The cases, in their order."""
        return list(dict.fromkeys(row.case for row in self.rows))


def make_report(suite: str, name: str, rows: Iterable[Row], *, arguments: Sequence[str]) -> Report:
    """A report on this machine; `arguments` are those behind `python -m benchmarks`."""
    return Report(
        suite=suite,
        name=name,
        command=shlex.join(["python", "-m", "benchmarks", *_told_elsewhere(arguments)]),
        machine=this_machine(),
        rows=list(rows),
    )


def _told_elsewhere(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments without what only this machine has: folders, and where the results go.

    >>> list(_told_elsewhere(["preprocessing", "--results", "here", "--input", "../data/reviews.parquet"]))
    ['preprocessing', '--input', 'reviews.parquet']
    >>> list(_told_elsewhere(["preprocessing", "--input=/data/reviews.parquet"]))
    ['preprocessing', '--input=reviews.parquet']
    """
    left = iter(arguments)
    for argument in left:
        if argument == "--results":
            next(left)
        elif not argument.startswith("--results="):
            option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
            yield f"{option}{equals}{os.path.basename(value)}"


def save(report: Report, folder: Path) -> Path:
    """Writes <suite>-<name>.json, over an older one of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    slug = re.sub(r"[^a-z0-9]+", "-", f"{report.suite}-{report.name}".lower()).strip("-")
    path = folder / f"{slug}.json"
    path.write_text(report.model_dump_json(indent=1) + "\n")
    return path


def load(folder: Path) -> list[Report]:
    """All reports of a folder, by file name."""
    return [Report.model_validate_json(path.read_text()) for path in sorted(folder.glob("*.json"))]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def this_machine() -> Machine:
    """This one."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return Machine(
        cores=cores(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        processor=names[0] if names else platform.processor() or platform.machine(),
        python=sys.version.partition(" ")[0],
        versions={name: importlib.metadata.version(name) for name in _VERSIONS},
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if os.path.exists(path) else []

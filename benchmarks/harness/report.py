"""The figures of a suite <-> a small JSON file below benchmarks/results, from which all tables are made.

A row is one subject (we, or a peer) on one case (an input). Its values are lists with a number for each repeat. The
name of a value ends in its unit (seconds, cpu_seconds, peak_bytes, examples_per_second).
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
    """The machine: cores that this process may use, bytes of memory, name of the processor, versions."""

    cores: int
    memory_bytes: int
    processor: str
    python: str
    versions: dict[str, str]


class Row(_Model):
    """One subject on one case. facts: values that were counted or checked; failure: why there are no figures."""

    case: str
    subject: str
    values: dict[str, list[float]] = {}
    facts: dict[str, float | str | bool] = {}
    failure: str | None = None

    def median(self, name: str) -> float:
        """The median of a value's repeats."""
        return statistics.median(self.values[name])


class Report(_Model):
    """One call of a suite: the command that repeats it, the machine, and the rows."""

    suite: str
    name: str
    command: str
    machine: Machine
    rows: list[Row]

    def row(self, case: str, subject: str) -> Row | None:
        """The row of a case and a subject, if it has figures."""
        rows = [row for row in self.rows if (row.case, row.subject) == (case, subject) and row.failure is None]
        return rows[0] if rows else None

    def cases(self) -> list[str]:
        """The cases, in their order."""
        return list(dict.fromkeys(row.case for row in self.rows))


def make_report(suite: str, name: str, rows: Iterable[Row], *, arguments: Sequence[str]) -> Report:
    """A report on this machine. arguments: those after `python -m benchmarks`."""
    return Report(
        suite=suite,
        name=name,
        command=shlex.join(["python", "-m", "benchmarks", *_without_places(arguments)]),
        machine=this_machine(),
        rows=list(rows),
    )


def _without_places(arguments: Sequence[str]) -> Iterator[str]:
    """The arguments without what only this machine has: folders of files, and --results.

    >>> list(_without_places(["preprocessing", "--results", "here", "--input", "../data/reviews.parquet"]))
    ['preprocessing', '--input', 'reviews.parquet']
    >>> list(_without_places(["preprocessing", "--input=/data/reviews.parquet"]))
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
    """Writes <suite>-<name>.json; replaces an older one. Returns its path."""
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
    """The machine of this process."""
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

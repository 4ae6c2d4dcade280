"""The job with 1, 2, 4 and 8 workers on one core, one worker after the other: its time if each had a core of its own.

Beam's in-process runner divides the work as it always does. Only a stage's workers run in turn (in_turn.py), and their
CPU seconds are taken. So a time with eight workers can be told on a machine with two cores, and also while others use
it: CPU seconds, not seconds. What no worker can take over is told by part: imports, graphs, the last step. The real
command with as many threads as cores shows how far the times can be trusted.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.harness.processes import ROOT, Measurement, measure_process
from benchmarks.harness.report import OURS, Report, Row, cores, make_report
from benchmarks.preprocessing.inputs import Input, sample_input
from benchmarks.scale import tables
from benchmarks.scale.amdahl import Job, Stage
from benchmarks.scale.in_turn import Measured, MeasuredStage
from benchmarks.scale.tables import REAL

_ROWS, _SHORT_ROWS = 1_000_000, 300
_WORKERS, _SHORT_WORKERS = (1, 2, 4, 8), (1, 2)

markdown = tables.markdown


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this suite."""
    parser.add_argument("--rows", type=int, default=_ROWS, metavar="N", help="of the built-in corpus, 490 bytes each")
    parser.add_argument("--workers", type=int, nargs="+", default=_WORKERS, metavar="N", help="numbers of workers")
    parser.add_argument("--no-real", action="store_true", help="no run of the command as it is")
    parser.add_argument("--limit", type=float, default=3600, metavar="SECONDS", help="for one run")


def measure(options: argparse.Namespace, *, arguments: Sequence[str]) -> Iterator[Report]:
    """One report of one input."""
    numbers = sorted(set(_SHORT_WORKERS if options.short else options.workers))
    real = [] if options.no_real or options.short else [number for number in numbers if number <= cores()]
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        given = sample_input(_SHORT_ROWS if options.short else options.rows, Path(folder), joined=1)
        runs = _Runs(given, Path(folder), limit=options.limit)
        measured = {number: runs.in_turn(number) for number in numbers}
        rows = [_row(job, given) for job in jobs(measured)]
        rows += [_real_row(number, runs.real(number), given) for number in real]
        yield make_report("scale", given.name, rows, arguments=arguments)


class _Runs:
    """Runs of the command on an input."""

    def __init__(self, given: Input, folder: Path, *, limit: float) -> None:
        self._given = given
        self._folder = folder
        self._limit = limit

    def in_turn(self, workers: int) -> Measured:
        """A run whose workers work one after the other."""
        result = self._folder / f"{workers}.json"
        self._run(["-m", "benchmarks.scale.in_turn", str(result), *self._arguments(workers)])
        return Measured.model_validate_json(result.read_bytes())

    def real(self, workers: int) -> Measurement:
        """A run of the command as it is, with threads."""
        return self._run(["-m", "pipeline", *self._arguments(workers)])

    def _arguments(self, workers: int) -> list[str]:
        settings = {"input.path": self._given.path, "output.path": self._folder / "records", "split.column": "split"}
        chosen = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
        return ["run", *chosen, "--overwrite", f"--direct_num_workers={workers}"]

    def _run(self, arguments: Sequence[str]) -> Measurement:
        print(f"{self._given.name}: {arguments[-1]}", file=sys.stderr, flush=True)
        return measure_process(
            [sys.executable, *arguments],
            log=self._folder / "log",
            limit=self._limit,
            folder=self._folder,  # where no pipeline.yaml is
            environment={"PYTHONPATH": str(ROOT)},
        )


def jobs(measured: dict[int, Measured]) -> list[Job]:
    """Runs by their number of workers -> jobs. The run with the most workers tells which stages are divided."""
    most = measured[max(measured)]
    divided = {stage.name for stage in most.stages if len(stage.busy) > 1}
    return [Job(number, run.alone, _stages(run.stages, divided)) for number, run in measured.items()]


def _stages(stages: Iterable[MeasuredStage], divided: set[str]) -> list[Stage]:
    return [
        Stage(
            tables.stage_name(stage.name, stage.steps),
            is_divided=stage.name in divided,
            busy=stage.busy,
            idle=stage.idle,
            runner=stage.runner,
        )
        for stage in stages
    ]


def _row(job: Job, given: Input) -> Row:
    values = {
        "seconds": [job.seconds],
        "serial_seconds": [job.serial],
        "parallel_cpu_seconds": [job.parallel],
        "waiting_seconds": [job.waiting],
    }
    for part, seconds in tables.serial_parts(job).items():
        values[f"serial: {part}/seconds"] = [seconds]
    for stage in job.stages:
        if stage.is_divided:
            values.setdefault(f"divided: {stage.name}/cpu_seconds", []).extend(stage.busy)
    return Row(case=str(job.workers), subject=OURS, values=values, facts=_facts(given))


def _real_row(workers: int, run: Measurement, given: Input) -> Row:
    values = {"seconds": [run.seconds], "cpu_seconds": [run.cpu_seconds], "peak_bytes": [float(run.peak_bytes)]}
    return Row(case=str(workers), subject=REAL, values=values, facts=_facts(given))


def _facts(given: Input) -> dict[str, float | str | bool]:
    return {"rows": given.rows, "text_bytes": given.text_bytes}

"""What a MB of text, a text, a word and a file cost: the constants from which docs/explanation/scale.md is computed.

Each figure is CPU seconds, bytes or memory, so it counts also while others use the machine. Jobs run in one process,
with one worker, as on this machine and as on remote workers, in turn. Each other part has a process of its own, because
its peak of memory is told.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.constants import tables
from benchmarks.harness.processes import ROOT, ends_with_parent
from benchmarks.harness.report import OURS, Report, Row, make_report
from benchmarks.preprocessing.inputs import Input, given_input, sample_input

_ROWS, _SHORT_ROWS, _FEW = 25_000, 200, 10
# Three buckets of words: more take no more memory.
_WORDS, _FILES, _RECORDS = 6_000_000, 1_000_000, 200_000
_SHORT_WORDS, _SHORT_FILES, _SHORT_RECORDS = 1_000, 3_000, 1_000

# What support/process.py sets for the job's processes, so that memory is what it is there.
_AS_THE_PRODUCT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"}

markdown = tables.markdown


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this suite."""
    parser.add_argument("--rows", type=int, metavar="N", help="of the built-in corpus (default 25,000), or of --input")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="of the whole jobs")
    parser.add_argument("--input", type=Path, nargs="+", metavar="FILE", help="Parquet with text and label (integer)")


def measure(options: argparse.Namespace, *, arguments: Sequence[str]) -> Iterator[Report]:
    """One report."""
    short = options.short
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        whole, few = _input(options, Path(folder)), sample_input(_FEW, Path(folder))
        figures: dict[str, float] = {"job_texts": whole.rows, "job_text_bytes": whole.text_bytes}
        jobs = _jobs(few, whole, Path(folder), repeats=1 if short else options.repeats)
        for part in (
            ["start"],
            ["words", "--distinct", str(_SHORT_WORDS if short else _WORDS), "--top_words", "5000"],
            ["files", "--files", str(_SHORT_FILES if short else _FILES)],
            ["blocks", "--input", str(whole.path)],
            ["shard", "--records", str(_SHORT_RECORDS if short else _RECORDS)],
        ):
            figures |= json.loads(_run("benchmarks.constants.parts", part, folder=Path(folder)))
        row = Row(case=whole.name, subject=OURS, values={name: [value] for name, value in figures.items()} | jobs)
        yield make_report("constants", whole.name, [row], arguments=arguments)


def _input(options: argparse.Namespace, folder: Path) -> Input:
    rows = _SHORT_ROWS if options.short else options.rows
    if options.input:
        return given_input(options.input, folder, rows=rows)
    return sample_input(_ROWS if rows is None else rows, folder)


def _jobs(few: Input, whole: Input, folder: Path, *, repeats: int) -> dict[str, list[float]]:
    result = folder / "whole_job.json"
    _run("benchmarks.constants.whole_job", [str(result), str(few.path), str(whole.path), str(repeats)], folder=folder)
    found: dict[str, list[float]] = json.loads(result.read_bytes())
    return found


def _run(module: str, arguments: Sequence[str], *, folder: Path) -> str:
    print(f"{module}: {arguments[0]}", file=sys.stderr, flush=True)
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **_AS_THE_PRODUCT, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        preexec_fn=ends_with_parent(),
    )
    if done.returncode:
        sys.exit(f"{module} {' '.join(arguments)}: exit status {done.returncode}")
    return done.stdout

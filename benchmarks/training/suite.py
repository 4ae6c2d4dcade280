"""Training: the input pipeline alone, and an epoch with and without bucketing, against plain `model.fit`.

All learn from the same records with the same optimizer, schedule and batch size, each in a process of its own, in turn.
--seeds N trains N times, each with its own seed, to see whether the accuracy is the same.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness.processes import ROOT, ends_with_parent
from benchmarks.harness.report import OURS, Report, Row, make_report
from benchmarks.preprocessing.inputs import Input, given_input, sample_input
from benchmarks.training import tables
from benchmarks.training.tables import EPOCHS, FEEDING

_SHORT_ROWS, _SHORT_LENGTH = 60, 20

markdown = tables.markdown


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this suite."""
    parser.add_argument("--rows", type=int, metavar="N", help="of the built-in corpus (default 20,000), or of --input")
    parser.add_argument("--input", type=Path, nargs="+", metavar="FILE", help="Parquet with text and label (0 or 1)")
    parser.add_argument("--epochs", type=int, default=1, metavar="N", help="in each training")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="trainings of each, with seeds from 0 on")
    parser.add_argument("--only-feeding", action="store_true", help="the input pipeline alone")


def measure(options: argparse.Namespace, *, arguments: Sequence[str]) -> Iterator[Report]:
    """A report of one input."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        given = _input(options, Path(folder))
        records = Path(folder) / "records"
        settings = ["--input.path", str(given.path), "--output.path", str(records), "--split.column", "split"]
        if options.short:
            settings += ["--sequence.max_length", str(_SHORT_LENGTH)]
        _run([sys.executable, "-m", "pipeline", "run", *settings], folder=Path(folder))
        facts = _facts(records)
        rows = list(_feeding(records, facts=facts))
        if not options.only_feeding:
            rows.append(_weights(records, facts=facts))
            rows += _epochs(records, epochs=options.epochs, seeds=options.seeds, facts=facts)
        yield make_report("training", given.name, rows, arguments=arguments)


def _input(options: argparse.Namespace, folder: Path) -> Input:
    rows = _SHORT_ROWS if options.short else options.rows
    if options.input:
        return given_input(options.input, folder, rows=rows)
    return sample_input(20_000 if rows is None else rows, folder)


def _facts(records: Path) -> dict[str, float | str | bool]:
    manifest = json.loads((records / "manifest.json").read_bytes())
    return {"rows": manifest["splits"]["train"]["rows"], "length": manifest["config"]["sequence"]["max_length"]}


def _feeding(records: Path, *, facts: dict[str, float | str | bool]) -> Iterator[Row]:
    figures = _learn("feeding", records, seed=0, epochs=1)
    for subject, way in FEEDING.items():
        values = {name: figures[way][name] for name in ("seconds", "cpu_seconds")}
        yield Row(case="feeding", subject=subject, values=values, facts=facts)


def _weights(records: Path, *, facts: dict[str, float | str | bool]) -> Row:
    figures = _learn("weights", records, seed=0, epochs=1)
    values = {name: figures[name] for name in ("plain_seconds", "weighted_seconds")}
    return Row(case="weights", subject=OURS, values=values, facts=facts)


def _epochs(records: Path, *, epochs: int, seeds: int, facts: dict[str, float | str | bool]) -> Iterator[Row]:
    values: dict[str, dict[str, list[float]]] = {subject: {} for subject in EPOCHS}
    for seed in range(seeds):
        for subject, way in EPOCHS.items():
            print(f"training: {subject}, seed {seed}", file=sys.stderr, flush=True)
            for name, value in _learn(way, records, seed=seed, epochs=epochs).items():
                values[subject].setdefault(name, []).extend(value if isinstance(value, list) else [value])
    for subject in EPOCHS:
        yield Row(case="epochs", subject=subject, values=values[subject], facts=facts)


def _learn(way: str, records: Path, *, seed: int, epochs: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.training.train_process", way, str(records), str(seed), str(epochs)]
    return json.loads(_run(command, folder=records.parent).splitlines()[-1])


def _run(command: Sequence[str], *, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
        preexec_fn=ends_with_parent(),
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout

"""Exported models that answer requests: ours, and the same weights exported as TFX does it, on the same requests.

Latency is the time of a call of the loaded signature with serialized tf.Examples, both models in turn in one process.
There is a figure only if their scores are equal to 1e-6. A fresh process measures the time to load a model, to answer
the first request, and to answer a text of 10 MB, with vocabularies of several sizes. Weights are random, because the
time does not depend on them. Words are drawn from the vocabulary.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.harness.interleaved_timing import time_interleaved
from benchmarks.harness.processes import ROOT, ends_with_parent
from benchmarks.harness.report import OURS, Report, Row, make_report
from benchmarks.serving import exported, tables
from benchmarks.serving.cold_start import LONG_BYTES

THEIRS = "TFX-way export"
TEXTS, WORDS = (1, 8, 64), (20, 230, 5000)

_VOCABULARIES = (5_000, 100_000, 1_000_000)
_MAX_LENGTH = 500
# Requests of a case by texts in each. Of 300 the third slowest is the p99; 300 of 64 texts would take minutes.
_REQUESTS = {1: 300, 8: 150, 64: 40}
_PROCESSES = 3
_SHORT_BYTES = 100_000  # of the long text
_TOLERANCE = 1e-6

markdown = tables.markdown


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this suite."""
    parser.add_argument("--vocabularies", type=int, nargs="+", default=_VOCABULARIES, metavar="N", help="words in each")
    parser.add_argument("--only-latency", action="store_true", help="with the first of the vocabularies")


def measure(options: argparse.Namespace, *, arguments: Sequence[str]) -> Iterator[Report]:
    """A report of the latency with the first vocabulary, and one of loading with all of them."""
    sizes = (50,) if options.short else tuple(options.vocabularies)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        models = {size: _exported(size, Path(folder) / str(size)) for size in sizes}
        latency = _latency(models[sizes[0]], short=options.short)
        yield make_report("serving", "latency", latency, arguments=arguments)
        if not options.only_latency:
            repeats, size = (1, _SHORT_BYTES) if options.short else (_PROCESSES, LONG_BYTES)
            loading = _loading(models, repeats=repeats, long_bytes=size)
            yield make_report("serving", "loading", loading, arguments=arguments)


def _exported(size: int, folder: Path) -> dict[str, Path]:
    """The exported folder of each subject, with a vocabulary of `size` words."""
    folder.mkdir()
    tokens = folder / "tokens.txt"
    tokens.write_text("".join(f"word{number}\n" for number in range(size)))
    rows = folder / "rows.csv"
    rows.write_text("text,label\n" + "".join(f"word{row} word1 word2,{row % 2}\n" for row in range(40)))
    settings = {
        "input.path": rows,
        "output.path": folder / "records",
        "vocabulary.from": tokens,
        "sequence.max_length": _MAX_LENGTH,
    }
    options = [text for name, value in settings.items() for text in (f"--{name}", str(value))]
    run = [sys.executable, "-m", "pipeline", "run", *options]
    _call(run, folder=folder)
    models = {OURS: folder / "ours", THEIRS: folder / "theirs"}
    export = [sys.executable, "-m", "benchmarks.serving.exports", str(folder / "records"), *map(str, models.values())]
    _call(export, folder=folder)
    return models


def _call(command: Sequence[str], *, folder: Path | None = None) -> str:
    """Runs a command in a folder; returns what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        preexec_fn=ends_with_parent(),
    ).stdout


def _latency(models: dict[str, Path], *, short: bool) -> Iterator[Row]:
    # Late: `table` and --help need no TensorFlow.
    from benchmarks.serving import requests

    subjects = {name: requests.open_model(folder) for name, folder in models.items()}
    words = exported.words(models[OURS])
    for count in (1, 17) if short else TEXTS:
        for length in (20,) if short else WORDS:
            request = requests.request(words, texts=count, length=length)
            calls = {name: requests.call(model, request) for name, model in subjects.items()}
            repeats = 2 if short else _REQUESTS[count]
            print(f"serving: {count} x {length} words", file=sys.stderr, flush=True)
            times, scores = time_interleaved(calls, warm_up=1 if short else 5, repeats=repeats)
            largest = float(np.abs(scores[OURS] - scores[THEIRS]).max())
            for name in subjects:
                case = f"{count} x {length} words"
                facts = {"texts": count, "words": length, "largest_difference": largest}
                failure = None if largest <= _TOLERANCE else f"scores differ by {largest:.2g}"
                yield Row(case=case, subject=name, values={"seconds": times[name]}, facts=facts, failure=failure)


def _loading(models: dict[int, dict[str, Path]], *, repeats: int, long_bytes: int) -> Iterator[Row]:
    for size, folders in models.items():
        values: dict[str, dict[str, list[float]]] = {name: {} for name in folders}
        for _ in range(repeats):
            for name, folder in folders.items():
                print(f"serving: loading {name}, {size:,} words", file=sys.stderr, flush=True)
                command = [sys.executable, "-m", "benchmarks.serving.cold_start", str(folder), str(long_bytes)]
                for key, value in json.loads(_call(command)).items():
                    values[name].setdefault(key, []).append(value)
        for name, folder in folders.items():
            size_on_disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            facts = {"words": size, "bytes": size_on_disk}
            yield Row(case=f"{size:,} words in the vocabulary", subject=name, values=values[name], facts=facts)

"""Raw Parquet -> padded TFRecords and a vocabulary: whole processes, us and the peers in turn on the same files.

Each repeat runs every competitor on the input and on ten rows of it. The time for ten rows is the start-up: everything
but the rows. The output of each is read again. There is a figure only if it has as many records as rows, the words that
every competitor must have, and for Keras's Tokenizer the same ids as ours.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.harness.processes import ROOT, Measurement, ProcessError, measure_process
from benchmarks.harness.report import Report, Row, make_report
from benchmarks.harness.timeline import Part, Watch, marked_parts
from benchmarks.peers.rule import MARKS
from benchmarks.preprocessing import tables
from benchmarks.preprocessing.competitors import COMPETITORS, Competitor, command
from benchmarks.preprocessing.inputs import Input, given_input, sample_input

START_ROWS = 10
_SHORT_ROWS = 300
_SHORT_PEERS = ("plain_tft", "keras_tokenizer")
# The rules are equal, except that TFT and TextVectorization split at all white space, not only at spaces.
_LEAST_SHARED_WORDS = 0.99

markdown = tables.markdown


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this suite."""
    parser.add_argument(
        "--rows", type=int, metavar="N", help="of the built-in corpus (default: 100,000), or of --input"
    )
    parser.add_argument("--input", type=Path, nargs="+", metavar="FILE", help="Parquet with text and label (integer)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--only-ours", action="store_true", help="no peers")
    parser.add_argument(
        "--peers", nargs="+", metavar="NAME", help=f"only these: {', '.join(str(c.module) for c in COMPETITORS[1:])}"
    )
    parser.add_argument("--limit", type=float, default=1800, metavar="SECONDS", help="for one run of a competitor")


def measure(options: argparse.Namespace, *, arguments: Sequence[str]) -> Iterator[Report]:
    """One report of one input."""
    competitors = _chosen(options)
    repeats = 1 if options.short else options.repeats
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        given = _input(options, Path(folder))
        few = _few(options, Path(folder))
        rounds = _Rounds(competitors, Path(folder), limit=options.limit)
        if not options.short:
            rounds.run(few, warm_up=True)
        for number in range(repeats):
            print(f"{given.name}: round {number + 1} of {repeats}", file=sys.stderr, flush=True)
            rounds.run(few, only_ours=options.short)
            rounds.run(given)
        yield make_report("preprocessing", given.name, rounds.rows([few, given]), arguments=arguments)


def _chosen(options: argparse.Namespace) -> list[Competitor]:
    names = _SHORT_PEERS if options.short and options.peers is None else options.peers
    if options.only_ours:
        names = ()
    modules = {competitor.module for competitor in COMPETITORS}
    for name in names or ():
        if name not in modules:
            sys.exit(f"--peers: there is no {name}")
    return [c for c in COMPETITORS if c.module is None or names is None or c.module in names]


def _input(options: argparse.Namespace, folder: Path) -> Input:
    rows = _SHORT_ROWS if options.short else options.rows
    if options.input:
        return given_input(options.input, folder, rows=rows)
    return sample_input(100_000 if rows is None else rows, folder)


def _few(options: argparse.Namespace, folder: Path) -> Input:
    if options.input:
        return given_input(options.input, folder, rows=START_ROWS)
    return sample_input(START_ROWS, folder)


class _Rounds:
    """Runs of all competitors, and their figures. One that fails once does not run again."""

    def __init__(self, competitors: Sequence[Competitor], folder: Path, *, limit: float) -> None:
        self._competitors = competitors
        self._folder = folder
        self._limit = limit
        self._values: dict[tuple[str, str], dict[str, list[float]]] = {}
        self._facts: dict[tuple[str, str], dict[str, float | str | bool]] = {}
        self._failures: dict[str, str] = {}

    def run(self, given: Input, *, warm_up: bool = False, only_ours: bool = False) -> None:
        """One run of each on an input. Ours is first: the output of the others is compared with it."""
        output = self._folder / "ours"
        for competitor in self._competitors:
            if competitor.name in self._failures or (only_ours and competitor.module is not None):
                continue
            theirs = self._folder / "theirs"
            try:
                self._one(competitor, given, output if competitor.module is None else theirs, output, keep=not warm_up)
            except (ProcessError, subprocess.CalledProcessError) as error:
                self._failures[competitor.name] = str(error)
                print(f"{competitor.name}: {error}", file=sys.stderr, flush=True)
            finally:
                shutil.rmtree(theirs, ignore_errors=True)
        shutil.rmtree(output, ignore_errors=True)

    def _one(self, competitor: Competitor, given: Input, output: Path, ours: Path, *, keep: bool) -> None:
        measured, parts = self._measured(competitor, given, output)
        if not keep:
            return
        facts = _checked(competitor, given, output, ours=ours)
        key = given.name, competitor.name
        self._facts[key] = {"rows": given.rows, "text_bytes": given.text_bytes, **facts}
        values = self._values.setdefault(key, {})
        for name, value in _values(measured, parts).items():
            values.setdefault(name, []).append(value)

    def _measured(self, competitor: Competitor, given: Input, output: Path) -> tuple[Measurement, list[Part]]:
        temporary = self._folder / "temporary"
        temporary.mkdir()
        marks = self._folder / "marks"
        marks.unlink(missing_ok=True)
        watch = Watch(temporary, output) if competitor.module is None else None
        try:
            measured = measure_process(
                command(competitor, given.path, output),
                log=self._folder / "log",
                limit=self._limit,
                folder=self._folder,  # where no pipeline.yaml is
                environment={"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), MARKS: str(marks)},
                watch=None if watch is None else watch.look,
            )
        finally:
            shutil.rmtree(temporary)
        return measured, marked_parts(marks, measured) if watch is None else watch.parts(measured)

    def rows(self, inputs: Sequence[Input]) -> Iterator[Row]:
        """A row for each input and competitor."""
        for given in inputs:
            for competitor in self._competitors:
                key = given.name, competitor.name
                failure = self._failures.get(competitor.name)
                if failure is not None or key in self._values:
                    values, facts = self._values.get(key, {}), self._facts.get(key, {})
                    yield Row(case=given.name, subject=competitor.name, values=values, facts=facts, failure=failure)


def _values(measured: Measurement, parts: Sequence[Part]) -> dict[str, float]:
    values = {
        "seconds": measured.seconds,
        "cpu_seconds": measured.cpu_seconds,
        "peak_bytes": float(measured.peak_bytes),
    }
    for part in parts:
        values[f"{part.name}/seconds"] = part.end - part.begin
        values[f"{part.name}/cpu_seconds"] = measured.cpu_between(part.begin, part.end)
    return values


def _checked(competitor: Competitor, given: Input, output: Path, *, ours: Path) -> dict[str, float | str | bool]:
    """Compares the output of a competitor with the input and with ours.

    Raises:
      ProcessError: they differ, so the time means nothing.
    """
    # Late: `table`, --help and mistakes in the options need no TensorFlow.
    from benchmarks.preprocessing import agreement

    own, vocabulary = agreement.read_ours(ours)
    written = own if competitor.module is None else agreement.read_peer(output, competitor.vocabulary)
    if len(written.records) != given.rows:
        raise ProcessError(f"wrote {len(written.records)} records of {given.rows} rows; its time means nothing")
    if competitor.module is None:
        return {"words": len(own.words)}
    shared = vocabulary.shared(written.words)
    equal = agreement.equal_records(own, written)
    if shared < _LEAST_SHARED_WORDS:
        raise ProcessError(f"has {shared:.1%} of the words that every competitor must have; its time means nothing")
    if competitor.same_ids and (equal < 1 or written.words != own.words):
        raise ProcessError(f"only {equal:.2%} of its records are ours; its time means nothing")
    return {"words": len(written.words), "shared_words": shared, "equal_records": equal}

"""One job in four ways, in turn on the same file: tokens on this machine, as for workers elsewhere, a cache of counts.

Each repeat runs every way on the input and on ten rows of it. The difference is what the texts cost. All ways must
write the same records.
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.harness.markdown_tables import origin, spread, table
from benchmarks.harness.processes import ROOT, ProcessError, measure_process
from benchmarks.harness.report import Report, Row, make_report
from benchmarks.preprocessing.inputs import Input, given_input, sample_input
from benchmarks.ways.one_way import FULL_CACHE, LOCAL, WAYS

START_ROWS = 10
_SHORT_ROWS = 300
# How much more CPU a MB of text may take than on this machine.
_MOST = 1.2


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this suite."""
    parser.add_argument(
        "--rows", type=int, metavar="N", help="of the built-in corpus (default: 100,000), or of --input"
    )
    parser.add_argument("--input", type=Path, nargs="+", metavar="FILE", help="Parquet with text and label (integer)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--limit", type=float, default=1800, metavar="SECONDS", help="for one run")


def measure(options: argparse.Namespace, *, arguments: Sequence[str]) -> Iterator[Report]:
    """One report of one input."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        folder = Path(name)
        few, given = (_input(options, folder, rows=rows) for rows in (START_ROWS, None))
        values: dict[tuple[str, str], dict[str, list[float]]] = {}
        for number in range(1 if options.short else options.repeats):
            print(f"{given.name}: round {number + 1}", file=sys.stderr, flush=True)
            for part in (few, given):
                for way in WAYS:
                    _add(values.setdefault((part.name, way), {}), way, part, folder, limit=options.limit)
                _compare(folder)
        facts = {part.name: {"rows": part.rows, "text_bytes": part.text_bytes} for part in (few, given)}
        rows = [Row(case=case, subject=way, values=found, facts=facts[case]) for (case, way), found in values.items()]
        yield make_report("ways", given.name, rows, arguments=arguments)


def _input(options: argparse.Namespace, folder: Path, *, rows: int | None) -> Input:
    if rows is None:
        rows = _SHORT_ROWS if options.short else options.rows
    if options.input:
        return given_input(options.input, folder, rows=rows)
    return sample_input(100_000 if rows is None else rows, folder)


def _add(values: dict[str, list[float]], way: str, given: Input, folder: Path, *, limit: float) -> None:
    """One run of one way. The full cache is what the fresh one left."""
    output = folder / "outputs" / way
    counts = folder / "outputs" / f"{FULL_CACHE}.counts"
    shutil.rmtree(output, ignore_errors=True)
    if way == FULL_CACHE:
        (folder / "outputs" / "fresh cache.counts").rename(counts)
    measured = measure_process(
        [sys.executable, "-m", "benchmarks.ways.one_way", way, str(given.path), str(output)],
        log=folder / "log",
        limit=limit,
        folder=folder,
        environment={"PYTHONPATH": str(ROOT)},
    )
    shutil.rmtree(counts, ignore_errors=True)
    values.setdefault("seconds", []).append(measured.seconds)
    values.setdefault("cpu_seconds", []).append(measured.cpu_seconds)
    values.setdefault("peak_bytes", []).append(float(measured.peak_bytes))


def _compare(folder: Path) -> None:
    """Compares the records and vocabularies of all ways.

    Raises:
      ProcessError: they differ, so the times mean nothing.
    """
    sums = set()
    for way in WAYS:
        output = folder / "outputs" / way
        files = [output / "vocabulary.tsv", *sorted((output / "records").iterdir())]
        sums.add(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest())
    if len(sums) > 1:
        raise ProcessError("the ways write different records; their times mean nothing")


def markdown(reports: Sequence[Report]) -> str:
    """A table for each input."""
    return "\n\n".join(part for report in reports for part in (f"### {report.name}", _table(report), origin(report)))


def _table(report: Report) -> str:
    _, whole = report.cases()
    lines = []
    for way in WAYS:
        row = report.row(whole, way)
        if row is not None:
            cost = _cpu_of_text(report, way)
            ratio = cost / _cpu_of_text(report, LOCAL)
            lines.append(
                [
                    way,
                    spread(row.values["seconds"]),
                    spread(row.values["cpu_seconds"]),
                    f"{cost * 1e9:.1f}",
                    f"{ratio:.2f}" if way == LOCAL else f"{ratio:.2f}, wanted at most {_MOST}",
                    spread(row.values["peak_bytes"], digits=0, scale=1e-6),
                ]
            )
    header = ["way", "whole, s", "CPU, s", "CPU a MB of text, ms", "x local", "peak RSS, MB"]
    return table(header, lines)


def _cpu_of_text(report: Report, way: str) -> float:
    """CPU seconds for each byte of text, without the start-up, which ten rows take as well."""
    few, whole = (report.row(case, way) for case in report.cases())
    if few is None or whole is None:
        return float("nan")
    texts = float(whole.facts["text_bytes"]) - float(few.facts["text_bytes"])
    return (whole.median("cpu_seconds") - few.median("cpu_seconds")) / texts

"""Reports of serving -> Markdown: aims and whether they are reached, latency, loading."""

import statistics
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.harness.markdown_tables import origin, spread, table
from benchmarks.harness.report import OURS, Report, Row

# The aims for single texts by their words, as a factor against the TFX-way export. Everything else: not slower.
_AIMS = {20: 8.0, 230: 6.0}


def markdown(reports: Sequence[Report]) -> str:
    """The tables of all reports."""
    blocks = []
    for report in sorted(reports, key=lambda report: report.name != "latency"):
        if report.name == "latency":
            blocks += [_aims(report), _latency(report), origin(report)]
        else:
            blocks += [_loading(report), origin(report)]
    return "\n\n".join(blocks)


def _pairs(report: Report) -> Iterator[tuple[Row, Row]]:
    """Our row and theirs of each case for which both have figures."""
    (theirs,) = {row.subject for row in report.rows} - {OURS}
    for case in report.cases():
        pair = report.row(case, OURS), report.row(case, theirs)
        if pair[0] is not None and pair[1] is not None:
            yield pair[0], pair[1]


def _ratio(ours: Row, theirs: Row) -> float:
    return theirs.median("seconds") / ours.median("seconds")


def _aims(report: Report) -> str:
    lines = []
    for ours, theirs in _pairs(report):
        wanted = _AIMS.get(int(ours.facts["words"]), 1.0) if ours.facts["texts"] == 1 else 1.0
        ratio = _ratio(ours, theirs)
        lines.append([ours.case, f"{wanted:.0f}x", f"{ratio:.1f}x", "yes" if ratio >= wanted else "no"])
    return table(["aim: faster than the TFX-way export", "wanted", "measured", "reached"], lines)


def _latency(report: Report) -> str:
    lines = [
        [
            f"{row.case}, {row.subject}",
            _milliseconds(row.values["seconds"], 50),
            _milliseconds(row.values["seconds"], 99),
        ]
        if row.failure is None
        else [f"{row.case}, {row.subject}", row.failure, ""]
        for row in report.rows
    ]
    return table(["a request of", "median, ms", "p99, ms"], lines)


def _milliseconds(seconds: Sequence[float], percentile: float) -> str:
    return f"{float(np.percentile(seconds, percentile)) * 1000:,.2f}"


def _loading(report: Report) -> str:
    header = ["", "files, MB", "load, s", "first answer, s", "10 MB text, ms", "its memory, MB", "look-ups, M words/s"]
    lines = []
    for row in report.rows:
        speed = row.values.get("words_per_second")
        lines.append(
            [
                f"{row.case}, {row.subject}",
                f"{float(row.facts['bytes']) / 1e6:,.1f}",
                spread(row.values["load_seconds"], digits=2),
                spread(row.values["first_seconds"], digits=2),
                spread(row.values["long_seconds"], digits=0, scale=1e3),
                spread(row.values["long_bytes"], digits=0, scale=1e-6),
                f"{statistics.median(speed) / 1e6:.1f}" if speed else "",
            ]
        )
    return table(header, lines)

"""Reports of training -> Markdown: aims and whether they are reached, the input pipeline, epochs."""

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.harness.markdown_tables import origin, spread, table
from benchmarks.harness.report import OURS, Report, Row

# The subjects by their names in tables -> the WAY of `benchmarks.training.train_process`.
PLAIN_FIT = "plain model.fit, padded arrays"
FEEDING = {
    OURS: "bucketed",
    "parse_single_example a row": "rows",
    "bucket_by_sequence_length": "bucket_by_sequence_length",
}
EPOCHS = {OURS: "bucketed", f"{OURS}, not bucketed": "padded", PLAIN_FIT: "fit"}

_AIM_EXAMPLES = 60_000  # a second from the input pipeline, so that a GPU never waits
_AIM_WEIGHTS = 0.03  # at most, of rows and labels
_AIM_FACTOR = 2.3  # an epoch against plain model.fit


def markdown(reports: Sequence[Report]) -> str:
    """The tables of all reports."""
    blocks = []
    for report in reports:
        epochs = [_epochs(report)] if report.row("epochs", OURS) else []
        blocks += [f"### {report.name}", _aims(report), _feeding(report), *epochs, origin(report)]
    return "\n\n".join(blocks)


def _rate(row: Row) -> float:
    return float(row.facts["rows"]) / row.median("seconds")


def _aims(report: Report) -> str:
    lines = []
    fed = report.row("feeding", OURS)
    if fed is not None:
        reached = "yes" if _rate(fed) >= _AIM_EXAMPLES else "no"
        lines.append(["examples/s of the input pipeline", f"{_AIM_EXAMPLES:,}", f"{_rate(fed):,.0f}", reached])
    ours, plain = report.row("epochs", OURS), report.row("epochs", PLAIN_FIT)
    if ours is not None and plain is not None:
        ratio = plain.median("epoch_seconds") / ours.median("epoch_seconds")
        reached = "yes" if ratio >= _AIM_FACTOR else "no"
        lines.append(["an epoch, faster than plain model.fit", f"{_AIM_FACTOR}x", f"{ratio:.1f}x", reached])
    weighed = report.row("weights", OURS)
    if weighed is not None:
        cost = min(weighed.values["weighted_seconds"]) / min(weighed.values["plain_seconds"]) - 1
        reached = "yes" if cost <= _AIM_WEIGHTS else "no"
        lines.append(["a step with weights, slower than without", f"{_AIM_WEIGHTS:.0%}", f"{cost:+.1%}", reached])
    return table(["aim", "wanted", "measured", "reached"], lines)


def _rows(report: Report, case: str) -> Iterator[Row]:
    return (row for row in report.rows if row.case == case)


def _feeding(report: Report) -> str:
    lines = [
        [
            row.subject,
            f"{_rate(row):,.0f}",
            f"{float(row.facts['rows']) / row.median('cpu_seconds'):,.0f}",
            spread(row.values["seconds"], digits=2),
        ]
        for row in _rows(report, "feeding")
    ]
    return table(["input pipeline alone", "examples/s", "a CPU second", "an epoch, s"], lines)


def _epochs(report: Report) -> str:
    lines = [
        [
            row.subject,
            spread(row.values["epoch_seconds"]),
            spread(row.values["import_seconds"]),
            spread(row.values["first_seconds"]),
            spread(row.values["accuracy"], digits=3),
            f"{statistics.fmean(row.values['accuracy']):.3f}",
        ]
        for row in _rows(report, "epochs")
    ]
    header = ["", "an epoch, s", "imports, s", "first two steps, s", "test accuracy", "its mean"]
    return table(header, lines)

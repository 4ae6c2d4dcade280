"""Reports of quality and ablation -> Markdown: a line a subject, accuracy first."""

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.harness.markdown_tables import origin, spread, table
from benchmarks.harness.report import Report, Row
from benchmarks.quality.runs import Figures, Runs, Subject

_HEADER = ("", "accuracy, mean", "each seed", "s", "CPU, s", "peak, MB", "size, MB", "an answer, ms")


def row_of(case: str, subject: Subject, runs: Runs, *, seeds: int) -> Row:
    """The figures of a subject's runs, with seeds from 0 on; those of deterministic ones once."""
    made = [runs.figures(subject, seed) for seed in range(seeds if subject.takes_seeds else 1)]
    failed = [figures.failure for figures in made if figures.failure is not None]
    if failed:
        return Row(case=case, subject=subject.name, failure=failed[0])
    names = [name for name in Figures.model_fields if name != "failure"]
    values = {name: [float(getattr(figures, name)) for figures in made] for name in names}
    return Row(case=case, subject=subject.name, values=values)


def markdown(reports: Sequence[Report], *, base: str | None = None) -> str:
    """The tables. base: the subject from which the gain of all others is counted."""
    return "\n\n".join(part for report in reports for part in _of_report(report, base=base))


def _of_report(report: Report, *, base: str | None) -> Iterator[str]:
    yield f"### {report.name}"
    rows = [row for row in report.rows if row.failure is None]
    of_base = next((_mean(row) for row in rows if row.subject == base), None)
    header = _HEADER if base is None else (_HEADER[0], _HEADER[1], "gain", *_HEADER[2:])
    yield table(header, [_cells(row, of_base=of_base, with_gain=base is not None) for row in rows])
    failed = [f"- {row.subject} gave nothing: {row.failure}" for row in report.rows if row.failure is not None]
    if failed:
        yield "\n".join(line.splitlines()[0] for line in failed)
    yield origin(report)


def _cells(row: Row, *, of_base: float | None, with_gain: bool) -> list[str]:
    values, seeds = row.values, [f"{value:.4f}" for value in row.values["accuracy"]]
    gain = "" if of_base is None else f"{_mean(row) - of_base:+.4f}"
    return [
        row.subject,
        f"{_mean(row):.4f}",
        *([gain] if with_gain else []),
        ", ".join(seeds),
        spread(values["seconds"], digits=0),
        spread(values["cpu_seconds"], digits=0),
        spread(values["peak_bytes"], digits=0, scale=1e-6),
        spread(values["size_bytes"], digits=1, scale=1e-6),
        spread(values["answer_seconds"], digits=1, scale=1e3),
    ]


def _mean(row: Row) -> float:
    return statistics.fmean(row.values["accuracy"])

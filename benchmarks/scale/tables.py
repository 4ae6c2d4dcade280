"""Reports of scale -> Markdown: the time by number of workers, what is serial, and which stages are divided."""

import statistics
from collections.abc import Iterator, Sequence

from benchmarks.harness.markdown_tables import origin, table
from benchmarks.harness.report import OURS, Report, Row
from benchmarks.scale.amdahl import Job, efficiency, serial_share

REAL = "the command as it is, threads"

# Seconds of work at 10^6 texts that no worker can take over.
_AIM_ROWS, _AIM_SECONDS = 1_000_000, 5.0
# The runner's name of a step -> a part of what is serial. The first that fits counts.
_PARTS = {
    "CreateSavedModel": "TFT's graphs saved",
    "ComputeDeferredMetadata": "TFT's graphs saved",
    "Finalize": "manifest, report, publishing",
}
_MERGES, _RUNNER = "merges and steps of one element", "the runner, before and after its workers"
_SERIAL, _DIVIDED = "serial: ", "divided: "


def stage_name(first: str, steps: Sequence[str]) -> str:
    """The name of a stage in the tables: the part of what is serial, or the steps of the job in it.

    >>> stage_name("Analyse/CreateSavedModel[tf_v2_only]/CreateSole", ["Analyse"])
    "TFT's graphs saved"
    >>> stage_name("Encode/ParDo(EncodeRecords)", ["Transform", "Encode"])
    'Transform, Encode'
    """
    for word, part in _PARTS.items():
        if word in first:
            return part
    return ", ".join(steps) or first


def serial_parts(job: Job) -> dict[str, float]:
    """The seconds that no worker can take over, by part, in the order of the job."""
    parts = dict(job.alone)
    end = parts.popitem() if parts else None
    for stage in job.stages:
        if not stage.is_divided:
            name = stage.name if stage.name in _PARTS.values() else _MERGES
            parts[name] = parts.get(name, 0.0) + stage.seconds - stage.runner
        parts[_RUNNER] = parts.get(_RUNNER, 0.0) + stage.runner
    return parts if end is None else {**parts, end[0]: end[1]}


def markdown(reports: Sequence[Report]) -> str:
    """The tables of each input, the smallest input first."""
    ordered = sorted(reports, key=lambda report: float(report.rows[0].facts["rows"]))
    return "\n\n".join(block for report in ordered for block in _blocks(report))


def _blocks(report: Report) -> Iterator[str]:
    rows = [row for row in report.rows if row.subject == OURS]
    serial = statistics.median(row.median("serial_seconds") for row in rows)
    parallel = rows[0].median("parallel_cpu_seconds")
    share = serial_share(serial, parallel)
    yield f"### {report.name}"
    if float(rows[0].facts["rows"]) >= _AIM_ROWS:
        reached = "yes" if serial <= _AIM_SECONDS else "no"
        line = ["CPU seconds that no worker can take over", f"at most {_AIM_SECONDS}", f"{serial:.1f}", reached]
        yield table(["aim", "wanted", "measured", "reached"], [line])
    yield table(
        ["workers", "time, s", "times faster", "of use", "serial, s", "divided, CPU s", "waiting, s", "real run, s"],
        [_line(row, rows[0], report) for row in rows],
    )
    yield (
        f"No worker can take over {serial:.1f} of {serial + parallel:.1f} CPU seconds, a share of {share:.1%}. So the "
        f"job can become {1 / share:.1f} times faster at most, by Amdahl's formula."
    )
    parts = [name for name in rows[-1].values if name.startswith(_SERIAL)]
    yield table(
        ["serial, CPU s, with workers:", *(row.case for row in rows)],
        [[_part(name), *(f"{_sum(row, name):.2f}" for row in rows)] for name in parts],
    )
    divided = [name for name in rows[-1].values if name.startswith(_DIVIDED)]
    yield table(
        [f"divided among {rows[-1].case}", "parts", "CPU s", "the slowest, s", "the mean, s"],
        [_divided(name, rows[-1]) for name in sorted(divided, key=lambda name: -_sum(rows[-1], name))],
    )
    yield origin(report)


def _part(name: str) -> str:
    return name.partition(": ")[2].rpartition("/")[0]


def _sum(row: Row, name: str) -> float:
    return sum(row.values.get(name, []))


def _line(row: Row, one: Row, report: Report) -> list[str]:
    seconds, workers = row.median("seconds"), int(row.case)
    real = report.row(row.case, REAL)
    return [
        row.case,
        f"{seconds:.1f}",
        f"{one.median('seconds') / seconds:.1f}" if one.case == "1" else "",
        f"{efficiency(one.median('seconds'), seconds, workers=workers):.0%}" if one.case == "1" else "",
        f"{row.median('serial_seconds'):.1f}",
        f"{row.median('parallel_cpu_seconds'):.1f}",
        f"{max(0.0, row.median('waiting_seconds')):.1f}",
        f"{real.median('seconds'):.1f} ({real.median('cpu_seconds'):.1f} of CPU)" if real else "",
    ]


def _divided(name: str, row: Row) -> list[str]:
    busy = row.values[name]
    mean = sum(busy) / int(row.case)
    return [_part(name), str(len(busy)), f"{sum(busy):.1f}", f"{max(busy):.2f}", f"{mean:.2f}"]

"""Reports of preprocessing -> Markdown: aims and whether they are reached, whole processes, stage by stage."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.harness.markdown_tables import origin, spread, table
from benchmarks.harness.report import OURS, Report, Row

PLAIN_TFT = "plain TFT, instance dicts"
TEXT_VECTORIZATION = "Keras TextVectorization"
_MEGABYTE = 1e6
# Below this many rows the start-up is most of the time, and there is no aim.
_LEAST_ROWS = 50_000


class Pair(NamedTuple):
    """The rows of one competitor: on the whole input, and on a few rows of it."""

    whole: Row
    few: Row

    @property
    def start(self) -> float:
        """Seconds for everything but the rows."""
        return self.few.median("seconds")

    @property
    def added(self) -> float:
        """Seconds for each further row."""
        rows = float(self.whole.facts["rows"]) - float(self.few.facts["rows"])
        return (self.whole.median("seconds") - self.start) / rows

    @property
    def text_bytes(self) -> float:
        """Bytes of the input's texts."""
        return float(self.whole.facts["text_bytes"])


def pair(report: Report, subject: str) -> Pair | None:
    """The figures of a competitor, if it has any."""
    few, whole = (report.row(case, subject) for case in _cases(report))
    return Pair(whole, few) if whole and few else None


def markdown(reports: Sequence[Report]) -> str:
    """The table of aims, then the tables of each input, the smallest input first."""
    ordered = sorted(reports, key=lambda report: float(report.rows[-1].facts.get("rows", 0)))
    aims = list(_aims([report for report in ordered if float(report.rows[-1].facts.get("rows", 0)) >= _LEAST_ROWS]))
    blocks = [table(["aim", "wanted", "measured", "reached"], aims)] if aims else []
    for report in ordered:
        blocks += [f"### {report.name}", _whole(report), origin(report), _stages(report)]
    return "\n\n".join(blocks)


def _cases(report: Report) -> tuple[str, str]:
    few, whole = report.cases()
    return few, whole


def _whole(report: Report) -> str:
    _, case = _cases(report)
    ours = pair(report, OURS)
    lines = []
    for row in report.rows:
        if row.case != case:
            continue
        if row.failure is not None:
            lines.append([row.subject, row.failure.partition("\n")[0], *[""] * 7])
            continue
        both = pair(report, row.subject)
        lines.append(
            [
                row.subject,
                spread(row.values["seconds"]),
                _times(row.median("seconds"), ours and ours.whole.median("seconds")),
                spread(both.few.values["seconds"]) if both else "",
                f"{both.added * 1e6:,.0f}" if both else "",
                _times(both.added, ours and ours.added) if both else "",
                spread(row.values["cpu_seconds"]),
                spread(row.values["peak_bytes"], digits=0, scale=1 / _MEGABYTE),
                _agreement(row),
            ]
        )
    header = ["", "whole, s", "x ours", "start-up, s", "added row, us", "x ours", "CPU, s", "peak RSS, MB", "as ours"]
    return table(header, lines)


def _agreement(row: Row) -> str:
    """What of a peer's output equals ours."""
    if row.facts.get("equal_records") == 1.0:
        return "every id"
    shared = row.facts.get("shared_words")
    return "" if shared is None else f"{float(shared):.1%} of the words"


def _times(value: float, ours: float | None) -> str:
    return "" if not ours else f"{value / ours:.1f}"


def _stages(report: Report) -> str:
    _, case = _cases(report)
    lines = []
    for row in report.rows:
        if row.case != case or row.failure is not None:
            continue
        for name in row.values:
            part, _, unit = name.partition("/")
            if unit != "seconds":
                continue
            seconds, cpu = row.median(name), row.median(f"{part}/cpu_seconds")
            lines.append([row.subject, part, f"{seconds:.1f}", f"{busy(cpu, seconds, report):.0%}"])
    return table(["stage by stage", "", "s", "cores busy"], lines)


def busy(cpu_seconds: float, seconds: float, report: Report) -> float:
    """The share of the machine's cores that was used."""
    return cpu_seconds / max(seconds, 1e-9) / report.machine.cores


def _aims(reports: Sequence[Report]) -> Iterator[list[str]]:
    """A line for each aim that these reports have figures for."""
    for report in reports:
        ours, plain = pair(report, OURS), pair(report, PLAIN_TFT)
        if ours is None:
            continue
        yield _at_most(f"start-up, {report.name}", 8, ours.start, "{:.1f} s")
        if plain is not None:
            ratio = plain.whole.median("seconds") / ours.whole.median("seconds")
            yield _at_least(f"faster than plain TFT, whole, {report.name}", 6, ratio, "{:.1f}x")
            yield _at_least(f"... an added row, {report.name}", 12, plain.added / ours.added, "{:.1f}x")
            memory = ours.whole.median("peak_bytes") / plain.whole.median("peak_bytes")
            yield _at_most(f"peak memory against plain TFT, {report.name}", 0.5, memory, "{:.2f}")
        keras = pair(report, TEXT_VECTORIZATION)
        if keras is not None:
            ratio = keras.added / ours.added
            yield _at_least(f"faster than TextVectorization, an added row, {report.name}", 2, ratio, "{:.1f}x")
    yield from _aims_of_growth([report for report in reports if "sample" in report.name])


def _aims_of_growth(reports: Sequence[Report]) -> Iterator[list[str]]:
    ours = [(report, figures) for report in reports if (figures := pair(report, OURS)) is not None]
    if len(ours) < 2:
        return
    (_, small), (report, large) = ours[0], ours[-1]
    memory = large.whole.median("peak_bytes") - small.whole.median("peak_bytes")
    growth = memory / (large.text_bytes - small.text_bytes)
    yield _at_most(f"growth of peak memory a byte of text, up to {report.name}", 0.25, growth, "{:.2f}")
    share = busy(large.whole.median("cpu_seconds"), large.whole.median("seconds"), report)
    yield _at_least(f"cores busy, {report.name}", 0.85, share, "{:.0%}")
    yield _at_most(f"cost of an added row against that at {ours[0][0].name}", 1.1, large.added / small.added, "{:.2f}")


def _at_most(aim: str, wanted: float, got: float, form: str) -> list[str]:
    return [aim, f"at most {form.format(wanted)}", form.format(got), "yes" if got <= wanted else "no"]


def _at_least(aim: str, wanted: float, got: float, form: str) -> list[str]:
    return [aim, f"at least {form.format(wanted)}", form.format(got), "yes" if got >= wanted else "no"]

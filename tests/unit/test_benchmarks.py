"""The benchmarks: that they run, that what they compare is compared, and that their tables say what was measured."""

import argparse
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.__main__ import write_tables
from benchmarks.harness import markdown_tables
from benchmarks.harness.interleaved_timing import time_interleaved
from benchmarks.harness.processes import Measurement, Snapshot
from benchmarks.harness.report import OURS, Machine, Report, Row, make_report, save
from benchmarks.harness.timeline import Part, Watch, marked_parts
from benchmarks.preprocessing import inputs, suite
from benchmarks.preprocessing.competitors import Competitor
from benchmarks.preprocessing.tables import markdown, pair
from pipeline.sample_corpus import sample_batch

MACHINE = Machine(cores=2, memory_bytes=8 << 30, processor="a processor", python="3.11", versions={"keras": "3"})


def a_row(case: str, subject: str, *, seconds: list[float], rows: int, peak: float) -> Row:
    values = {"seconds": seconds, "cpu_seconds": [1.0], "peak_bytes": [peak]}
    stages = {"imports/seconds": [2.0], "imports/cpu_seconds": [1.0]}
    return Row(case=case, subject=subject, values={**values, **stages}, facts={"rows": rows, "text_bytes": rows * 100})


def a_report(*, failure: str | None = None) -> Report:
    plain = "plain TFT, instance dicts"
    whole = a_row("many", plain, seconds=[90, 100], rows=60_010, peak=4e9)
    whole = whole.model_copy(update={"facts": {**whole.facts, "shared_words": 0.999, "equal_records": 0.5}})
    return Report(
        suite="preprocessing",
        name="many sample rows",
        command="python -m benchmarks preprocessing",
        machine=MACHINE,
        rows=[
            a_row("few", OURS, seconds=[4, 2, 3], rows=10, peak=1e9),
            a_row("few", plain, seconds=[5], rows=10, peak=1e9),
            a_row("many", OURS, seconds=[9], rows=60_010, peak=1e9),
            whole if failure is None else Row(case="many", subject=plain, failure=failure),
        ],
    )


def test_benchmarks_input_is_the_same_for_all(tmp_path: Path) -> None:
    given = inputs.sample_input(25, tmp_path)
    table = pq.read_table(given.path)
    assert table.column_names == ["text", "label", "split"]
    assert table["split"].to_pylist() == [*(["train"] * 8 + ["eval", "test"]) * 2, *["train"] * 5]
    assert given.text_bytes == sum(len(text.encode()) for text in table["text"].to_pylist())
    assert set(table["label"].to_pylist()) == {0, 1}
    reviews = sample_batch(0, 75, seed=0)
    assert table["text"][1].as_py() == " ".join(reviews["text"].to_pylist()[3:6])
    assert table["label"][1].as_py() == (reviews["label"][3].as_py() == "positive")
    again = inputs.given_input([given.path, given.path], tmp_path, rows=30)
    assert (again.rows, again.name) == (30, "30 rows of sample-25 + sample-25")
    assert pq.read_table(again.path)["text"].to_pylist() == (table["text"].to_pylist() * 2)[:30]


def test_benchmarks_round_has_ten_rows_and_all_rows_and_a_warm_up_that_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ran: list[tuple[str, int]] = []

    def measured(
        _: suite._Rounds, competitor: Competitor, given: inputs.Input, __: Path
    ) -> tuple[Measurement, list[Part]]:
        ran.append((competitor.name, given.rows))
        return Measurement(0, len(ran), 1.0, 5, []), [Part("start", 0, 1)]

    monkeypatch.setattr(suite._Rounds, "_measured", measured)
    monkeypatch.setattr(suite, "_checked", lambda *_, **__: {"words": 3})
    parser = argparse.ArgumentParser()
    suite.add_options(parser)
    options = parser.parse_args(["--rows", "12", "--repeats", "2", "--peers", "plain_tft"])
    (report,) = suite.measure(argparse.Namespace(**vars(options), short=False), arguments=["preprocessing"])
    plain = "plain TFT, instance dicts"
    assert ran == [(name, rows) for rows in (10, 10, 12, 10, 12) for name in (OURS, plain)]
    # Each run took as many seconds as there were runs before it, and one.
    assert {(row.case, row.subject): row.values["seconds"] for row in report.rows} == {
        ("10 sample texts", OURS): [3, 7],
        ("10 sample texts", plain): [4, 8],
        ("12 sample texts", OURS): [5, 9],
        ("12 sample texts", plain): [6, 10],
    }
    assert all(row.values["start/seconds"] == [1, 1] and row.facts["words"] == 3 for row in report.rows)


def test_benchmarks_cpu_between_two_moments() -> None:
    found = Measurement(10, 14, 5.0, 0, [Snapshot(11, 1.0, 0), Snapshot(13, 4.0, 0)])
    assert [found.cpu_between(10, 12), found.cpu_between(12, 14)] == [2.5, 2.5]


def test_benchmarks_timeline_of_a_run(tmp_path: Path) -> None:
    progress = tmp_path / "temporary" / "textrecords-host-4711" / "textrecords-x"
    progress.mkdir(parents=True)
    # rows, begin and last word of each worker, as pipeline.support.progress writes them
    for name, told in {"analyse.1.1.1": "5 20 21", "analyse.1.2.2": "5 19 23", "transform.1.1.3": "9 25 30"}.items():
        (progress / name).write_text(told)
    watch = Watch(tmp_path / "temporary", tmp_path / "output")
    watch.look()
    watch._planned = 14.0
    parts = watch.parts(Measurement(10, 40, 1.0, 0, []))
    assert [(part.name, part.end - part.begin) for part in parts] == [
        ("imports and planning", 4), ("building the graphs", 5), ("analysis", 4), ("vocabulary and transform graph", 2),
        ("transform", 5), ("end", 10),
    ]  # fmt: skip


def test_benchmarks_timeline_of_a_peer(tmp_path: Path) -> None:
    (tmp_path / "marks").write_text("12 imports\n17.5 map and write\n")
    parts = marked_parts(tmp_path / "marks", Measurement(10, 18, 1.0, 0, []))
    assert [(part.name, part.end - part.begin) for part in parts] == [
        ("imports", 2),
        ("map and write", 5.5),
        ("end", 0.5),
    ]


def test_benchmarks_time_calls_in_turn() -> None:
    called: list[str] = []

    def call(name: str) -> int:
        called.append(name)
        return len(called)

    times, results = time_interleaved({name: partial(call, name) for name in "ab"}, warm_up=1, repeats=2)
    assert called == ["a", "b"] * 3
    assert {name: len(taken) for name, taken in times.items()} == {"a": 2, "b": 2}
    assert results == {"a": 5, "b": 6}


def test_benchmarks_tables_say_what_was_measured() -> None:
    shown = markdown([a_report()])
    plain = "| plain TFT, instance dicts | 95.0 (90.0 to 100.0) | 10.6 | 5.0 | 1,500 | 15.0 | 1.0 | 4,000 |"
    assert f"{plain} 99.9% of the words |" in shown
    assert "| TextRecords | 9.0 | 1.0 | 3.0 (2.0 to 4.0) | 100 | 1.0 | 1.0 | 1,000 |  |" in shown
    assert "| TextRecords | imports | 2.0 | 25% |" in shown
    assert "| faster than plain TFT, whole, many sample rows | at least 6.0x | 10.6x | yes |" in shown
    assert "| ... an added row, many sample rows | at least 12.0x | 15.0x | yes |" in shown


def test_benchmarks_tables_name_a_failure() -> None:
    report = a_report(failure="more than 1800 s\nand so on")
    assert pair(report, "plain TFT, instance dicts") is None
    assert "| plain TFT, instance dicts | more than 1800 s |" in markdown([report])


def test_benchmarks_keep_a_command_that_others_can_give() -> None:
    given = ["preprocessing", "--results", "here", "--input", "/data/reviews.parquet", "--results=there"]
    kept = make_report("preprocessing", "few", [], arguments=given)
    assert kept.command == "python -m benchmarks preprocessing --input reviews.parquet"


def test_benchmarks_fill_the_page(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    (tmp_path / "other.md").write_text("a page without marks\n")
    page.write_text("before\n<!-- benchmarks: preprocessing -->\nold\n<!-- /benchmarks -->\nafter\n")
    save(a_report(), tmp_path)
    write_tables(tmp_path, pages=[tmp_path / "other.md", page])
    filled = page.read_text()
    assert filled.startswith("before\n<!-- benchmarks: preprocessing -->\n\n| aim |")
    assert filled.endswith("\n\n<!-- /benchmarks -->\nafter\n")
    assert "old" not in filled
    write_tables(tmp_path, pages=[tmp_path / "other.md", page])
    assert page.read_text() == filled
    assert not markdown_tables.fill(page, "another", "")

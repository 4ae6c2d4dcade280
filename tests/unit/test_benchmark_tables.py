"""The benchmarks of serving and training: that their tables say what was measured."""

from benchmarks.harness.report import OURS, Machine, Report, Row
from benchmarks.serving import tables as serving_tables
from benchmarks.serving.suite import THEIRS
from benchmarks.training import tables as training_tables
from benchmarks.training.tables import PLAIN_FIT
from benchmarks.ways import suite as ways

MACHINE = Machine(cores=2, memory_bytes=8 << 30, processor="a processor", python="3.11", versions={"keras": "3"})


def a_report(suite: str, name: str, rows: list[Row]) -> Report:
    return Report(suite=suite, name=name, command="python -m benchmarks it", machine=MACHINE, rows=rows)


def test_benchmarks_tables_of_serving_say_what_was_reached() -> None:
    def row(case: str, subject: str, seconds: list[float], *, texts: int, words: int) -> Row:
        return Row(case=case, subject=subject, values={"seconds": seconds}, facts={"texts": texts, "words": words})

    rows = [
        row("1 x 20 words", OURS, [0.001, 0.001, 0.003], texts=1, words=20),
        row("1 x 20 words", THEIRS, [0.007, 0.007, 0.007], texts=1, words=20),  # 7 times: less than wanted
        row("64 x 20 words", OURS, [0.004], texts=64, words=20),
        row("64 x 20 words", THEIRS, [0.004], texts=64, words=20),  # not slower
        row("8 x 20 words", OURS, [0.004], texts=8, words=20),
        Row(case="8 x 20 words", subject=THEIRS, failure="scores differ by 0.1"),
    ]
    shown = serving_tables.markdown([a_report("serving", "latency", rows)])
    assert "| 1 x 20 words | 8x | 7.0x | no |" in shown
    assert "| 64 x 20 words | 1x | 1.0x | yes |" in shown
    assert "| 8 x 20 words | 1x |" not in shown
    assert f"| 8 x 20 words, {THEIRS} | scores differ by 0.1 |  |" in shown
    # the median; 98 hundredths of the way from the second to the third
    assert f"| 1 x 20 words, {OURS} | 1.00 | 2.96 |" in shown


def test_benchmarks_tables_of_training_say_what_was_reached() -> None:
    facts: dict[str, float | str | bool] = {"rows": 30_000, "length": 500}

    def epochs(subject: str, seconds: float, accuracy: list[float]) -> Row:
        once = {name: [1.0] for name in ("import_seconds", "first_seconds")}
        values = {**once, "epoch_seconds": [seconds], "accuracy": accuracy}
        return Row(case="epochs", subject=subject, values=values, facts=facts)

    rows = [
        Row(case="feeding", subject=OURS, values={"seconds": [0.4], "cpu_seconds": [0.6]}, facts=facts),
        epochs(OURS, 10.0, [0.8, 0.9]),
        epochs(PLAIN_FIT, 22.0, [0.85]),
    ]
    shown = training_tables.markdown([a_report("training", "some reviews", rows)])
    assert "| examples/s of the input pipeline | 60,000 | 75,000 | yes |" in shown
    assert "| an epoch, faster than plain model.fit | 2.3x | 2.2x | no |" in shown
    assert f"| {OURS} | 75,000 | 50,000 | 0.40 |" in shown
    assert f"| {OURS} | 10.0 | 1.0 | 1.0 | 0.850 (0.800 to 0.900) | 0.850 |" in shown


def test_benchmarks_table_of_the_ways_leaves_out_the_start() -> None:
    def row(case: str, way: str, cpu: list[float], *, text_bytes: int) -> Row:
        values = {"cpu_seconds": cpu, "seconds": [9.0], "peak_bytes": [1e9]}
        return Row(case=case, subject=way, values=values, facts={"rows": 1, "text_bytes": text_bytes})

    rows = [
        row("10 rows", "local", [5.0], text_bytes=1_000_000),
        row("10 rows", "remote", [6.0], text_bytes=1_000_000),
        row("all rows", "local", [8.0, 9.0, 10.0], text_bytes=101_000_000),
        row("all rows", "remote", [11.0], text_bytes=101_000_000),
    ]
    shown = ways.markdown([a_report("ways", "some reviews", rows)])
    assert "| local | 9.0 | 9.0 (8.0 to 10.0) | 40.0 | 1.00 | 1,000 |" in shown  # 4 s for 100 MB
    assert "| remote | 9.0 | 11.0 | 50.0 | 1.25, wanted at most 1.2 | 1,000 |" in shown
    assert "cache" not in shown

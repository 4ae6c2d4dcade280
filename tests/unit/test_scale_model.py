"""benchmarks.scale and benchmarks.constants: the arithmetic of their tables; all numbers are worked out by hand."""

import argparse
from pathlib import Path

import pytest

from benchmarks.constants import tables as constants_tables
from benchmarks.constants.predictions import Constants, predict
from benchmarks.harness.report import Machine, Report, Row
from benchmarks.preprocessing.inputs import Input
from benchmarks.scale import suite
from benchmarks.scale.amdahl import Job, Stage
from benchmarks.scale.in_turn import Measured, MeasuredStage
from benchmarks.scale.tables import markdown, serial_parts

MACHINE = Machine(cores=2, memory_bytes=8 << 30, processor="a processor", python="3.11", versions={})

COUNT = "Analyse/MergeInBundle"
SAVE = "Analyse/CreateSavedModel/CreateSole"


def a_run(*, count: list[float], save: list[float], idle: float) -> Measured:
    return Measured(
        alone={"imports": 3.0, "the end": 1.0},
        stages=[
            MeasuredStage(name=COUNT, steps=["Read", "Analyse"], busy=count, runner=0.5),
            MeasuredStage(name=SAVE, steps=["Analyse"], busy=save, idle=idle),
        ],
    )


def test_amdahl_divides_what_the_most_workers_divide() -> None:
    one, two = suite.jobs({1: a_run(count=[10], save=[2], idle=0), 2: a_run(count=[4, 6], save=[2], idle=0.25)})
    # 3 + 1, 0.5 of the runner, 2 to save the graphs; one worker counts for 10 s, the slower of two for 6 s
    assert (one.seconds, one.serial, one.parallel, one.waiting) == (16.5, 6.5, 10.0, 0.0)
    assert (two.seconds, two.serial, two.parallel, two.waiting) == (12.5, 6.5, 10.0, 1.0)
    assert serial_parts(two) == {
        "imports": 3.0,
        "the runner, before and after its workers": 0.5,
        "TFT's graphs saved": 2.0,
        "the end": 1.0,
    }


# is divided, busy, idle, runner -> seconds, serial seconds
STAGES = [
    (True, [4.0, 6.0], 0.0, 0.5, 6.5, 0.5),
    (True, [4.0], 5.0, 0.0, 5.0, 0.0),  # a worker without a part takes longer than the one that has some
    (False, [2.0], 0.25, 0.5, 2.5, 2.5),
    (False, [], 0.25, 0.0, 0.25, 0.25),  # there is no input
]


@pytest.mark.parametrize(("is_divided", "busy", "idle", "runner", "seconds", "serial"), STAGES)
def test_amdahl_a_stage_ends_with_its_slowest_worker(
    is_divided: bool, busy: list[float], idle: float, runner: float, seconds: float, serial: float
) -> None:
    stage = Stage("a stage", is_divided=is_divided, busy=busy, idle=idle, runner=runner)
    assert (stage.seconds, stage.serial) == (seconds, serial)


def test_amdahl_of_no_stage_is_what_the_command_does() -> None:
    job = Job(8, {"imports": 3.0}, [])
    assert (job.seconds, job.serial, job.parallel, job.waiting) == (3.0, 3.0, 0.0, 0.0)


def test_scale_tables_tell_the_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runs = {1: a_run(count=[10], save=[2], idle=0), 2: a_run(count=[4, 6], save=[2], idle=0.25)}
    monkeypatch.setattr(suite, "sample_input", lambda *_, **__: Input("few texts", tmp_path, 1_000_000, 10))
    monkeypatch.setattr(suite._Runs, "in_turn", lambda _, workers: runs[workers])
    options = argparse.Namespace(short=False, workers=[2, 1], rows=10, limit=1.0, no_real=True)
    (report,) = suite.measure(options, arguments=["scale"])
    shown = markdown([report])
    assert "| CPU seconds that no worker can take over | at most 5.0 | 6.5 | no |" in shown
    assert "| 1 | 16.5 | 1.0 | 100% | 6.5 | 10.0 | 0.0 |  |" in shown
    assert "| 2 | 12.5 | 1.3 | 66% | 6.5 | 10.0 | 1.0 |  |" in shown  # 16.5 / (2 x 12.5)
    assert "No worker can take over 6.5 of 16.5 CPU seconds, a share of 39.4%" in shown
    assert "2.5 times faster at most" in shown
    assert "| TFT's graphs saved | 2.00 | 2.00 |" in shown
    assert "| Read, Analyse | 2 | 10.0 | 6.00 | 5.00 |" in shown


CONSTANTS = Constants(
    cpu_seconds_per_megabyte=0.1,
    serial_seconds=5.0,
    text_bytes=1000.0,
    counts_bytes=(100.0, 150.0),
    token_bytes=300.0,
    record_bytes={1: 2000.0, 10: 1200.0, 100: 1000.0},
    duplicates_bytes=20.0,
    merge_bytes=500.0,
)


def test_predictions_of_a_hundred_million_texts() -> None:
    job = predict(CONSTANTS, 1e8)
    assert job.bytes == 1e11
    assert job.cpu_seconds == pytest.approx(10_000)  # 100,000 MB
    assert job.seconds == pytest.approx(130)  # 5 + 10,000 / 80
    assert job.groups == pytest.approx(1490.1, abs=0.1)  # of 67,108,864 bytes
    assert (job.buckets, job.shards) == (376, 373)  # 100e9 / 268,435,456 = 372.5; 4 buckets more
    assert job.block == 100  # 67,109 texts of a group in 373 shards: 180 in each
    assert (job.counts, job.tokens, job.records, job.duplicates) == ((1e10, 1.5e10), 3e10, 1e11, 2e9)
    assert job.distinct == pytest.approx((3_916_126, 19_180_357), rel=1e-6)  # x 10^1.41 and x 10^2.1
    assert job.merge == pytest.approx((5_207_614, 25_505_794), rel=1e-6)  # / 376 x 500
    assert job.rename_seconds == pytest.approx(2.33, abs=0.01)  # 373 x 0.1 / 16


def test_predictions_of_ten_billion_texts_have_a_record_a_block() -> None:
    job = predict(CONSTANTS, 1e10)
    assert (job.buckets, job.shards) == (1024, 37_253)
    assert job.block == 1  # 67,109 texts of a group in 37,253 shards: 1.8 in each
    assert job.records == 2e13


FIGURES = {
    "job_texts": 1000.0, "job_text_bytes": 1e6, "start_cpu_seconds": 3.0,
    "local_few_cpu_seconds": 1.0, "local_cpu_seconds": 1.05, "local_token_bytes": 600_000.0,
    "remote_few_cpu_seconds": 1.5, "remote_cpu_seconds": 1.56, "remote_token_bytes": 400_000.0,
    "remote_counts_bytes": 90_000.0, "remote_records_bytes": 282_000.0, "remote_duplicates_bytes": 21_000.0,
    "counts_in_4_buckets_bytes": 200.0, "counts_in_1024_buckets_bytes": 300.0,
    "record_in_1_bytes": 1734.0, "record_in_1_cpu_seconds": 23e-6,
    "record_in_1000_bytes": 932.0, "record_in_1000_cpu_seconds": 1e-6,
    "merge_cpu_seconds": 3.0, "merged_rows": 6e6, "merged_words": 2e6, "merge_words_at_once": 2e6,
    "merge_bytes": 1.34e9, "process_bytes": 7.5e8, "shard_bytes": 3.4e8, "shard_frame_bytes": 1.7e8,
    "files": 1e6, "groups": 2470.0, "grouping_cpu_seconds": 11.0, "grouping_bytes": 5.45e8,
    "groups_packed_bytes": 1.2e7,
}  # fmt: skip


def test_constants_tables_tell_what_was_measured() -> None:
    row = Row(case="texts", subject="TextRecords", values={name: [value] for name, value in FIGURES.items()})
    command = "python -m benchmarks constants"
    report = Report(suite="constants", name="texts", command=command, machine=MACHINE, rows=[row])
    shown = constants_tables.markdown([report])
    assert "| CPU of all stages on this machine | 50 ms a MB of text |" in shown
    assert "| as on remote workers, against this machine | 1.20 times |" in shown
    assert "| shuffled: count tables, bytes a text | 90 in 4 buckets, 135 in 1,024 |" in shown
    assert "| tokens that wait in files, bytes a text | 400 |" in shown
    assert (
        "| CPU to merge counts | 0.50 us a row of a count table | `words`: 6,000,000 rows to 2,000,000 words |" in shown
    )
    assert "| memory to merge a bucket | 670 bytes a distinct token |" in shown
    assert "| memory to order a shard | 2.0 times its frames | `shard`: 170 MB of frames |" in shown
    assert "| CPU | 1.7 hours of a core | 166.7 hours of a core |" in shown  # 100,000 MB x 60 ms
    assert constants_tables.constants_of(row).serial_seconds == 4.5

"""Bundles that run twice, late or in another order, and workers that die while they write: the result is the same."""

import errno
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from apache_beam.runners.portability.fn_api_runner import fn_runner

from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.files.local import LocalFiles
from pipeline.inspection.verify import verify_folder
from pipeline.job import finalize as finalize_module
from pipeline.job.limits import Limits
from pipeline.job.stages import Stage
from pipeline.job.write import WriteOptions, WriteShard
from tests.support.jobs import manifest_of, record_bytes, run_job, small_rows, write_jsonl

MANY_TASKS = Limits(task_bytes=2000)
TWO_WORKERS = ("--direct_num_workers=2", "--direct_runner_bundle_repeat=1")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """The corpus of small_records."""
    return write_jsonl(tmp_path / "rows.jsonl", small_rows())


def same_but_for_paths(folder: Path, other: Path) -> bool:
    """Whether two folders hold the same, apart from the paths of input and output."""
    first, second = manifest_of(folder), manifest_of(other)
    for manifest in (first, second):
        del manifest["config"], manifest["checksum"]
        del manifest["files"][1:]  # TensorFlow writes other bytes of the same graph each time
    return record_bytes(folder) == record_bytes(other) and first == second


def test_faults_bundles_repeated_and_out_of_order_change_nothing(
    rows: Path, small_records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(3)
    partition = fn_runner.ListBuffer.partition

    def shuffled(self: fn_runner.ListBuffer, number: int) -> list[list[bytes]]:
        parts = partition(self, number)
        for part in parts:
            draw.shuffle(part)
        draw.shuffle(parts)
        return parts

    monkeypatch.setattr(fn_runner.ListBuffer, "partition", shuffled)
    folder = run_job(rows, tmp_path / "records", beam_arguments=TWO_WORKERS, limits=MANY_TASKS)
    assert same_but_for_paths(folder, small_records)


def test_faults_a_late_retry_of_a_finished_step_changes_nothing(
    rows: Path, small_records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job spills its blocks to disk, in many sort ranges; a retry of a shard reads them again."""
    late: list[Callable[[], Any]] = []
    sizes: list[int] = []
    process = WriteShard.process

    def remembered(self: WriteShard, shard: tuple[int, Iterable[bytes]]) -> Iterable[Any]:
        key, blocks = shard[0], list(shard[1])
        sizes.extend(map(len, blocks))
        late.append(lambda: list(process(self, (key, blocks))))
        return process(self, (key, blocks))

    finalize = finalize_module.finalize
    monkeypatch.setattr(WriteShard, "process", remembered)

    def twice(*arguments: Any, **named: Any) -> None:
        # The retries of the shards come in between, in another order.
        finalize(*arguments, **named)
        for again in reversed(late):
            again()
        finalize(*arguments, **named)

    monkeypatch.setattr("pipeline.job.report.finalize", twice)
    # So that shards of some kilobytes have 64 sort ranges.
    folder = run_job(rows, tmp_path / "records", limits=replace(MANY_TASKS, sort_range_bytes=1))
    assert len(late) >= 6
    assert 0 < max(sizes) < 1000  # references to blocks
    assert same_but_for_paths(folder, small_records)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records", "rows.jsonl"]
    assert verify_folder(str(folder), LocalFiles()).problems == ()
    assert not list(folder.glob(".staging-*"))


def test_faults_a_worker_that_dies_while_it_writes_leaves_no_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = WriteOptions(
        folder=f"{tmp_path}/result", attempts_folder=f"{tmp_path}/attempts", shards=(1, 1, 1), compression="none",
        unknown_has_id=False, first_word_id=1, near_share=0.0, sampled_share=1.0, row_buckets=1,
    )  # fmt: skip
    move = BeamFiles.move

    def dies(*_: object) -> None:
        raise OSError("the machine is gone")

    monkeypatch.setattr(BeamFiles, "move", dies)
    with pytest.raises(OSError, match="the machine is gone"):
        list(WriteShard(options).process((0, [])))
    assert [file.name for file in (tmp_path / "attempts").iterdir()] != []
    assert not list(tmp_path.glob("result/**/*.tfrecord"))
    monkeypatch.setattr(BeamFiles, "move", move)
    (written,) = WriteShard(options).process((0, []))
    assert written.path == "records/train-00000-of-00001.tfrecord"
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.glob("result/**/*.tfrecord")] == [
        f"result/{written.path}"
    ]


def full_at(stage: Stage, *, full: Stage, path: str) -> None:
    if stage == full:
        raise OSError(errno.ENOSPC, "No space left on device", path)


def test_faults_a_full_disk_of_a_worker_is_told_with_its_setting(
    rows: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A runner hands on the text of the error alone."""
    output = tmp_path / "records"
    observe = partial(full_at, full="write", path=f"{output}/.staging-x/a")
    with pytest.raises(UserError) as raised:
        run_job(rows, output, observe=observe, spills=True)
    remedy = "free space there, or use another folder"
    assert str(raised.value) == f"output.path: {output}: No space left on device; {remedy}"
    assert not [record for record in caplog.records if record.levelname == "ERROR" and record.name == "root"]
    assert not list(output.glob("*"))

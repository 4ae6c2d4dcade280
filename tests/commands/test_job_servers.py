"""A run with a job server of its own: how it ends, what it leaves, what it tells. Server and Flink are stand-ins."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.flink_page import FlinkPage, flink_page
from tests.support.java_stand_in import FOLDER
from tests.support.paths import REPOSITORY


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"text": f"word{n} good bad", "label": n % 2}) + "\n" for n in range(40)))
    return file


@contextmanager
def started(rows: Path, page: FlinkPage, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`pipeline run --runner=FlinkRunner` with the stand-ins; TMPDIR is `tmp` beside the rows."""
    folder = rows.parent
    java = folder / "java"
    java.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.support.java_stand_in "$@"\n')
    java.chmod(0o755)
    (folder / "tmp").mkdir()
    (folder / "any.jar").touch()
    page.names = folder / "names"
    command = [sys.executable, "-m", "pipeline", "run", "--input.path", str(rows)]
    command += ["--output.path", str(folder / "out"), "--runner=FlinkRunner", f"--flink_master={page.address}"]
    command += [f"--flink_job_server_jar={folder / 'any.jar'}", f"--job_server_java_launcher={java}"]
    command += ["--environment_type=EXTERNAL", "--environment_config=localhost:1", *options]
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), FOLDER: str(folder), "PYTHONPATH": str(REPOSITORY)}
    # It would inherit an ignored SIGINT from a shell's background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment, cwd=folder, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            yield process
        finally:
            process.kill()


def server_has_ended(folder: Path) -> bool:
    return not Path(f"/proc/{(folder / 'pid').read_text()}").exists()


STOPS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.mark.parametrize(("number", "status"), STOPS)
def test_job_servers_job_is_cancelled_on_flink_before_its_server_ends(
    number: signal.Signals, status: int, rows: Path
) -> None:
    server_had_ended: list[bool] = []
    page = FlinkPage(on_cancel=lambda: server_had_ended.append(server_has_ended(rows.parent)))
    with flink_page(page), started(rows, page) as process:
        assert process.stderr is not None
        lines = iter(process.stderr)
        assert any("the job's page: " in line for line in lines)
        process.send_signal(number)
        told = "".join(lines)
        assert process.wait() == status
    assert page.cancelled == ["0"]
    assert server_had_ended == [False]
    assert page.jobs["0"][1] == "CANCELED"
    assert "Traceback" not in told
    assert server_has_ended(rows.parent)
    assert list((rows.parent / "tmp").iterdir()) == []
    assert not (rows.parent / "out").exists()


def test_job_servers_failed_job_is_one_line_with_its_log(rows: Path) -> None:
    (rows.parent / "fails").touch()
    with flink_page(FlinkPage()) as page, started(rows, page, "--number_of_execution_retries=3") as process:
        _, told = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in told
    (line,) = [line for line in told.splitlines() if line.startswith("pipeline: error: ")]
    assert "ZeroDivisionError: division by zero [while running 'Read/Rows']" in line
    (log,) = (rows.parent / "tmp").iterdir()
    assert str(log) in line
    assert page.address in line
    assert "the job server's own line" in log.read_text()
    assert 'File "sdk_worker.py", line 311' in log.read_text()
    assert server_has_ended(rows.parent)
    # The job server knows the option, Beam for Python does not.
    options = json.loads((rows.parent / "options").read_text())
    assert options["beam:option:number_of_execution_retries:v1"] == "3"


def test_job_servers_option_that_nobody_knows_is_refused(rows: Path) -> None:
    with flink_page(FlinkPage()) as page, started(rows, page, "--number_of_execution_retry=3") as process:
        _, told = process.communicate()
    assert process.returncode == 2
    assert "--number_of_execution_retry=3" in told
    assert "--number_of_execution_retries" in told
    assert not (rows.parent / "names").exists()
    assert server_has_ended(rows.parent)
    assert list((rows.parent / "tmp").iterdir()) == []

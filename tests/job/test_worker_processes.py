"""pipeline.runners.worker_processes: worker processes that never work: they start for ever, or die at once."""

import signal
import subprocess
import threading
from pathlib import Path

import apache_beam as beam
import pytest

from pipeline.runners import local_worker, worker_processes
from pipeline.runners.monitor import interrupts
from pipeline.runners.worker_processes import process_runner
from pipeline.support.stop_signals import stop_signals
from tests.support.paths import REPOSITORY

STARTS_FOR_EVER = """
import sys, threading
from pipeline.support.end_with_parent import end_with_parent
from pipeline.support.stop_signals import ignore_stop_signals
ignore_stop_signals()
end_with_parent(int(sys.argv[1]))
open("started", "w").close()
threading.Event().wait()
"""
DIES = "import sys; sys.exit(7)"


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A module with the test's code in place of the worker's."""
    (tmp_path / "replaced_worker.py").write_text(request.param)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{REPOSITORY}")
    monkeypatch.setattr(local_worker, "__name__", "replaced_worker")


def run() -> None:
    with interrupts(), beam.Pipeline(runner=process_runner()) as pipeline:
        pipeline | beam.Create([1, 2]) | beam.Map(str)


@pytest.mark.parametrize("worker", [STARTS_FOR_EVER], indirect=True)
@pytest.mark.usefixtures("worker")
def test_worker_processes_stop_while_one_starts(tmp_path: Path) -> None:
    processes: list[subprocess.Popen[bytes]] = []

    def stop() -> None:
        while not (tmp_path / "started").exists():
            pass
        processes.extend(handler._process for handler in worker_processes._live)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    threading.Thread(target=stop, daemon=True).start()
    with stop_signals(), pytest.raises(KeyboardInterrupt):
        run()
    assert [process.poll() for process in processes] == [1]
    assert not worker_processes._live


@pytest.mark.parametrize("worker", [DIES], indirect=True)
@pytest.mark.usefixtures("worker")
def test_worker_processes_job_fails_when_one_dies() -> None:
    with pytest.raises(RuntimeError, match=r"a worker process ended with status 7; .*--direct_num_workers"):
        run()
    assert not worker_processes._live

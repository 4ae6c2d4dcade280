"""What the tests here share: input, a local run to compare with, two clean environments, and one cluster of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cluster.parts import BOOT, PRISM, clean_environment, job_server, worker_pool
from tests.support.paths import REPOSITORY

# A shell starts what it puts into the background with Ctrl-C ignored, which all children inherit; tests press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Cluster(NamedTuple):
    """A job server, two pools of workers, their environments, and the job server's log, which is the workers' too."""

    server: str
    pools: tuple[str, str]
    environments: tuple[Path, Path]
    log: Path

    def options(self, *, pools: int = 2) -> list[str]:
        """Beam's options for a job here."""
        runner = "PortableRunner" if pools == 1 else "tests.cluster.runners.TwoPoolsRunner"
        return [
            f"--runner={runner}",
            f"--job_endpoint={self.server}",
            "--environment_type=EXTERNAL",
            f"--environment_config={','.join(self.pools[:pools])}",
            f"--setup_file={REPOSITORY / 'setup.py'}",
        ]


def command(*arguments: str) -> list[str]:
    """`python -m pipeline ...` as a user calls it."""
    return [sys.executable, "-m", "pipeline", *arguments]


def settings(source: Path, output: Path) -> list[str]:
    """A run's settings."""
    return ["--input.path", str(source), "--output.path", str(output), "--output.shards=2", "--sequence.max_length=50"]


def pool_options(pool: str) -> list[str]:
    """Beam's options for workers of a pool, which get the package from the job."""
    setup = REPOSITORY / "setup.py"
    return ["--environment_type=EXTERNAL", f"--environment_config={pool}", f"--setup_file={setup}"]


def contents(folder: Path) -> dict[str, bytes]:
    """The files that must not depend on how they came about."""
    files = [folder / "vocabulary.tsv", *sorted((folder / "records").iterdir())]
    return {file.name: file.read_bytes() for file in files}


@contextmanager
def started(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A command in a process group of its own, as a shell gives it one."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        arguments, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY, env=environment, start_new_session=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def called(arguments: list[str], *, temporary: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command that was run to its end in the checkout. temporary: its TMPDIR."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    if temporary is not None:
        environment["TMPDIR"] = str(temporary)
    return subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=REPOSITORY, env=environment)


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reviews in four files, so that there is something to spread."""
    folder = tmp_path_factory.mktemp("rows")
    for seed in range(4):
        done = called(command("sample", "--rows=500", f"--seed={seed}", f"--output={folder}/{seed}.jsonl"))
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def local(rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records folder that this machine makes alone."""
    folder = tmp_path_factory.mktemp("local") / "records"
    done = called(command("run", *settings(rows, folder)))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A job server and two pools, as long as the tests last."""
    assert PRISM.exists(), "make cluster-tools builds it"
    assert BOOT.exists(), "make cluster-tools builds it"
    folder = tmp_path_factory.mktemp("cluster")
    first, second = clean_environment(folder / "first"), clean_environment(folder / "second")
    log = folder / "server.log"
    with (
        job_server(log) as server,
        worker_pool(first, folder / "first.log") as pool,
        worker_pool(second, folder / "second.log") as other,
    ):
        yield Cluster(server, (pool, other), (first, second), log)

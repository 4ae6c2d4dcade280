"""The whole job on a job server and workers that have nothing but what the job ships, interrupted and killed too."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cluster.conftest import Cluster, called, command, contents, settings, started
from tests.cluster.parts import BUNDLES


def is_installed(environment: Path) -> bool:
    return bool(list(environment.glob("lib/python*/site-packages/textrecords-*.dist-info")))


def bundles(environment: Path) -> list[tuple[int, str]]:
    """(process, stage) of each bundle that a pool's workers took."""
    file = environment / BUNDLES
    lines = file.read_text().splitlines() if file.exists() else []
    return [(int(process), stage) for process, stage in map(str.split, lines)]


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.1)


def test_prism_two_pools_write_the_bytes_of_a_local_run(
    cluster: Cluster, rows: Path, local: Path, tmp_path: Path
) -> None:
    assert not any(map(is_installed, cluster.environments))
    output = tmp_path / "records"
    done = called(command("run", *settings(rows, output), *cluster.options()))
    assert done.returncode == 0, done.stderr
    assert contents(output) == contents(local)
    assert sorted(path.name for path in output.iterdir()) == sorted(path.name for path in local.iterdir())
    assert all(map(is_installed, cluster.environments))
    stages = [{stage for _, stage in bundles(environment)} for environment in cluster.environments]
    assert min(map(len, stages)) > 10
    assert stages[0].isdisjoint(stages[1])


@pytest.mark.parametrize("what", ["interrupted", "worker killed"])
def test_prism_leaves_nothing_half_done(cluster: Cluster, rows: Path, tmp_path: Path, what: str) -> None:
    output = tmp_path / "records"
    first = cluster.environments[0]
    before = len(bundles(first))
    with started(command("run", *settings(rows, output), *cluster.options(pools=1))) as process:
        wait_for(lambda: len(bundles(first)) > before + 5, process)
        worker = bundles(first)[-1][0]
        end = os.pidfd_open(worker)
        if what == "interrupted":
            os.killpg(process.pid, signal.SIGINT)
        else:
            os.kill(worker, signal.SIGKILL)
        _, told = process.communicate(timeout=100)
    assert process.returncode == (130 if what == "interrupted" else 1), told
    assert not output.exists()
    if what == "interrupted":
        assert "Traceback" not in told
        assert select.select([end], [], [], 60)[0], "the job is cancelled, but its worker goes on"

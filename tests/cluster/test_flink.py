"""The whole job on a Flink standalone cluster, where FLINK_HOME and FLINK_JOB_SERVER_JAR say where its parts are."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.runners.flink_rest import flink_cluster as cluster_at
from tests.cluster.conftest import called, command, contents, pool_options, settings, started
from tests.cluster.flink import flink_cluster
from tests.cluster.parts import BOOT, clean_environment, worker_pool

JAR, HOME = os.environ.get("FLINK_JOB_SERVER_JAR"), os.environ.get("FLINK_HOME")
pytestmark = pytest.mark.skipif(
    not (JAR and HOME), reason="FLINK_JOB_SERVER_JAR and FLINK_HOME don't name Beam's jar and Flink"
)


class Flink(NamedTuple):
    master: str
    options: list[str]


@pytest.fixture(scope="module")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    assert BOOT.exists(), "make cluster-tools builds it"
    folder = tmp_path_factory.mktemp("flink")
    environment = clean_environment(folder / "environment")
    with (
        flink_cluster(Path(str(HOME)), Path(str(JAR)), folder) as master,
        worker_pool(environment, folder / "pool.log") as pool,
    ):
        options = ["--runner=FlinkRunner", f"--flink_master={master}", "--parallelism=2"]
        options += [f"--flink_job_server_jar={JAR}", f"--artifacts_dir={folder / 'artifacts'}"]
        options += ["--environment_cache_millis=600000", "--number_of_execution_retries=1", *pool_options(pool)]
        yield Flink(master, options)


def test_flink_writes_the_bytes_of_a_local_run(flink: Flink, rows: Path, local: Path, tmp_path: Path) -> None:
    output, temporary = tmp_path / "records", tmp_path / "tmp"
    temporary.mkdir()
    done = called(command("run", *settings(rows, output), *flink.options), temporary=temporary)
    assert done.returncode == 0, done.stderr
    assert contents(output) == contents(local)
    assert "Traceback" not in done.stderr
    assert list(temporary.iterdir()) == []


def test_flink_job_is_cancelled_by_ctrl_c(flink: Flink, rows: Path, tmp_path: Path) -> None:
    cluster = cluster_at(flink.master)
    assert cluster is not None
    arguments = command("run", *settings(rows, tmp_path / "records"), "--job_name=interrupted", *flink.options)
    with started(arguments) as process:
        while not any(job.state == "RUNNING" for job in cluster.jobs("interrupted")):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate()
    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert [job.state for job in cluster.jobs("interrupted")] == ["CANCELED"]
    assert not (tmp_path / "records").exists()

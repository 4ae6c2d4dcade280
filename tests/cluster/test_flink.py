"""The whole job on a Flink standalone cluster, where FLINK_HOME and FLINK_JOB_SERVER_JAR say where its parts are."""

import os
from pathlib import Path

import pytest

from tests.cluster.conftest import called, command, settings
from tests.cluster.flink import flink_cluster
from tests.cluster.parts import BOOT, clean_environment, worker_pool
from tests.support.paths import REPOSITORY

JAR, HOME = os.environ.get("FLINK_JOB_SERVER_JAR"), os.environ.get("FLINK_HOME")


@pytest.mark.skipif(not (JAR and HOME), reason="FLINK_JOB_SERVER_JAR and FLINK_HOME don't name Beam's jar and Flink")
def test_flink_writes_the_bytes_of_a_local_run(rows: Path, local: Path, tmp_path: Path) -> None:
    assert BOOT.exists(), "make cluster-tools builds it"
    environment = clean_environment(tmp_path / "environment")
    output = tmp_path / "records"
    with (
        flink_cluster(Path(str(HOME)), tmp_path) as master,
        worker_pool(environment, tmp_path / "pool.log") as pool,
    ):
        options = ["--runner=FlinkRunner", "--flink_version=1.20", f"--flink_master={master}", "--parallelism=2"]
        options += [f"--flink_job_server_jar={JAR}", f"--artifacts_dir={tmp_path / 'artifacts'}"]
        options += [
            "--environment_type=EXTERNAL",
            f"--environment_config={pool}",
            f"--setup_file={REPOSITORY / 'setup.py'}",
        ]
        done = called(command("run", *settings(rows, output), *options))
    assert done.returncode == 0, done.stderr
    names = ["vocabulary.tsv", *sorted(f"records/{file.name}" for file in (local / "records").iterdir())]
    assert {name: (output / name).read_bytes() for name in names} == {
        name: (local / name).read_bytes() for name in names
    }

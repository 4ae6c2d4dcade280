"""The whole job on Spark, where SPARK_JOB_SERVER_JAR names Beam's job server, which has a Spark within it."""

import os
from pathlib import Path

import pytest

from tests.cluster.conftest import called, command, contents, pool_options, settings
from tests.cluster.parts import BOOT, clean_environment, worker_pool

JAR = os.environ.get("SPARK_JOB_SERVER_JAR")


@pytest.mark.skipif(not JAR, reason="SPARK_JOB_SERVER_JAR doesn't name Beam's job server for Spark")
def test_spark_writes_the_bytes_of_a_local_run(rows: Path, local: Path, tmp_path: Path) -> None:
    assert BOOT.exists(), "make cluster-tools builds it"
    output, temporary = tmp_path / "records", tmp_path / "tmp"
    temporary.mkdir()
    with worker_pool(clean_environment(tmp_path / "environment"), tmp_path / "pool.log") as pool:
        options = ["--runner=SparkRunner", "--spark_master_url=local[2]", f"--spark_job_server_jar={JAR}"]
        options += ["--environment_cache_millis=600000", "--storage_level=MEMORY_AND_DISK", *pool_options(pool)]
        done = called(command("run", *settings(rows, output), *options), temporary=temporary)
    assert done.returncode == 0, done.stderr
    assert contents(output) == contents(local)
    assert "Traceback" not in done.stderr
    assert list(temporary.iterdir()) == []

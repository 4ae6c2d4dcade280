"""Options -> whether what a portable runner needs is there: the job server, its jar, Java, Flink's cluster.

It is asked before a run reads its input. Beam itself would find out after that, and show a traceback.
"""

import os
import shutil
from typing import Final

import grpc
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    JobServerOptions,
    PipelineOptions,
    PortableOptions,
    SparkRunnerOptions,
)

from pipeline.errors import UserError
from pipeline.runners.flink_rest import FlinkError, flink_cluster
from pipeline.runners.locations import runner_name

# Beam's own server within this process.
_EMBEDDED: Final = "embed"


def check_servers(options: PipelineOptions) -> None:
    """Checks that the job server of a portable runner answers, or can be started.

    Raises:
      UserError: it does not, or can't.
    """
    name = runner_name(options)
    if name not in ("PortableRunner", "FlinkRunner", "SparkRunner"):
        return
    portable = options.view_as(PortableOptions)
    if portable.job_endpoint:
        if portable.job_endpoint != _EMBEDDED:
            _check_endpoint(portable.job_endpoint, seconds=portable.job_server_timeout)
    elif name == "PortableRunner":
        raise UserError("--job_endpoint is missing; PortableRunner needs the job server's address: HOST:PORT")
    elif name == "FlinkRunner":
        flink = options.view_as(FlinkRunnerOptions)
        _check_jar("--flink_job_server_jar", flink.flink_job_server_jar)
        if not flink.flink_submit_uber_jar:
            _check_java(options)
    else:
        spark = options.view_as(SparkRunnerOptions)
        _check_jar("--spark_job_server_jar", spark.spark_job_server_jar)
        if not spark.spark_submit_uber_jar:
            _check_java(options)
    if name == "FlinkRunner":
        _check_flink(options)


def _check_endpoint(endpoint: str, *, seconds: float) -> None:
    """Waits as long as Beam does: a job server that was started just now needs some seconds."""
    # The channel is not closed: a thread of gRPC's still looks at it, and would show a traceback.
    ready = grpc.channel_ready_future(grpc.insecure_channel(endpoint))
    try:
        ready.result(timeout=seconds)
    except grpc.FutureTimeoutError as error:
        ready.cancel()
        raise UserError(
            f"--job_endpoint: no job server answers at {endpoint} within {seconds:g} s (--job_server_timeout); "
            "start it, or give its address as HOST:PORT"
        ) from error


def _check_jar(option: str, jar: str | None) -> None:
    if jar and "://" not in jar and not os.path.isfile(jar):
        raise UserError(f"{option}: there is no file {jar}; give the path or the URL of Beam's job server")


def _check_java(options: PipelineOptions) -> None:
    java = options.view_as(JobServerOptions).job_server_java_launcher
    if shutil.which(java) is None:
        raise UserError(
            f"--job_server_java_launcher: there is no program {java}, and Beam's job server needs Java: install it, or "
            "give the path of its program"
        )


def _check_flink(options: PipelineOptions) -> None:
    flink = options.view_as(FlinkRunnerOptions)
    cluster = flink_cluster(flink.flink_master)
    if cluster is None:
        return
    try:
        version = cluster.version()
    except FlinkError as error:
        raise UserError(
            f"--flink_master: Flink does not answer at {error}; give the address of its page, HOST:8081"
        ) from error
    if not version:
        raise UserError(
            f"--flink_master: {cluster.address} does not answer as Flink does; give the address of its page, HOST:8081"
        )
    # A jar that is named has its version in itself.
    if flink.flink_job_server_jar is None and not version.startswith(f"{flink.flink_version}."):
        raise UserError(
            f"--flink_version is {flink.flink_version}, but Flink at {cluster.address} is {version}; give "
            f"--flink_version={'.'.join(version.split('.')[:2])}"
        )

"""A job on a runner, from its start to its end: what an error of it tells, and how it is cancelled.

In: the runner and its options. Out: a `Submission`, whose `result` is set when the runner has taken the job. A job of
the in-process runner ends with its command; its errors stay as they are, for they tell where in the code they came up.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import grpc
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    GoogleCloudOptions,
    PipelineOptions,
    PortableOptions,
    SparkRunnerOptions,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState

from pipeline.errors import JobError, StillRunningError, UserError
from pipeline.runners.failure import what_failed
from pipeline.runners.flink_rest import FlinkCluster, FlinkError, flink_cluster
from pipeline.runners.job_servers import ServerLog, end_job_servers, our_job_servers
from pipeline.runners.job_service import end_by_name, engine_of
from pipeline.runners.locations import runner_name
from pipeline.support.stop_signals import deferred_stop, stop_status

# How long to wait until a job is cancelled. Flink needed 4 s, a portable runner needs a second or two. Dataflow needs
# minutes, and nobody waits for them at a prompt.
_SECONDS_TO_CANCEL: Final = 20.0

# A job that Flink has taken is on its page within a second.
_SECONDS_TO_APPEAR: Final = 3.0

# How Beam begins the error when it can't download its jar.
_NO_JAR: Final = "Unable to fetch remote job server jar"

# What cancels a job that a job server elsewhere has handed to its cluster.
_TO_CANCEL: Final = {
    "Flink": "curl -X PATCH 'http://JOBMANAGER:8081/jobs/ID?mode=cancel' cancels it, with its ID from "
    "http://JOBMANAGER:8081/jobs/overview; with --flink_master=JOBMANAGER:8081 Ctrl-C does that",
    "Spark": "the end of that job server ends it, or on a standalone cluster "
    "curl -X POST 'http://MASTER:8080/app/kill/?id=ID&terminate=true', with its ID from http://MASTER:8080",
}

_logger = logging.getLogger(__name__)


class Submission:
    """result: the runner's handle to the job, None before it has taken it. cluster: Flink's, if it is known where."""

    result: PipelineResult | None = None

    def __init__(self, runner: PipelineRunner, options: PipelineOptions) -> None:
        portable, flink = options.view_as(PortableOptions), options.view_as(FlinkRunnerOptions)
        cloud = options.view_as(GoogleCloudOptions)
        is_uber = flink.flink_submit_uber_jar or options.view_as(SparkRunnerOptions).spark_submit_uber_jar
        self._is_portable = isinstance(runner, PortableRunner)
        self._name = str(cloud.job_name or "")
        self._project, self._region = cloud.project, cloud.region
        self._endpoint = portable.job_endpoint or None
        self._runner = runner_name(options)
        self._engine = self._runner.removesuffix("Runner").lower()
        # With an uber jar Beam speaks with the cluster itself, and names the job after its own fashion.
        self._starts_server = self._is_portable and self._endpoint is None and not is_uber
        is_named = self._is_portable and not is_uber
        self.cluster: FlinkCluster | None = flink_cluster(flink.flink_master) if is_named else None
        self._before = self._jobs_of_this_name()

    def metrics_of_flink(self) -> str | None:
        """The metrics that Flink has of the job while it runs; None: it has none, or it is not known where it is."""
        if self.cluster is None:
            return None
        jobs = [job for job in self.cluster.jobs(self._name) if job.id not in self._before]
        return self.cluster.metrics(jobs[0].id) if len(jobs) == 1 else None

    def failed(self, error: Exception, log: ServerLog) -> Exception:
        """The error of a job that failed, in one line, with the place of its log."""
        if isinstance(error, grpc.RpcError) and self.result is None and self._endpoint:
            return UserError(f"--job_endpoint: {self._endpoint} is not a job server of Beam's: {what_failed(error)}")
        if _NO_JAR in str(error):
            why = what_failed(error)
            return UserError(
                f"--{self._engine}_job_server_jar is missing, and Beam can't download one ({why}); give the jar's path"
            )
        kept = log.keep()
        places = [f"its log is {kept}"] if kept else []
        if self._endpoint:
            places.append(f"the log of the job server at {self._endpoint} says more")
        if self.cluster is not None:
            places.append(f"Flink's page is {self.cluster.address}")
        if not places:
            places.append("the lines above and the runner's log say more")
        return JobError(f"the job failed on {self._runner}: {what_failed(error)}; {', '.join(places)}")

    def cancel(self) -> None:
        """Cancels the job, and returns when it is cancelled or has ended.

        Raises:
          StillRunningError: it is not certain that it is.
        """
        if self.cluster is not None:
            self._cancel_on_flink(self.cluster)
        elif self._starts_server:
            # Spark's driver, and Flink without a cluster, are in the job server and end with it.
            self._ask_the_runner()
            end_job_servers()
        elif self.result is not None:
            engine = engine_of(self.result._job_service) if self._endpoint is not None else None
            state = self._ask_the_runner()
            if engine is not None:
                raise self._runs_on(engine)
            if not (state is not None and (PipelineState.is_terminal(state) or state == PipelineState.CANCELLING)):
                raise StillRunningError(f"it is not known whether the job is cancelled: {self._command()}")
        elif self._endpoint is not None and self._is_portable:
            engine = end_by_name(self._endpoint, self._name)
            if engine is not None:
                raise self._runs_on(engine)

    def _runs_on(self, engine: str) -> StillRunningError:
        return StillRunningError(
            f"the job server at {self._endpoint} does not cancel jobs on {engine}: {self._name} may still run, and "
            f"{_TO_CANCEL[engine]}"
        )

    def _cancel_on_flink(self, cluster: FlinkCluster) -> None:
        try:
            jobs = cluster.cancel(self._name, seconds=_SECONDS_TO_CANCEL, spared=self._before)
            if self._starts_server:
                end_job_servers()
            if not jobs:  # the job server may just have handed it over
                threading.Event().wait(_SECONDS_TO_APPEAR)
                jobs = cluster.cancel(self._name, seconds=_SECONDS_TO_CANCEL, spared=self._before)
        except FlinkError as error:
            command = cluster.command_to_cancel("ID")
            raise StillRunningError(
                f"the job {self._name} may still run, for Flink can't be asked ({error}): "
                f"{cluster.address}/jobs/overview tells its ID, and {command} cancels it"
            ) from error
        running = [job for job in jobs if job.runs]
        if running:
            commands = "; ".join(cluster.command_to_cancel(job.id) for job in running)
            raise StillRunningError(f"the job is not cancelled after {_SECONDS_TO_CANCEL:.0f} s: {commands}")
        if not jobs and self._endpoint is not None and self.result is not None:
            raise StillRunningError(
                f"the job may still run: Flink at {cluster.address} knows none of the name {self._name}, so cancel it "
                "on the page of the Flink that the job server uses"
            )
        with suppress(Exception):  # it stops what it started in this process
            if self.result is not None:
                self.result.cancel()

    def _ask_the_runner(self) -> str | None:
        """Cancels by Beam's own means; gives the job's state when it has ended, or after some seconds."""
        state = None
        with suppress(Exception):  # the job may have ended, or its server may be gone
            if self.result is not None:
                self.result.cancel()
                waiting = threading.Event()
                for _ in range(int(_SECONDS_TO_CANCEL)):
                    state = self.result.state
                    if PipelineState.is_terminal(state):
                        break
                    waiting.wait(1.0)
        return state

    def _jobs_of_this_name(self) -> frozenset[str]:
        with suppress(FlinkError):
            if self.cluster is not None:
                return frozenset(job.id for job in self.cluster.jobs(self._name))
        return frozenset()

    def _command(self) -> str:
        job = getattr(self.result, "job_id", None)
        if callable(job) and self._project:
            return f"gcloud dataflow jobs cancel {job()} --project={self._project} --region={self._region}"
        return "look at its runner"


@contextmanager
def submission(runner: PipelineRunner, options: PipelineOptions) -> Iterator[Submission]:
    """Within it the runner starts the job and the command waits for it.

    Raises:
      JobError: the job failed. UserError: its server can't be used. StillRunningError: it was interrupted, and runs on.
    """
    job = Submission(runner, options)
    with our_job_servers() as log:
        try:
            yield job
        except BaseException as error:
            if stop_status() is not None or isinstance(error, KeyboardInterrupt):
                if not isinstance(runner, FnApiRunner):
                    _logger.info("interrupted: the job is being cancelled")
                    with deferred_stop():
                        job.cancel()
                raise
            if isinstance(error, UserError | JobError) or not isinstance(error, Exception):
                raise
            if isinstance(runner, FnApiRunner):
                raise
            if isinstance(error, grpc.RpcError):  # the job server is gone; the job may run on, and nobody waits for it
                with deferred_stop(), suppress(StillRunningError):
                    job.cancel()
            raise job.failed(error, log) from error
        finally:
            end_job_servers()

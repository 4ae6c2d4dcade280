"""What a job server is asked besides running a job: which options it knows, its engine, and to end a job by its name.

Flink's and Spark's runners have options of their own, as `--number_of_execution_retries=3`. Only the job server knows
them: it is asked when it runs, before it gets the job. Beam hands over those that it knows and drops the others.
"""

import difflib
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, Final

import grpc
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc
from apache_beam.runners.portability.portable_runner import TERMINAL_STATES, JobServiceHandle, PortableRunner

from pipeline.errors import UserError

# An option of a job server -> the engine that it runs jobs on.
_ENGINES: Final = {"flink_master": "Flink", "spark_master": "Spark"}
_SECONDS_TO_ANSWER: Final = 20.0


def refuse_unknown(option: str, known: Collection[str], *, of: str = "Beam's") -> None:
    """Raises the error of an option that nobody knows, with the nearest known one.

    known: all options, each with its hyphens. of: whose options they are.

    >>> refuse_unknown("--paralelism=2", ["--parallelism", "--region"])
    Traceback (most recent call last):
    pipeline.errors.UserError: --paralelism=2 is neither a setting nor an option of Beam's; did you mean --parallelism?
    """
    nearest = difflib.get_close_matches(option.partition("=")[0], known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else "settings have a dot (--input.path), Beam's options none"
    raise UserError(f"{option} is neither a setting nor an option of {of}; {hint}")


def check_with_server(runner: PortableRunner, unknown: Sequence[str], known: Sequence[str]) -> None:
    """Has the runner check `unknown` with its job server before it hands over the job.

    unknown: arguments that Beam for Python does not know. known: the options that it knows.

    Raises:
      UserError: later, when the runner starts a job: the server does not know one of them.
    """
    make_handle = runner.create_job_service_handle

    def checked(job_service: Any, options: PipelineOptions) -> JobServiceHandle:
        handle = make_handle(job_service, options)
        names = {f"--{name}" for name in _described(job_service)}
        for argument in unknown:
            if argument.startswith("--") and argument.partition("=")[0] not in names:
                refuse_unknown(argument, [*known, *sorted(names)], of="Beam's or of its job server's")
        return handle

    vars(runner)["create_job_service_handle"] = checked


def engine_of(job_service: Any) -> str | None:
    """The engine whose cluster runs a job server's jobs, Flink or Spark; None: the server runs them, or can't tell."""
    with suppress(Exception):  # the server may be gone
        return next((_ENGINES[name] for name in _described(job_service) if name in _ENGINES), None)
    return None


def end_by_name(endpoint: str, name: str) -> str | None:
    """Cancels a job that a job server may have taken, though its handle never came.

    Returns the engine on which it runs on, or None: there is no such job, or its server has ended it.
    """
    stub = beam_job_api_pb2_grpc.JobServiceStub(grpc.insecure_channel(endpoint))
    with suppress(grpc.RpcError):  # the server is gone, or has no list of its jobs
        found = stub.GetJobs(beam_job_api_pb2.GetJobsRequest(), timeout=_SECONDS_TO_ANSWER)
        ids = [job.job_id for job in found.job_info if job.job_name == name and job.state not in TERMINAL_STATES]
        for job in ids:
            stub.Cancel(beam_job_api_pb2.CancelJobRequest(job_id=job), timeout=_SECONDS_TO_ANSWER)
        return engine_of(stub) if ids else None
    return None


def _described(job_service: Any) -> list[str]:
    answer = job_service.DescribePipelineOptions(
        beam_job_api_pb2.DescribePipelineOptionsRequest(), timeout=_SECONDS_TO_ANSWER
    )
    return [str(option.name) for option in answer.options]

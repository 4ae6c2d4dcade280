"""pipeline.runners.submission, reach, server_options, job_metrics: cancelling, and what errors of a job server tell."""

import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from apache_beam.metrics.execution import MetricsContainer
from apache_beam.metrics.metricbase import MetricName
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineResult, PipelineState
from google.protobuf import json_format

from pipeline.errors import StillRunningError, UserError
from pipeline.runners import submission as module
from pipeline.runners.job_metrics import counters
from pipeline.runners.job_service import check_with_server, engine_of
from pipeline.runners.monitor import finish
from pipeline.runners.options import beam_options, choose_runner
from pipeline.runners.reach import check_servers
from pipeline.runners.submission import submission
from pipeline.support.progress import read_progress
from tests.support.flink_page import FlinkPage, flink_page


def service(*names: str) -> Any:
    """A job server that tells the names of its options, and nothing else."""
    options = [beam_job_api_pb2.PipelineOptionDescriptor(name=name) for name in names]
    answer = beam_job_api_pb2.DescribePipelineOptionsResponse(options=options)
    return SimpleNamespace(DescribePipelineOptions=lambda *_, **__: answer)


class Result(PipelineResult):
    """A job that says after `cancel` that it is cancelled, as the job servers of Flink and Spark do."""

    def __init__(self, *names: str) -> None:
        super().__init__(PipelineState.RUNNING)
        self._job_service = service(*names)

    @property
    def state(self) -> str:
        return str(self._state)

    def cancel(self) -> None:
        self._state = PipelineState.CANCELLED


def interrupt(arguments: list[str], result: Result | None, *, meanwhile: Callable[[], None] = lambda: None) -> None:
    """Ctrl-C while the job runs; meanwhile: called when it has been submitted."""
    options = beam_options(arguments)
    runner = choose_runner(options, input_bytes=0)
    assert isinstance(runner, PortableRunner)
    with submission(runner, options) as job:
        job.result = result
        meanwhile()
        raise KeyboardInterrupt


# options of the job server -> what is told; None: it is cancelled
SERVERS = [
    (("flink_master", "parallelism"), "curl -X PATCH 'http://JOBMANAGER:8081/jobs/ID?mode=cancel'"),
    (("spark_master",), "curl -X POST 'http://MASTER:8080/app/kill/"),
    ((), None),  # Prism
]


@pytest.mark.parametrize(("names", "told"), SERVERS)
def test_submission_believes_no_job_server_of_a_cluster(names: tuple[str, ...], told: str | None) -> None:
    error = KeyboardInterrupt if told is None else StillRunningError
    with pytest.raises(error) as raised:
        interrupt(["--runner=PortableRunner", "--job_endpoint=server:8099", "--job_name=ours"], Result(*names))
    if told is not None:
        assert told in str(raised.value)
        assert "ours" in str(raised.value)


# state on Flink, whether it is ever cancelled -> what is told; None: it is cancelled
ON_FLINK = [
    ("RUNNING", 1, None),
    ("FINISHED", 1, None),
    ("RUNNING", None, "curl -X PATCH 'http://{address}/jobs/a?mode=cancel'"),
]


@pytest.mark.parametrize(("state", "looks", "told"), ON_FLINK)
def test_submission_cancels_on_flink_itself(
    state: str, looks: int | None, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SECONDS_TO_CANCEL", 1.0)
    monkeypatch.setattr(module, "_SECONDS_TO_APPEAR", 0.0)
    arguments = ["--runner=PortableRunner", "--job_endpoint=server:8099", "--job_name=ours"]
    page = FlinkPage(jobs={"before": ("ours", "RUNNING")}, looks=looks)  # another job of the same name
    error = KeyboardInterrupt if told is None else StillRunningError
    with flink_page(page), pytest.raises(error) as raised:
        interrupt(
            [*arguments, f"--flink_master={page.address}"],
            Result("flink_master"),
            meanwhile=lambda: page.jobs.update(a=("ours", state)),
        )
    assert page.jobs["before"] == ("ours", "RUNNING")
    if told is not None:
        assert told.format(address=page.address) in str(raised.value)


def job_server(engine: str, cancelled: list[str], *jobs: tuple[str, str, int]) -> Any:
    """A job server with an option, and jobs as id, name and state; it notes in `cancelled` what it is to cancel."""

    def cancel(_: object, request: beam_job_api_pb2.CancelJobRequest, __: object) -> Any:
        cancelled.append(request.job_id)
        return beam_job_api_pb2.CancelJobResponse()

    info = [beam_job_api_pb2.JobInfo(job_id=job, job_name=name, state=state) for job, name, state in jobs]
    answers = {
        "GetJobs": lambda *_: beam_job_api_pb2.GetJobsResponse(job_info=info),
        "DescribePipelineOptions": service(engine).DescribePipelineOptions,
        "Cancel": cancel,
    }
    return type("Jobs", (beam_job_api_pb2_grpc.JobServiceServicer,), answers)()


RUNS, DONE = beam_job_api_pb2.JobState.RUNNING, beam_job_api_pb2.JobState.DONE
# an option of the job server, state of our job there -> ids that it was asked to cancel, whether the job may run on
TAKEN = [("x", RUNS, ["a"], False), ("flink_master", RUNS, ["a"], True), ("flink_master", DONE, [], False)]


@pytest.mark.parametrize(("option", "state", "cancelled", "runs_on"), TAKEN)
def test_submission_job_that_was_taken_before_its_handle_came(
    option: str, state: int, cancelled: list[str], runs_on: bool
) -> None:
    asked: list[str] = []
    jobs = job_server(option, asked, ("a", "ours", state), ("b", "theirs", RUNS))
    server = grpc.server(ThreadPoolExecutor(2))
    beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(jobs, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        with pytest.raises(StillRunningError if runs_on else KeyboardInterrupt):
            interrupt(["--runner=PortableRunner", f"--job_endpoint=localhost:{port}", "--job_name=ours"], None)
    finally:
        server.stop(None).wait()
    assert asked == cancelled


def test_submission_flink_that_knows_no_such_job_is_told() -> None:
    arguments = ["--runner=PortableRunner", "--job_endpoint=server:8099"]
    with flink_page(FlinkPage()) as page, pytest.raises(StillRunningError, match="knows none of the name"):
        interrupt([*arguments, f"--flink_master={page.address}"], Result("flink_master"))


def test_submission_flink_that_is_gone_is_told() -> None:
    with socket.socket() as found:
        found.bind(("localhost", 0))
        master = f"localhost:{found.getsockname()[1]}"
        with pytest.raises(StillRunningError, match=f"http://{master}/jobs/overview tells its ID"):
            interrupt(["--runner=FlinkRunner", f"--flink_master={master}"], None)


def test_submission_names_a_job_that_has_no_name() -> None:
    names = set()
    for _ in range(2):
        options = beam_options(["--runner=FlinkRunner"])
        choose_runner(options, input_bytes=0)
        names.add(options.get_all_options()["job_name"])
    assert len(names) == 2
    assert all(name.startswith("textrecords-") for name in names)


# option, of a job server that knows number_of_execution_retries -> whether it is taken
OPTIONS = [
    ("--number_of_execution_retries=3", True),
    ("--number_of_execution_retry=3", False),
    ("--flink_mastr=x", False),
]


@pytest.mark.parametrize(("option", "is_taken"), OPTIONS)
def test_server_options_are_the_servers_to_know(option: str, is_taken: bool) -> None:
    runner = PortableRunner()
    check_with_server(runner, [option], ["--flink_master"])
    if is_taken:
        runner.create_job_service_handle(service("number_of_execution_retries"), beam_options([]))
        return
    with pytest.raises(
        UserError, match=f"{option} is neither.*did you mean --(number_of_execution_retries|flink_master)"
    ):
        runner.create_job_service_handle(service("number_of_execution_retries"), beam_options([]))


# runner -> whether an unknown option waits for its job server
ASKED = [("PortableRunner", True), ("FlinkRunner", True), ("SparkRunner", True), ("PrismRunner", False), ("", False)]


@pytest.mark.parametrize(("runner", "waits"), ASKED)
def test_server_options_are_refused_at_once_where_there_is_no_server(runner: str, waits: bool) -> None:
    arguments = [f"--runner={runner}"] if runner else []
    if waits:
        beam_options([*arguments, "--bundle_size=7"])
    else:
        with pytest.raises(UserError, match="--bundle_size=7 is neither a setting nor an option of Beam's"):
            beam_options([*arguments, "--bundle_size=7"])


def test_server_options_tell_the_engine() -> None:
    assert [engine_of(service("flink_master")), engine_of(service("spark_master")), engine_of(service("x"))] == [
        "Flink",
        "Spark",
        None,
    ]
    assert engine_of(None) is None


# arguments -> option that the error names, what it got
MISSING = [
    (["--runner=PortableRunner"], "--job_endpoint", "HOST:PORT"),
    (["--runner=PortableRunner", "--job_endpoint={nobody}", "--job_server_timeout=0"], "--job_endpoint", "{nobody}"),
    (["--runner=FlinkRunner", "--flink_job_server_jar=/no.jar"], "--flink_job_server_jar", "/no.jar"),
    (["--runner=SparkRunner", "--spark_job_server_jar=/no.jar"], "--spark_job_server_jar", "/no.jar"),
    (["--runner=SparkRunner", "--job_server_java_launcher=/no/java"], "--job_server_java_launcher", "/no/java"),
    (["--runner=FlinkRunner", "--flink_master={nobody}", "--job_server_java_launcher=sh"],
     "--flink_master", "http://{nobody}"),
    (["--runner=FlinkRunner", "--flink_master={page}", "--flink_version=1.20", "--job_server_java_launcher=sh"],
     "--flink_version", "--flink_version=1.19"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "option", "got"), MISSING)
def test_reach_names_what_is_missing(arguments: list[str], option: str, got: str) -> None:
    with flink_page(FlinkPage()) as page, socket.socket() as found:
        found.bind(("localhost", 0))
        places = {"page": page.address, "nobody": f"localhost:{found.getsockname()[1]}"}
        with pytest.raises(UserError) as raised:
            check_servers(beam_options([argument.format(**places) for argument in arguments]))
    assert str(raised.value).startswith(option)
    assert got.format(**places) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_reach_takes_what_is_there(tmp_path: Path) -> None:
    jar = tmp_path / "server.jar"
    jar.touch()
    with flink_page(FlinkPage()) as page:
        master, java = f"--flink_master={page.address}", "--job_server_java_launcher=sh"
        check_servers(beam_options(["--runner=FlinkRunner", master, java, f"--flink_job_server_jar={jar}"]))
        check_servers(beam_options(["--runner=FlinkRunner", master, java, "--flink_version=1.19"]))
    check_servers(
        beam_options(["--runner=FlinkRunner", "--flink_master=[local]", java, f"--flink_job_server_jar={jar}"])
    )
    check_servers(beam_options([]))


def flink_json() -> str:
    """What Flink's page has of a job that has read 7 rows to count and 5 rows, by Beam's own encoding."""
    container = MetricsContainer("step")
    container.get_counter(MetricName("textrecords", "rows_to_count")).inc(7)
    container.get_counter(MetricName("textrecords", "rows")).inc(5)
    container.get_counter(MetricName("tfx.Transform", "rows")).inc(1000)
    infos = container.to_runner_api_monitoring_infos("step").values()
    response = beam_job_api_pb2.GetJobMetricsResponse(metrics=beam_job_api_pb2.MetricResults(attempted=infos))
    return json_format.MessageToJson(response)


class Waiting(Result):
    """A job that ends when it is waited for, and has counted nothing."""

    def wait_until_finish(self, *_: Any) -> str:
        return str(PipelineState.DONE)

    def metrics(self) -> Any:
        raise NotImplementedError


def test_job_metrics_of_flink_are_read() -> None:
    assert counters(Result(), flink_json=flink_json()) == {"rows_to_count": 7, "rows": 5}


def test_monitor_looks_once_more_when_the_job_is_done(tmp_path: Path) -> None:
    assert finish(Waiting(), progress_folder=str(tmp_path), flink_metrics=flink_json) == PipelineState.DONE
    progress = read_progress(str(tmp_path))
    assert {stage: seen.rows for stage, seen in progress.items()} == {"analyse": 7, "transform": 5}


def test_monitor_a_runner_without_metrics_shows_none(tmp_path: Path) -> None:
    assert finish(Waiting(), progress_folder=str(tmp_path)) == PipelineState.DONE
    assert read_progress(str(tmp_path)) == {}
    assert json.loads(flink_json())

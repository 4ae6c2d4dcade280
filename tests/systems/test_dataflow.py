"""The whole job submitted to Dataflow, as far as that goes without it: a service on this machine takes the request, an
emulator the staged files."""

import base64
import bz2
import io
import json
import pickletools
import re
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from apache_beam.internal import pickler
from apache_beam.portability.api import beam_runner_api_pb2

from pipeline.cli import main
from pipeline.config.load import load
from pipeline.config.template_parameters import IMAGE as IMAGE_VARIABLE
from pipeline.config.template_parameters import run_arguments
from pipeline.doctor import pickles
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.files.output_lock import check_unlocked
from pipeline.job.run import run
from tests.support.jobs import SMALL_SETTINGS, no_display, small_rows, write_jsonl
from tests.support.object_stores import gs_store
from tests.support.paths import REPOSITORY

IMAGE = "europe-docker.pkg.dev/p-1/images/textrecords:1"


class Submitted(NamedTuple):
    """What Dataflow was sent: the job of the request, the request's size, and every staged file by name."""

    job: dict[str, Any]
    request_bytes: int
    staged: dict[str, bytes]

    @property
    def graph(self) -> beam_runner_api_pb2.Pipeline:
        return beam_runner_api_pb2.Pipeline.FromString(self.staged["pipeline.pb"])


class Service(BaseHTTPRequestHandler):
    """CreateJob and GetJob of Dataflow: each job is done as soon as it is there."""

    requests: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.requests.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        job = json.loads(self.requests[-1][1])
        self._answer({"id": "1", "name": job["name"], "clientRequestId": job["clientRequestId"]})

    def do_GET(self) -> None:
        self._answer({"id": "1", "currentState": "JOB_STATE_DONE"})

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _answer(self, content: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())


@contextmanager
def service() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Its URL, and the requests that it gets."""
    requests: list[tuple[str, bytes]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Service,), {"requests": requests}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def submitted(tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    folder = tmp_path_factory.mktemp("dataflow")

    @contextmanager
    def here(*_: object) -> Iterator[str]:
        yield str(folder / "tft")  # TensorFlow knows the real gs:// alone

    with gs_store(), service() as (url, requests), pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.job.run.temp_folder", here)
        patch.chdir(REPOSITORY)
        files = BeamFiles()
        files.write("gs://bucket/in/rows.jsonl", write_jsonl(folder / "rows.jsonl", small_rows(50)).read_bytes())
        settings = {**SMALL_SETTINGS, "input.path": "gs://bucket/in/*.jsonl", "output.path": "gs://bucket/out"}
        arguments = [
            "--runner=DataflowRunner",
            "--project=p-1",
            "--region=europe-west1",
            "--temp_location=gs://bucket/tmp",
            "--job_name=reviews",
            "--max_num_workers=7",
            "--dataflow_service_options=enable_prime",
            "--dataflow_service_options=enable_dynamic_thread_scaling",
            f"--sdk_container_image={IMAGE}",
            "--setup_file=setup.py",
            f"--dataflow_endpoint={url}",
            "--no_auth",
        ]
        assert run(load(None, settings), arguments, overwrite=False, display=no_display)
        ((path, body),) = requests
        assert path.startswith("/v1b3/projects/p-1/locations/europe-west1/jobs")
        staged = {file.path.rpartition("/")[2]: files.read(file.path) for file in files.below("gs://bucket/tmp")}
        assert files.below("gs://bucket/out") == []  # what was laid there for the job is gone with it
    return Submitted(json.loads(body), len(body), staged)


class Template(NamedTuple):
    """What a launch of the Flex Template left: the job that it describes, its graph, and the files below the output."""

    job: dict[str, Any]
    graph: beam_runner_api_pb2.Pipeline
    output: dict[str, bytes]


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The launcher's arguments, in this process; nothing answers at Dataflow's address."""
    folder = tmp_path_factory.mktemp("template")

    @contextmanager
    def here(*_: object) -> Iterator[str]:
        yield str(folder / "tft")

    settings = {**SMALL_SETTINGS, "input.path": "gs://bucket/in/*.jsonl", "output.path": "gs://bucket/records"}
    parameters = [f"--{name.replace('.', '_')}={value}" for name, value in settings.items()]
    arguments = [
        "--runner=DataflowRunner",
        "--project=p-1",
        "--region=europe-west1",
        "--temp_location=gs://bucket/tmp",
        "--staging_location=gs://bucket/staging",
        "--job_name=reviews",
        "--template_location=gs://bucket/staging/template_launches/1/job_object",
        "--dataflow_endpoint=http://localhost:1",
        "--no_auth",
    ]
    with gs_store(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.job.run.temp_folder", here)
        files = BeamFiles()
        files.write("gs://bucket/in/rows.jsonl", write_jsonl(folder / "rows.jsonl", small_rows(50)).read_bytes())
        assert main(run_arguments([*parameters, *arguments], {IMAGE_VARIABLE: IMAGE})) == 0
        with pytest.raises(UserError, match=r"in use by `the job reviews on Dataflow` on another machine"):
            check_unlocked("gs://bucket/records")
        job = json.loads(files.read("gs://bucket/staging/template_launches/1/job_object"))
        (graph,) = [file.path for file in files.below("gs://bucket/staging") if file.path.endswith("/pipeline.pb")]
        output = {file.path: files.read(file.path) for file in files.below("gs://bucket/records")}
        return Template(job, beam_runner_api_pb2.Pipeline.FromString(files.read(graph)), output)


def test_dataflow_template_describes_the_job_with_the_image_of_the_template(launched: Template) -> None:
    assert launched.job["name"] == "reviews"
    (pool,) = launched.job["environment"]["workerPools"]
    assert {image["containerImage"] for image in pool["sdkHarnessContainerImages"]} == {IMAGE}


def test_dataflow_template_leaves_the_job_what_it_needs(launched: Template) -> None:
    """The command has ended; the task groups and the lock are there."""
    names = {re.sub(r"\.staging-[^/]+", "STAGING", path) for path in launched.output}
    assert names >= {"gs://bucket/records/.lock", "gs://bucket/records/STAGING/work/tasks"}
    assert "gs://bucket/records/manifest.json" not in names


def test_dataflow_template_ends_with_the_step_that_publishes_alone(launched: Template) -> None:
    functions = pickles.pickled_functions(launched.graph)
    (last,) = [payload for name, payload in functions.items() if "Finalize" in name]
    strings = {value for _, value, _ in pickletools.genops(bz2.decompress(base64.b64decode(last)))}
    assert "finalize_alone" in strings


def test_dataflow_is_sent_the_job_in_a_small_request(submitted: Submitted) -> None:
    assert submitted.job["name"] == "reviews"
    assert submitted.staged.keys() == {"pipeline.pb", "workflow.tar.gz", "submission_environment_dependencies.txt"}
    # Dataflow takes 10 MB; what is sent holds no texts, and the graph some 30 bytes for each of the input's files.
    assert submitted.request_bytes < 50_000
    assert len(submitted.staged["pipeline.pb"]) < 400_000


def test_dataflow_is_told_the_image_and_the_options(submitted: Submitted) -> None:
    environment = submitted.job["environment"]
    (pool,) = environment["workerPools"]
    assert {image["containerImage"] for image in pool["sdkHarnessContainerImages"]} == {IMAGE}
    assert pool["autoscalingSettings"]["maxNumWorkers"] == 7
    options = {item["key"]: item["value"] for item in environment["sdkPipelineOptions"]["display_data"]}
    assert options["project"] == "p-1"
    assert options["region"] == "europe-west1"
    assert options["temp_location"].startswith("gs://bucket/tmp/reviews.")
    # Nothing of the main module is shipped, which on a worker is another one.
    assert options["save_main_session"] is False
    assert environment["serviceOptions"] == ["enable_prime", "enable_dynamic_thread_scaling"]
    for docker in submitted.graph.components.environments.values():
        assert beam_runner_api_pb2.DockerPayload.FromString(docker.payload).container_image == IMAGE


def test_dataflow_is_asked_for_memory_where_counts_merge_and_shards_are_written(submitted: Submitted) -> None:
    parts = submitted.graph.components
    asked = {
        transform.unique_name: dict(parts.environments[transform.environment_id].resource_hints)
        for transform in parts.transforms.values()
        if transform.environment_id and parts.environments[transform.environment_id].resource_hints
    }
    # 2.17 GB: what a process takes that merges two million tokens; a shard of the test is small.
    assert {tuple(hints.items()) for hints in asked.values()} == {(("beam:resources:min_ram_bytes:v1", b"2170000000"),)}
    assert {(name.partition("/")[0], name.rpartition("/")[2]) for name in asked} == {
        ("CountWords", "MergeBucket"),
        ("WriteRecords", "WriteShard"),
    }


def test_dataflow_can_spread_the_reading_of_both_passes(submitted: Submitted) -> None:
    """A step between two shuffles is what Dataflow divides among the workers that it adds."""
    names = {transform.unique_name for transform in submitted.graph.components.transforms.values()}
    for step in ("Tasks", "MapToIds"):
        assert any(name.startswith(f"{step}/Spread/ReshufflePerKey/GroupByKey") for name in names), step


def test_dataflow_shows_steps_that_a_person_knows(submitted: Submitted) -> None:
    steps = {
        transform.unique_name.partition("/")[0]
        for transform in submitted.graph.components.transforms.values()
        if not transform.unique_name.startswith("ref_")
    }
    assert steps == {
        "Tasks", "Read", "CountWords", "BuildVocabulary", "MapToIds", "WriteRecords", "WriteRejected", "Report",
    }  # fmt: skip


def test_dataflow_gets_functions_that_load_where_only_the_package_is(submitted: Submitted, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(submitted.staged["workflow.tar.gz"])) as archive:
        archive.extractall(tmp_path, filter="data")
    (package,) = tmp_path.iterdir()
    found = pickles.pickled_functions(submitted.graph)
    assert len(found) > 50
    found["bad"] = pickler.dumps(no_display)  # this file is not in the package
    problems = pickles.load_errors(found, packages=str(package))
    assert problems.keys() == {"bad"}
    assert problems["bad"].startswith("ModuleNotFoundError: No module named 'tests")


def test_dataflow_gets_nothing_of_the_main_module_or_the_tests(submitted: Submitted) -> None:
    found = pickles.pickled_functions(submitted.graph)
    strings = {
        value
        for payload in found.values()
        for _, value, _ in pickletools.genops(bz2.decompress(base64.b64decode(payload)))
        if isinstance(value, str)
    }
    assert "pipeline.job.read" in strings
    foreign = r"(__main__|tests|conftest|pytest|test_\w+)(\.|$)"
    assert {value for value in strings if re.match(foreign, value)} == {"test_from"}  # a setting


def test_dataflow_gets_a_source_package_with_all_that_is_needed(submitted: Submitted) -> None:
    with tarfile.open(fileobj=io.BytesIO(submitted.staged["workflow.tar.gz"])) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    modules = {
        path.relative_to(REPOSITORY).as_posix()
        for package in ("pipeline", "trainer")
        for path in (REPOSITORY / package).rglob("*.py")
    }
    assert modules <= names
    assert {"setup.py", "pyproject.toml", "pipeline.yaml", "README.md"} <= names
    assert not [name for name in names if name.startswith(("tests", "benchmarks"))]

"""Settings and options for Beam -> findings about them, without a look at any file.

In: the settings, Beam's options, and the arguments as they were given. Out: findings.
"""

import os
import platform
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Final

import google.auth
from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    PortableOptions,
    SetupOptions,
    StandardOptions,
    WorkerOptions,
)

from pipeline.config.databases import SQLITE
from pipeline.config.settings import Config
from pipeline.doctor.finding import Finding
from pipeline.errors import UserError
from pipeline.files.beam import is_local
from pipeline.runners.locations import runner_name, temp_parent, workers_are_here, workers_share_no_disk
from pipeline.sources.formats import bigquery_client, sample

# Names of Beam's images, and of images named like them: (Python's version, Beam's version).
_IMAGE: Final = re.compile(r"beam_python(\d\.\d+)_sdk:(\d+\.\d+\.\d+)")
# The environment variable of a local gs:// emulator, which needs no credentials.
EMULATOR: Final = "STORAGE_EMULATOR_HOST"
# Schemes of paths that need credentials, except where this variable names an emulator.
EMULATORS: Final = (("gs://", EMULATOR), ("bigquery://", bigquery_client.EMULATOR))
CREDENTIALS: Final = "credentials"
# Environments whose workers run already, with whatever is installed for them.
_RUNNING_WORKERS: Final = frozenset({"EXTERNAL", "PROCESS"})


def check_options(config: Config, options: PipelineOptions, arguments: Sequence[str]) -> list[Finding]:
    """All findings about the options."""
    findings = [_runner(options)]
    for check in (_dataflow, _credentials, _reach, _temp, _code, _versions):
        findings.extend(check(config, options))
    findings.extend(_contradictions(config, options, {argument.partition("=")[0] for argument in arguments}))
    return findings


def paths_of(config: Config) -> Iterator[tuple[str, str]]:
    """(setting, path) of everything that workers read or write."""
    yield "output.path", config.output.path
    inputs = [config.input.path] if isinstance(config.input.path, str) else config.input.path
    for path in inputs:
        if path != sample.NAME:
            yield "input.path", path


def _runner(options: PipelineOptions) -> Finding:
    name = runner_name(options) or "FnApiRunner"
    return Finding("ok", "--runner", f"{name}, {'on this machine' if workers_are_here(options) else 'elsewhere'}")


def _dataflow(config: Config, options: PipelineOptions) -> Iterator[Finding]:
    del config
    if runner_name(options) != "DataflowRunner":
        return
    cloud = options.view_as(GoogleCloudOptions)
    for option, value in [("--project", cloud.project), ("--region", cloud.region)]:
        if not value:
            yield Finding("error", option, "is not given; Dataflow needs it")
    for option, value in [("--temp_location", cloud.temp_location), ("--staging_location", cloud.staging_location)]:
        if value and not value.startswith("gs://"):
            yield Finding("error", option, f"is {value}; Dataflow needs a folder on gs://")
    if not cloud.temp_location:
        yield Finding("error", "--temp_location", "is not given; Dataflow needs a folder on gs://")


def _credentials(config: Config, options: PipelineOptions) -> Iterator[Finding]:
    """Credentials for Google Cloud, if they are needed. Beam itself searches for half a minute before it gives up."""
    cloud = options.view_as(GoogleCloudOptions)
    places = [cloud.temp_location or "", *(path for _, path in paths_of(config))]
    is_used = runner_name(options) == "DataflowRunner" or any(
        place.startswith(scheme) and emulator not in os.environ for place in places for scheme, emulator in EMULATORS
    )
    if not is_used or cloud.no_auth or EMULATOR in os.environ:
        return
    try:
        google.auth.default(scopes=cloud.gcp_oauth_scopes)
    except google.auth.exceptions.GoogleAuthError:
        yield Finding("error", CREDENTIALS, "there are none for Google Cloud; gcloud auth application-default login")


def _reach(config: Config, options: PipelineOptions) -> Iterator[Finding]:
    if workers_are_here(options):
        return
    for setting, path in paths_of(config):
        if not is_local(path) and not path.startswith(SQLITE):
            continue
        if workers_share_no_disk(options):
            yield Finding("error", setting, f"{path} is on this machine, which workers don't see; give one on gs://")
        else:
            yield Finding("warning", setting, f"{path} must be the same folder for every worker, mounted on all")


def _temp(config: Config, options: PipelineOptions) -> Iterator[Finding]:
    try:
        temp_parent(config.output.path, options)
    except UserError as error:
        yield Finding("error", "output.path", str(error).partition(": ")[2])


def _code(config: Config, options: PipelineOptions) -> Iterator[Finding]:
    """How the package gets onto the workers."""
    del config
    setup, portable = options.view_as(SetupOptions), options.view_as(PortableOptions)
    image = _image(options)
    if setup.setup_file is not None:
        if not os.path.isfile(setup.setup_file):
            yield Finding("error", "--setup_file", f"there is no file {setup.setup_file}")
        elif os.path.basename(setup.setup_file) not in ("setup.py", "pyproject.toml"):
            yield Finding("error", "--setup_file", f"is {setup.setup_file}; it must be called setup.py")
    if workers_are_here(options):
        return
    if setup.setup_file is not None and image:
        yield Finding("warning", "--setup_file", "each worker installs the package once more than the image has it")
    elif setup.setup_file is not None:
        yield Finding("warning", "--setup_file", "each worker installs TensorFlow when it starts: for trying out")
    elif portable.environment_type in _RUNNING_WORKERS:
        yield Finding("note", "--environment_type", "workers must have this very version of the package installed")
    elif not image and not setup.extra_packages:
        yield Finding(
            "error", "--sdk_container_image", "workers have Beam alone; give an image (make image), or --setup_file"
        )


def _versions(config: Config, options: PipelineOptions) -> Iterator[Finding]:
    """The versions of the worker image, as far as its name says, compared with those of this machine."""
    del config
    here = {"Python": ".".join(platform.python_version_tuple()[:2]), "Beam": version("apache-beam")}
    versions_here = ", ".join(f"{name} {number}" for name, number in here.items())
    image = _image(options)
    if workers_are_here(options) or not image:
        yield Finding("ok", "versions", f"{versions_here}, TensorFlow {version('tensorflow')}")
        return
    match = _IMAGE.search(image)
    if match is None:
        yield Finding("note", "--sdk_container_image", f"its name tells no versions; it must have {versions_here}")
        return
    for (name, number), there in zip(here.items(), match.groups(), strict=True):
        if number == there:
            yield Finding("ok", "--sdk_container_image", f"{name} {number}, as here")
        else:
            yield Finding("error", "--sdk_container_image", f"has {name} {there}, and here is {number}; use the same")


def _image(options: PipelineOptions) -> str | None:
    """The worker image that the options name, by whichever option."""
    image = options.view_as(WorkerOptions).sdk_container_image
    portable = options.view_as(PortableOptions)
    if not image and portable.environment_type in (None, "DOCKER"):
        return portable.environment_config
    return str(image) if image else None


def _contradictions(config: Config, options: PipelineOptions, given: set[str]) -> Iterator[Finding]:
    """Options that have no effect with the others, or contradict each other; `given`: the names of those given."""
    name = runner_name(options)
    worker = options.view_as(WorkerOptions)
    direct = sorted(option for option in given if option.startswith("--direct_"))
    if direct and name not in ("", "DirectRunner", "FnApiRunner"):
        yield Finding("warning", direct[0], f"has no effect with --runner {name}")
    if worker.num_workers and worker.max_num_workers and worker.num_workers > worker.max_num_workers:
        yield Finding(
            "error", "--num_workers", f"{worker.num_workers} are more than --max_num_workers {worker.max_num_workers}"
        )
    if workers_are_here(options):
        for option in sorted(given & {"--num_workers", "--max_num_workers", "--sdk_container_image", "--setup_file"}):
            yield Finding("warning", option, "has no effect on this machine")
    if name == "FlinkRunner" and "--flink_version" not in given:
        yield Finding(
            "warning", "--flink_version", "is not given; Beam takes its newest, which may not be the cluster's"
        )
    if options.view_as(StandardOptions).streaming:
        yield Finding("error", "--streaming", "the job reads files to their end; leave it out")
    if "--save_main_session" in given:
        yield Finding("warning", "--save_main_session", "has no effect: what workers run is in the package")
    uses_s3 = any(path.startswith("s3://") for _, path in paths_of(config))
    if "--s3_endpoint_url" in given and not uses_s3:
        yield Finding("warning", "--s3_endpoint_url", "no path is on s3://")
    setup = options.view_as(SetupOptions)
    if uses_s3 and setup.setup_file and not setup.requirements_file and not workers_are_here(options):
        yield Finding(
            "error", "--setup_file", "leaves workers without a client for s3://; give --requirements_file with boto3"
        )
    if worker.use_public_ips is False and setup.setup_file:
        yield Finding("warning", "--no_use_public_ips", "workers need a way to the package index for --setup_file")

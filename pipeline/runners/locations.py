"""Options for Beam -> where the workers are, whether they differ by step, and the folder for TFT's temporary files.

TFT writes its graphs through TensorFlow's filesystems, while the job is built and on a worker. These reach gs:// and
local disks. Everything else goes through Beam's filesystems, which reach more.
"""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, PortableOptions, StandardOptions

from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles, is_local, scratch_folder
from pipeline.support.stop_signals import deferred_stop

# Runners whose workers are threads or child processes of this command.
_LOCAL_RUNNERS: Final = frozenset(
    {"", "DirectRunner", "FnApiRunner", "PrismRunner", "BundleBasedDirectRunner", "SwitchingDirectRunner"}
)
# Runners whose workers are never on this machine and do not mount its disks.
_REMOTE_RUNNERS: Final = frozenset({"DataflowRunner"})


def workers_are_here(options: PipelineOptions) -> bool:
    """Whether all workers are on this machine."""
    return runner_name(options) in _LOCAL_RUNNERS or options.view_as(PortableOptions).environment_type == "LOOPBACK"


def workers_share_no_disk(options: PipelineOptions) -> bool:
    """Whether workers certainly do not see this machine's disks; if not, they may mount the same ones."""
    return runner_name(options) in _REMOTE_RUNNERS


def gives_memory_by_step(options: PipelineOptions) -> bool:
    """Whether the runner gives a step workers with the memory that it asks for.

    Dataflow does, except with FlexRS. Elsewhere a step that asks for memory would cost some: Beam takes it for another
    environment, and the in-process runner, Flink and Spark start a second set of worker processes for that.
    """
    return runner_name(options) == "DataflowRunner" and not options.view_as(GoogleCloudOptions).flexrs_goal


def outlives_command(options: PipelineOptions) -> bool:
    """Whether the command only writes a template: the service starts the job when the command has ended."""
    return runner_name(options) == "DataflowRunner" and bool(options.view_as(GoogleCloudOptions).template_location)


def runner_name(options: PipelineOptions) -> str:
    """The name of the runner's class, or '' if the options name no runner."""
    return str(options.view_as(StandardOptions).runner or "").rpartition(".")[2]


@contextmanager
def temp_folder(output: str, options: PipelineOptions) -> Iterator[str | None]:
    """The folder for TFT's files during a run, or None for the folder where the output is built; removed at the end.

    Raises:
      UserError: TFT can't write to the output's filesystem, and no other folder is given that all workers reach.
    """
    parent = temp_parent(output, options)
    if parent is None:
        yield None
    elif parent == tempfile.gettempdir():
        with scratch_folder() as folder:
            yield folder
    else:
        folder = f"{parent.rstrip('/')}/textrecords-{uuid.uuid4().hex[:8]}"
        try:
            yield folder
        finally:
            with deferred_stop():
                BeamFiles().remove([folder])


def temp_parent(output: str, options: PipelineOptions) -> str | None:
    """The folder in which temp_folder makes one, or None for the folder where the output is built.

    Raises:
      UserError: see temp_folder.
    """
    if workers_are_here(options):
        # A local folder saves an object store some fifty small files.
        return None if is_local(output) else tempfile.gettempdir()
    if is_for_tensorflow(output):
        return None
    temp = options.view_as(GoogleCloudOptions).temp_location
    if temp and is_for_tensorflow(temp):
        return str(temp)
    named = f"--temp_location {temp} is not such a place" if temp else "there is no --temp_location"
    raise UserError(
        f"output.path: TensorFlow keeps temporary files during the job and can't do so on {output}, and {named}: give "
        "--temp_location on gs://, or a folder that all workers mount"
    )


def is_for_tensorflow(path: str) -> bool:
    """Whether TensorFlow's filesystems reach a path.

    >>> is_for_tensorflow("gs://b/tmp"), is_for_tensorflow("/mnt/tmp"), is_for_tensorflow("s3://b/tmp")
    (True, True, False)
    """
    return is_local(path) or path.startswith("gs://")

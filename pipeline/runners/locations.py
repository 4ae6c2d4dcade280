"""Options for Beam -> where the parts of a run lie: whether its workers are on this machine, and what TFT can write to.

TFT writes its graphs through TensorFlow's filesystems, while the job is built and on a worker. They know gs:// and the
disks of a machine. Everything else goes through Beam's filesystems and may be anywhere.
"""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, PortableOptions, StandardOptions

from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles, is_local, scratch_folder

# Their workers are threads or child processes of this command's.
_HERE: Final = frozenset(
    {"", "DirectRunner", "FnApiRunner", "PrismRunner", "BundleBasedDirectRunner", "SwitchingDirectRunner"}
)
_THIS_MACHINE: Final = tempfile.gettempdir()
# Their workers are never on this machine, nor do they mount its disks.
_NEVER_HERE: Final = frozenset({"DataflowRunner"})


def workers_are_here(options: PipelineOptions) -> bool:
    """Whether all workers are on this machine, whoever they belong to."""
    return runner_name(options) in _HERE or options.view_as(PortableOptions).environment_type == "LOOPBACK"


def workers_share_no_disk(options: PipelineOptions) -> bool:
    """Whether it is certain that a worker does not see this machine's disks; otherwise they may mount the same."""
    return runner_name(options) in _NEVER_HERE


def runner_name(options: PipelineOptions) -> str:
    """The runner's name without the modules before it; '' where none is named."""
    return str(options.view_as(StandardOptions).runner or "").rpartition(".")[2]


@contextmanager
def temp_folder(output: str, options: PipelineOptions) -> Iterator[str | None]:
    """Where TFT keeps its own files during a run, removed at its end; None: where the output is built.

    Raises:
      UserError: TFT can't write to the output's filesystem, and no other place is named that all workers reach.
    """
    place = temp_place(output, options)
    if place is None:
        yield None
    elif place == _THIS_MACHINE:
        with scratch_folder() as folder:
            yield folder
    else:
        folder = f"{place.rstrip('/')}/textrecords-{uuid.uuid4().hex[:8]}"
        try:
            yield folder
        finally:
            BeamFiles().remove([folder])


def temp_place(output: str, options: PipelineOptions) -> str | None:
    """The folder below which TFT keeps its own files; None: where the output is built.

    Raises:
      UserError: see temp_folder.
    """
    if workers_are_here(options):
        # So a store is spared some fifty small files.
        return None if is_local(output) else _THIS_MACHINE
    if is_for_tensorflow(output):
        return None
    temp = options.view_as(GoogleCloudOptions).temp_location
    if temp and is_for_tensorflow(temp):
        return str(temp)
    named = f"--temp_location {temp} is no such place" if temp else "there is no --temp_location"
    raise UserError(
        f"output.path: TensorFlow keeps temporary files during the job and can't do so on {output}, and {named}: give "
        "--temp_location on gs://, or a folder that all workers mount"
    )


def is_for_tensorflow(path: str) -> bool:
    """Whether TensorFlow's own filesystems reach a path.

    >>> is_for_tensorflow("gs://b/tmp"), is_for_tensorflow("/mnt/tmp"), is_for_tensorflow("s3://b/tmp")
    (True, True, False)
    """
    return is_local(path) or path.startswith("gs://")

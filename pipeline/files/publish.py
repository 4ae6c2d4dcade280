"""A staging folder -> the published records folder, the manifest last.

Everything is built in a folder of the run's own below the output. Publishing moves it up file by file and ends with the
manifest, without which a records folder is not there for anyone: so a killed run leaves nothing that a reader would
take, and a complete folder that is to be replaced stays complete until the new one is.
"""

import contextlib
import logging
import os
import re
import socket
import uuid

from pipeline.contract import (
    FAILED_FOLDER,
    MANIFEST_FILE,
    RECORDS_FOLDER,
    REJECTED_FOLDER,
    REPORT_FILE,
    TRANSFORM_FOLDER,
    VOCABULARY_FILE,
)
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles, make_folders

_OWN_NAMES = frozenset(
    {
        MANIFEST_FILE, RECORDS_FOLDER, TRANSFORM_FOLDER, VOCABULARY_FILE, REJECTED_FOLDER, REPORT_FILE, FAILED_FOLDER,
    }
)  # fmt: skip
_STAGING = ".staging-"
# TensorFlow finds no variables of a SavedModel below such a folder.
_GLOB = frozenset("*?[")
_STAGING_NAME = re.compile(re.escape(_STAGING) + r"(?P<host>.*)-(?P<process>\d+)-[0-9a-f]+")

_logger = logging.getLogger(__name__)


def check_output(output: str, *, overwrite: bool) -> None:
    """Whether a run may write there.

    Raises:
      UserError: a complete records folder is there and is not to be overwritten, or files that are not ours; or
      TensorFlow could not write there.
    """
    if set(output) & _GLOB:
        raise UserError(
            f"output.path: {output} has one of {' '.join(sorted(_GLOB))} in it, which TensorFlow takes for a pattern"
        )
    names = _names_below(output)
    foreign = sorted(name for name in names - _OWN_NAMES if not name.startswith(_STAGING))
    if foreign:
        raise UserError(f"output.path: {output} holds other files ({foreign[0]}); give a folder of its own")
    if MANIFEST_FILE in names and not overwrite:
        raise UserError(
            f"output.path: {output} holds a complete records folder; add --overwrite to replace it, "
            "or give another output.path"
        )


def new_staging(output: str) -> str:
    """Makes a folder for a run's unfinished work; what dead runs of this machine left is removed.

    Raises:
      UserError: no folder can be made there.
    """
    output = output.rstrip("/")
    for name in sorted(_names_below(output)):
        if name.startswith(_STAGING):
            _remove_abandoned(output, name)
    staging = f"{output}/{_STAGING}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        make_folders(staging)
    except OSError as error:
        raise UserError(f"output.path: can't write below {output}: {error}") from error
    return staging


def publish(result: str, output: str, *, manifest: bytes) -> None:
    """Moves all files of the result to the output, over an older one, and writes the manifest.

    Called again for the same run, as a runner may do, it goes on where it was.
    """
    cleared = f"{result}.cleared"  # from then on what stands in the output is of this run
    files = BeamFiles()
    output = output.rstrip("/")
    if not files.exists(cleared):
        files.remove([f"{output}/{MANIFEST_FILE}"])
        files.remove([f"{output}/{name}" for name in sorted(_names_below(output) & _OWN_NAMES)])
        files.write(cleared, b"")
    files.move_all((file.path, output + file.path.removeprefix(result)) for file in files.below(result))
    # Whole before it comes: a run that is killed here leaves nothing in the output that is not a records folder's.
    files.write(f"{result}.manifest", manifest)
    files.move(f"{result}.manifest", f"{output}/{MANIFEST_FILE}")


def keep_rejected(result: str, output: str) -> str:
    """Moves the rejected rows of a run that failed to where a person can look at them; gives the folder.

    It makes no records folder, and takes nothing from one that is there; the next run that succeeds removes it.
    """
    files = BeamFiles()
    kept = f"{output.rstrip('/')}/{FAILED_FOLDER}"
    rejected = f"{result}/{REJECTED_FOLDER}"
    files.remove([kept])
    files.move_all((file.path, kept + file.path.removeprefix(rejected)) for file in files.below(rejected))
    return kept


def remove_staging(staging: str) -> None:
    """Removes what is left of a run's unfinished work, and the output folder if that was all there was in it."""
    BeamFiles().remove([staging])
    output = staging.partition(f"/{_STAGING}")[0]
    if "://" not in output:  # object stores have no empty folders
        with contextlib.suppress(OSError):
            os.rmdir(output)


def _names_below(folder: str) -> set[str]:
    folder = folder.rstrip("/")
    if os.path.isdir(folder):  # a dead run may have left folders without a file
        return set(os.listdir(folder))
    return {file.path.removeprefix(folder + "/").partition("/")[0] for file in BeamFiles().below(folder)}


def _remove_abandoned(output: str, name: str) -> None:
    found = _STAGING_NAME.fullmatch(name)
    if found is None or found["host"] != socket.gethostname() or _is_alive(int(found["process"])):
        _logger.info("%s/%s belongs to a run that may still be going on; it is left alone", output, name)
    else:
        remove_staging(f"{output}/{name}")


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""A staging folder -> the published records folder, the manifest last.

A run builds all its files in a staging folder of its own below the output. Publishing moves them up one by one and ends
with the manifest. Readers refuse a folder without a manifest, so they never see a half-published one. A complete folder
that is to be replaced stays complete until publishing begins.
"""

import contextlib
import logging
import os

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
from pipeline.files.staging import is_abandoned, staging_name

_OWN_NAMES = frozenset(
    {
        MANIFEST_FILE, RECORDS_FOLDER, TRANSFORM_FOLDER, VOCABULARY_FILE, REJECTED_FOLDER, REPORT_FILE, FAILED_FOLDER,
    }
)  # fmt: skip
_STAGING = ".staging-"
# TensorFlow takes a path with these for a pattern, and then does not find a SavedModel's variables.
_GLOB_CHARACTERS = frozenset("*?[")

_logger = logging.getLogger(__name__)


def check_output(output: str, *, overwrite: bool) -> None:
    """Checks that a run may write to the output folder.

    Raises:
      UserError: it holds files that are not of a records folder; or a complete records folder, without `overwrite`; or
        its name has characters of a glob.
    """
    if set(output) & _GLOB_CHARACTERS:
        raise UserError(
            f"output.path: {output} has one of {' '.join(sorted(_GLOB_CHARACTERS))} in it, "
            "which TensorFlow takes for a pattern"
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
    """Makes a folder for a run's unfinished work, and removes those of dead runs of this machine.

    Raises:
      UserError: the folder can't be made.
    """
    output = output.rstrip("/")
    for name in sorted(_names_below(output)):
        if name.startswith(_STAGING):
            _remove_abandoned(output, name)
    staging = f"{output}/{staging_name(_STAGING)}"
    try:
        make_folders(staging)
    except OSError as error:
        raise UserError(f"output.path: can't write below {output}: {error}") from error
    return staging


def publish(result: str, output: str, *, manifest: bytes) -> None:
    """Moves all files of the result to the output, over an older one, and writes the manifest.

    A runner may call it again for the same run: it goes on where the first call ended.
    """
    cleared = f"{result}.cleared"  # once this file exists, all files of the output are from this run
    files = BeamFiles()
    output = output.rstrip("/")
    if not files.exists(cleared):
        files.remove([f"{output}/{MANIFEST_FILE}"])
        files.remove([f"{output}/{name}" for name in sorted(_names_below(output) & _OWN_NAMES)])
        files.write(cleared, b"")
    files.move_all((file.path, output + file.path.removeprefix(result)) for file in files.below(result))
    # Write the manifest completely under another name, then rename it.
    files.write(f"{result}.manifest", manifest)
    files.move(f"{result}.manifest", f"{output}/{MANIFEST_FILE}")


def save_rejected(result: str, output: str) -> str:
    """Moves the rejected rows of a failed run to `failed/` in the output, for a person to look at; returns that folder.

    A records folder in the output stays as it is. The next run that succeeds removes `failed/`.
    """
    files = BeamFiles()
    failed = f"{output.rstrip('/')}/{FAILED_FOLDER}"
    rejected = f"{result}/{REJECTED_FOLDER}"
    files.remove([failed])
    files.move_all((file.path, failed + file.path.removeprefix(rejected)) for file in files.below(rejected))
    return failed


def remove_staging(staging: str) -> None:
    """Removes a run's staging folder, and the output folder if nothing else is in it."""
    BeamFiles().remove([staging])
    output = staging.partition(f"/{_STAGING}")[0]
    if "://" not in output:  # object stores have no empty folders
        with contextlib.suppress(OSError):
            os.rmdir(output)


def _names_below(folder: str) -> set[str]:
    folder = folder.rstrip("/")
    if os.path.isdir(folder):  # listed with its empty folders, which a dead run may have left
        return set(os.listdir(folder))
    return {file.path.removeprefix(folder + "/").partition("/")[0] for file in BeamFiles().below(folder)}


def _remove_abandoned(output: str, name: str) -> None:
    if is_abandoned(name, prefix=_STAGING):
        remove_staging(f"{output}/{name}")
    else:
        _logger.info("%s/%s belongs to a run that may still be going on; it is left alone", output, name)

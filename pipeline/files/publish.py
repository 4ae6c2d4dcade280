"""The output folder of a run: whether it may write there, the staging folder where it builds, and publishing.

A run builds all its files in a staging folder of its own below the output. publication.py moves them to their places
when they are complete. So readers never see a half-published folder, and a folder that is to be replaced stays complete
until then. One run at a time writes to an output (output_lock.py).
"""

import contextlib
import fcntl
import logging
import os
import threading
from collections.abc import Iterator, Mapping
from typing import Final

from pipeline.contract import FAILED_FOLDER, LOCK_FILE, MANIFEST_FILE, PUBLISHING_PREFIX, REJECTED_FOLDER
from pipeline.errors import UserError
from pipeline.files import publication
from pipeline.files.beam import BeamFiles, is_local, make_folders
from pipeline.files.local_storage import LocalStorage
from pipeline.files.lock import ATTEMPT_PREFIX
from pipeline.files.output_lock import check_still_held
from pipeline.files.publication import PARTS, Publication, Storage
from pipeline.files.staging import is_abandoned, staging_name

_STAGING: Final = ".staging-"
# Names that only runs make in an output. A published folder has none of them.
_HIDDEN: Final = (_STAGING, PUBLISHING_PREFIX, ATTEMPT_PREFIX)
# TensorFlow takes a path with these for a pattern, and then does not find a SavedModel's variables.
_GLOB_CHARACTERS: Final = frozenset("*?[")

# A file in the staging folder. Who publishes or clears the folder has it locked.
_BUSY: Final = "busy"
# The same for threads of this process, for all staging folders: a store has no locks.
_THREADS: Final = threading.RLock()

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
    names = _storage(output).names(output.rstrip("/"))
    foreign = sorted(name for name in names - PARTS - {LOCK_FILE} if not name.startswith(_HIDDEN))
    if foreign:
        raise UserError(f"output.path: {output} holds other files ({foreign[0]}); give a folder of its own")
    if MANIFEST_FILE in names and not overwrite:
        raise UserError(
            f"output.path: {output} holds a complete records folder; add --overwrite to replace it, "
            "or give another output.path"
        )


def recover(output: str) -> None:
    """Puts in order what dead runs of this machine left; call it with the lock held.

    If a run was killed while it replaced a records folder, that folder is put back. Staging folders are removed.

    Raises:
      UserError: something can't be moved.
    """
    output = output.rstrip("/")
    stagings = [f"{output}/{name}" for name in sorted(_storage(output).names(output)) if name.startswith(_STAGING)]
    for staging in stagings:
        # A worker whose command was killed may be publishing. Another one can't begin: the lock is not its run's.
        with contextlib.suppress(FileNotFoundError), _undisturbed(staging):
            pass
    try:
        publication.recover(_storage(output), output)
    except OSError as error:
        raise UserError(
            f"output.path: a run was stopped while it published to {output}, and what was there before can't be put "
            f"back: {error}"
        ) from error
    for staging in stagings:
        _remove_abandoned(staging)


def new_staging(output: str) -> str:
    """Makes a folder for a run's unfinished work.

    Raises:
      UserError: the folder can't be made.
    """
    staging = f"{output.rstrip('/')}/{staging_name(_STAGING)}"
    try:
        make_folders(staging)
        if is_local(staging):
            LocalStorage().write(f"{staging}/{_BUSY}", b"")
    except OSError as error:
        why = error.strerror or error
        raise UserError(f"output.path: can't write below {output}: {why}; give another output.path") from error
    return staging


def publish(
    result: str, output: str, *, manifest: bytes, files: Mapping[str, int], lock_token: str | None = None
) -> None:
    """Publishes the result, a folder in a run's staging folder, and replaces an older folder; see Publication.publish.

    A runner may call it again for the same run: it goes on where the first call ended. lock_token: of the run's lock on
    the output, or None.

    Raises:
      UserError: another run has the lock now.
      FileNotFoundError: the run was stopped, and its staging folder cleared.
      IncompleteError, OSError: see Publication.publish.
    """
    output = output.rstrip("/")
    staging = result.rpartition("/")[0]
    run = staging.rpartition("/")[2].removeprefix(_STAGING)
    with _undisturbed(staging):
        if lock_token is not None:
            check_still_held(output, lock_token)
        Publication(_storage(output), output, run=run, result=result).publish(manifest, files=files)


def save_rejected(result: str, output: str) -> str:
    """Moves the rejected rows of a failed run to `failed/` in the output, for a person to look at; returns that folder.

    A records folder in the output stays as it is. The next run that succeeds removes `failed/`. A runner may call it
    again after it has moved all.
    """
    files = BeamFiles()
    failed = f"{output.rstrip('/')}/{FAILED_FOLDER}"
    rejected = f"{result}/{REJECTED_FOLDER}"
    moves = [(file.path, failed + file.path.removeprefix(rejected)) for file in files.below(rejected)]
    if moves:
        files.remove([failed])
        files.move_all(moves)
    return failed


def remove_staging(staging: str) -> None:
    """Removes a run's staging folder.

    If a worker publishes from it, it waits until that has ended; no worker publishes from it afterwards.
    """
    with contextlib.suppress(FileNotFoundError), _undisturbed(staging):
        if is_local(staging):
            os.remove(f"{staging}/{_BUSY}")
    BeamFiles().remove([staging])


@contextlib.contextmanager
def _undisturbed(staging: str) -> Iterator[None]:
    """Within it no other thread or process of this machine publishes from the staging folder, or clears it.

    Raises:
      FileNotFoundError: it is cleared already.
    """
    with _THREADS:
        if not is_local(staging):
            yield
            return
        with open(f"{staging}/{_BUSY}", "rb+") as busy:
            with contextlib.suppress(OSError):  # a network disk without locks
                fcntl.flock(busy, fcntl.LOCK_EX)
            os.stat(f"{staging}/{_BUSY}")
            yield


class _StoreStorage(BeamFiles):
    """Storage of a store: without folders, and without a rename of many files at once."""

    def names(self, folder: str) -> set[str]:
        """The first parts of the paths of all that is below a folder."""
        return {unit.partition("/")[0] for unit in self.units(folder)}

    def units(self, folder: str) -> list[str]:
        """The paths of all files below a folder, relative to it."""
        return list(self.sizes(folder))

    def sizes(self, folder: str) -> dict[str, int]:
        """The bytes of each file below a folder, by its path relative to the folder."""
        return {file.path.removeprefix(f"{folder}/"): file.size for file in self.below(folder)}

    def sync(self, folder: str, *, deep: bool) -> None:
        """What a store has taken is safe."""


def _storage(output: str) -> Storage:
    return LocalStorage() if is_local(output) else _StoreStorage()


def _remove_abandoned(staging: str) -> None:
    if not is_abandoned(staging.rpartition("/")[2], prefix=_STAGING):
        _logger.info("%s belongs to a run that may still be going on; it is left alone", staging)
        return
    try:
        remove_staging(staging)
    except OSError as error:
        _logger.warning("%s is left from a run that has ended, and can't be deleted: %s", staging, error)

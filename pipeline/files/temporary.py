"""One folder for all temporary files of a command: ours, Beam's and TensorFlow's, and those of its child processes.

It lies in the folder that TMPDIR names, and is removed when the command ends. If the command is killed, it stays, and
the next command on this machine removes it:

    textrecords-myhost-4711-918273x0a1b2c3d      see staging.py

Standard library alone: the pipeline and the trainer both use it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pipeline.errors import UserError
from pipeline.files.local_storage import remove
from pipeline.files.staging import abandoned_in, staging_name
from pipeline.support.stop_signals import deferred_stop

_PREFIX: Final = "textrecords-"
_VARIABLE: Final = "TMPDIR"


@contextmanager
def temporary_files() -> Iterator[None]:
    """Within it, all that asks Python, TensorFlow or TMPDIR for a place for temporary files gets the command's folder.

    Raises:
      UserError: TMPDIR names no folder, or the command's folder can't be made there.
    """
    before = tempfile.tempdir, os.environ.get(_VARIABLE)
    folder = Path(_place()) / staging_name(_PREFIX)
    try:
        _remove_abandoned(folder.parent)
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise UserError(f"{_VARIABLE}: can't write in {folder.parent}: {error.strerror or error}") from error
        tempfile.tempdir = os.environ[_VARIABLE] = str(folder)
        yield
    finally:
        with deferred_stop():
            _restore(*before)
            _remove(folder)


def place_of_temporary_files() -> str:
    """The folder that the user chose for temporary files, in which the command's folder lies."""
    folder = Path(tempfile.gettempdir())
    return str(folder.parent if folder.name.startswith(_PREFIX) else folder)


def _place() -> str:
    """The folder for temporary files: that of TMPDIR, or if the variable is not set or empty the one that Python takes.

    Python takes another one as well if the named one is missing or full. The user has named it for its size, so that is
    refused.
    """
    named = os.environ.get(_VARIABLE)
    if named and not os.path.isdir(named):
        raise UserError(f"{_VARIABLE}: {named} is not a folder; make it, or name another folder")
    try:
        place = tempfile.gettempdir()
    except FileNotFoundError as error:  # Python tries to write a file into each, and the disk may be full
        raise UserError(f"{_VARIABLE}: no folder for temporary files can be written: {error.strerror}") from error
    if named and not os.path.samefile(named, place):
        raise UserError(f"{_VARIABLE}: no file can be written in {named}; free space there, or name another folder")
    return place


def _restore(tempdir: str | None, variable: str | None) -> None:
    tempfile.tempdir = tempdir
    if variable is None:
        os.environ.pop(_VARIABLE, None)
    else:
        os.environ[_VARIABLE] = variable


def _remove_abandoned(parent: Path) -> None:
    """Removes the folders of commands of this machine that were killed."""
    with suppress(OSError):  # a folder may be writable, but not readable
        for folder in abandoned_in(parent, prefix=_PREFIX):
            shutil.rmtree(folder, ignore_errors=True)


def _remove(folder: Path) -> None:
    with suppress(OSError):
        remove(str(folder))
    shutil.rmtree(folder, ignore_errors=True)  # what can be deleted, if something in it can't

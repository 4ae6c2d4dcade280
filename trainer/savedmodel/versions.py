"""export.path -> its numbered version folders: the newest one, and the next one, published as a whole.

TensorFlow Serving loads every folder whose name is a number. So a version is built under another name, flushed to disk
and renamed (pipeline/files/staging.py). A killed export leaves a folder that no server loads; the next export removes
it. An object store has no rename: the files are copied, saved_model.pb last, because no loader reads a folder without.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import tensorflow as tf

from pipeline.files.staging import abandoned_in, rename_durably, staging_name
from pipeline.support.stop_signals import deferred_stop
from trainer import files

SAVED_MODEL_FILE: Final = "saved_model.pb"

_STAGING: Final = ".unpublished-"


def newest_version(path: str) -> str | None:
    """The folder of the newest version in export.path (the highest number); None if there is no version.

    Raises:
      OSError: export.path can't be read.
    """
    versions = _versions(path)
    return files.join(path, str(max(versions))) if versions else None


def check_writable(path: str) -> None:
    """Creates export.path and writes a file there, so that an error appears before the training and not after it.

    Folders that it made itself are removed if it fails.

    Raises:
      UserError: the folder can't be created or written to.
    """
    made = [] if _is_remote(path) else [folder for folder in (Path(path), *Path(path).parents) if not folder.exists()]
    try:
        with files.naming("export.path", path, then="or give another export.path"):
            tf.io.gfile.makedirs(path)
            with staging(path) as folder:
                files.write(files.join(folder, "probe"), b"")
    except BaseException:
        for empty in made:
            with suppress(OSError):  # another program may use it by now
                empty.rmdir()
        raise


@contextmanager
def staging(path: str) -> Iterator[str]:
    """A local folder to build a version in; inside export.path if that is local. It is removed afterwards."""
    if _is_remote(path):
        folder = tempfile.mkdtemp(prefix=_STAGING)
    else:
        Path(path).mkdir(parents=True, exist_ok=True)
        _remove_abandoned(Path(path))
        folder = str(Path(path) / staging_name(_STAGING))
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        yield folder
    finally:
        with deferred_stop():
            shutil.rmtree(folder, ignore_errors=True)


def publish(folder: str, path: str) -> str:
    """Makes the staged folder the next version in export.path; returns the path of the version."""
    if _is_remote(path):
        return _copy(folder, path)
    os.chmod(folder, 0o755)  # the server may run as another user
    number = max(_versions(path), default=0) + 1
    while True:
        target = Path(path) / str(number)
        try:
            rename_durably(Path(folder), target)
        except OSError:
            # If the folder is still there and the target too, another export was faster.
            if not (target.exists() and Path(folder).exists()):
                raise
            number += 1
            continue
        return str(target)


def _versions(path: str) -> list[int]:
    """The numbers of the versions in export.path, in no order."""
    return [int(name) for name in files.names_in(path) if name.isascii() and name.isdigit()]


def _copy(folder: str, path: str) -> str:
    """Copies a folder as the next version to an object store; returns the path of the version."""
    target = files.join(path, str(max(_versions(path), default=0) + 1))
    sources = [file for file in Path(folder).rglob("*") if file.is_file()]
    for source in sorted(sources, key=lambda file: file.name == SAVED_MODEL_FILE):
        files.write(files.join(target, source.relative_to(folder).as_posix()), source.read_bytes())
    return target


def _remove_abandoned(path: Path) -> None:
    """Removes the staging folders of exports of this machine that were killed."""
    for folder in abandoned_in(path, prefix=_STAGING):
        shutil.rmtree(folder, ignore_errors=True)


def _is_remote(path: str) -> bool:
    return "://" in path

"""export.path -> its numbered version folders: the newest, the next, and how one comes to be there all at once.

TensorFlow Serving takes every folder whose name is a number. So a version is built under another name, written to disk
to the last byte, and renamed; what a killed export leaves is a folder that no server takes and the next export removes.
An object store knows no renaming: there the files are copied, saved_model.pb last, without which no loader reads them.
"""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import tensorflow as tf

from pipeline.errors import UserError
from trainer import files

SAVED_MODEL_FILE: Final = "saved_model.pb"

_UNPUBLISHED: Final = ".unpublished"


def newest_version(path: str) -> str | None:
    """The folder of the newest version in export.path, None where there is none."""
    versions = _versions(path)
    return files.join(path, str(max(versions))) if versions else None


def check_writable(path: str) -> None:
    """Makes export.path, so that what is wrong with it is said before a training and not after it.

    Raises:
      UserError: it can't be made or written to.
    """
    try:
        tf.io.gfile.makedirs(path)
        with staging(path) as folder:
            files.write(files.join(folder, "probe"), b"")
    except (OSError, tf.errors.OpError) as error:
        raise UserError(f"export.path: {path} can't be written to: {error}") from error


@contextmanager
def staging(path: str) -> Iterator[str]:
    """A local folder to build a version in, beside the others where export.path is local; gone afterwards."""
    prefix = f"{_UNPUBLISHED}-{socket.gethostname()}-{os.getpid()}-"
    if _is_remote(path):
        beside = None
    else:
        beside = Path(path)
        beside.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(beside)
    folder = tempfile.mkdtemp(prefix=prefix, dir=beside)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: str, path: str) -> str:
    """Makes the staged folder the next version in export.path; the path of the version."""
    if _is_remote(path):
        return _copy(folder, path)
    os.chmod(folder, 0o755)  # mkdtemp's folders are the owner's alone, and a server may be somebody else
    _flush(Path(folder))
    number = max(_versions(path), default=0) + 1
    while True:
        target = Path(path) / str(number)
        try:
            Path(folder).rename(target)
        except OSError:
            if not target.exists():
                raise
            number += 1  # another export was faster
            continue
        _flush_folder(Path(path))
        return str(target)


def _versions(path: str) -> list[int]:
    if not tf.io.gfile.isdir(path):
        return []
    names = [name.rstrip("/") for name in tf.io.gfile.listdir(path)]
    return [int(name) for name in names if name.isascii() and name.isdigit()]


def _copy(folder: str, path: str) -> str:
    target = files.join(path, str(max(_versions(path), default=0) + 1))
    sources = [file for file in Path(folder).rglob("*") if file.is_file()]
    for source in sorted(sources, key=lambda file: file.name == SAVED_MODEL_FILE):
        files.write(files.join(target, source.relative_to(folder).as_posix()), source.read_bytes())
    return target


def _flush(folder: Path) -> None:
    for entry in folder.rglob("*"):
        if entry.is_dir():
            _flush_folder(entry)
        else:
            with entry.open("rb") as file:
                os.fsync(file.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(path: Path) -> None:
    """Removes what dead exports of this machine have left; a live one's, or another machine's, stays."""
    for folder in path.glob(f"{_UNPUBLISHED}-{socket.gethostname()}-*-*"):
        if not _is_alive(int(folder.name.rsplit("-", 2)[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_remote(path: str) -> bool:
    return "://" in path

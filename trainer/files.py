"""Small files on TensorFlow's file systems (local, gs:// and others): a path -> its bytes, bytes -> a complete file.

Every error of a file system is an OSError here, also those that TensorFlow raises as tf.errors.OpError. `reason_of`
says in a few words what went wrong.
"""

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import tensorflow as tf

from pipeline.errors import UserError
from pipeline.files.local import open_regular
from pipeline.files.staging import abandoned_in, rename_durably, staging_name
from pipeline.support.disk_errors import number_named
from pipeline.support.printable import to_one_line

# Bytes that are read at once: few calls, and little memory.
_READ_BYTES: Final = 8 << 20
# The start of the name under which a file is written, until it is complete.
UNFINISHED: Final = ".unfinished-"
# The longest reason in an error message, in characters. TensorFlow's messages may repeat a whole graph.
_REASON_CHARACTERS: Final = 200
# What TensorFlow puts around a reason: which of its functions failed, and the path.
_PLACE_IN_TENSORFLOW: Final = re.compile(r"^(?:\{\{[^}]*\}\} )?(?:\S*/\S*; )?| \[Op:\w+\].*$")
# Errors of a disk without room: it is full, a quota is used up, a file may not become so large.
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_RIGHT: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def join(folder: str, *names: str) -> str:
    """The path of a file in a folder.

    >>> join("gs://bucket/run/", "history.csv"), join("out", "tensorboard", "train")
    ('gs://bucket/run/history.csv', 'out/tensorboard/train')
    """
    return "/".join([folder.rstrip("/") or "/", *names])


def is_local(path: str) -> bool:
    """Whether a path is of this machine, or of a disk that it mounts.

    >>> is_local("out/model"), is_local("gs://bucket/model")
    (True, False)
    """
    return "://" not in path


def read(path: str, *, most_bytes: int | None = None) -> bytes:
    """The bytes of a regular file.

    Raises:
      FileNotFoundError: there is no such file.
      OSError: it can't be read, is not a regular file, or has more than `most_bytes`.
    """
    content = bytearray()
    for part in parts(path):
        content += part
        if most_bytes is not None and len(content) > most_bytes:
            raise OSError(errno.EFBIG, f"it has more than {most_bytes:,} bytes", path)
    return bytes(content)


def parts(path: str) -> Iterator[bytes]:
    """The bytes of a regular file, in parts of 8 MB; raises as `read` does."""
    with opened(path) as file:
        while part := file.read(_READ_BYTES):
            yield part


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Within it, a regular file to read bytes of; raises as `read` does."""
    with as_os_errors(), open_regular(path) if is_local(path) else tf.io.gfile.GFile(path, "rb") as file:
        yield file


def write(path: str, content: bytes) -> None:
    """Writes a file completely or not at all: after a kill or a power cut `path` is the old file or the new one.

    A kill may leave a file of another name; `remove_abandoned` deletes it.

    Raises:
      OSError: it can't be written.
    """
    write_by(path, lambda file: file.write(content))


def write_by(path: str, write_content: Callable[[BinaryIO], object]) -> None:
    """As `write`, for content that is written in parts into an open file.

    Raises:
      OSError: it can't be written.
    """
    folder = path.rpartition("/")[0] or ("/" if path.startswith("/") else ".")
    unfinished = join(folder, staging_name(UNFINISHED))
    with as_os_errors():
        tf.io.gfile.makedirs(folder)
        try:
            if is_local(path):
                with open(unfinished, "wb") as local:
                    write_content(local)
                rename_durably(Path(unfinished), Path(path))
                return
            with tf.io.gfile.GFile(unfinished, "wb") as file:
                write_content(file)
            tf.io.gfile.rename(unfinished, path, overwrite=True)
        except BaseException:
            with contextlib.suppress(OSError, tf.errors.OpError):
                remove(unfinished)
            raise


def remove_abandoned(folder: str) -> None:
    """Removes the files that processes of this machine left in a local folder when they were killed while writing.

    Those that this user may not see or delete stay, such as another user's in /tmp.
    """
    if not is_local(folder):
        return
    with contextlib.suppress(OSError):
        for unfinished in abandoned_in(folder, prefix=UNFINISHED):
            with contextlib.suppress(OSError):
                unfinished.unlink()


def names_in(folder: str) -> list[str]:
    """The names in a folder, in no order; [] if there is no such folder.

    Raises:
      OSError: it can't be read.
    """
    with as_os_errors():
        if is_local(folder):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                return os.listdir(folder)
            return []
        names = tf.io.gfile.listdir(folder) if tf.io.gfile.isdir(folder) else []
        return [name.rstrip("/") for name in names]


def below(folder: str) -> Iterator[str]:
    """The paths of all files in a folder, at any depth, relative to it, in no order.

    Raises:
      OSError: a folder can't be read.
    """
    for name in names_in(folder):
        path = join(folder, name)
        if os.path.isdir(path) if is_local(path) else tf.io.gfile.isdir(path):
            yield from (f"{name}/{file}" for file in below(path))
        else:
            yield name


def exists(path: str) -> bool:
    """Whether there is a file or folder of this name.

    Raises:
      OSError: that can't be known, for example because the folder may not be read.
    """
    with as_os_errors():
        if is_local(path):
            try:
                os.stat(path)
            except (FileNotFoundError, NotADirectoryError):
                return False
            return True
        return bool(tf.io.gfile.exists(path))


def size(path: str) -> int:
    """The bytes of a file; 0 if there is no such file.

    Raises:
      OSError: its folder can't be read.
    """
    try:
        with as_os_errors():
            return os.stat(path).st_size if is_local(path) else int(tf.io.gfile.stat(path).length)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def check_reachable(path: str, *, setting: str) -> None:
    """Refuses a path that TensorFlow has no file system for, as s3:// and hdfs://.

    setting: the setting that `path` is the value of, for the error message.

    Raises:
      UserError: TensorFlow has no file system for it.
    """
    scheme = path.partition("://")[0] if "://" in path else ""
    if scheme not in tf.io.gfile.get_registered_schemes():
        copied = f"out/{path.rstrip('/').rpartition('/')[2]}"
        example = f": aws s3 sync {path} {copied}" if scheme == "s3" else ""
        raise UserError(
            f"{setting}: TensorFlow can't reach {path}; give a folder of this machine or on gs:// (and copy the "
            f"records there first{example})"
        )


def remove(path: str) -> None:
    """Deletes a file, or a folder with its content; a missing one is ignored.

    Raises:
      OSError: it can't be deleted.
    """
    with as_os_errors():
        if tf.io.gfile.isdir(path):
            tf.io.gfile.rmtree(path)
        elif tf.io.gfile.exists(path):
            tf.io.gfile.remove(path)


@contextlib.contextmanager
def as_os_errors() -> Iterator[None]:
    """Within it TensorFlow's errors become OSErrors, with the reason in `strerror`."""
    try:
        yield
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, reason_of(error)) from error
    except tf.errors.ResourceExhaustedError as error:  # TensorFlow's name for a full disk
        raise OSError(errno.ENOSPC, reason_of(error)) from error
    except tf.errors.PermissionDeniedError as error:
        raise PermissionError(errno.EACCES, reason_of(error)) from error
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, reason_of(error)) from error


@contextlib.contextmanager
def disk_errors_as_os_errors() -> Iterator[None]:
    """Within it those of TensorFlow's errors that name an error of a disk, or a missing right, become OSErrors.

    The others stay. Where TensorFlow does more than to write files, they may be bugs.
    """
    try:
        yield
    except tf.errors.OpError as error:
        number = number_named(error.message)
        if number is None:
            raise
        raise OSError(number, reason_of(error)) from error


@contextlib.contextmanager
def naming(setting: str, path: str, *, then: str, disk_errors_only: bool = False) -> Iterator[None]:
    """Within it an error of the file system becomes a UserError that names the setting, the path and what to do.

    then: what to do when the folder can be written again. disk_errors_only: see `disk_errors_as_os_errors`.
    """
    try:
        with disk_errors_as_os_errors() if disk_errors_only else as_os_errors():
            yield
    except OSError as error:
        remedy = (
            "make room there" if error.errno in _NO_ROOM
            else "give this user the right to write there" if error.errno in _NO_RIGHT
            else "see what is at this path"
        )  # fmt: skip
        raise UserError(f"{setting}: {path} can't be written: {reason_of(error)}; {remedy}, {then}") from error


def reason_of(error: Exception) -> str:
    """What went wrong, in one line of 200 characters at most, without the place in TensorFlow's source.

    >>> reason_of(OSError(28, "No space left on device", "out/history.csv"))
    'No space left on device'
    >>> reason_of(tf.errors.DataLossError(None, None, "{{node Save}} a/b; No space left on device [Op:SaveV2] name: "))
    'No space left on device'
    """
    text: Any = getattr(error, "strerror", None) or getattr(error, "message", None) or str(error)
    lines = str(text).strip().splitlines() or [type(error).__name__]
    return to_one_line(_PLACE_IN_TENSORFLOW.sub("", lines[0]), width=_REASON_CHARACTERS)

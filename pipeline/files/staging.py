"""Folders for unfinished work: their names, whether their owner still runs, and the rename that publishes them.

A result is built under a name that no reader looks for, and gets its own name when it is complete. If the process dies,
the folder stays. Its name holds the machine and the process, so the next process on that machine can remove it:

    .staging-myhost-4711-918273x0a1b2c3d      <prefix><host>-<process id>-<when it started>x<random>

Standard library alone: the pipeline (with Beam's filesystems) and the trainer (with TensorFlow's) both use it.
"""

import errno
import os
import re
import socket
import uuid
from pathlib import Path
from typing import Final

from pipeline.files.owner import is_process, start_of

_UNFINISHED: Final = ".attempt-"
# What some network disks say when a folder is flushed. They write names to the disk by themselves.
_NO_FOLDER_FLUSH: Final = frozenset({errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_OWNER: Final = re.compile(r"(?P<host>.+)-(?P<process>\d+)-(?:(?P<started>\d+)x)?\w+")


def staging_name(prefix: str) -> str:
    """A new name for a folder of this process."""
    started = start_of(os.getpid())
    times = f"{started}x" if started else ""
    return f"{prefix}{socket.gethostname()}-{os.getpid()}-{times}{uuid.uuid4().hex[:8]}"


def unfinished_name(path: str) -> str:
    """A new name beside `path` for a file that gets its own name when it is complete.

    >>> is_unfinished(unfinished_name("records/part")), is_unfinished("records/part")
    (True, False)
    """
    return f"{path}{_UNFINISHED}{uuid.uuid4().hex}"


def is_unfinished(path: str) -> bool:
    """Whether a file has a name of `unfinished_name`: a process that was killed left it."""
    return _UNFINISHED in path


def is_abandoned(name: str, *, prefix: str) -> bool:
    """Whether a folder of this name belongs to a process of this machine that has ended.

    Nobody here can know about the processes of another machine: their folders are not abandoned.

    >>> is_abandoned(staging_name(".staging-"), prefix=".staging-"), is_abandoned("records", prefix=".staging-")
    (False, False)
    """
    owner = _OWNER.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
    if owner is None or owner["host"] != socket.gethostname():
        return False
    return not is_process(int(owner["process"]), started=owner["started"] or "")


def abandoned_in(folder: str | Path, *, prefix: str) -> list[Path]:
    """The files and folders in a folder whose names are of processes of this machine that have ended.

    Raises:
      OSError: the folder can't be listed.
    """
    return [Path(folder, name) for name in os.listdir(folder) if is_abandoned(name, prefix=prefix)]


def rename_durably(source: Path, target: Path) -> None:
    """Renames a file or folder of this machine. After a power cut `target` is complete, or as it was before.

    A file replaces one that is there.

    Raises:
      OSError: `target` is a folder that is not empty, or can't be written.
    """
    flush(source)
    source.replace(target)
    flush(target.parent, deep=False)


def flush(path: Path, *, deep: bool = True) -> None:
    """Writes a file, or a folder with all it holds (not deep: the names in it alone), from memory to the disk."""
    if deep and path.is_dir():
        for entry in path.iterdir():
            flush(entry)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_FLUSH or not path.is_dir():
            raise
    finally:
        os.close(descriptor)

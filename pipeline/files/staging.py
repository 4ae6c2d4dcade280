"""Folders for unfinished work: their names, whether their owner still runs, and the rename that publishes them.

A result is built under a name that no reader looks for, and gets its own name when it is complete. If the process dies,
the folder stays. Its name holds the machine and the process, so the next process on that machine can remove it:

    .staging-myhost-4711-0a1b2c3d      <prefix><host>-<process id>-<random>

Standard library alone: the pipeline (with Beam's filesystems) and the trainer (with TensorFlow's) both use it.
"""

import os
import re
import socket
import uuid
from pathlib import Path
from typing import Final

_OWNER: Final = re.compile(r"(?P<host>.+)-(?P<process>\d+)-\w+")


def staging_name(prefix: str) -> str:
    """A new name for a folder of this process."""
    return f"{prefix}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def is_abandoned(name: str, *, prefix: str) -> bool:
    """Whether a folder of this name belongs to a process of this machine that has ended.

    Nobody here can know about the processes of another machine: their folders are not abandoned.

    >>> is_abandoned(staging_name(".staging-"), prefix=".staging-"), is_abandoned("records", prefix=".staging-")
    (False, False)
    """
    owner = _OWNER.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
    return owner is not None and owner["host"] == socket.gethostname() and not _is_alive(int(owner["process"]))


def rename_durably(source: Path, target: Path) -> None:
    """Renames a file or folder of this machine. After a power cut `target` is complete, or as it was before.

    A file replaces one that is there.

    Raises:
      OSError: `target` is a folder that is not empty, or can't be written.
    """
    _flush(source)
    source.replace(target)
    _flush(target.parent, deep=False)


def _flush(path: Path, *, deep: bool = True) -> None:
    """Writes a file, or a folder with all it holds (not deep: the names in it alone), from memory to the disk."""
    if deep and path.is_dir():
        for entry in path.iterdir():
            _flush(entry)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # no process has such a large number
        return False
    except PermissionError:  # it is another user's
        return True
    return True

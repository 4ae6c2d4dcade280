"""A folder of this machine, or on a disk that it mounts -> one writer at a time, by a file in it that names the writer.

    <folder>/.lock      who writes (owner.py), as JSON; it is there as long as the folder is in use

A second writer is refused, and the message says who the first one is. If the first one was killed, its file stays. A
process of the same system sees that the owner runs no more, and takes its place. A process of another machine can't see
that. It is refused, and the message names the file to delete. No age makes a lock invalid: a paused writer may go on at
any time.

The file appears with its content at once, by a hard link, which fails if the name exists, on network disks as well.

Standard library alone: the pipeline and the trainer both use it.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipeline.contract import LOCK_FILE
from pipeline.errors import UserError
from pipeline.files.owner import Owner, this_process
from pipeline.files.staging import abandoned_in, staging_name
from pipeline.support.stop_signals import deferred_stop

ATTEMPT_PREFIX: Final = f"{LOCK_FILE}-"  # of the file that becomes the lock

# What a filesystem without hard links says: FAT, some network disks.
_NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})

# A lock has some 400 bytes; a file that is larger was not written here.
_MOST_BYTES: Final = 1 << 16

# Each attempt fails only if another process released or took the lock just then.
_ATTEMPTS: Final = 1000


@contextlib.contextmanager
def hold(folder: str | Path, *, setting: str, command: str) -> Iterator[Owner]:
    """Within it no other process that asks for the lock writes into the folder; gives what the lock says of this one.

    The folder is made if it is missing. At the end the lock goes, and folders that were made for it go if they are
    empty.

    Args:
      folder: the folder to write into.
      setting: where its path came from, for messages.
      command: what this process runs, for the message to a second writer.

    Raises:
      UserError: another process writes there, or may do so; or the folder can't be written.
    """
    path = Path(folder) / LOCK_FILE
    owner = this_process(command)
    made: list[Path] = []
    try:
        try:
            _take(path, owner, setting=setting, made=made)
        except OSError as error:
            why = error.strerror or error
            raise UserError(f"{setting}: can't write below {folder}: {why}; give another {setting}") from error
        yield owner
    finally:
        with deferred_stop():
            _release(path, owner)
            for parent in reversed(made):
                with contextlib.suppress(OSError):  # it is not empty
                    parent.rmdir()


def owner_of_lock(folder: str | Path, *, setting: str) -> Owner | None:
    """Whose lock is in a folder, also if that process runs no more; None: there is none.

    Raises:
      UserError: there is a lock, and it does not say whose.
      OSError: it can't be read.
    """
    path = Path(folder) / LOCK_FILE
    try:
        owner = Owner.from_json(_content(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    if owner is None:
        raise damaged(path, setting=setting)
    return owner


def refusal(owner: Owner, path: str | Path, *, setting: str) -> UserError:
    """The error for a second writer. path: of the lock."""
    folder = os.path.dirname(path)
    by = f"`{owner.command}` on {owner.host} (process {owner.process}, since {owner.since})"
    remedy = f"wait until it has ended, or give another {setting}"
    if owner.is_running() is None:
        remedy += f"; if that process runs no more, delete {path}"
    return UserError(f"{setting}: {folder} is in use by {by}; {remedy}")


def damaged(path: str | Path, *, setting: str) -> UserError:
    """The error for a lock that does not say whose it is. path: of the lock."""
    return UserError(f"{setting}: {path} says that a process writes there, but not which; if none does, delete it")


def _take(path: Path, owner: Owner, *, setting: str, made: list[Path]) -> None:
    """Makes the lock, or takes it over from a process that runs no more; adds to `made` the folders that are new."""
    attempt = path.with_name(staging_name(ATTEMPT_PREFIX))
    for _ in range(_ATTEMPTS):
        with deferred_stop():
            made.extend(_make_folders(path.parent))
        try:
            _write(attempt, owner)
            appears = _appears(attempt, path, owner)
            if appears or _taken_over(attempt, path, setting=setting):
                if not appears:
                    made.append(path.parent)  # by the process that was killed, perhaps
                _remove_abandoned(path.parent)
                return
        except FileNotFoundError:  # another process removed the lock, or the empty folder, just now
            pass
        finally:
            attempt.unlink(missing_ok=True)
    raise UserError(f"{setting}: other processes take {path} again and again; wait until they have ended")


def _appears(attempt: Path, path: Path, owner: Owner) -> bool:
    """Gives the file its name, unless there is a lock already; whether it did."""
    try:
        os.link(attempt, path)
    except FileExistsError:
        # On a network disk the answer to a first call may be lost, and the call made again.
        return _content(path) == owner.to_json()
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        try:
            _write(path, owner)
        except FileExistsError:
            return False
    return True


def _taken_over(attempt: Path, path: Path, *, setting: str) -> bool:
    """Replaces the lock of a process that runs no more; False: another process was faster.

    Only processes of the dead owner's own system come so far, and flock lets them in one by one.

    Raises:
      UserError: the lock's owner runs, or may run.
    """
    with _opened(path) as descriptor:
        owner = Owner.from_json(os.read(descriptor, _MOST_BYTES))
        if owner is None:
            raise damaged(path, setting=setting)
        if owner.is_running() is not False:
            raise refusal(owner, path, setting=setting)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:  # a network disk without locks
            raise UserError(
                f"{setting}: {path} is of a process that has ended, and can't be replaced safely "
                f"({error.strerror or error}); delete it"
            ) from error
        if not os.path.samestat(os.fstat(descriptor), path.stat()):
            return False
        attempt.replace(path)
        return True


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR)  # network disks lock only what is open for writing
    except PermissionError:
        descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _release(path: Path, owner: Owner) -> None:
    """Removes the lock if it is this owner's; it may have been deleted by hand, and taken by another process."""
    with contextlib.suppress(OSError):
        if _content(path) == owner.to_json():
            path.unlink()


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_BYTES)


def _write(path: Path, owner: Owner) -> None:
    """Writes a new file, which survives a power cut."""
    with path.open("xb") as file:
        file.write(owner.to_json())
        file.flush()
        os.fsync(file.fileno())


def _make_folders(folder: Path) -> list[Path]:
    """Makes a folder and those above it; gives those that are new, the outermost first."""
    made = []
    for parent in [*reversed(folder.parents), folder]:
        with contextlib.suppress(FileExistsError):
            if not parent.exists():
                parent.mkdir()
                made.append(parent)
    return made


def _remove_abandoned(folder: Path) -> None:
    """Removes what processes left that were killed while they took the lock."""
    for attempt in abandoned_in(folder, prefix=ATTEMPT_PREFIX):
        with contextlib.suppress(OSError):
            attempt.unlink()

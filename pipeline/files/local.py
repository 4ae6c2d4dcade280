"""The part of a filesystem that reading needs, as a protocol, and the filesystem of this machine.

In: a path, a glob or a folder. Out: the files that it names, and their stored bytes.
"""

import errno
import os
import re
import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import xxhash

from pipeline.errors import UserError

# What is not a regular file, by the type in its mode. To read some of them would wait for ever, or never end.
_OTHER_KINDS: Final = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
# The errors of opening a file that the user can put right, on any filesystem.
_MISTAKES: Final = {
    errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL
}  # fmt: skip
# Errors that have nothing to do with the file: this process has too many open, or this machine; no memory is left.
_OF_THE_MACHINE: Final = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_REMEDY: Final = "give regular files that this user may read"


# What makes a part of a path a pattern, for pathlib.
_WILDCARD: Final = re.compile(r"[*?[]")
# The bytes of a stamp: a million files may be planned.
STAMP_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file and its size in bytes, as stored.

    stamp: see `stamp_of` and `stamp_of_version`; empty: not known.
    problem: why it can't be read, for a person; empty: it is a regular file.
    """

    path: str
    size: int
    stamp: bytes = b""
    problem: str = ""


class Files(Protocol):
    """A filesystem: BeamFiles in a Beam job, LocalFiles without Beam."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob, or a folder (all files below it, at any depth) names; [] if there are none."""

    def open(self, path: str) -> BinaryIO:
        """A file's stored bytes, not decompressed; the stream can seek."""

    def stamp(self, path: str) -> bytes:
        """The stamp of a file now, as `match` gives it; empty: there is no such file any more."""


class LocalFiles:
    """The filesystem of this machine."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob (with ** for any depth) or a folder names, sorted by path.

        If a file or folder has exactly this name, the name is not read as a glob. Hidden files are matched by their
        full name only.
        """
        path = Path(pattern)
        if os.path.lexists(path) and not path.is_dir():
            return [_file_info(str(path))]
        files = _files_below(str(path)) if path.is_dir() else _files_matching(path)
        return sorted({file.path: file for file in files}.values(), key=lambda file: file.path)

    def open(self, path: str) -> BinaryIO:
        """A file's stored bytes; see open_regular."""
        return open_regular(path)

    def stamp(self, path: str) -> bytes:
        """The stamp of a file now; empty: there is no such file any more."""
        return _file_info(path).stamp


def stamp_of(size: int, microseconds: int) -> bytes:
    """A file's size and the time of its last change -> its stamp: STAMP_BYTES bytes, which change when the file does.

    Time is in microseconds: where two machines share a disk, one of them may see times in steps of 100 ns.

    >>> stamp_of(3000, 1_700_000_000_000_000).hex(), stamp_of(3000, 1_700_000_000_000_001).hex()
    ('91ce95b71121d9c7', 'cab2b995fdda99de')
    """
    return xxhash.xxh3_64_digest(struct.pack("<qq", size, microseconds))


def stamp_of_version(size: int, version: str) -> bytes:
    """An object's size, and its store's name for its content (a generation, an ETag) -> its stamp of STAMP_BYTES bytes.

    >>> stamp_of_version(3000, "1700000000000000").hex(), stamp_of_version(3000, "1700000000000001").hex()
    ('f898e0522a3e3bf6', '08a6526a8a3bb2a4')
    """
    return xxhash.xxh3_64_digest(struct.pack("<q", size) + version.encode())


def open_regular(path: str) -> BinaryIO:
    """The stored bytes of a regular file of this machine. It never waits, and a link to a regular file is one.

    Raises:
      OSError: there is no such file, it may not be read, or it is not regular. `strerror` says which, for a person.
    """
    check_regular(path, os.stat(path).st_mode)  # before it is opened: to open a device may have effects
    return open(path, "rb", opener=_open_without_waiting)


def check_regular(path: str, mode: int) -> None:
    """Checks by a file's `st_mode` that it is regular.

    Raises:
      OSError: it is not; `strerror` says what it is.

    >>> check_regular("reviews.csv", 0o10644)
    Traceback (most recent call last):
    OSError: [Errno 22] it is a named pipe, and only regular files are read: 'reviews.csv'
    """
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", path)
    if not stat.S_ISREG(mode):
        kind = _OTHER_KINDS.get(stat.S_IFMT(mode), "of another kind")
        raise OSError(errno.EINVAL, f"it is {kind}, and only regular files are read", path)


def _open_without_waiting(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    try:
        check_regular(path, os.fstat(descriptor).st_mode)  # another file may have the name by now
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def cannot_read(path: str, reason: str, *, remedy: str = _REMEDY) -> UserError:
    """What a person reads of a file or folder of the input that can't be read.

    >>> str(cannot_read("a.csv", "Permission denied"))
    'input.path: cannot read a.csv: Permission denied; give regular files that this user may read'
    """
    return UserError(f"input.path: cannot read {path}: {reason}; {remedy}")


@contextmanager
def open_file(files: Files, path: str) -> Iterator[BinaryIO]:
    """Within it, a file's stored bytes; afterwards it is closed.

    An error of a remote filesystem, such as a lost connection, may pass: it stays an OSError, and a runner tries again.

    Raises:
      UserError: the file does not exist, may not be read, or is not a regular file; or its disk fails while it is read.
    """
    try:
        with files.open(path) as file:
            yield file
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _MISTAKES or isinstance(error, FileNotFoundError | PermissionError):
            raise cannot_read(path, reason) from error
        if error.errno is None or error.errno in _OF_THE_MACHINE or "://" in path:
            raise
        raise cannot_read(path, reason, remedy="try again, or give a copy of it on another disk") from error


def _files_below(folder: str) -> Iterator[FileInfo]:
    """All files below a folder; a million take some seconds, with one system call a file for its size."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = entry.name if folder == "." else os.path.join(folder, entry.name)
            if entry.is_dir(follow_symlinks=False):
                folders.append(path)
            else:
                yield _file_info(path, entry)
    for path in folders:
        yield from _files_below(path)


def _files_matching(pattern: Path) -> Iterator[FileInfo]:
    root = Path(pattern.anchor or ".")
    yield from _unreadable_folders(root, pattern.relative_to(pattern.anchor).parts)
    for path in root.glob(str(pattern.relative_to(pattern.anchor))):
        if path.is_dir():
            yield from _files_below(str(path))
        elif not path.name.startswith("."):
            yield _file_info(str(path))


def _unreadable_folders(root: Path, parts: Sequence[str]) -> Iterator[FileInfo]:
    """Folders in which a glob has to look, and may not: pathlib passes over them without a word."""
    first = next((number for number, part in enumerate(parts) if _WILDCARD.search(part)), len(parts))
    for number, part in enumerate(parts[first:], first):
        # To look for a name, a folder need not be listed.
        needed = os.R_OK | os.X_OK if _WILDCARD.search(part) else os.X_OK
        above = str(Path(*parts[: number + (part == "**")]))
        for folder in [root] if above == "." else root.glob(above):
            if folder.is_dir() and not os.access(folder, needed):
                yield FileInfo(str(folder), 0, problem=os.strerror(errno.EACCES))


def _file_info(path: str, entry: os.DirEntry[str] | None = None) -> FileInfo:
    """What is at a path; `entry` saves a system call."""
    try:
        status = os.stat(path) if entry is None else entry.stat()
        check_regular(path, status.st_mode)
    except OSError as error:
        if error.errno not in _MISTAKES:
            raise
        return FileInfo(path, 0, problem=error.strerror or str(error))
    return FileInfo(path, status.st_size, stamp_of(status.st_size, status.st_mtime_ns // 1000))

"""The part of a filesystem that reading needs, as a protocol, and the filesystem of this machine.

In: a path, a glob or a folder. Out: the files that it names, and their stored bytes.
"""

import errno
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import xxhash

from pipeline.errors import UserError
from pipeline.files.member import Member
from pipeline.files.walk import Found, files_below, files_matching

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
# The bytes of a stamp: a million files may be planned.
STAMP_BYTES: Final = 8
_INODE_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file and its size in bytes, as stored.

    stamp: see `stamp_of` and `stamp_of_version`; empty: not known.
    problem: why it can't be read, for a person; empty: it is a regular file.
    left_out: why a folder or glob does not reach it, HIDDEN or LOOP; then nothing else of it is known. Empty: it does.
    identity: device and inode, the same of two names of one file; 0: not known, as on a store.
    archive, member: the archive that holds it, and where; then its path goes on after the archive's, and its stamp is
      the archive's.
    """

    path: str
    size: int
    stamp: bytes = b""
    problem: str = ""
    left_out: str = ""
    identity: int = 0
    archive: str = ""
    member: Member | None = None


class Files(Protocol):
    """A filesystem: BeamFiles in a Beam job, LocalFiles without Beam."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob, or a folder (all files below it, at any depth) names; [] if there are none.

        Those that are left out are among them, with `left_out` set. A file that is named in full is never left out.
        """

    def open(self, path: str) -> BinaryIO:
        """A file's stored bytes, not decompressed; the stream can seek."""

    def stamp(self, path: str) -> bytes:
        """The stamp of a file now, as `match` gives it; empty: there is no such file any more."""


class LocalFiles:
    """The filesystem of this machine."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob (with ** for any depth) or a folder names, sorted by path.

        If a file or folder has exactly this name, the name is not read as a glob.
        """
        path = Path(pattern)
        if os.path.lexists(path) and not path.is_dir():
            return [_file_info(str(path))]
        found = files_below(str(path)) if path.is_dir() else files_matching(pattern)
        files: dict[str, FileInfo] = {}
        for file in map(_of_found, found):
            if not file.left_out or file.path not in files:
                files[file.path] = file
        return [files[name] for name in sorted(files)]

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


def _of_found(found: Found) -> FileInfo:
    if found.left_out or found.problem:
        return FileInfo(found.path, 0, problem=found.problem, left_out=found.left_out)
    return _file_info(found.path, found.entry)


def _file_info(path: str, entry: os.DirEntry[str] | None = None) -> FileInfo:
    """What is at a path; `entry` saves a system call."""
    try:
        status = os.stat(path) if entry is None else entry.stat()
        check_regular(path, status.st_mode)
    except OSError as error:
        if error.errno not in _MISTAKES:
            raise
        return FileInfo(path, 0, problem=error.strerror or str(error))
    stamp = stamp_of(status.st_size, status.st_mtime_ns // 1000)
    # Some filesystems have no inodes: all files have the number 0 there.
    identity = status.st_dev << _INODE_BITS | status.st_ino if status.st_ino else 0
    return FileInfo(path, status.st_size, stamp, identity=identity)

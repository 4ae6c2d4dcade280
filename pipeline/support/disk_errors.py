"""Errors of a disk -> what a person reads: the folder, and what helps. A full disk is no bug.

The error may be an exception of this process, or text: a runner hands on what a worker raised as text alone. In it
counts the error's number, which Python writes as `[Errno 28]`, or the system's name for it, which TensorFlow writes.
"""

import ast
import errno
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

# Numbers -> what helps.
_REMEDIES: Final = {
    errno.ENOSPC: "free space there, or use another folder",
    errno.EDQUOT: "free space there, or use another folder",
    errno.EFBIG: "allow larger files (ulimit -f), or use another folder",
    errno.EROFS: "use a folder that can be written",
    errno.EACCES: "allow it, or use another folder",
    errno.EPERM: "allow it, or use another folder",
    errno.EIO: "the disk may be failing: use another one",
}
# Code tries what it may do, and handles these. A full disk is handled nowhere.
_NO_PERMISSION: Final = (errno.EACCES, errno.EPERM)
# Those whose text alone is proof enough: nothing else is called so.
_BY_NAME: Final = {os.strerror(number): number for number in (errno.ENOSPC, errno.EDQUOT)}
# `[Errno 28] No space left on device: '/a/b'`, with or without the file's name.
_IN_TEXT: Final = re.compile(
    r"Error: \[Errno (?P<number>\d+)\] [^:\n]*(?:: (?P<path>'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"))?"
)


class DiskError(NamedTuple):
    """The number of an error of a disk; the file that it names, if it names one."""

    number: int
    path: str | None


def find_disk_error(error: BaseException) -> DiskError | None:
    """The error of a disk that an exception is, comes from, or has in its text; None: there is none.

    >>> find_disk_error(OSError(28, "No space left on device", "/data/a"))
    DiskError(number=28, path='/data/a')
    >>> find_disk_error(RuntimeError("OSError: [Errno 28] No space left on device: '/data/a' [while running 'Read']"))
    DiskError(number=28, path='/data/a')
    >>> find_disk_error(ValueError("28")) is None
    True
    """
    errors = [
        disk_error
        for one, is_cause in _chain(error)
        if (disk_error := _of(one)) is not None and (is_cause or disk_error.number not in _NO_PERMISSION)
    ]
    # The outermost, unless one below it names the file.
    return _best(errors)


def number_named(text: str) -> int | None:
    """The number of the error of a disk, or of a missing right, whose name a text has; None: it names none.

    >>> number_named("out/a.pb; Permission denied"), number_named("Graph execution error")
    (13, None)
    """
    return next((number for number in _REMEDIES if os.strerror(number) in text), None)


def find_in_text(text: str) -> DiskError | None:
    """The first error of a disk that a text names, preferably one with a file.

    >>> find_in_text("tensorflow: a.pb; No space left on device")
    DiskError(number=28, path=None)
    """
    errors = [
        DiskError(int(match["number"]), _unquoted(match["path"]))
        for match in _IN_TEXT.finditer(text)
        if int(match["number"]) in _REMEDIES
    ]
    errors += [DiskError(number, None) for name, number in _BY_NAME.items() if name in text]
    return _best(errors)


def _best(errors: Sequence[DiskError]) -> DiskError | None:
    """The first that names a file, or the first of all."""
    return next((error for error in errors if error.path), errors[0] if errors else None)


def _unquoted(path: str | None) -> str | None:
    """The path that Python's repr shows; None if there is none, or if something else wrote it."""
    try:
        return None if path is None else str(ast.literal_eval(path))
    except (SyntaxError, ValueError):
        return None


def describe_disk_error(disk_error: DiskError, folders: Mapping[str, str]) -> str:
    """One line about an error of a disk.

    folders: the folders of this machine that are written to, by the setting that names each.

    >>> describe_disk_error(DiskError(28, "/data/run/.staging/x"), {"output.path": "/data/run", "TMPDIR": "/tmp"})
    'output.path: /data/run: No space left on device; free space there, or use another folder'
    >>> describe_disk_error(DiskError(5, "/in/a.csv"), {"output.path": "/data/run"})
    '/in/a.csv: Input/output error; the disk may be failing: use another one'
    """
    number, path = disk_error
    reason = f"{os.strerror(number)}; {_REMEDIES[number]}"
    if path is None:
        named = folders if len(folders) < 2 else {setting: folders[setting] for setting in _fullest(folders)}
        where = " or ".join(f"{setting}: {folder}" for setting, folder in named.items())
        return f"{where}: {reason}" if where else reason
    for setting, folder in folders.items():
        if f"{os.path.abspath(path)}/".startswith(f"{os.path.abspath(folder).rstrip('/')}/"):
            return f"{setting}: {folder}: {reason}"
    return f"{path}: {reason}"


def _fullest(folders: Mapping[str, str]) -> list[str]:
    """The settings of the folders whose disk has least space."""
    free = {}
    for setting, folder in folders.items():
        while not os.path.isdir(folder):
            folder = os.path.dirname(os.path.abspath(folder))
        free[setting] = shutil.disk_usage(folder).free
    return [setting for setting, space in free.items() if space == min(free.values())]


def _chain(error: BaseException | None) -> Iterator[tuple[BaseException, bool]]:
    """The exception and those that it comes from; whether each is certainly the cause.

    An exception that came up while another was handled (`__context__`) may be a bug of the handling.
    """
    seen: set[int] = set()
    is_cause = True
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error, is_cause
        is_cause = is_cause and error.__cause__ is not None
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _of(error: BaseException) -> DiskError | None:
    if isinstance(error, OSError) and error.errno is not None:
        path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
        return DiskError(error.errno, path) if error.errno in _REMEDIES else None
    return find_in_text(str(error))

"""The part of a filesystem that reading needs, as a protocol, and the filesystem of this machine.

In: a path, a glob or a folder. Out: the files that it names, and their stored bytes.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from pipeline.errors import UserError


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file and its size in bytes, as stored."""

    path: str
    size: int


class Files(Protocol):
    """A filesystem: BeamFiles in a Beam job, LocalFiles without Beam."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob, or a folder (all files below it, at any depth) names; [] if there are none."""

    def open(self, path: str) -> BinaryIO:
        """A file's stored bytes, not decompressed; the stream can seek."""


class LocalFiles:
    """The filesystem of this machine."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob (with ** for any depth) or a folder names, sorted by path.

        If a file or folder has exactly this name, the name is not read as a glob. Hidden files are matched by their
        full name only.
        """
        path = Path(pattern).expanduser()
        if path.is_file():
            return [FileInfo(str(path), path.stat().st_size)]
        files = _files_below(str(path)) if path.is_dir() else _files_matching(path)
        return sorted({file.path: file for file in files}.values(), key=lambda file: file.path)

    def open(self, path: str) -> BinaryIO:
        """A file's stored bytes."""
        return open(path, "rb")


def open_file(files: Files, path: str) -> BinaryIO:
    """A file's stored bytes.

    Raises:
      UserError: the file does not exist, or may not be read.
    """
    try:
        return files.open(path)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise UserError(f"input.path: cannot read {path}: {error.strerror or error}") from error


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
            elif entry.is_file():
                yield FileInfo(path, entry.stat().st_size)
    for path in folders:
        yield from _files_below(path)


def _files_matching(pattern: Path) -> Iterator[FileInfo]:
    root = Path(pattern.anchor or ".")
    for path in root.glob(str(pattern.relative_to(pattern.anchor))):
        if path.is_dir():
            yield from _files_below(str(path))
        elif not path.name.startswith("."):
            yield FileInfo(str(path), path.stat().st_size)

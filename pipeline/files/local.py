"""Where bytes come from: the small part of a filesystem that the sources need, and the local one.

In: a path, glob or folder. Out: the files it names, and their bytes as they are stored.
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
    """A filesystem. The Beam job brings Beam's; what runs without Beam uses LocalFiles."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob, or a folder (all files below it, at any depth) names; none: []."""

    def open(self, path: str) -> BinaryIO:
        """A file's stored bytes, never decompressed; the stream can seek."""


class LocalFiles:
    """The filesystem of this machine."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob (with ** for any depth) or a folder names, sorted by path.

        A file or folder that really has the name wins over what the name would mean as a glob. Hidden files
        are found by their full name only.
        """
        path = Path(pattern).expanduser()
        if path.is_file():
            return [FileInfo(str(path), path.stat().st_size)]
        found = _files_below(str(path)) if path.is_dir() else _files_matching(path)
        return sorted({file.path: file for file in found}.values(), key=lambda file: file.path)

    def open(self, path: str) -> BinaryIO:
        """A file's stored bytes."""
        return open(path, "rb")


def open_file(files: Files, path: str) -> BinaryIO:
    """A file's stored bytes.

    Raises:
      UserError: the file is not there, or may not be read.
    """
    try:
        return files.open(path)
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise UserError(f"input.path: cannot read {path}: {error.strerror or error}") from error


def _files_below(folder: str) -> Iterator[FileInfo]:
    """All files below a folder. A million take some seconds: the system is asked once for each name and size."""
    within = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = entry.name if folder == "." else os.path.join(folder, entry.name)
            if entry.is_dir(follow_symlinks=False):
                within.append(path)
            elif entry.is_file():
                yield FileInfo(path, entry.stat().st_size)
    for path in within:
        yield from _files_below(path)


def _files_matching(pattern: Path) -> Iterator[FileInfo]:
    root = Path(pattern.anchor or ".")
    for path in root.glob(str(pattern.relative_to(pattern.anchor))):
        if path.is_dir():
            yield from _files_below(str(path))
        elif not path.name.startswith("."):
            yield FileInfo(str(path), path.stat().st_size)

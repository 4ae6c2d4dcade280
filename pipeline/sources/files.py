"""Where bytes come from: the small part of a filesystem that the sources need, and the local one.

In: a path, glob or folder. Out: the files it names, and their bytes as they are stored.
"""

import glob
import os
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from pipeline.errors import UserError


@dataclass(frozen=True)
class FileInfo:
    """A file and its size in bytes, as stored."""

    path: str
    size: int


class Files(Protocol):
    """A filesystem. The Beam job brings Beam's; everything else uses LocalFiles."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob, or a folder (all files below it, at any depth) names; none: []."""

    def open(self, path: str) -> BinaryIO:
        """A file's stored bytes, never decompressed; the stream can seek."""


class LocalFiles:
    """The filesystem of this machine."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob (with ** for any depth) or a folder names, sorted by path.

        A file or folder that really has the name wins over what the name would mean as a glob.
        """
        pattern = os.path.expanduser(pattern)
        named = [pattern] if os.path.exists(pattern) else glob.glob(pattern, recursive=True)
        found = {os.path.normpath(path) for name in named for path in _files_below(name)}
        return [FileInfo(path, os.path.getsize(path)) for path in sorted(found)]

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


def _files_below(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]

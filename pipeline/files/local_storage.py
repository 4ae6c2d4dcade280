"""Folders of this machine: listed, moved by renames, removed, and written so that a power cut undoes nothing.

In: paths. Out: changes of the disk. The names of files are taken as they are, never as globs.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pipeline.files.staging import flush, unfinished_name

# A worker writes a file into a folder every 200 ms at most. Removing the folder takes less, so few attempts fail.
_ATTEMPTS_TO_REMOVE: Final = 100


class LocalStorage:
    """pipeline.files.publication.Storage of this machine: one rename moves a file, or a folder with all it holds."""

    def names(self, folder: str) -> set[str]:
        """The names in a folder, hidden ones included; none if there is no such folder."""
        return set(self.units(folder))

    def units(self, folder: str) -> list[str]:
        """What is moved at once: each name in a folder."""
        try:
            return sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def sizes(self, folder: str) -> dict[str, int]:
        """The bytes of each file below a folder, by its path relative to the folder; not those in hidden folders."""
        sizes = {}
        for parent, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]  # staging folders may hold thousands
            for name in names:
                path = os.path.join(parent, name)
                with contextlib.suppress(FileNotFoundError):  # another run has just tried to take the lock
                    sizes[os.path.relpath(path, folder)] = os.stat(path).st_size
        return sizes

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder of this path."""
        return os.path.lexists(path)

    def move_all(self, moves: Iterable[tuple[str, str]]) -> None:
        """Moves files or folders from source to target, one after the other; the targets' folders are made."""
        for source, target in moves:
            _make_parent(target)
            os.rename(source, target)

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file as a whole, to the disk; its folders are made."""
        _make_parent(path)
        attempt = unfinished_name(path)
        with open(attempt, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(attempt, path)

    def remove(self, paths: list[str]) -> None:
        """Deletes files, and folders with all they hold; paths that do not exist are skipped."""
        for path in paths:
            remove(path)

    def sync(self, folder: str, *, deep: bool) -> None:
        """Writes a folder's names, with `deep` all that is below it, from memory to the disk."""
        flush(Path(folder), deep=deep)


def _make_parent(path: str) -> None:
    parent = os.path.dirname(path)
    if not os.path.isdir(parent):
        os.makedirs(parent, exist_ok=True)


def remove(path: str) -> None:
    """Deletes a file, or a folder with all it holds, even if workers still write into it; a link and not its target."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if os.path.isdir(path) and not os.path.islink(path):
            _remove_tree(path)
        else:
            os.remove(path)


def _remove_tree(path: str) -> None:
    """Removes a folder. It tries again if a file was added or removed meanwhile: an interrupted run may still write."""
    for _ in range(_ATTEMPTS_TO_REMOVE):
        try:
            shutil.rmtree(path)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOENT):
                raise
            if not os.path.lexists(path):
                return
    shutil.rmtree(path)

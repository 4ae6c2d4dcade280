"""Files through Beam's filesystems: local, gs://, s3://, hdfs:// and what else Beam knows.

Whole small files in, whole small files out, and open streams for large ones.
"""

import contextlib
import glob
import os
import shutil
import uuid
from typing import BinaryIO, cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipeline.errors import UserError
from pipeline.sources.files import FileInfo, LocalFiles


def check_filesystem(path: str, *, setting: str) -> None:
    """Whether there is a filesystem for a path.

    Raises:
      UserError: there is none; `setting` is where the path came from.
    """
    try:
        FileSystems.get_filesystem(path)
    except ValueError as error:
        raise UserError(
            f"{setting}: nothing is installed that reaches {path!r}; "
            "gs:// needs apache-beam[gcp], s3:// apache-beam[aws]"
        ) from error


class BeamFiles:
    """pipeline.sources.files.Files over Beam's filesystems, and what writing needs."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob, or a folder (all files below it) names, by path; see LocalFiles.match.

        On this machine LocalFiles finds them: Beam finds nothing for `*.csv` in the folder that one is in.
        """
        if _is_local(pattern):
            return LocalFiles().match(pattern)
        if FileSystems.exists(pattern):
            size = FileSystems.get_filesystem(pattern).metadata(pattern).size_in_bytes
            return self.below(pattern) or [FileInfo(pattern, size)]
        found = self.below(pattern) or _matches(pattern)
        return [file for file in found if not file.path.rpartition("/")[2].startswith(".")]

    def below(self, folder: str) -> list[FileInfo]:
        """All files below a folder, at any depth, hidden ones too, by path."""
        folder = folder.rstrip("/")
        if _is_local(folder):
            return _local_files(folder)
        return _matches(glob.escape(folder) + "/**")

    def open(self, path: str) -> BinaryIO:
        """A file's bytes as they are stored."""
        return cast(BinaryIO, FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED))

    def create(self, path: str) -> BinaryIO:
        """A new file, open for writing; its folders are made where the filesystem has any."""
        make_folders(path.rpartition("/")[0])
        return cast(BinaryIO, FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED))

    def read(self, path: str) -> bytes:
        """The whole of a small file."""
        with self.open(path) as file:
            return file.read()

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file as a whole: a reader, or a second writer of the same, never sees a part of it."""
        attempt = f"{path}.attempt-{uuid.uuid4().hex}"
        with self.create(attempt) as file:
            file.write(content)
        self.move(attempt, path)

    def move(self, source: str, target: str) -> None:
        """Moves a file, over one that is there; the target's folders are made."""
        make_folders(target.rpartition("/")[0])
        FileSystems.rename([source], [target])

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return bool(FileSystems.exists(path))

    def remove(self, paths: list[str]) -> None:
        """Deletes files and folders with all they hold; those that are not there are passed over.

        Never by Beam's own means on this machine, where it takes a path for a glob and deletes what else that names.
        """
        for path in paths:
            if _is_local(path):
                _remove_local(path)
            else:
                # An object store has no folders that could be deleted, or be said to exist.
                found = [file.path for file in self.below(path)] or [path] * self.exists(path)
                if found:
                    FileSystems.delete(found)


def _is_local(path: str) -> bool:
    return FileSystems.get_scheme(path) is None


def _local_files(folder: str) -> list[FileInfo]:
    found = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            # What another run deletes meanwhile is not there.
            with contextlib.suppress(FileNotFoundError):
                found.append(FileInfo(path, os.stat(path).st_size))
    return sorted(found, key=lambda file: file.path)


def _remove_local(path: str) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.remove(path)


def _matches(pattern: str) -> list[FileInfo]:
    (result,) = FileSystems.match([pattern])
    found = (FileInfo(metadata.path, metadata.size_in_bytes) for metadata in result.metadata_list)
    return sorted(found, key=lambda file: file.path)


def make_folders(path: str) -> None:
    """Makes a folder and those above it, where it is not there yet."""
    if path and not FileSystems.exists(path):
        try:
            FileSystems.mkdirs(path)
        except OSError:
            # Another worker made it in the same moment; any other cause shows when the file itself is created.
            if not FileSystems.exists(path):
                raise

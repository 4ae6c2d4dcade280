"""Files through Beam's filesystems: local, gs://, s3://, hdfs:// and what else Beam knows.

Whole small files in, whole small files out, and open streams for large ones.
"""

import os
import uuid
from typing import BinaryIO, cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from pipeline.sources.files import FileInfo


class BeamFiles:
    """pipeline.sources.files.Files over Beam's filesystems, and what writing needs."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob, or a folder (all files below it) names, by path.

        What really has the name wins over what the name would mean as a glob.
        """
        pattern = os.path.expanduser(pattern)
        if FileSystems.exists(pattern):
            size = FileSystems.get_filesystem(pattern).metadata(pattern).size_in_bytes
            return self.below(pattern) or [FileInfo(pattern, size)]
        return _matches(pattern)

    def below(self, folder: str) -> list[FileInfo]:
        """All files below a folder, at any depth, by path."""
        return _matches(folder.rstrip("/") + "/**")

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
        """Deletes files and folders with all they hold; those that are not there are passed over."""
        present = [path for path in paths if self.exists(path)]
        if present:
            FileSystems.delete(present)


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

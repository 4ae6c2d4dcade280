"""Files through Beam's filesystems: local, gs://, s3://, hdfs:// and what else Beam knows.

Whole small files in, whole small files out, and open streams for large ones.
"""

import contextlib
import errno
import glob
import importlib.util
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, Final, cast

from apache_beam.io.aws.s3io import S3IO, S3Uploader
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.errors import UserError
from pipeline.files.local import FileInfo, LocalFiles

# scheme -> what Beam imports for it, and the extra of ours that installs that.
_CLIENTS: Final = {
    "gs": ("google.cloud.storage", "gcp"),
    "s3": ("boto3", "aws"),
    "azfs": ("azure.storage.blob", "azure"),
    "hdfs": ("hdfs", "hadoop"),
}

# A worker puts a file into a folder every 200 ms at most, and a folder is removed in less.
_ATTEMPTS_TO_REMOVE: Final = 100

# An object store takes some 100 ms to rename a file, by copying it, and does many at a time.
_RENAMES_AT_A_TIME: Final = 16


def use_options(options: PipelineOptions) -> None:
    """Makes Beam's filesystems heed options such as --s3_endpoint_url from now on; a pipeline does so by itself."""
    FileSystems.set_options(options)


def check_filesystem(path: str, *, setting: str) -> None:
    """Whether a path can be reached: what reaches it is installed, the bucket is there, and we may look into it.

    Raises:
      UserError: it can't be reached; `setting` is where the path came from.
    """
    scheme = FileSystems.get_scheme(path)
    if scheme is None:
        return
    module, extra = _CLIENTS.get(scheme, ("", ""))
    if module and not _is_installed(module):
        raise UserError(
            f"{setting}: {path} needs a client that is not installed here; pip install 'textrecords[{extra}]'"
        )
    try:
        filesystem = FileSystems.get_filesystem(path)
    except (ValueError, OSError) as error:
        if "Unable to get filesystem from" not in str(error):  # there is one, and it lacks an option (--hdfs_host)
            raise UserError(f"{setting}: {path} can't be reached: {_reason(error)}") from error
        known = ", ".join(f"{scheme}://" for scheme in _CLIENTS)
        raise UserError(
            f"{setting}: nothing is installed that reaches {path!r}; there are {known} and plain paths"
        ) from error
    try:
        if scheme == "s3":  # Beam finds nothing in a bucket that is not there, and no fault with that
            bucket = path.removeprefix("s3://").partition("/")[0]
            S3IO(options=filesystem._options).client.client.head_bucket(Bucket=bucket)
        elif filesystem.has_dirs():
            filesystem.exists(path)
        else:
            next(iter(filesystem._list(path.rstrip("/") + "/")), None)
    except Exception as error:  # each client has its own family of errors
        raise UserError(
            f"{setting}: {path} can't be reached: {_reason(error)}; is there such a bucket or host, and are there "
            "credentials for it?"
        ) from error


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:  # a package above it is missing
        return False


def _reason(error: Exception) -> str:
    """The innermost reason, without the wrapping that Beam puts around it."""
    details = getattr(error, "exception_details", None)
    if details:
        return _reason(next(iter(details.values())))
    return " ".join(str(error).split()) or type(error).__name__


class BeamFiles:
    """pipeline.files.local.Files over Beam's filesystems, and what writing needs."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob, or a folder (all files below it) names, by path; see LocalFiles.match.

        On this machine LocalFiles finds them: Beam finds nothing for `*.csv` in the folder that one is in.
        """
        if is_local(pattern):
            return LocalFiles().match(pattern)
        if not pattern.endswith("/") and FileSystems.exists(pattern):
            size = FileSystems.get_filesystem(pattern).metadata(pattern).size_in_bytes
            return self.below(pattern) or [FileInfo(pattern, size)]
        found = self.below(pattern) or _matches(pattern)
        return [file for file in found if not file.path.rpartition("/")[2].startswith(".")]

    def below(self, folder: str) -> list[FileInfo]:
        """All files below a folder, at any depth, hidden ones too, by path."""
        folder = folder.rstrip("/")
        if is_local(folder):
            return _local_files(folder)
        return _matches(glob.escape(folder) + "/**")

    def open(self, path: str) -> BinaryIO:
        """A file's bytes as they are stored."""
        return cast(BinaryIO, FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED))

    def create(self, path: str) -> BinaryIO:
        """A new file, open for writing; its folders are made where the filesystem has any."""
        make_folders(path.rpartition("/")[0])
        file = FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)
        if FileSystems.get_scheme(path) == "s3":
            _may_stay_empty(file.raw._uploader)
        return cast(BinaryIO, file)

    def read(self, path: str) -> bytes:
        """The whole of a small file."""
        with self.open(path) as file:
            return file.read()

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file as a whole: a reader, or a second writer of the same, never sees a part of it."""
        if not _has_folders(path):  # an object store shows a file once it is complete
            with self.create(path) as file:
                file.write(content)
            return
        attempt = f"{path}.attempt-{uuid.uuid4().hex}"
        with self.create(attempt) as file:
            file.write(content)
        self.move(attempt, path)

    def move(self, source: str, target: str) -> None:
        """Moves a file, over one that is there; the target's folders are made."""
        make_folders(target.rpartition("/")[0])
        FileSystems.rename([source], [target])

    def move_all(self, moves: Iterable[tuple[str, str]]) -> None:
        """Moves files from source to target, each as `move`; where a move is slow, many at a time."""
        moves = list(moves)
        if not moves or _has_folders(moves[0][1]):
            for source, target in moves:
                self.move(source, target)
            return
        with ThreadPoolExecutor(_RENAMES_AT_A_TIME) as threads:
            for _ in threads.map(lambda move: self.move(*move), moves):
                pass

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return bool(FileSystems.exists(path))

    def remove(self, paths: list[str]) -> None:
        """Deletes files and folders with all they hold; those that are not there are passed over.

        Never by Beam's own means on this machine, where it takes a path for a glob and deletes what else that names.
        """
        for path in paths:
            if is_local(path):
                _remove_local(path)
            else:
                # An object store has no folders that could be deleted, or be said to exist.
                found = [file.path for file in self.below(path)] or [path] * self.exists(path)
                if found:
                    FileSystems.delete(found)


@contextlib.contextmanager
def scratch_folder() -> Iterator[str]:
    """A new folder on this machine; behind the context it is gone, though workers may just be writing into it."""
    folder = tempfile.mkdtemp(prefix="textrecords-")
    try:
        yield folder
    finally:
        _remove_local(folder)


def is_local(path: str) -> bool:
    """Whether a path has no scheme, so that it is on this machine, or on a disk that it mounts.

    >>> is_local("out/records"), is_local("gs://bucket/records")
    (True, False)
    """
    return FileSystems.get_scheme(path) is None


def _has_folders(path: str) -> bool:
    return bool(FileSystems.get_filesystem(path).has_dirs())


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
            _remove_tree(path)
        else:
            os.remove(path)


def _remove_tree(path: str) -> None:
    """Again and again as long as something is put into it: the threads of a run that was interrupted end after it."""
    for _ in range(_ATTEMPTS_TO_REMOVE):
        try:
            shutil.rmtree(path)
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
    shutil.rmtree(path)


def _matches(pattern: str) -> list[FileInfo]:
    (result,) = FileSystems.match([pattern])
    found = (
        FileInfo(metadata.path, metadata.size_in_bytes)
        for metadata in result.metadata_list
        # An object of that name is what a web console makes for a folder.
        if not metadata.path.endswith("/")
    )
    return sorted(found, key=lambda file: file.path)


def _may_stay_empty(uploader: S3Uploader) -> None:
    """Beam ends an upload to S3 to which nothing was written without a part, which S3 takes for an error."""
    finish = uploader.finish

    def finish_with_a_part() -> None:
        if not uploader.parts and not uploader.buffer:
            uploader._write_to_s3(b"")
        finish()

    uploader.finish = finish_with_a_part


def make_folders(path: str) -> None:
    """Makes a folder and those above it, where it is not there yet."""
    if path and _has_folders(path) and not FileSystems.exists(path):
        try:
            FileSystems.mkdirs(path)
        except OSError:
            # Another worker made it in the same moment; any other cause shows when the file itself is created.
            if not FileSystems.exists(path):
                raise

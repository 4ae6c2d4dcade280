"""Files on any filesystem of Beam's: this machine, gs://, s3://, hdfs://, azfs://.

In: paths and globs. Out: the files that they name, small files as bytes, large files as streams.
"""

import contextlib
import importlib.util
import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import BinaryIO, Final, cast

from apache_beam.io.aws.s3io import S3IO, S3Uploader
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.errors import UserError
from pipeline.files import listing, local_storage
from pipeline.files.hidden import HIDDEN, is_hidden_below, visible
from pipeline.files.local import FileInfo, LocalFiles, open_regular
from pipeline.files.staging import unfinished_name

# Scheme of a path -> the module that Beam imports for it, and the extra of our package that installs that module.
_CLIENTS: Final = {
    "gs": ("google.cloud.storage", "gcp"),
    "s3": ("boto3", "aws"),
    "azfs": ("azure.storage.blob", "azure"),
    "hdfs": ("hdfs", "hadoop"),
}

# An object store renames a file by copying it, in some 100 ms, and it renames many at a time.
_PARALLEL_RENAMES: Final = 16


def use_options(options: PipelineOptions) -> None:
    """Applies options such as --s3_endpoint_url to Beam's filesystems from now on; a pipeline does this by itself."""
    FileSystems.set_options(options)


def check_filesystem(path: str, *, setting: str) -> None:
    """Checks that a path can be reached: its client is installed, its bucket exists, and we may list it.

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
        if "Unable to get filesystem from" not in str(error):  # it exists and needs an option (--hdfs_host)
            raise UserError(f"{setting}: {path} can't be reached: {_reason(error)}") from error
        known = ", ".join(f"{scheme}://" for scheme in _CLIENTS)
        if setting == "input.path":
            known += ", databases on bigquery://, postgresql:// and sqlite:///,"
        raise UserError(
            f"{setting}: nothing is installed that reaches {path!r}; there are {known} and plain paths"
        ) from error
    try:
        if scheme == "s3":  # Beam lists a bucket that does not exist as empty, without an error
            bucket = path.removeprefix("s3://").partition("/")[0]
            S3IO(options=filesystem._options).client.client.head_bucket(Bucket=bucket)
        elif filesystem.has_dirs():
            filesystem.exists(path)
        else:
            next(iter(filesystem._list(path.rstrip("/") + "/")), None)
    except Exception as error:  # each client raises exceptions of its own
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
    """The message of the innermost exception, which Beam wraps in others."""
    details = getattr(error, "exception_details", None)
    if details:
        return _reason(next(iter(details.values())))
    return " ".join(str(error).split()) or type(error).__name__


class BeamFiles:
    """pipeline.files.local.Files over Beam's filesystems, with methods to write as well."""

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that a path, a glob, or a folder (all files below it) names, sorted by path; see LocalFiles.match.

        Files of this machine are matched by LocalFiles: for `*.csv` in the current folder Beam matches nothing.
        """
        if is_local(pattern):
            return LocalFiles().match(pattern)
        named = None if pattern.endswith("/") else listing.file_named(pattern)
        below = self.below(pattern)
        if named is not None and not below:
            return [named]
        if below:
            folder = pattern.rstrip("/")
            return [_left_out(file, is_hidden_below(file.path, folder)) for file in below]
        is_visible = visible(pattern).fullmatch
        return [_left_out(file, not is_visible(file.path)) for file in listing.files_matching(pattern)]

    def below(self, folder: str) -> list[FileInfo]:
        """All files below a folder, at any depth, hidden ones included, sorted by path."""
        folder = folder.rstrip("/")
        if is_local(folder):
            return _local_files(folder)
        return listing.files_below(folder)

    def open(self, path: str) -> BinaryIO:
        """A file's stored bytes; see open_regular."""
        if is_local(path):
            return open_regular(path)
        return cast(BinaryIO, FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED))

    def stamp(self, path: str) -> bytes:
        """The stamp of a file now; empty: there is no such file any more."""
        if is_local(path):
            return LocalFiles().stamp(path)
        file = listing.file_named(path)
        return b"" if file is None else file.stamp

    def create(self, path: str) -> BinaryIO:
        """A new file, open for writing. Its folders are made, if the filesystem has folders."""
        make_folders(path.rpartition("/")[0])
        file = FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)
        if FileSystems.get_scheme(path) == "s3":
            _allow_empty_upload(file.raw._uploader)
        return cast(BinaryIO, file)

    def read(self, path: str) -> bytes:
        """The bytes of a small file."""
        with self.open(path) as file:
            return file.read()

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file as a whole: a reader, or a second writer of the same file, never sees a part of it."""
        if not _has_folders(path):  # an object store shows a file only when it is complete
            with self.create(path) as file:
                file.write(content)
            return
        attempt = unfinished_name(path)
        with self.create(attempt) as file:
            file.write(content)
        self.move(attempt, path)

    def move(self, source: str, target: str) -> None:
        """Moves a file; it replaces one of the target's name. The target's folders are made."""
        make_folders(target.rpartition("/")[0])
        FileSystems.rename([source], [target])

    def move_all(self, moves: Iterable[tuple[str, str]]) -> None:
        """Moves files from source to target, each as `move` does; on an object store many at a time."""
        moves = list(moves)
        if not moves or _has_folders(moves[0][1]):
            for source, target in moves:
                self.move(source, target)
            return
        with ThreadPoolExecutor(_PARALLEL_RENAMES) as threads:
            for _ in threads.map(lambda move: self.move(*move), moves):
                pass

    def exists(self, path: str) -> bool:
        """Whether there is a file or folder of this path."""
        return listing.exists(path)

    def remove(self, paths: list[str]) -> None:
        """Deletes files, and folders with all they hold; paths that do not exist are skipped.

        On this machine Beam's own delete is not used: it takes a path for a glob, and deletes all that this matches.
        """
        for path in paths:
            if is_local(path):
                local_storage.remove(path)
            else:
                # An object store has no folders, so none can exist or be deleted.
                deleted = [file.path for file in self.below(path)] or [path] * self.exists(path)
                if deleted:
                    FileSystems.delete(deleted)


@contextlib.contextmanager
def scratch_folder() -> Iterator[str]:
    """A new folder on this machine. It is removed after the context, even if workers still write into it."""
    folder = tempfile.mkdtemp(prefix="textrecords-")
    try:
        yield folder
    finally:
        local_storage.remove(folder)


def is_local(path: str) -> bool:
    """Whether a path is on this machine, or on a disk that it mounts: it has no scheme.

    >>> is_local("out/records"), is_local("gs://bucket/records")
    (True, False)
    """
    return FileSystems.get_scheme(path) is None


def _left_out(file: FileInfo, is_hidden: bool) -> FileInfo:
    return replace(file, left_out=HIDDEN) if is_hidden and not file.left_out else file


def _has_folders(path: str) -> bool:
    return bool(FileSystems.get_filesystem(path).has_dirs())


def _local_files(folder: str) -> list[FileInfo]:
    files = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            # Another run may delete the file in between.
            with contextlib.suppress(FileNotFoundError):
                files.append(FileInfo(path, os.stat(path).st_size))
    return sorted(files, key=lambda file: file.path)


def _allow_empty_upload(uploader: S3Uploader) -> None:
    """Lets an S3 upload end without content. Beam would send no part then, which S3 refuses."""
    finish = uploader.finish

    def finish_with_a_part() -> None:
        if not uploader.parts and not uploader.buffer:
            uploader._write_to_s3(b"")
        finish()

    uploader.finish = finish_with_a_part


def make_folders(path: str) -> None:
    """Makes a folder and those above it, unless it exists."""
    if path and _has_folders(path) and not FileSystems.exists(path):
        try:
            FileSystems.mkdirs(path)
        except OSError:
            # Another worker may have made it meanwhile. Any other cause shows when the file itself is created.
            if not FileSystems.exists(path):
                raise

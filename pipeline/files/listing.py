"""A remote path, folder or glob -> the files that it names, with stamps, by the store's own listing.

Beam's listing gives paths, sizes and times. It drops what the store calls a file's content: the generation on gs://,
the ETag on s3:// and azfs://. The same response has it. So the clients of these three stores are asked, as Beam makes
them with the user's options. Other filesystems are listed by Beam, and their stamps are of times.
"""

import glob
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from apache_beam.io.aws.clients.s3.boto3_client import get_http_error_code
from apache_beam.io.aws.clients.s3.messages import S3ClientError
from apache_beam.io.aws.s3io import S3IO
from apache_beam.io.filesystem import BeamIOError, FileMetadata, FileSystem
from apache_beam.io.filesystems import FileSystems
from apache_beam.utils import retry

from pipeline.files.hidden import WILDCARD
from pipeline.files.local import FileInfo, stamp_of, stamp_of_version
from pipeline.files.table_marks import MARK, table_of

_NOT_FOUND: Final = HTTPStatus.NOT_FOUND

# Beam derives the time of a file's last change by the time zone of its machine. A worker may have another zone, and
# zones changed their offsets over the years, by multiples of 15 minutes. So of the time only the rest is compared.
_TIME_ZONE_STEP: Final = 15 * 60 * 1_000_000


def files_below(folder: str) -> list[FileInfo]:
    """All files below a folder, at any depth, sorted by path; the folder's path does not end in a slash.

    Raises:
      BeamIOError: the store can't be reached; its details have the client's error. The other functions raise it too.
    """
    if _store(folder) is None:
        return _matched_by_beam(f"{glob.escape(folder)}/**")
    return _sorted(_objects(f"{folder}/"))


def files_matching(pattern: str) -> list[FileInfo]:
    """The files that a glob matches, as Beam reads globs, sorted by path; a path without a wildcard matches nothing.

    On the three stores files of the logs of tables come with them, as left out by MARK: the same answers have them.
    """
    wildcard = WILDCARD.search(pattern)
    if wildcard is None:
        return []
    if _store(pattern) is None:
        return _matched_by_beam(pattern)
    matches = re.compile(FileSystem.translate_pattern(pattern)).match
    files = _objects(pattern[: wildcard.start()])
    marked = (file if matches(file.path) else replace(file, left_out=MARK) for file in files)
    return _sorted(file for file in marked if not file.left_out or table_of(file.path))


def file_named(path: str) -> FileInfo | None:
    """The file of this very path, or what hdfs says of a folder; None: there is none.

    On the three stores it costs one request. Beam is not asked whether an object exists: on azfs:// it fails if not.
    """
    store = _store(path)
    if store is None:
        if not FileSystems.exists(path):
            return None
        return _of_beam(FileSystems.get_filesystem(path).metadata(path))
    if not path.partition("://")[2].partition("/")[2]:  # a bucket
        return None
    try:
        return store.object(FileSystems.get_filesystem(path), path)
    except Exception as error:  # each client raises exceptions of its own
        if getattr(error, "code", None) == _NOT_FOUND:
            return None
        raise BeamIOError("Metadata operation failed", {path: error}) from error


def exists(path: str) -> bool:
    """Whether there is a file or folder of this path, at the cost of a request; a store has no folders."""
    if _store(path) is None:
        return bool(FileSystems.exists(path))
    return file_named(path) is not None


def _sorted(files: Iterator[FileInfo]) -> list[FileInfo]:
    """Each file once, without the objects with which a web console shows folders."""
    by_path = {file.path: file for file in files if not file.path.endswith("/")}
    return [by_path[path] for path in sorted(by_path)]


def _matched_by_beam(pattern: str) -> list[FileInfo]:
    (result,) = FileSystems.match([pattern])
    return _sorted(map(_of_beam, result.metadata_list))


def _of_beam(metadata: FileMetadata) -> FileInfo:
    microseconds = round(metadata.last_updated_in_seconds * 1_000_000)
    return FileInfo(
        metadata.path, metadata.size_in_bytes, stamp_of(metadata.size_in_bytes, microseconds % _TIME_ZONE_STEP)
    )


class _Store(NamedTuple):
    """How a store is asked; both functions take Beam's filesystem first."""

    objects: Callable[[Any, str], Iterator[FileInfo]]  # those whose paths begin so
    object: Callable[[Any, str], FileInfo]  # the one of this very path; an error with the code 404: there is none


def _store(path: str) -> _Store | None:
    return _STORES.get(FileSystems.get_scheme(path))


def _objects(prefix: str) -> Iterator[FileInfo]:
    filesystem = FileSystems.get_filesystem(prefix)
    try:
        yield from _STORES[filesystem.scheme()].objects(filesystem, prefix)
    except Exception as error:
        raise BeamIOError("List operation failed", {prefix: error}) from error


def _google_objects(filesystem: Any, prefix: str) -> Iterator[FileInfo]:
    bucket, _, name = prefix.removeprefix("gs://").partition("/")
    store = filesystem._gcsIO()
    for blob in store.client.list_blobs(bucket, prefix=name, retry=store._storage_client_retry):
        yield _file(f"gs://{bucket}/{blob.name}", blob.size, blob.generation)


def _google_object(filesystem: Any, path: str) -> FileInfo:
    blob = filesystem._gcsIO()._gcs_object(path)
    return _file(path, blob.size, blob.generation)


def _amazon_objects(filesystem: Any, prefix: str) -> Iterator[FileInfo]:
    bucket, _, key = prefix.removeprefix("s3://").partition("/")
    client = S3IO(options=filesystem._options).client.client
    query = {"Bucket": bucket, "Prefix": key}
    while True:
        page = _amazon_page(client, query)
        for entry in page.get("Contents", []):
            yield _file(f"s3://{bucket}/{entry['Key']}", entry["Size"], entry["ETag"])
        if not page.get("NextContinuationToken"):  # a page without an object may have one
            return
        query["ContinuationToken"] = page["NextContinuationToken"]


@retry.with_exponential_backoff(retry_filter=retry.retry_on_server_errors_and_timeout_filter)
def _amazon_page(client: Any, query: dict[str, str]) -> dict[str, Any]:
    """A page of a listing; empty if there is no such bucket. Beam's retries are for errors of Beam's class."""
    try:
        return dict(client.list_objects_v2(**query))
    except Exception as error:
        code = get_http_error_code(error)
        if code == _NOT_FOUND:
            return {}
        raise S3ClientError(str(error), code) from error


def _amazon_object(filesystem: Any, path: str) -> FileInfo:
    status = S3IO(options=filesystem._options)._status(path)
    return _file(path, status["size"], status["checksum"])


def _azure_objects(filesystem: Any, prefix: str) -> Iterator[FileInfo]:
    account, container, name = [*prefix.removeprefix("azfs://").split("/", 2), "", ""][:3]
    client = filesystem._blobstorageIO().client.get_container_client(container)
    for blob in client.list_blobs(name_starts_with=name):
        yield _file(f"azfs://{account}/{container}/{blob.name}", blob.size, blob.etag)


def _azure_object(filesystem: Any, path: str) -> FileInfo:
    status = filesystem._blobstorageIO()._status(path)
    return _file(path, status["size"], status["checksum"])


def _file(path: str, size: int, version: int | str) -> FileInfo:
    # A listing of azfs:// gives an ETag without quotes, and a single object gives it with them.
    return FileInfo(path, size, stamp_of_version(size, str(version).strip('"')))


_STORES: Final = {
    "gs": _Store(_google_objects, _google_object),
    "s3": _Store(_amazon_objects, _amazon_object),
    "azfs": _Store(_azure_objects, _azure_object),
}

"""output.path -> one run at a time, on this machine and on stores; lock.py says what is in the lock's file.

On this machine and the disks that it mounts the lock is exclusive. gs:// and s3:// write the object only if there is
none yet, or if it is the one that was read. Other stores have no such condition: the lock is written and read again,
and of two runs that start in the same second both may go on. So publishing looks at the lock again. It refuses a run
whose lock belongs to another run by then.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final, NamedTuple, Protocol

from apache_beam.io.aws.s3io import S3IO
from apache_beam.io.filesystems import FileSystems

from pipeline.contract import LOCK_FILE
from pipeline.errors import UserError
from pipeline.files import lock
from pipeline.files.beam import BeamFiles, is_local
from pipeline.files.owner import Owner, this_process
from pipeline.support.stop_signals import deferred_stop

_SETTING: Final = "output.path"

# HTTP: a condition of the request does not hold; another request changes the object at this moment.
_CONDITION_FAILED: Final = frozenset({409, 412})
# HTTP: the server does not know conditions for writing.
_NO_CONDITIONS: Final = frozenset({400, 501})

# Each attempt fails only if another process released or took the lock just then.
_ATTEMPTS: Final = 10


@contextlib.contextmanager
def hold_output(output: str, *, command: str) -> Iterator[Owner]:
    """Within it no other run writes to the output; gives what the lock says of this run.

    Raises:
      UserError: another process writes there, or may do so; or the output can't be written.
    """
    if is_local(output):
        with lock.hold(output, setting=_SETTING, command=command) as owner:
            yield owner
        return
    place, owner = _place(_path(output)), this_process(command)
    try:
        try:
            _take(place, owner)
        except UserError:
            raise
        except Exception as error:  # each client raises exceptions of its own
            raise UserError(f"{_SETTING}: can't write {place.path}: {error}") from error
        yield owner
    finally:
        with deferred_stop(), contextlib.suppress(Exception):  # the connection may be what failed
            stored = place.read()
            if stored is not None and stored.content == owner.to_json():
                BeamFiles().remove([place.path])


def check_unlocked(output: str) -> None:
    """Checks that nobody writes to the output.

    Raises:
      UserError: somebody does.
    """
    owner = _owner(output)
    if owner is not None and owner.is_running() is not False:
        raise lock.refusal(owner, _path(output), setting=_SETTING)


def check_still_held(output: str, token: str) -> None:
    """Checks that the lock of the output was not taken over; `token` is that of the run. A lock may have been deleted.

    Raises:
      UserError: it belongs to another run.
    """
    owner = _owner(output)
    if owner is not None and owner.token != token:
        raise lock.refusal(owner, _path(output), setting=_SETTING)


def hand_over(output: str, owner: Owner, *, to: str) -> None:
    """Leaves the lock to a job that goes on when this process has ended; its last step calls `release_output`.

    to: what the lock says of it, for people. Whether it runs can't be known here, so no other run takes its place.
    """
    job = replace(owner, host="another machine", command=to, boot="elsewhere", machine="")
    if is_local(output):
        BeamFiles().write(_path(output), job.to_json())
    else:
        place = _place(_path(output))
        place.write(job.to_json(), over=place.read())


def release_output(output: str, token: str) -> None:
    """Removes the lock of the output, if it is that of the run with this token."""
    owner = _owner(output)
    if owner is not None and owner.token == token:
        BeamFiles().remove([_path(output)])


def _path(output: str) -> str:
    return f"{output.rstrip('/')}/{LOCK_FILE}"


def _owner(output: str) -> Owner | None:
    if is_local(output):
        return lock.owner_of_lock(output, setting=_SETTING)
    files, path = BeamFiles(), _path(output)
    if not files.exists(path):
        return None
    owner = Owner.from_json(files.read(path))
    if owner is None:
        raise lock.damaged(path, setting=_SETTING)
    return owner


class _Stored(NamedTuple):
    content: bytes
    version: Any  # what the store calls this content


class _Place(Protocol):
    """An object in a store."""

    path: str

    def read(self) -> _Stored | None:
        """The object; None if there is none."""

    def write(self, content: bytes, *, over: _Stored | None) -> None:
        """Writes it if the store still has `over` there, or nothing if that is None."""


def _place(path: str) -> _Place:
    scheme = FileSystems.get_scheme(path)
    if scheme == "gs":
        return _GoogleObject(path)
    if scheme == "s3":
        return _AmazonObject(path)
    return _AnyObject(path)


def _take(place: _Place, owner: Owner) -> None:
    for _ in range(_ATTEMPTS):
        stored = place.read()
        if stored is not None:
            if stored.content == owner.to_json():
                return
            holder = Owner.from_json(stored.content)
            if holder is None:
                raise lock.damaged(place.path, setting=_SETTING)
            if holder.is_running() is not False:
                raise lock.refusal(holder, place.path, setting=_SETTING)
        place.write(owner.to_json(), over=stored)  # then it is read, and is this run's or another's
    raise UserError(f"{_SETTING}: other runs take {place.path} again and again; wait until they have ended")


class _AnyObject:
    """An object that is written without a condition."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> _Stored | None:
        files = BeamFiles()
        return _Stored(files.read(self.path), None) if files.exists(self.path) else None

    def write(self, content: bytes, *, over: _Stored | None) -> None:
        del over
        BeamFiles().write(self.path, content)


class _GoogleObject:
    """An object of gs://; each content has a generation, and 0 is that of no object."""

    def __init__(self, path: str) -> None:
        self.path = path
        bucket, _, self._name = path.removeprefix("gs://").partition("/")
        self._bucket = FileSystems.get_filesystem(path)._gcsIO().client.bucket(bucket)

    def read(self) -> _Stored | None:
        blob = self._bucket.get_blob(self._name)
        if blob is None:
            return None
        try:
            return _Stored(blob.download_as_bytes(), blob.generation)
        except Exception as error:  # google.api_core's, which is not installed without the extra
            if getattr(error, "code", None) != HTTPStatus.NOT_FOUND:  # it was deleted between the two requests
                raise
            return None

    def write(self, content: bytes, *, over: _Stored | None) -> None:
        try:
            self._bucket.blob(self._name).upload_from_string(
                content, if_generation_match=0 if over is None else over.version
            )
        except Exception as error:
            if getattr(error, "code", None) not in _CONDITION_FAILED:
                raise


class _AmazonObject:
    """An object of s3://; each content has an ETag. Servers that do not know conditions get the object without."""

    def __init__(self, path: str) -> None:
        self.path = path
        bucket, _, key = path.removeprefix("s3://").partition("/")
        self._client = S3IO(options=FileSystems.get_filesystem(path)._options).client.client
        self._object = {"Bucket": bucket, "Key": key}

    def read(self) -> _Stored | None:
        try:
            answer = self._client.get_object(**self._object)
        except Exception as error:  # botocore's, which is not installed without the extra
            if _status(error) != HTTPStatus.NOT_FOUND:
                raise
            return None
        return _Stored(answer["Body"].read(), answer["ETag"])

    def write(self, content: bytes, *, over: _Stored | None) -> None:
        condition = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over.version}
        try:
            self._client.put_object(**self._object, Body=content, **condition)
        except Exception as error:
            if _status(error) in _CONDITION_FAILED:
                return
            if _status(error) not in _NO_CONDITIONS and type(error).__name__ != "ParamValidationError":
                raise
            self._client.put_object(**self._object, Body=content)


def _status(error: Exception) -> int | None:
    response = getattr(error, "response", None) or {}
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode")

"""Files of a records folder -> their bytes, compared with the manifest; and copies of those that are needed later.

vocabulary.tsv and transform/ are read again when the training has ended, hours later. So a training copies them first,
compares what it copied, and uses the copies. What happens to the records folder meanwhile changes nothing.
"""

import contextlib
import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from pipeline.contract import TRANSFORM_FOLDER, TRANSFORM_GRAPH, VOCABULARY_FILE, VOCABULARY_IN_TRANSFORM
from pipeline.errors import UserError
from pipeline.records_folder.reader import REMEDY, remedy_of
from trainer import files
from trainer.data.records_folder import RecordsFolder

COPY_REMEDY: Final = f"{REMEDY}, or copy the whole folder again"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Expected:
    """A file of a records folder, by its path inside, and what the manifest says of it; None: it says nothing."""

    path: str
    bytes: int | None = None
    sha256: str | None = None


def checked_parts(path: str, *, bytes: int | None, sha256: str | None) -> Iterator[bytes]:
    """The bytes of a file, in parts. After the last one, its size and SHA-256 are compared; None: not.

    Raises:
      UserError: it can't be read, or is not a regular file; after the last part: it is another file.
    """
    digest = hashlib.sha256()
    size = 0
    try:
        for part in files.parts(path):
            digest.update(part)
            size += len(part)
            yield part
    except OSError as error:
        raise UserError(
            f"{path} can't be read, and the manifest lists it: {files.reason_of(error)}; "
            f"{remedy_of(error, otherwise=COPY_REMEDY)}"
        ) from error
    if bytes is not None and size != bytes:
        raise UserError(f"{path} has {size} bytes, but the manifest says {bytes}; {COPY_REMEDY}")
    if sha256 is not None and digest.hexdigest() != sha256:
        raise UserError(f"{path} is damaged, or another folder's: its sha256 is not the manifest's; {COPY_REMEDY}")


@contextlib.contextmanager
def checked_copies(records: RecordsFolder) -> Iterator[RecordsFolder]:
    """Within it, the records folder with the copies; they are removed afterwards.

    IMDB's files have 0.3 MB, those of a million words 30 MB.

    Raises:
      UserError: a file is missing, can't be read or is not as the manifest says, or it can't be copied.
    """
    with tempfile.TemporaryDirectory(prefix="textrecords-") as folder:
        for expected in _expected(records):
            source, target = files.join(records.path, expected.path), os.path.join(folder, expected.path)
            with _naming(folder):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                open(target, "wb").close()
            for part in checked_parts(source, bytes=expected.bytes, sha256=expected.sha256):
                with _naming(folder), open(target, "ab") as copy:
                    copy.write(part)
        yield replace(records, copies=folder)


def _expected(records: RecordsFolder) -> list[_Expected]:
    if records.manifest.files is not None:
        return [_Expected(file.path, file.bytes, file.sha256) for file in records.manifest.files]
    _log.warning(
        "%s was made by an earlier version: its manifest has no hashes of %s/, so only the words there are compared",
        records.path,
        TRANSFORM_FOLDER,
    )
    sha256 = records.manifest.vocabulary.sha256
    graph = files.join(records.path, TRANSFORM_GRAPH)
    try:
        paths = {f"{TRANSFORM_GRAPH}/{name}" for name in files.below(graph)}
    except OSError as error:
        remedy = remedy_of(error, otherwise=COPY_REMEDY)
        raise UserError(f"{graph} can't be read: {files.reason_of(error)}; {remedy}") from error
    hashed = [_Expected(path, sha256=sha256) for path in (VOCABULARY_FILE, VOCABULARY_IN_TRANSFORM)]
    return [*hashed, *(_Expected(path) for path in sorted(paths - {VOCABULARY_IN_TRANSFORM}))]


def _naming(folder: str) -> contextlib.AbstractContextManager[None]:
    return files.naming("TMPDIR", folder, then="or set TMPDIR to another folder, and train again")

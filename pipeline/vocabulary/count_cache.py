"""The counts of a file's texts -> an entry in `vocabulary.cache`; and back, as long as the file is the same.

    <vocabulary.cache>/<settings>/settings.json      the settings of the entries beside it, for people to read
    <vocabulary.cache>/<settings>/<file>.counts      16 bytes of XXH3-128 of the rest; a count table

<settings> is a hash of all that counts depend on except the file: columns, split and seed, text settings, and the code
that reads, splits and counts (code_version.py). <file> is a hash of the file's path, format and content.

An entry is one small file whose bytes depend on its name alone. So two runs may write the same entry, and any entry may
be deleted at any time.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
import xxhash
from apache_beam.io.filesystems import FileSystems

from pipeline.config.settings import Config
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles, is_local
from pipeline.sources.tasks import PLACE_BITS, ReadTask
from pipeline.support import arrow_ipc
from pipeline.vocabulary.code_version import code_version

_DIGEST_BYTES: Final = 16
_READ_BYTES: Final = 1 << 20  # of a file that is hashed, at a time

_logger = logging.getLogger(__name__)


def entries_folder(config: Config) -> str | None:
    """The folder of the entries that these settings can use; None without a cache."""
    if config.vocabulary.cache is None:
        return None
    digest = hashlib.sha256(_canonical(_settings(config))).hexdigest()
    return f"{config.vocabulary.cache.rstrip('/')}/{digest[:16]}"


def check_cache(config: Config) -> None:
    """Checks that entries can be written into `vocabulary.cache`, if it is set.

    Raises:
      UserError: they can't be written there, or the input is the built-in corpus, which is not a file.
    """
    folder = entries_folder(config)
    if folder is None:
        return
    cache = str(config.vocabulary.cache)
    if config.input.path == "sample":
        raise UserError(
            "vocabulary.cache: the built-in corpus is not a file whose counts can be stored; set it to null"
        )
    if config.split.needs_all_rows:
        name = "stratify" if config.split.stratify else "duplicates"
        raise UserError(
            f"vocabulary.cache: with split.{name} the counts of a file depend on all other files, so they can't be "
            f"stored; set vocabulary.cache to null, or split.{name} to its default"
        )
    if f"{cache.rstrip('/')}/".startswith(f"{config.output.path.rstrip('/')}/"):
        raise UserError(
            f"vocabulary.cache: {cache} is within output.path, where nothing else may be; give a folder of its own"
        )
    try:
        BeamFiles().write(f"{folder}/settings.json", json.dumps(_settings(config), indent=1).encode())
    except Exception as error:  # each client has its own errors
        why = getattr(error, "strerror", None) or error
        raise UserError(f"vocabulary.cache: can't write below {cache}: {why}; give another folder") from error


def entry_path(folder: str, task: ReadTask, files: BeamFiles) -> str | None:
    """The path of the entry of a task's whole file, whether or not it exists; None: the file can't be read.

    A file on a disk is read as a whole, to hash it.
    """
    try:
        is_kept = task.archive and task.stamp
        checksum = _of_archive(task.archive, task.stamp) if is_kept else _checksum(task.archive or task.path, files)
        what = [task.path, task.format, task.splits, task.table_columns, checksum]
    except Exception:  # each client has its own errors; the step that reads the rows says what is wrong
        return None
    return f"{folder}/{hashlib.sha256(_canonical(what)).hexdigest()[:32]}.counts"


def read_entry(path: str, files: BeamFiles) -> pa.Table | None:
    """The count table at a path, of a file's counted rows, with positions relative to the file; None if there is none,
    or if it is damaged."""
    try:
        content = files.read(path)
    except Exception:  # missing or unreadable: the file is counted, whatever the reason
        return None
    digest, packed = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    return arrow_ipc.unpack(packed) if xxhash.xxh3_128_digest(packed) == digest else None


def write_entry(path: str, table: pa.Table, files: BeamFiles) -> None:
    """Writes an entry as a whole. If that fails, this run goes on and the next one counts the file again."""
    packed = arrow_ipc.pack(table)
    try:
        files.write(path, xxhash.xxh3_128_digest(packed) + packed)
    except Exception as error:  # each client has its own errors
        _logger.warning("vocabulary.cache: can't write %s: %s", path, error)


def with_file_index(table: pa.Table, file_index: int) -> pa.Table:
    """The count table of one file -> the same for another index of the file in the input.

    With index 0, positions are relative to the file.

    >>> table = pa.table({"token": [b"a"], "position": [(7 << 40) + 5]})
    >>> with_file_index(table, 0).to_pydict()
    {'token': [b'a'], 'position': [5]}
    >>> with_file_index(with_file_index(table, 0), 7) == table
    True
    """
    place = table["position"].to_numpy() & ((1 << PLACE_BITS) - 1)
    column = table.schema.get_field_index("position")
    return table.set_column(column, table.schema.field(column), pa.array(place | np.int64(file_index << PLACE_BITS)))


def _settings(config: Config) -> dict[str, Any]:
    return {
        # Whether a file is of input.unlabelled is in the name of its entry: the splits that it may have.
        "input": config.input.model_dump(exclude={"path", "format", "id_column", "damaged", "unlabelled"}),
        "split": config.split.model_dump(),
        "text": config.text.model_dump(),
        "seed": config.output.seed,
        "code": code_version(),
    }


def _canonical(value: dict[str, Any] | Sequence[object]) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


@lru_cache(maxsize=64)
def _of_archive(path: str, stamp: bytes) -> str:
    """The checksum of an archive, taken once for all its files; while they are read, its stamp stays the same."""
    del stamp
    return _checksum(path, BeamFiles())


def _checksum(path: str, files: BeamFiles) -> str:
    """A text that changes with the content of a file.

    gs, s3 and hdfs have their own checksums. For a file on a disk Beam has only its size, so all its bytes are hashed:
    0.1 ms of CPU a MB; counting takes about 30.
    """
    if not is_local(path):
        return str(FileSystems.checksum(path))
    digest = xxhash.xxh3_128()
    with files.open(path) as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()

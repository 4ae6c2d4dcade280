"""The counts of a file's texts -> an entry in `vocabulary.cache`, and back, if it is still that of the same file.

    <vocabulary.cache>/<settings>/settings.json      what the entries beside it were counted with, for a person
    <vocabulary.cache>/<settings>/<file>.counts      16 bytes of XXH3-128 of the rest; a count table with the labels

<settings> stands for all that counts depend on beside the file: columns, split and its seed, text settings, and the
code that reads, splits and counts. <file> stands for its path, format and content. An entry is one whole small file
whose bytes depend on its name alone: so two runs may write the same one, and any of them may be deleted at any time.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import xxhash
from apache_beam.io.filesystems import FileSystems

from pipeline.config.settings import Config
from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles, is_local
from pipeline.sources.schema import PLACE_BITS, ReadTask
from pipeline.support import arrow_ipc
from pipeline.vocabulary.code_version import code_version

_DIGEST_BYTES: Final = 16
_LABELS: Final = b"labels"
_HASHED_AT_A_TIME: Final = 1 << 20

_logger = logging.getLogger(__name__)


class Entry(NamedTuple):
    """The counts of a file's train rows, its positions relative to the file, and the labels of these rows."""

    table: pa.Table
    labels: list[str]


def entries_folder(config: Config) -> str | None:
    """Where the entries lie that these settings can use; None: no cache is kept."""
    if config.vocabulary.cache is None:
        return None
    digest = hashlib.sha256(_canonical(_settings(config))).hexdigest()
    return f"{config.vocabulary.cache.rstrip('/')}/{digest[:16]}"


def check_cache(config: Config) -> None:
    """Whether entries can be kept where the settings say.

    Raises:
      UserError: they can't, or there are no files to keep counts of.
    """
    folder = entries_folder(config)
    if folder is None:
        return
    cache = str(config.vocabulary.cache)
    if config.input.path == "sample":
        raise UserError("vocabulary.cache: the built-in corpus is no file whose counts could be kept; set it to null")
    if f"{cache.rstrip('/')}/".startswith(f"{config.output.path.rstrip('/')}/"):
        raise UserError(
            f"vocabulary.cache: {cache} is within output.path, where nothing else may be; give a folder of its own"
        )
    try:
        BeamFiles().write(f"{folder}/settings.json", json.dumps(_settings(config), indent=1).encode())
    except Exception as error:  # each client has its own family of errors
        raise UserError(f"vocabulary.cache: can't write below {cache}: {error}") from error


def entry_path(folder: str, task: ReadTask, files: BeamFiles) -> str | None:
    """Where the entry of a task's whole file is, or would be; None: the file can't be read, or is gone.

    Reads the file if it is on a disk.
    """
    try:
        what = [task.path, task.format, task.splits, _checksum(task.path, files)]
    except Exception:  # each client has its own family of errors; who reads the rows will say what is wrong
        return None
    return f"{folder}/{hashlib.sha256(_canonical(what)).hexdigest()[:32]}.counts"


def read_entry(path: str, files: BeamFiles) -> Entry | None:
    """An entry; None where there is none, or its bytes are not those that were written."""
    try:
        content = files.read(path)
    except Exception:  # not there, or not readable: then it is counted, whatever the reason
        return None
    digest, packed = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if xxhash.xxh3_128_digest(packed) != digest:
        return None
    table = arrow_ipc.unpack(packed)
    return Entry(table.replace_schema_metadata(None), json.loads(table.schema.metadata[_LABELS]))


def write_entry(path: str, entry: Entry, files: BeamFiles) -> None:
    """Leaves an entry, as a whole. Where that fails the next run counts the file again, and this one goes on."""
    packed = arrow_ipc.pack(entry.table.replace_schema_metadata({_LABELS: json.dumps(entry.labels)}))
    try:
        files.write(path, xxhash.xxh3_128_digest(packed) + packed)
    except Exception as error:  # each client has its own family of errors
        _logger.warning("vocabulary.cache: can't write %s: %s", path, error)


def moved(table: pa.Table, file_index: int) -> pa.Table:
    """A count table of one file, wherever in the input it stood -> the same of a file with this index; 0: relative.

    >>> table = pa.table({"token": [b"a"], "position": [(7 << 40) + 5]})
    >>> moved(table, 0).to_pydict()
    {'token': [b'a'], 'position': [5]}
    >>> moved(moved(table, 0), 7) == table
    True
    """
    place = table["position"].to_numpy() & ((1 << PLACE_BITS) - 1)
    column = table.schema.get_field_index("position")
    return table.set_column(column, table.schema.field(column), pa.array(place | np.int64(file_index << PLACE_BITS)))


def _settings(config: Config) -> dict[str, Any]:
    return {
        "text_column": config.input.text_column,
        "label_column": config.input.label_column,
        "split": config.split.model_dump(),
        "text": config.text.model_dump(),
        "seed": config.output.seed,
        "code": code_version(),
    }


def _canonical(value: dict[str, Any] | Sequence[str | None]) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _checksum(path: str, files: BeamFiles) -> str:
    """What changes with the content: the store's own checksum (gs, s3 and hdfs have one); of a file on a disk, where
    Beam has none but its size, a hash of all bytes: 0.1 ms of CPU a MB, where counting takes some 30."""
    if not is_local(path):
        return str(FileSystems.checksum(path))
    digest = xxhash.xxh3_128()
    with files.open(path) as file:
        while block := file.read(_HASHED_AT_A_TIME):
            digest.update(block)
    return digest.hexdigest()

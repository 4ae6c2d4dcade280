"""The log of a Delta table -> the files of its current version, with the columns by which they are partitioned.

The library `deltalake` reads the log. On a store it would need credentials and options of its own, so the log is copied
here first, from its last checkpoint on, through the filesystem that reads the files as well.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa

from pipeline.files.local import Files
from pipeline.sources.formats.values import names
from pipeline.sources.lake_snapshot import LakeSnapshot, asked, library, refused
from pipeline.sources.tasks import Given

_LOG: Final = "_delta_log"
# What a reader of plain Parquet files need not know of: how the log is written, and types that Parquet has itself.
_HARMLESS: Final = frozenset(
    {"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck", "domainMetadata", "typeWidening", "typeWidening-preview"}
)
_VECTORS: Final = "deletionVectors"
_MAPPING: Final = "columnMapping"
_NUMBERED: Final = re.compile(r"(\d{20})\.")
_PARTITION: Final = "partition."


def snapshot(root: str, files: Files) -> LakeSnapshot:
    """The current version of a table.

    Raises:
      UserError: the library is missing; or the log can't be read, or asks for more than to read Parquet files.
    """
    deltalake = library("Delta", root, module="deltalake", extra="delta")
    with _on_this_machine(root, files) as folder:
        table = asked("Delta", root, lambda: deltalake.DeltaTable(folder))
        _check_features(root, table)
        actions = asked("Delta", root, lambda: pa.table(table.get_add_actions(flatten=True)))
        version = table.version()
    partitions = {
        name.removeprefix(_PARTITION): _values(actions[name])
        for name in actions.column_names
        if name.startswith(_PARTITION)
    }
    found: dict[str, Given] = {}
    for row, path in enumerate(actions["path"].to_pylist()):
        found[_path(root, path)] = tuple((name, values[row]) for name, values in partitions.items())
    return LakeSnapshot("Delta", root, str(version), "parquet", found)


def _check_features(root: str, table: Any) -> None:
    protocol = table.protocol()
    features = set(protocol.reader_features or ())
    mode = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    if mode != "none":
        raise refused("Delta", root, f"its files name columns otherwise than the table does (column mapping {mode})")
    if _VECTORS in features and _has_vectors(table):
        raise refused("Delta", root, "rows of its files are deleted by deletion vectors")
    unknown = features - _HARMLESS - {_VECTORS, _MAPPING}
    if unknown:
        raise refused("Delta", root, f"it needs the features {', '.join(sorted(unknown))}")


def _has_vectors(table: Any) -> bool:
    """Whether rows of a file are deleted by a bitmap beside it; true if a bitmap is there and can't be read here."""
    try:
        return any(batch.num_rows for batch in table.deletion_vectors())
    except Exception:  # the library's own; of a table on a store, the bitmaps are not copied
        return True


def _values(column: pa.ChunkedArray) -> list[str | None]:
    """Values of a column of partitions, as strings; those that can be a label are spelled as labels are."""
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    spelled, _ = names(array, column="label")
    values = array.to_pylist()
    return [
        None if value is None else str(value) if name is None else name
        for name, value in zip(spelled.to_pylist(), values, strict=True)
    ]


def _path(root: str, path: str) -> str:
    """The path of a file that the log names: percent-encoded, below the table or, in a clone of another table, not."""
    path = unquote(path)
    if path.startswith("file:"):
        return "/" + path.removeprefix("file:").lstrip("/")
    if re.match(r"s3[an]://", path):
        return "s3://" + path.partition("://")[2]
    return path if "://" in path or path.startswith("/") else os.path.join(root, path)


@contextmanager
def _on_this_machine(root: str, files: Files) -> Iterator[str]:
    """Within it, a folder of this machine with the table's log."""
    if "://" not in root and os.path.isdir(root or "."):
        yield os.path.abspath(root)
        return
    folder = tempfile.mkdtemp(prefix="textrecords-")
    try:
        log = [file.path for file in files.match(f"{root}/{_LOG}" if root else _LOG)]
        checkpoint = _last_checkpoint(log, files)
        for path in log:
            number = _NUMBERED.match(path.rpartition("/")[2])
            if number is None or int(number[1]) >= checkpoint:
                copy = os.path.join(folder, _LOG, path.partition(f"{_LOG}/")[2])
                os.makedirs(os.path.dirname(copy), exist_ok=True)
                with files.open(path) as source, open(copy, "wb") as target:
                    shutil.copyfileobj(source, target)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _last_checkpoint(log: list[str], files: Files) -> int:
    """The version from which on the log tells all; 0 if that is not known."""
    pointer = next((path for path in log if path.endswith("/_last_checkpoint")), None)
    if pointer is None:
        return 0
    with suppress(ValueError, KeyError, TypeError), files.open(pointer) as file:
        return int(json.loads(file.read())["version"])
    return 0

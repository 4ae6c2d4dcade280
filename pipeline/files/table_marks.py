"""The folders of Delta, Iceberg and Hudi tables: a log in them, not the folder, says which of their files count."""

import re
from typing import Final, Literal, NamedTuple

TableKind = Literal["Delta", "Iceberg", "Hudi"]

# Why a listing has a file that its glob does not match: it shows a table.
MARK: Final = "mark"
_LOG_FOLDERS: Final[dict[str, TableKind]] = {"_delta_log": "Delta", ".hoodie": "Hudi"}
_LOG: Final = re.compile(r"(.*?)(?:^|/)(_delta_log|\.hoodie)/", re.DOTALL)
_METADATA: Final = re.compile(r"(.*?)(?:^|/)metadata/(?:[^/]*\.metadata\.json(?:\.gz)?|version-hint\.text)", re.DOTALL)


class TableRoot(NamedTuple):
    """The folder of a table, without a slash at its end; empty: the current folder."""

    kind: TableKind
    path: str


def table_of(path: str) -> TableRoot | None:
    """The table whose log a file belongs to; None: it is no file of a log.

    >>> table_of("gs://b/reviews/_delta_log/00000000000000000000.json")
    TableRoot(kind='Delta', path='gs://b/reviews')
    >>> table_of("reviews/metadata/v3.metadata.json"), table_of("reviews/part-0.parquet")
    (TableRoot(kind='Iceberg', path='reviews'), None)
    """
    log = _LOG.match(path)
    if log:
        return TableRoot(_LOG_FOLDERS[log[2]], log[1])
    metadata = _METADATA.fullmatch(path) if path.endswith((".json", ".json.gz", ".text")) else None
    return TableRoot("Iceberg", metadata[1]) if metadata else None

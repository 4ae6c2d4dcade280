"""An SQLite file -> its tables and the rows of a query, with Python's own sqlite3.

Each value of SQLite has a type of its own. So rows come as Python values, and each is checked as itself. (ADBC's driver
gives Arrow columns: it takes their types from the first 1,024 rows, and fails at a later value of another type.)
"""

import os
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import xxhash

from pipeline.config.databases import SQLITE
from pipeline.errors import UserError
from pipeline.sources.columns import Column
from pipeline.sources.formats.sql_database import FoundColumn, refused
from pipeline.sources.formats.values import Values

# Rows that are validated together: 4,096, or fewer if they are long, so that they need about 8 MiB.
_ROWS: Final = 4096
_BYTES: Final = 8 << 20

_TABLES: Final = (
    "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)


class SqliteDatabase:
    """An SQLite file that is open to be read."""

    def __init__(self, path: str, *, setting: str = "input.path") -> None:
        """Opens it. setting: what an error names if the file can be read.

        Raises:
          UserError: there is no such file, it may not be read, or it is no database.
        """
        self._path, self._setting = path, "input.path"
        file = file_of(path)
        if not file.is_file():
            raise UserError(f"input.path: {path}: there is no such file")
        with self._errors():
            self._connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
            # A text may not be UTF-8; then its row is rejected.
            self._connection.text_factory = bytes
        try:
            self.first("SELECT count(*) FROM sqlite_master")
        except BaseException:
            self.close()
            raise
        self._setting = setting

    def has_table(self, table: str) -> bool:
        """Whether there is a table or view of this name."""
        return table in self.tables()

    def tables(self) -> list[str]:
        """The names of all tables and views."""
        with self._errors(), closing(self._connection.execute(f"{_TABLES} ORDER BY name")) as cursor:
            return [name.decode("utf-8", "replace") for (name,) in cursor]

    def columns(self, source: str) -> list[FoundColumn]:
        """The columns of a source. A value of any type may be in each."""
        with self._errors(), closing(self._connection.execute(f"SELECT * FROM {source} LIMIT 0")) as cursor:
            return [FoundColumn(about[0], "any", None) for about in cursor.description]

    def size_of(self, column: str) -> str:
        """SQL for the number of bytes of a column."""
        return f"length(CAST({column} AS BLOB))"

    def is_integer(self, column: str) -> str:
        """SQL that is true if the value of a column is an integer or null."""
        return f"typeof({column}) IN ('integer', 'null')"

    def first(self, statement: str) -> tuple[Any, ...]:
        """The first row of an answer."""
        with self._errors(), closing(self._connection.execute(statement)) as cursor:
            return cursor.fetchone() or ()

    def snapshot(self) -> tuple[str, str]:
        """No name: the file's stamp shows whether it stays as it is."""
        return "", datetime.now(timezone.utc).isoformat(timespec="seconds")

    def rows(self, statement: str, columns: Sequence[Column]) -> Iterator[Mapping[str, Values]]:
        """The rows of an answer, in pieces."""
        waiting: list[tuple[object, ...]] = []
        size = 0
        with self._errors(), closing(self._connection.execute(statement)) as cursor:
            for row in cursor:
                waiting.append(row)
                size += sum(len(value) for value in row if isinstance(value, bytes))
                if len(waiting) == _ROWS or size >= _BYTES:
                    yield _columns(waiting, columns)
                    waiting, size = [], 0
        if waiting:
            yield _columns(waiting, columns)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise refused(self._path, error, setting=self._setting) from error


def _columns(rows: Sequence[tuple[object, ...]], columns: Sequence[Column]) -> dict[str, Values]:
    return {column.field: list(values) for column, values in zip(columns, zip(*rows, strict=True), strict=True)}


def file_of(path: str) -> Path:
    """The file that an entry of input.path names.

    >>> str(file_of("sqlite:///reviews.db")), str(file_of("sqlite:////data/reviews.db"))
    ('reviews.db', '/data/reviews.db')
    """
    return Path(os.path.expanduser(path.removeprefix(SQLITE)))


def stamp_of_database(path: str) -> bytes:
    """The stamp of an SQLite file and of its log, in which new rows wait; empty: there is no such file."""
    file = file_of(path)
    parts = b""
    for name in (file, file.with_name(f"{file.name}-wal")):
        try:
            status = os.stat(name)
        except OSError:
            if name == file:
                return b""
            continue
        # An empty log says nothing: to open a database may make one.
        if status.st_size:
            parts += struct.pack("<qq", status.st_size, status.st_mtime_ns // 1000)
    return xxhash.xxh3_64_digest(parts)

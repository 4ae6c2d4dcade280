"""Tables and queries of databases that are asked in SQL (PostgreSQL, SQLite) -> rows.

`input.key_column` names an integer column; a table is cut into parts by ranges of it, and several workers read. Without
it the table is one part. Each column is asked for by its name alone, so the database reads no others.

All parts are of one state of the database: PostgreSQL is asked for a snapshot, which is held until the run ends; an
SQLite file has a stamp, as other files have.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from typing import Final, NamedTuple

import pyarrow as pa

from pipeline.config import databases
from pipeline.config.databases import SQLITE
from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import Files
from pipeline.files.text_stream import ReadSizes
from pipeline.sources.columns import ColumnNames, listed_names, missing_column
from pipeline.sources.formats.arrow_tables import batch_of, check_types, has_label_lists
from pipeline.sources.formats.format import Description, Format, one_by_one
from pipeline.sources.formats.sql_database import Database, FoundColumn, quoted
from pipeline.sources.formats.sql_postgresql import PostgresqlDatabase
from pipeline.sources.formats.sql_sqlite import SqliteDatabase, stamp_of_database
from pipeline.sources.schema import Batch
from pipeline.sources.tables import PlannedTable, first_place, number_of_parts
from pipeline.sources.tasks import ReadTask, TablePart

NAME: Final = databases.SQL


class Counted(NamedTuple):
    """What a database says of a source: its rows, the bytes of their texts, the least and the largest key.

    keys: whether all keys are integers or null.
    """

    rows: int
    bytes: int
    low: int | None
    high: int | None
    keys: bool


def plan(path: str, settings: InputSettings, columns: ColumnNames) -> PlannedTable:
    """The parts of the table or query.

    Raises:
      UserError: the database can't be reached, or lacks the table or a column, or has no row; or the key is no integer.
    """
    stamp = stamp_of_database(path) if path.startswith(SQLITE) else b""
    database = _open(path, setting="input.path" if settings.query is None else "input.query")
    try:
        source = _source(path, settings, database)
        key = settings.key_column
        found = database.columns(source)
        _check_columns(found, path, columns, key=key)
        counted = _count(database, source, columns, key=key)
        if not counted.rows:
            raise UserError(f"input.path: no rows in {path}")
        if not counted.keys:
            raise UserError(
                f"input.key_column: {key!r} in {path} holds values that are no integers; name another, or none"
            )
        snapshot, taken = database.snapshot()
    except BaseException:
        database.close()
        raise
    if not snapshot:
        database.close()
    return PlannedTable(
        path=path,
        format=NAME,
        rows=counted.rows,
        size=counted.bytes,
        taken=taken,
        requests=tuple(_requests(source, counted, key=key)),
        snapshot=snapshot,
        stamp=stamp,
        has_label_lists=has_label_lists([pa.field(name, kind) for name, _, kind in found if kind is not None], columns),
        close=database.close,
    )


def _open(path: str, *, snapshot: str = "", setting: str = "input.path") -> Database:
    if path.startswith(SQLITE):
        return SqliteDatabase(path, setting=setting)
    return PostgresqlDatabase(path, snapshot=snapshot, setting=setting)


def _source(path: str, settings: InputSettings, database: Database) -> str:
    """What stands after FROM."""
    if settings.query is not None:
        return f"(\n{settings.query.rstrip().rstrip(';')}\n) AS query"
    table = settings.table or ""
    if not database.has_table(table):
        raise UserError(f"input.table: {table!r} is not in {path}; it has the tables {listed_names(database.tables())}")
    return ".".join(map(quoted, table.split(".", 1))) if isinstance(database, PostgresqlDatabase) else quoted(table)


def _check_columns(found: Sequence[FoundColumn], path: str, columns: ColumnNames, *, key: str | None) -> None:
    kinds = {column.name: column.type for column in found}
    wanted = [(setting, name) for _, setting, name in columns.wanted()]
    for setting, name in wanted if key is None else [*wanted, ("input.key_column", key)]:
        if name not in kinds:
            raise missing_column(setting, name, path, list(kinds))
    if key is not None and (kind := kinds[key]) is not None and not pa.types.is_integer(kind):
        raise UserError(f"input.key_column: {key!r} in {path} holds {kind}; name a column of integers, or none")
    typed = [pa.field(name, kind) for name, kind in kinds.items() if kind is not None]
    if typed:  # in SQLite each value has a type, and no column
        check_types(typed, ReadTask(path, 0, NAME), columns)


def _count(database: Database, source: str, columns: ColumnNames, *, key: str | None) -> Counted:
    size = " + ".join(f"coalesce(sum({database.size_of(quoted(name))}), 0)" for name in columns.texts())
    asked = f"count(*) AS n, CAST({size} AS bigint) AS size"
    if key is not None:
        name = quoted(key)
        wrong = f"count(CASE WHEN {database.is_integer(name)} THEN NULL ELSE 1 END)"
        asked += f", min({name}) AS low, max({name}) AS high, {wrong} AS wrong"
    rows, size_, *keys = database.first(f"SELECT {asked} FROM {source}")
    low, high, wrong_keys = keys or (None, None, 0)
    return Counted(int(rows), int(size_), low, high, not wrong_keys)


def _requests(source: str, counted: Counted, *, key: str | None) -> Iterator[str]:
    """What each part asks for, after FROM."""
    if key is None or counted.low is None or counted.high is None:  # or no row has a key
        yield source
        return
    number = min(number_of_parts(counted.bytes), counted.high - counted.low + 1)
    for condition in key_ranges(counted.low, counted.high, number=number, key=quoted(key)):
        yield f"{source} WHERE {condition}"


def key_ranges(low: int, high: int, *, number: int, key: str) -> Iterator[str]:
    """Conditions that each row of a table fulfils one of, also a row without a key; `key` is in its quotes.

    >>> list(key_ranges(1, 100, number=3, key='"id"'))
    ['("id" < 34 OR "id" IS NULL)', '"id" >= 34 AND "id" < 67', '"id" >= 67']
    >>> list(key_ranges(7, 7, number=1, key='"id"'))
    ['true']
    """
    edges = [low + (high - low + 1) * part // number for part in range(1, number)]
    if not edges:
        yield "true"
        return
    yield f"({key} < {edges[0]} OR {key} IS NULL)"
    for first, stop in pairwise(edges):
        yield f"{key} >= {first} AND {key} < {stop}"
    yield f"{key} >= {edges[-1]}"


def check(task: ReadTask, columns: ColumnNames, _files: Files) -> bool:
    """Whether there are rows.

    Raises:
      UserError: the database can't be reached, or a column is not there or can't hold what it should.
    """
    request, snapshot = _part(task)
    with closing(_open(task.path, snapshot=snapshot)) as database:
        _check_columns(database.columns(request), task.path, columns, key=None)
        return bool(database.first(f"SELECT 1 AS one FROM {request} LIMIT 1"))


def describe(task: ReadTask, _files: Files) -> Description:
    """The columns of the table or query."""
    request, snapshot = _part(task)
    with closing(_open(task.path, snapshot=snapshot)) as database:
        return Description(columns=tuple((name, kind) for name, kind, _ in database.columns(request)))


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a part, in the order in which the database gives them, up to 4,096 at a time.

    Raises:
      UserError: the database can't be reached, or ends the connection, or lacks a column.
    """
    del files, sizes
    wanted = columns.wanted()
    names = ", ".join(f"{quoted(column.name)} AS c{number}" for number, column in enumerate(wanted))
    request, snapshot = _part(task)
    row = 0
    with closing(_open(task.path, snapshot=snapshot)) as database:
        for values in database.rows(f"SELECT {names} FROM {request}", wanted):
            batch = batch_of(values, task, columns, first_row=row, first_place=first_place(task.start) + row)
            yield batch
            row += batch.count


def _part(task: ReadTask) -> TablePart:
    assert task.part is not None
    return task.part


SQL: Final = Format(
    (),
    check,
    one_by_one(read),
    is_compressible=False,
    needs_verified=False,
    describe=describe,
    plan=plan,
    stamp=stamp_of_database,
)

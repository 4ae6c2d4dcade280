"""A PostgreSQL database -> its tables and the rows of a query as Arrow batches, through ADBC.

All that is read is of one snapshot: the connection that plans exports it and stays open; each worker imports it. So
nothing that others write meanwhile shows, and both passes over the rows give the same.

Password, certificates and the like are the driver's to find, as for psql: PGPASSWORD, ~/.pgpass, PGSSLMODE and so on.
"""

import importlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import UserError
from pipeline.sources.columns import Column
from pipeline.sources.formats.arrow_tables import pieces
from pipeline.sources.formats.sql_database import FoundColumn, refused
from pipeline.sources.formats.values import Values

_DRIVER: Final = "adbc_driver_postgresql.dbapi"

# Bytes of a batch that the driver builds; its own 16 MiB are more than the job works on at a time.
_BATCH: Final = {"adbc.postgresql.batch_size_hint_bytes": str(4 << 20)}

_TABLES: Final = (
    "SELECT CASE table_schema WHEN 'public' THEN '' ELSE table_schema || '.' END || table_name AS name "
    "FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY name"
)
# Types that Arrow does not have, and the type that has what Python makes of their values.
_AS_PYTHON: Final = {"numeric": pa.decimal128(38), "uuid": pa.string()}
# PostgreSQL's name of an array's type is this and the name of the type in it.
_ARRAY: Final = "_"
# A transaction that reads for hours without a word must not be ended as forgotten.
_BEGIN: Final = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
_CONNECT_REMEDY: Final = "; the password is taken from PGPASSWORD or ~/.pgpass, on each worker too"
_GONE_REMEDY: Final = "; the connection that held the state of the database has ended: start again"


class PostgresqlDatabase:
    """A connection to PostgreSQL, in a transaction that sees one state of it."""

    def __init__(self, path: str, *, snapshot: str = "", setting: str = "input.path") -> None:
        """Connects.

        snapshot: the state to see, as `snapshot` of another connection named it; empty: the present one. setting: what
        an error names if the database can be reached.

        Raises:
          UserError: the driver is not installed, the database can't be reached, or the snapshot has ended.
        """
        self._path, self._setting = path, "input.path"
        try:
            driver = importlib.import_module(_DRIVER)
        except ImportError as error:
            raise UserError(
                f"input.path: {path} needs a driver that is not installed here; pip install 'textrecords[sql]'"
            ) from error
        self._error = importlib.import_module("adbc_driver_manager").Error
        with self._errors(remedy=_CONNECT_REMEDY):
            self._connection: Any = driver.connect(path)
        try:
            with self._errors():
                for statement in _BEGIN:
                    self._run(statement)
            if snapshot:
                with self._errors(remedy=_GONE_REMEDY):
                    self._run(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        except BaseException:
            self.close()
            raise
        self._setting = setting

    def has_table(self, table: str) -> bool:
        """Whether there is a table or view of this name, with or without its schema before a dot."""
        return table.removeprefix("public.") in self.tables()

    def tables(self) -> list[str]:
        """The names of all tables and views that may be read; schemas other than public stand before them."""
        with self._errors(), self._answer(_TABLES) as batches:
            return [name for batch in batches for name in batch["name"].to_pylist()]

    def columns(self, source: str) -> list[FoundColumn]:
        """The columns of a source."""
        with self._errors(), self._connection.cursor() as cursor:
            schema = cursor.adbc_execute_schema(f"SELECT * FROM {source}")
        return [FoundColumn(field.name, _type_name(field), _plain_type(field)) for field in schema]

    def size_of(self, column: str) -> str:
        """SQL for the number of bytes of a column; PostgreSQL knows it without unpacking a long text."""
        return f"octet_length({column})"

    def is_integer(self, column: str) -> str:
        """SQL that is true: the type of a column says what its values are."""
        del column
        return "true"

    def first(self, statement: str) -> tuple[Any, ...]:
        """The first row of an answer."""
        with self._errors(), self._answer(statement) as batches:
            for batch in batches:
                if batch.num_rows:
                    return tuple(column[0].as_py() for column in batch.columns)
        return ()

    def snapshot(self) -> tuple[str, str]:
        """The exported snapshot, and when this transaction began."""
        name, taken = self.first(
            "SELECT pg_export_snapshot(), to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"+00:00\"')"
        )
        return str(name), str(taken)

    def rows(self, statement: str, columns: Sequence[Column]) -> Iterator[Mapping[str, Values]]:
        """The rows of an answer, in pieces, while they arrive."""
        with self._errors(), self._answer(statement) as batches:
            for batch in batches:
                arrays = {column.field: _storage(array) for column, array in zip(columns, batch.columns, strict=True)}
                kinds = {column.field: _type_name(field) for column, field in zip(columns, batch.schema, strict=True)}
                for piece in pieces(arrays):
                    yield {field: _python_values(array, kinds[field]) for field, array in piece.items()}

    def close(self) -> None:
        """Ends the connection, and its snapshot."""
        self._connection.close()

    def _run(self, statement: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement)

    @contextmanager
    def _answer(self, statement: str) -> Iterator[pa.RecordBatchReader]:
        with self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**_BATCH)
            cursor.execute(statement)
            with cursor.fetch_record_batch() as batches:
                yield batches

    @contextmanager
    def _errors(self, *, remedy: str = "") -> Iterator[None]:
        try:
            yield
        except (self._error, pa.ArrowException, OSError) as error:  # of Arrow: in the middle of an answer
            raise refused(self._path, _reason(error), setting=self._setting, remedy=remedy) from error


def _reason(error: Exception) -> Exception:
    r"""What the server or the driver said, without what ADBC puts around it.

    >>> print(_reason(ValueError("NOT_FOUND: Failed to prepare: ERROR:  column \"x\" is not there\nLINE 1: ...")))
    column "x" is not there
    >>> print(_reason(ValueError("IO: [libpq] Failed to connect: connection to \"h\" failed: refused\n\tIs it?")))
    connection to "h" failed: refused
    """
    text = str(error)
    _, found, said = text.partition("ERROR:")
    text = said if found else text.rpartition("Failed to connect: ")[2]
    return ValueError(text.strip().partition("\n")[0])


def _type_name(field: pa.Field) -> str:
    """PostgreSQL's name of a column's type."""
    return ((field.metadata or {}).get(b"POSTGRESQL:type") or str(field.type).encode()).decode()


def _plain_type(field: pa.Field) -> pa.DataType:
    """The type of the values that `_python_values` gives."""
    name = _type_name(field)
    if (kind := _AS_PYTHON.get(name.removeprefix(_ARRAY))) is not None:
        return pa.list_(kind) if name.startswith(_ARRAY) else kind
    return field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type


def _storage(array: pa.Array) -> pa.Array:
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _python_values(array: pa.Array, kind: str) -> Values:
    """Values that Arrow has no type for, as Python has them: numeric, which the driver gives as text, and UUIDs; and
    arrays of these."""
    if kind.startswith(_ARRAY) and kind.removeprefix(_ARRAY) in _AS_PYTHON:
        values = iter(_python_values(_storage(array.flatten()), kind.removeprefix(_ARRAY)))
        lengths = pc.list_value_length(array).to_pylist()
        return [None if length is None else list(islice(values, length)) for length in lengths]
    if kind == "numeric":
        return [None if text is None else Decimal(text) for text in array.to_pylist()]
    if kind == "uuid":
        return [None if value is None else str(uuid.UUID(bytes=value)) for value in array.to_pylist()]
    return array

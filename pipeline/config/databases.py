"""Paths that name a database: the format that reads each, and what else the settings must say.

    bigquery://project.dataset.table   a table of BigQuery
    bigquery://project                 the rows of input.query, which BigQuery runs in this project
    postgresql://user@host:5432/name   input.table or input.query of a PostgreSQL database
    sqlite:///folder/reviews.db        input.table or input.query of an SQLite file; four slashes: an absolute path

input.table, input.query and input.key_column are for input.path. An entry of input.unlabelled names its table itself:

    bigquery://project.dataset.table, postgresql://user@host/name#table, sqlite:///folder/reviews.db#table

Passwords stay out of settings, which the manifest and the report show: `check_path` in paths.py refuses them.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

BIGQUERY: Final = "bigquery"
SQL: Final = "sql"
SQLITE: Final = "sqlite:///"

# Scheme of a path -> the format that reads it, a name of sources.formats.FORMATS.
_FORMATS: Final = {"bigquery": BIGQUERY, "postgresql": SQL, "postgres": SQL, "sqlite": SQL}

_FORMS: Final = "bigquery://project.dataset.table, postgresql://user@host/name or sqlite:///file.db"


class BigQueryTable(NamedTuple):
    """A table as BigQuery names it."""

    project: str
    dataset: str
    table: str


def database_format(path: str) -> str | None:
    """The format that reads a database; None: the path names files.

    >>> [database_format(path) for path in ("bigquery://p.d.t", "sqlite:///a.db", "gs://b/a.csv", "sqlite.csv")]
    ['bigquery', 'sql', None, None]
    """
    scheme, separator, _ = path.partition("://")
    return _FORMATS.get(scheme.lower()) if separator else None


def bigquery_table(path: str) -> BigQueryTable | None:
    """The table that a path names; None: it names a project alone.

    >>> bigquery_table("bigquery://example.com:shop.reviews.v2"), bigquery_table("bigquery://example.com:shop")
    (BigQueryTable(project='example.com:shop', dataset='reviews', table='v2'), None)
    """
    parts = path.partition("://")[2].rsplit(".", 2)
    return BigQueryTable(*parts) if len(parts) == 3 and all(parts) else None


def unlabelled_table(path: str) -> tuple[str, str | None]:
    """An entry of input.unlabelled that names a database -> the database as input.path names it, and input.table.

    >>> unlabelled_table("sqlite:///reviews.db#texts"), unlabelled_table("bigquery://p.d.t")
    (('sqlite:///reviews.db', 'texts'), ('bigquery://p.d.t', None))
    """
    if database_format(path) == BIGQUERY:
        return path, None
    address, _, table = path.rpartition("#")
    return address, table


def check_unlabelled(paths: Sequence[str]) -> None:
    """Checks that each database of input.unlabelled comes with its table.

    Raises:
      ValueError: one does not; the message tells the remedy.

    >>> check_unlabelled(["more.csv", "sqlite:///a.db#texts", "sqlite:///a.db"])
    Traceback (most recent call last):
    ValueError: unlabelled names the database sqlite:///a.db; name one of its tables too: sqlite:///a.db#TABLE
    """
    for path in filter(database_format, paths):
        is_bigquery = database_format(path) == BIGQUERY
        if not (bigquery_table(path) if is_bigquery else all(unlabelled_table(path))):
            form = "bigquery://project.dataset.table" if is_bigquery else f"{path.rstrip('#')}#TABLE"
            raise ValueError(f"unlabelled names the database {path}; name one of its tables too: {form}")
        _check_slashes("unlabelled", unlabelled_table(path)[0])


def check_databases(
    paths: Sequence[str], *, format: str, query: str | None, table: str | None, key_column: str | None
) -> None:
    """Checks that the settings of the section input name what to read of a database, or name none.

    Raises:
      ValueError: a setting is missing, or of no use; the message tells the remedy.

    >>> check_databases(["sqlite:///a.db"], format="auto", query=None, table=None, key_column=None)
    Traceback (most recent call last):
    ValueError: path names the database sqlite:///a.db; name one of its tables in table, or what to select in query
    """
    databases = [path for path in paths if database_format(path)]
    given = {"query": query, "table": table, "key_column": key_column}
    if not databases:
        for name, value in given.items():
            if value is not None:
                raise ValueError(f"{name} is {value!r}, which is for a database; leave it out, or have path name one")
        if format in _FORMATS.values():
            raise ValueError(f"format is {format}, and path names no database; give path as {_FORMS}")
        return
    if len(databases) < len(paths):
        raise ValueError(f"path names a database, {databases[0]}, and files as well; read the one or the others")
    for path in databases:
        if format not in ("auto", database_format(path)):
            raise ValueError(f"format is {format}, and path names a database, {path}; set format to auto")
    if len(databases) > 1 and not all(map(bigquery_table, databases)):
        raise ValueError("path names several databases; name one, or tables as bigquery://project.dataset.table")
    for path in databases:
        check = _check_bigquery if database_format(path) == BIGQUERY else _check_sql
        check(path, given)


def _check_bigquery(path: str, given: dict[str, str | None]) -> None:
    is_table = bigquery_table(path) is not None
    if given["table"] is not None:
        raise ValueError(f"table is {given['table']!r}; give it in path, as bigquery://project.dataset.table")
    if given["key_column"] is not None:
        raise ValueError("key_column is for a database by SQL; leave it out, since BigQuery divides a table by itself")
    if is_table and given["query"] is not None:
        raise ValueError(f"path names the table {path}, and query is set too; leave one of them out")
    if not is_table and given["query"] is None:
        raise ValueError(f"path is {path}; give it as bigquery://project.dataset.table, or set query as well")


def _check_sql(path: str, given: dict[str, str | None]) -> None:
    _check_slashes("path", path)
    if given["table"] is None and given["query"] is None:
        raise ValueError(f"path names the database {path}; name one of its tables in table, or what to select in query")
    if given["table"] is not None and given["query"] is not None:
        raise ValueError(f"table is {given['table']!r}, and query is set too; leave one of them out")


def _check_slashes(setting: str, path: str) -> None:
    if path.startswith("sqlite:") and not path.removeprefix(SQLITE).strip("/"):
        raise ValueError(f"{setting} is {path}; name the file after three slashes: sqlite:///reviews.db")
    if path.startswith("sqlite:") and not path.startswith(SQLITE):
        raise ValueError(f"{setting} is {path}; give it three slashes: sqlite:///{path.partition('://')[2]}")

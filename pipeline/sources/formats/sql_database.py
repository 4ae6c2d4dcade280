"""What a database that is asked in SQL must be able to do, the same for all of them; and how names are put into SQL."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from pipeline.errors import UserError
from pipeline.sources.columns import Column
from pipeline.sources.formats.values import Values


class FoundColumn(NamedTuple):
    """A column of a table or query: its name, its type for a person, and its type; None: each value has its own."""

    name: str
    kind: str
    type: pa.DataType | None


class Database(Protocol):
    """A connection to a database, which only reads.

    A source is what stands after FROM: a table, or a query in parentheses, and a condition. All methods raise a
    UserError if the database does not answer, with its reason in one line.
    """

    def has_table(self, table: str) -> bool:
        """Whether there is a table or view of this name."""

    def tables(self) -> list[str]:
        """The names of all tables and views that may be read."""

    def columns(self, source: str) -> list[FoundColumn]:
        """The columns of a source."""

    def size_of(self, column: str) -> str:
        """SQL for the number of bytes of a column, whose name is in its quotes."""

    def is_integer(self, column: str) -> str:
        """SQL that is true if the value of a column, whose name is in its quotes, is an integer or null."""

    def first(self, statement: str) -> tuple[Any, ...]:
        """The first row of an answer; empty: there is none."""

    def snapshot(self) -> tuple[str, str]:
        """The database's name for its present state, and the time of it in ISO 8601; no name: it can't give one.

        The name is known to other connections until this one is closed.
        """

    def rows(self, statement: str, columns: Sequence[Column]) -> Iterator[Mapping[str, Values]]:
        """The rows of an answer in pieces: by field, the columns in the order in which the statement selects them."""

    def close(self) -> None:
        """Ends the connection."""


def quoted(name: str) -> str:
    '''A name as SQL takes it, exactly as it is.

    >>> print(quoted('the "text"'))
    "the ""text"""
    '''
    return '"{}"'.format(name.replace('"', '""'))


def refused(path: str, error: Exception, *, setting: str = "input.path", remedy: str = "") -> UserError:
    """What a person reads if a database does not do what it is asked: its reason in one line.

    >>> str(refused("sqlite:///a.db", ValueError("no such function: f"), setting="input.query"))
    'input.query: sqlite:///a.db: no such function: f'
    """
    return UserError(f"{setting}: {path}: {' '.join(str(error).split()).rstrip('.')}{remedy}")

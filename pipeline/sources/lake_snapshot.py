"""What a table's log says: a version, its files, and the columns that the files lack."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from pipeline.errors import UserError
from pipeline.files.table_marks import TableKind
from pipeline.sources.tasks import Given

_Result = TypeVar("_Result")


class LakeVersion(NamedTuple):
    """Which version of a table is read, and the number of its files that are."""

    kind: TableKind
    path: str
    version: str
    files: int


class LakeSnapshot(NamedTuple):
    """A version of a table.

    root: its folder. version: as its log counts. format: of its files. files: their paths, and the columns that the log
    gives for all rows of each.
    """

    kind: TableKind
    root: str
    version: str
    format: str
    files: Mapping[str, Given]


def library(kind: TableKind, root: str, *, module: str, extra: str) -> Any:
    """The module that reads the log of a table.

    Raises:
      UserError: it is not installed.
    """
    if importlib.util.find_spec(module) is None:
        raise UserError(
            f"input.path: {root} is {a_table(kind)}: its log, and not the folder, says which files count; "
            f"pip install 'textrecords[{extra}]'"
        )
    return importlib.import_module(module)


def refused(kind: TableKind, root: str, why: str) -> UserError:
    """The error for a table that can't be read by its log.

    >>> str(refused("Delta", "in/reviews", "it has deletion vectors"))
    "input.path: in/reviews is a Delta table that can't be read: it has deletion vectors; write a copy, for example \
spark.read.format('delta').load('in/reviews').write.parquet('copy'), and give that"
    """
    return UserError(
        f"input.path: {root} is {a_table(kind)} that can't be read: {why}; write a copy, for example "
        f"spark.read.format('{kind.lower()}').load('{root}').write.parquet('copy'), and give that"
    )


def asked(kind: TableKind, root: str, question: Callable[[], _Result]) -> _Result:
    """What a library answers.

    Raises:
      UserError: it raises an error; each has errors of its own.
    """
    try:
        return question()
    except UserError:
        raise
    except Exception as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise refused(kind, root, f"its log is not understood ({why})") from error


def a_table(kind: TableKind) -> str:
    """What a table is called.

    >>> a_table("Iceberg")
    'an Iceberg table'
    """
    return f"an {kind} table" if kind == "Iceberg" else f"a {kind} table"

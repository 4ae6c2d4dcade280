"""The first row of a csv or tsv file, and its dialect -> the header: the columns, and which of them are read."""

import csv
import re
import shlex
from collections.abc import Sequence
from typing import Final

from pipeline.errors import UserError
from pipeline.sources.columns import ColumnNames, listed_names, missing_column, repeated_column
from pipeline.sources.formats.csv_dialects import FOUND_DELIMITERS
from pipeline.sources.formats.csv_rows import Header
from pipeline.sources.formats.csv_split import split_row, splitter
from pipeline.sources.formats.dialect import Dialect
from pipeline.sources.formats.json_objects import is_object
from pipeline.sources.schema import excerpt
from pipeline.sources.tasks import ReadTask

# The most columns of a file: a header of 100 MB needed 8 GB for its names.
MAX_COLUMNS: Final = 1_000_000
_SHOWN: Final = 60
# How the name of a column begins, mostly; a text or a number of a first row that is no header may begin otherwise.
_NAME: Final = re.compile(r"[^\W\d]\S*$")


def header_of(row: bytes, task: ReadTask, columns: ColumnNames, dialect: Dialect) -> Header:
    """The header of a file; row: its first.

    Raises:
      UserError: a column is missing, or two columns have its name; or input.columns are not as many as there are.
    """
    fields = _fields(row, task, dialect)
    if dialect.names is None:
        names = [field.strip() for field in fields]
    else:
        names, fields = list(dialect.names), _checked(row, fields, task, dialect)
    if len(names) == 1 and len(columns.wanted()) > 1:
        raise _one_column(names[0], task, dialect)
    for _, setting, name in columns.wanted():
        if name not in names:
            raise _missing(setting, name, row, task, columns, dialect, names)
        if names.count(name) > 1:
            raise repeated_column(setting, name, task.path, names.count(name))
    numbers = {field: names.index(name) for field, _, name in columns.wanted()}
    return Header(dialect, tuple(fields), numbers)


def _checked(row: bytes, fields: Sequence[str], task: ReadTask, dialect: Dialect) -> list[str]:
    """The names of the settings, as a header inside the file would repeat them."""
    names = dialect.names or ()
    if len(names) > 1 and is_object(row):
        raise UserError(f"input.format: the first row of {task.path} is an object of JSON; set jsonl")
    if len(fields) != len(names):
        raise UserError(
            f"input.columns: it names {len(names)} columns, but the first row of {task.path} has {len(fields)}, "
            f"separated by {dialect.delimiter!r}; "
            + (
                "set input.delimiter if another character separates them"
                if len(fields) == 1
                else "name each of them, in order"
            )
        )
    if not dialect.has_header and _plain(fields) == _plain(names):
        raise UserError(
            f"input.columns: the first row of {task.path} is a header with these names, in another order or writing: "
            f"{listed_names(fields)}; leave the setting out, or name the columns so"
        )
    return list(names)


def _plain(names: Sequence[str]) -> list[str]:
    """Names without their order, white space and case."""
    return sorted(name.strip().casefold() for name in names)


def _fields(row: bytes, task: ReadTask, dialect: Dialect) -> list[str]:
    if row.count(dialect.delimiter.encode()) > MAX_COLUMNS:
        raise UserError(
            f"input.path: the first row of {task.path} has more than {MAX_COLUMNS} columns; set input.format"
        )
    try:
        text = row.decode("utf-8") if dialect.names is None else row.decode("latin-1")
        (fields,) = splitter(text, dialect)
        if "\0" in text:
            raise ValueError
    except (ValueError, csv.Error) as error:
        raise UserError(
            f"input.path: {task.path} does not begin with the column names of {task.format} in UTF-8; "
            "set input.encoding if it is in another encoding, or set input.format"
        ) from error
    return fields


def _one_column(name: str, task: ReadTask, dialect: Dialect) -> UserError:
    if dialect.names is not None:
        return UserError(
            f"input.columns: it names one column, {name!r}; name all columns that {task.path} has, in order"
        )
    if dialect.delimiter in name:
        return UserError(
            f"input.path: each row of {task.path} is in quotes as a whole; take them away: "
            f"""sed 's/^"//; s/"\\r*$//; s/""/"/g' {shlex.quote(task.path)} > rows.{task.format}"""
        )
    return UserError(
        f"input.path: {task.path} has one column, {excerpt(name)[:_SHOWN]!r}, if columns are separated by "
        f"{dialect.delimiter!r}; set input.delimiter if another character separates them"
    )


def _missing(
    setting: str,
    name: str,
    row: bytes,
    task: ReadTask,
    columns: ColumnNames,
    dialect: Dialect,
    names: Sequence[str],
) -> UserError:
    """The error for a column that is not there; it names a delimiter with which it would be there, if there is one."""
    wanted = {column.name for column in columns.wanted()}
    for delimiter, called in FOUND_DELIMITERS.items():
        others = split_row(row, Dialect(delimiter, quotes=dialect.quotes))
        if dialect.names is None and wanted <= {other.strip() for other in others}:
            return UserError(
                f"{setting}: {name!r} is not a column of {task.path}, split by {dialect.delimiter!r}; "
                f"set input.delimiter to {called}, by which it is"
            )
    missing = missing_column(setting, name, task.path, names)
    if dialect.names is None and not all(_NAME.match(have) for have in names):
        return UserError(f"{missing}; set input.columns if its first row is no header")
    return missing

"""Columns that the folders of a file give, as Hive and Spark write them (`label=pos/part-0.parquet`), or a table's log.

    path and columns -> the values of the columns that the folders give, and the columns that are left to read

A value is percent-decoded; `__HIVE_DEFAULT_PARTITION__` is null. The folder's value counts for all rows of the file. If
the file has such a column as well, with another value, the input is refused as far as its first files show it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import pyarrow as pa

from pipeline.sources.columns import Column, ColumnNames, text_field
from pipeline.sources.tasks import Given, ReadTask

NULL: Final = "__HIVE_DEFAULT_PARTITION__"

# Values of columns by field; an array, or a list (see formats.values.Values).
Values: TypeAlias = pa.Array | Sequence[Any]


def values_of_folders(path: str) -> dict[str, str | None]:
    """The columns that the folders of a path name, with their values; of two with one name the inner one counts.

    >>> values_of_folders("gs://b/year=2024/label=sci%2Fmed/part-0.parquet")
    {'year': '2024', 'label': 'sci/med'}
    >>> values_of_folders("in/label=__HIVE_DEFAULT_PARTITION__/x=y.csv")
    {'label': None}
    """
    found: dict[str, str | None] = {}
    for folder in path.split("/")[:-1]:
        name, equals, value = folder.partition("=")
        if name and equals:
            found[unquote(name)] = None if value == NULL else unquote(value)
    return found


def given_columns(task: ReadTask, columns: ColumnNames) -> list[tuple[Column, str | None]]:
    """The columns to read that the file's folders, or its table, give, with their values.

    At least one column of the text is read from the file.
    """
    if task.table_columns is None and "=" not in task.path:
        return []
    values = values_of_folders(_without_archive(task)) if task.table_columns is None else dict(task.table_columns)
    given = [(column, values[column.name]) for column in columns.wanted() if column.name in values]
    if all(name in values for name in columns.texts()):
        return [(column, value) for column, value in given if not _is_text(column.field)]
    return given


def _without_archive(task: ReadTask) -> str:
    """The path of a file; of one in an archive without the archive's name, which is no folder's."""
    if not task.archive:
        return task.path
    return task.archive.rpartition("/")[0] + task.path[len(task.archive) :]


def with_given_columns(task: ReadTask, columns: ColumnNames) -> tuple[ReadTask, ColumnNames]:
    """The task with the values that its folders give as `given`, and the columns to read from the file.

    >>> task, columns = with_given_columns(ReadTask("in/label=a/x.csv", 0, "csv"), ColumnNames("text", "label"))
    >>> task.given, [column.name for column in columns.wanted()]
    ((('label', 'a'),), ['text'])
    """
    given = given_columns(task, columns)
    if not given:
        return task, columns
    names = {column.name for column, _ in given}
    texts = tuple(name for name in columns.texts() if name not in names)
    others: dict[str, Any] = {
        name: None for name in ("label", "id", "split", "group", "time", "weight") if getattr(columns, name) in names
    }
    if columns.slices:
        others["slices"] = tuple(None if name in names else name for name in columns.slices)
    in_file = replace(columns, text=texts, **others) if texts != columns.texts() else replace(columns, **others)
    return replace(task, given=tuple((column.field, value) for column, value in given)), in_file


def completed(columns: Mapping[str, Values], given: Given) -> Mapping[str, Values]:
    """The columns of a file by field, and those that its folders give; the columns of the text in their order.

    >>> found = completed({"text": ["a", "b"]}, (("text", "sport"), ("label", None)))
    >>> {field: list(map(str, values)) for field, values in found.items()}
    {'label': ['None', 'None'], 'text': ['sport', 'sport'], 'text.1': ['a', 'b']}
    """
    if not given:
        return columns
    rows = len(columns[text_field(0)])
    values = {field: pa.array([value] * rows, pa.string()) for field, value in given}
    texts_in_file = iter([part for field, part in columns.items() if _is_text(field)])
    found: dict[str, Values] = {field: part for field, part in columns.items() if not _is_text(field)}
    found |= {field: part for field, part in values.items() if not _is_text(field)}
    for number in range(sum(map(_is_text, [*columns, *values]))):
        field = text_field(number)
        found[field] = values[field] if field in values else next(texts_in_file)
    return found


def _is_text(field: str) -> bool:
    return field.partition(".")[0] == text_field(0)

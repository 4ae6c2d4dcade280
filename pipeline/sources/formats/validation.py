"""Columns of one format, row by row in order -> the rows that can be used and those that cannot."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline.sources.formats.values import Problems, Values, names, python_values, texts
from pipeline.sources.schema import (
    ROWS_SCHEMA,
    SHOWN_CHARACTERS,
    Batch,
    ColumnNames,
    Int64Array,
    ReadTask,
    RejectedRow,
    excerpt,
    positions,
    rejected_batch,
)


@dataclass(frozen=True)
class Fields:
    """The columns asked for, as a format holds them, equally long; None: not asked for."""

    text: Values
    label: Values | None = None
    split: Values | None = None
    id: Values | None = None


def finish(
    task: ReadTask,
    fields: Fields,
    *,
    ordinals: Int64Array,
    places: Int64Array,
    content: Callable[[int], str],
    rejects: Sequence[RejectedRow] = (),
) -> Batch:
    """Looks at every value and parts the rows that can be used from those that cannot.

    Args:
      task: the range that the rows come from.
      fields: the columns, [n].
      ordinals: int64 [n], each row's number within the task; gaps are rows in `rejects`.
      places: int64 [n], each row's place in the file.
      content: index in the columns -> what can be shown of that row.
      rejects: rows that did not even come to columns.
    """
    text, problems = texts(fields.text)
    label, label_problems = _names(fields.label, column="label", rows=len(text))
    split, split_problems = _names(fields.split, column="split", rows=len(text))
    # A row has one reason: its text's before its label's before its split's.
    problems = {**split_problems, **label_problems, **problems}
    position = pa.array(positions(task, places))
    rows = pa.RecordBatch.from_arrays([text, label, split, position, pa.array(ordinals)], schema=ROWS_SCHEMA)
    if problems:
        usable = np.ones(rows.num_rows, bool)
        usable[list(problems)] = False
        rows = rows.filter(pa.array(usable))
    bad = [
        RejectedRow(int(ordinals[row]), reason, content(row), _id(fields.id, row)) for row, reason in problems.items()
    ]
    return Batch(rows, rejected_batch(task, [*rejects, *bad]))


def _names(values: Values | None, *, column: str, rows: int) -> tuple[pa.Array, Problems]:
    """A column of names, null if it is not asked for."""
    return (pa.nulls(rows, pa.string()), {}) if values is None else names(values, column=column)


def columns_shown(columns: ColumnNames, fields: Fields, row: int) -> str:
    """A row's columns as JSON, for formats whose rows have no line to show."""
    named = {
        columns.id: fields.id,
        columns.text: fields.text,
        columns.label: fields.label,
        columns.split: fields.split,
    }
    values = {name: _python(values, row) for name, values in named.items() if values is not None}
    cut = {name: excerpt(value) if isinstance(value, str | bytes) else value for name, value in values.items()}
    return excerpt(json.dumps(cut, ensure_ascii=False, default=str))[:SHOWN_CHARACTERS]


def _python(values: Values, row: int) -> object:
    return python_values(values[row : row + 1])[0]


def _id(values: Values | None, row: int) -> str | None:
    value = None if values is None else _python(values, row)
    return None if value is None else excerpt(value)

"""The columns of metrics.slices as a format holds them -> the values of a row, as texts.

A value is spelled as a label is. What no label can be: other floats as Python writes them, dates and times in ISO 8601,
a list or object of JSON as JSON. A missing value is the empty text. No row is rejected for a slice: bytes that are not
UTF-8 become U+FFFD, and a value of more than 200 characters is cut.
"""

import json
import math
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa

from pipeline.config.label_names import ASCII_SPACE, canonical_name
from pipeline.errors import RejectedRowError
from pipeline.sources.formats.values import Values, dictionary_encoded, python_values, value_type

# A person reads no longer name of a slice; and each row of the records holds it.
LONGEST: Final = 200


def slices(columns: Sequence[Values], *, rows: int) -> pa.Array:
    """Columns of [rows] values -> list<string> [rows]: the values of each row, in the order of the columns.

    >>> slices([["a", None], pa.array([1.0, 2.5])], rows=2).to_pylist()
    [['a', '1'], ['', '2.5']]
    """
    values = pa.concat_arrays([pa.array([], pa.string()), *map(_spelled, columns)])
    order = np.arange(len(values)).reshape(len(columns), rows).T.ravel()
    edges = np.arange(rows + 1) * len(columns)
    return pa.ListArray.from_arrays(pa.array(edges, pa.int32()), values.take(pa.array(order)))


def slice_name(value: object) -> str:
    """A value as Python has it -> the name of its slice.

    >>> [slice_name(value) for value in (" sport\\n", 7, True, 0.5, 2.0, None, date(2024, 1, 31))]
    ['sport', '7', 'true', '0.5', '2', '', '2024-01-31']
    """
    name = _text(value).strip(ASCII_SPACE).encode("utf-8", "replace").decode("utf-8")
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def can_hold_slices(kind: pa.DataType) -> bool:
    """Whether a column of this type holds plain values, and no lists or structs, also not in a dictionary.

    >>> [can_hold_slices(kind) for kind in (pa.date32(), pa.dictionary(pa.int8(), pa.list_(pa.string())))]
    [True, False]
    """
    return not pa.types.is_nested(value_type(kind))


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.strip(ASCII_SPACE.encode())[: 4 * LONGEST + 4].decode("utf-8", "replace")
    if isinstance(value, str):
        return value
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, Decimal) and value.is_nan():
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=_text)
    if isinstance(value, date | time):
        return value.isoformat()
    try:
        return canonical_name(value, column="slice")
    except RejectedRowError:
        return str(value)


def _spelled(values: Values) -> pa.Array:
    """A column as strings, without nulls."""
    encoded = dictionary_encoded(values) if isinstance(values, pa.Array) else None
    if encoded is not None:  # there are many rows and few different values
        names = pa.array([slice_name(value) for value in python_values(encoded.dictionary)], pa.string())
        return names.take(encoded.indices).fill_null("")
    return pa.array([slice_name(value) for value in python_values(values)], pa.string())

"""A column of weights as a format holds it -> float32 above 0, and problems.

A weight is a number above 0 that is finite, also as a float32; or a text that writes one: 2, 0.5, 1e-3. Null, NaN and
the empty text are missing weights. All else (0, -1, true, "2 kg") is a problem: such a row would count for nothing, or
nobody knows for how much.

Every format gives the same weight: each value is first the nearest float64, then the nearest float32 of that.
"""

import re
from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.label_names import ASCII_SPACE, missing
from pipeline.errors import RejectedRowError
from pipeline.sources.formats.values import (
    Problems,
    Values,
    can_hold_labels,
    can_hold_texts,
    one_by_one,
    python_values,
)

MISSING: Final = missing("weight")
NOT_ABOVE_ZERO: Final = "weight is not a number above 0"

# Python's float() also takes 1_000, and digits that are not of ASCII.
_NUMBER: Final = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TEXT: Final = re.compile(rf"[+-]?{_NUMBER}")


def weights(values: Values) -> tuple[pa.Array, Problems]:
    """A column of weights -> float32, and problems.

    >>> array, problems = weights(["2", 0.5, 0])
    >>> array.to_pylist(), problems
    ([2.0, 0.5, None], {2: 'weight is not a number above 0'})
    """
    numbers, problems = _numbers(values)
    found = numbers.fill_null(np.nan).to_numpy()
    with np.errstate(over="ignore", under="ignore"):
        rounded = found.astype(np.float32)
    is_weight = np.isfinite(rounded) & (rounded > 0)
    for row in np.flatnonzero(~is_weight).tolist():
        problems.setdefault(row, MISSING if np.isnan(found[row]) else NOT_ABOVE_ZERO)
    return pa.array(rounded, pa.float32(), mask=~is_weight), problems


def can_hold_weights(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold weights: numbers, texts, or nothing but null.

    >>> [can_hold_weights(kind) for kind in (pa.float32(), pa.string(), pa.bool_())]
    [True, True, False]
    """
    return can_hold_labels(kind) and not pa.types.is_boolean(kind)


def _numbers(values: Values) -> tuple[pa.Array, Problems]:
    """The values as float64, null where they are missing or no number; problems of those that are no number."""
    if isinstance(values, pa.Array):
        try:
            if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
                return values.cast(pa.float64(), safe=False), {}
            if can_hold_texts(values.type) and (numbers := _of_texts(values)) is not None:
                return numbers, {}
        except pa.ArrowException:  # float16, and a text of a number that no float64 holds
            pass
    return one_by_one(python_values(values), _number, pa.float64())


def _of_texts(values: pa.Array) -> pa.Array | None:
    """Texts as float64, if all of them are plainly written numbers; one by one takes 20 times as long."""
    texts = values.cast(pa.large_binary())
    is_number = pc.match_substring_regex(texts, rf"\A{_NUMBER}\z")
    return texts.cast(pa.large_string()).cast(pa.float64()) if pc.all(is_number, min_count=0).as_py() else None


def _number(value: object) -> float:
    """A value, as Python has it, as a number.

    Raises:
      RejectedRowError: it is missing, or none.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        value = value.strip(ASCII_SPACE) or None
    if value is None or (isinstance(value, Decimal) and value.is_nan()):
        raise RejectedRowError(MISSING)
    if isinstance(value, str):
        if _TEXT.fullmatch(value):
            return float(value)
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:  # an integer of 309 digits
            pass
    raise RejectedRowError(NOT_ABOVE_ZERO)

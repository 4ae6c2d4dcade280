"""A column of times as a format holds it -> int64 that can be compared, and problems.

There are two kinds, and the settings say which one (`split.eval_from`, `split.test_from`):

    in ISO 8601   text (2024-01-31, 2024-01-31T08:00:00+01:00), or dates and timestamps of Arrow and Python
                  -> microseconds from 1970; without a zone they are UTC (pipeline/config/times.py)
    integers      integers, integral floats, and text of digits -> the integer

Null, NaN and the empty string are missing times.
"""

import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np
import pyarrow as pa

from pipeline.config.label_names import ASCII_SPACE, MAX_INTEGRAL_FLOAT, missing
from pipeline.config.times import instant
from pipeline.errors import RejectedRowError
from pipeline.sources.formats.values import Problems, Values, can_hold_labels, can_hold_texts, python_values
from pipeline.support.arrays import Int64s

MISSING: Final = missing("time")
NOT_ISO: Final = "time is not a date or time in ISO 8601"
NOT_INTEGER: Final = "time is not an integer"

_MICROSECONDS: Final = {"s": 1_000_000, "ms": 1000, "us": 1}
_MICROSECONDS_OF_DAY: Final = 86_400_000_000
# One less than an int64 can be: no row is from the largest integer on, which stands for "never".
_LARGEST: Final = 2**63 - 2


def iso_times(values: Values) -> tuple[pa.Array, Problems]:
    """A column of dates and times -> microseconds from 1970, int64, and problems.

    >>> times, problems = iso_times(["1970-01-02", "yesterday", None])
    >>> times.to_pylist(), problems
    ([86400000000, None, None], {1: 'time is not a date or time in ISO 8601', 2: 'missing time'})
    >>> iso_times(pa.array([1, None], pa.timestamp("s", "Europe/Berlin")))[0].to_pylist()
    [1000000, None]
    """
    if isinstance(values, pa.Array):
        is_dictionary = pa.types.is_dictionary(values.type)
        kind = values.type.value_type if is_dictionary else values.type
        if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            return _of_arrow(values.dictionary_decode() if is_dictionary else values)
    return _one_by_one(values, _iso)


def integer_times(values: Values) -> tuple[pa.Array, Problems]:
    """A column of integers -> int64, and problems.

    >>> times, problems = integer_times(["2024", 2023, "24 May"])
    >>> times.to_pylist(), problems
    ([2024, 2023, None], {2: 'time is not an integer'})
    """
    return _one_by_one(values, _integer)


def is_time(kind: pa.DataType, *, integer: bool) -> bool:
    """Whether a column of this type can hold times of the kind asked for.

    >>> [is_time(kind, integer=False) for kind in (pa.date32(), pa.string(), pa.int64())]
    [True, True, False]
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if integer:
        return can_hold_labels(kind) and not pa.types.is_boolean(kind)
    return can_hold_texts(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_null(kind)


def _of_arrow(values: pa.Array) -> tuple[pa.Array, Problems]:
    kind = values.type
    numbers = values.cast(pa.int32()).cast(pa.int64()) if pa.types.is_date32(kind) else values.cast(pa.int64())
    is_valid = values.is_valid().to_numpy(zero_copy_only=False)
    times: Int64s = numbers.fill_null(0).to_numpy()
    if not pa.types.is_date32(kind) and not pa.types.is_date64(kind) and kind.unit == "ns":
        times = times // 1000
    else:
        unit = "ms" if pa.types.is_date64(kind) else None
        factor = _MICROSECONDS_OF_DAY if pa.types.is_date32(kind) else _MICROSECONDS[unit or kind.unit]
        # A time that no int64 of microseconds holds is 292,000 years away: before or after all others.
        limit = _LARGEST // factor
        times = np.clip(times, -limit, limit) * factor
    problems = dict.fromkeys(np.flatnonzero(~is_valid).tolist(), MISSING)
    return pa.array(times, pa.int64(), mask=~is_valid), problems


def _one_by_one(values: Values, convert: Callable[[object], int]) -> tuple[pa.Array, Problems]:
    converted: list[int | None] = []
    problems: Problems = {}
    for row, value in enumerate(python_values(values)):
        try:
            converted.append(convert(value))
        except RejectedRowError as error:
            converted.append(None)
            problems[row] = str(error)
    return pa.array(converted, pa.int64()), problems


def _iso(value: object) -> int:
    value = _text(value)
    if isinstance(value, date):  # a datetime is one
        value = value.isoformat()
    time = instant(value) if isinstance(value, str) else None
    if time is None:
        raise RejectedRowError(NOT_ISO)
    return time


def _integer(value: object) -> int:
    value = _text(value)
    if isinstance(value, str):
        digits = value.removeprefix("-")
        # Of ASCII alone: str.isdigit() is true of "²", and int() takes "1_000".
        value = int(value) if digits.isascii() and digits.isdigit() and len(digits) < _MAX_DIGITS else None
    elif isinstance(value, float | Decimal):
        is_exact = -MAX_INTEGRAL_FLOAT < value < MAX_INTEGRAL_FLOAT
        value = int(value) if is_exact and value == int(value) else None
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
        raise RejectedRowError(NOT_INTEGER)
    return value


_MAX_DIGITS: Final = 25


def _text(value: object) -> object:
    """The value; bytes as text, without white space around it.

    Raises:
      RejectedRowError: it is missing.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        value = value.strip(ASCII_SPACE)
    is_nan = value.is_nan() if isinstance(value, Decimal) else isinstance(value, float) and math.isnan(value)
    if value is None or value == "" or is_nan:
        raise RejectedRowError(MISSING)
    return value

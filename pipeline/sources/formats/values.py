"""One column as a format holds it -> texts as UTF-8 bytes, or labels and splits in their one spelling; and problems.

A column is an Arrow array of any type, or a list of Python values from formats whose columns have no type. Each
converter returns an Arrow array as long as the column, and the problems {row: reason}. A row with a problem is null.

Labels are strings, integers or booleans. They have one spelling, so a label is the same from any format:
    string    as it is, without ASCII white space around it; CSV has strings only, so its 1.0 stays "1.0"
    integer   decimal: 1 -> "1"
    boolean   "true", "false"
    float     an integral one as that integer: 1.0 -> "1", as a column of 0, 1 and null is often stored;
              any other is rejected
Null, NaN and the empty string are missing labels. An empty text is a text; a null text is missing.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import RejectedRowError
from pipeline.sources.schema import INVALID_UTF8

Values: TypeAlias = pa.Array | Sequence[object]
Problems = dict[int, str]

MISSING_TEXT: Final = "missing text"

# From here on, two neighbouring integers may be the same float.
MAX_INTEGRAL_FLOAT: Final = 2**53

# str.strip() also removes U+00A0 and the like, which may be part of a label.
ASCII_SPACE: Final = " \t\n\v\f\r"


@dataclass(frozen=True)
class Nested:
    """Stands for a list or struct of this type."""

    kind: str

    def __repr__(self) -> str:
        return f"<{self.kind}>"


def canonical_name(value: object, *, column: str) -> str:
    """The one spelling of a label or split.

    Raises:
      RejectedRowError: the value is missing, or its type can't be a label's.

    >>> [canonical_name(value, column="label") for value in (" pos\\n", b"pos", 1, 1.0, True, "1.0", "True")]
    ['pos', 'pos', '1', '1', 'true', '1.0', 'True']
    """
    if isinstance(value, bytes):
        value = _decoded(value)
    elif isinstance(value, float | Decimal):
        value = _integral(value)
    if isinstance(value, str):
        value = value.strip(ASCII_SPACE) or None
    if value is None:
        raise RejectedRowError(f"missing {column}")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise RejectedRowError(f"{column} is not a string, integer or boolean")


def text_bytes(value: object) -> bytes:
    """A text as UTF-8.

    Raises:
      RejectedRowError: the value is missing, not a string, or not valid Unicode.
    """
    if value is None:
        raise RejectedRowError(MISSING_TEXT)
    if isinstance(value, bytes):
        _decoded(value)
        return value
    if not isinstance(value, str):
        raise RejectedRowError("text is not a string")
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RejectedRowError(INVALID_UTF8) from error


def texts(values: Values) -> tuple[pa.Array, Problems]:
    """A column of texts -> large_binary of valid UTF-8, and problems.

    >>> texts(["a", None, 7, ""])[1]
    {1: 'missing text', 2: 'text is not a string'}
    """
    try:
        if isinstance(values, pa.Array):
            array = values.cast(pa.large_binary()) if can_hold_texts(values.type) else None
        else:
            array = pa.array(values, pa.large_string()).cast(pa.large_binary())
        if array is not None and array.null_count == 0:
            # The fastest check of a whole batch: this cast fails if any byte is not UTF-8.
            array.cast(pa.large_string())
            return array, {}
    except (pa.ArrowException, UnicodeEncodeError):
        pass  # Some value is not a text, or not UTF-8. Converting one by one tells which.
    return _one_by_one(python_values(values), text_bytes, pa.large_binary())


def joined(parts: Sequence[tuple[pa.Array, Problems]]) -> tuple[pa.Array, Problems]:
    """The columns of a text, as `texts` gives them -> one column, each text's parts with a space between them.

    A part that is missing or empty is left out. So a text is the same from CSV, which has no null, and from Parquet.
    A text is missing if all its parts are; it has the problem of the first part that has another one.

    >>> array, problems = joined([texts(["A title", None, None]), texts(["and more", "", None])])
    >>> array.to_pylist(), problems
    ([b'A title and more', b'', None], {2: 'missing text'})
    """
    array = parts[0][0].fill_null(b"")
    for part, _ in parts[1:]:
        part = part.fill_null(b"")
        # Not null_handling="skip": Arrow 25 leaves out a row of which every part is null.
        has_both = pc.and_(pc.greater(pc.binary_length(array), 0), pc.greater(pc.binary_length(part), 0))
        between = pc.if_else(has_both, pa.scalar(b" ", pa.large_binary()), pa.scalar(b"", pa.large_binary()))
        array = pc.binary_join_element_wise(array, part, between)
    problems: Problems = {}
    for row in {row for _, its in parts for row in its}:
        reasons = [its.get(row) for _, its in parts]
        wrong = [reason for reason in reasons if reason not in (None, MISSING_TEXT)]
        if wrong:
            problems[row] = wrong[0]
        elif None not in reasons:
            problems[row] = MISSING_TEXT
    if problems:
        array = pc.if_else(pa.array([row in problems for row in range(len(array))]), None, array)
    return array, problems


def names(values: Values, *, column: str) -> tuple[pa.Array, Problems]:
    """A column of labels (or splits) -> strings in their one spelling, and problems.

    >>> array, problems = names(pa.array([1.0, None, 0.0, 0.5]), column="label")
    >>> array.to_pylist(), problems
    (['1', None, '0', None], {1: 'missing label', 3: 'label is not a string, integer or boolean'})
    """

    def convert(value: object) -> str:
        return canonical_name(value, column=column)

    if not isinstance(values, pa.Array) or not can_hold_labels(values.type):
        return _one_by_one(python_values(values), convert, pa.string())
    # There are many rows and few labels, so each distinct label is converted once.
    encoded = values.dictionary_encode()
    distinct, bad_names = _one_by_one(python_values(encoded.dictionary), convert, pa.string())
    array = distinct.take(encoded.indices)
    indices = encoded.indices.fill_null(-1).to_numpy()
    reasons = {-1: f"missing {column}", **bad_names}
    unusable = np.flatnonzero(pc.is_null(array).to_numpy(zero_copy_only=False))
    return array, {int(row): reasons[int(indices[row])] for row in unusable}


def python_values(values: Values) -> Sequence[object]:
    """A column as Python values; texts of an Arrow array as bytes, because they may not be UTF-8.

    >>> python_values(pa.array(["a", None])), python_values(pa.array([[1], None]))
    ([b'a', None], [<list<item: int64>>, None])
    """
    if not isinstance(values, pa.Array):
        return values
    if can_hold_texts(values.type):
        values = values.cast(pa.large_binary())
    elif pa.types.is_nested(values.type):
        # Nothing here uses lists and structs, and to convert all that is in them could be slow.
        return [Nested(str(values.type)) if is_valid else None for is_valid in values.is_valid().to_pylist()]
    return values.to_pylist()


def can_hold_texts(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold texts: strings, binary, or a dictionary of those."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def can_hold_labels(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold labels: texts, numbers, booleans, or nothing but null."""
    return (
        can_hold_texts(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def _integral(value: float | Decimal) -> int | float | Decimal | None:
    """NaN -> None; a number that is an integer -> that integer; any other number stays."""
    if math.isnan(value):
        return None
    is_exact = -MAX_INTEGRAL_FLOAT < value < MAX_INTEGRAL_FLOAT
    return int(value) if is_exact and value == int(value) else value


def _one_by_one(
    values: Sequence[object], convert: Callable[[object], Any], kind: pa.DataType
) -> tuple[pa.Array, Problems]:
    converted: list[Any] = []
    problems: Problems = {}
    for row, value in enumerate(values):
        try:
            converted.append(convert(value))
        except RejectedRowError as error:
            converted.append(None)
            problems[row] = str(error)
    return pa.array(converted, kind), problems


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectedRowError(INVALID_UTF8) from error

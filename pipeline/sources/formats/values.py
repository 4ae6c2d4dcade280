"""One column as a format holds it -> texts as UTF-8 bytes, or labels and splits in their one spelling; and problems.

A column is an Arrow array of any type, or a list of Python values from formats whose columns have no type. Each
converter returns an Arrow array as long as the column, and the problems {row: reason}. A row with a problem is null.

An empty text is a text; a null text is missing. The spelling of labels is in config/label_names.py.

A value that Arrow or Python can't hold in full (a date after the year 9999, a time zone that nobody knows) is a value
of the wrong type: the row is rejected, and the others are used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.label_names import INVALID_UTF8, canonical_name, decoded, missing
from pipeline.errors import RejectedRowError

Values: TypeAlias = pa.Array | Sequence[object]
Problems = dict[int, str]

MISSING_TEXT: Final = missing("text")


@dataclass(frozen=True)
class Nested:
    """Stands for a list or struct of this type, or for a value of it that Python can't hold."""

    kind: str

    def __repr__(self) -> str:
        return f"<{self.kind}>"


def text_bytes(value: object) -> bytes:
    """A text as UTF-8.

    Raises:
      RejectedRowError: the value is missing, not a string, or not valid Unicode.
    """
    if value is None:
        raise RejectedRowError(MISSING_TEXT)
    if isinstance(value, bytes):
        decoded(value)
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
    return one_by_one(python_values(values), text_bytes, pa.large_binary())


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


def names(values: Values, *, column: str, fractions: bool = False) -> tuple[pa.Array, Problems]:
    """A column of labels (or splits) -> strings in their one spelling, and problems; fractions: see `canonical_name`.

    >>> array, problems = names(pa.array([1.0, None, 0.0, 0.5]), column="label")
    >>> array.to_pylist(), problems
    (['1', None, '0', None], {1: 'missing label', 3: 'label is not a string, integer or boolean'})
    """

    def convert(value: object) -> str:
        return canonical_name(value, column=column, fractions=fractions)

    if fractions and isinstance(values, pa.Array) and pa.types.is_float32(values.type):
        # By its shortest text: 3.1 as a float32 is 3.0999999046325684 as a Python float.
        values = values.cast(pa.string()).cast(pa.float64())
    encoded = _encoded(values) if isinstance(values, pa.Array) else None
    if encoded is None:
        return one_by_one(python_values(values), convert, pa.string())
    return taken(one_by_one(python_values(encoded.dictionary), convert, pa.string()), encoded.indices, column=column)


def taken(distinct: tuple[pa.Array, Problems], indices: pa.Array, *, column: str) -> tuple[pa.Array, Problems]:
    """What became of distinct values, and the index of each row's -> that of each row; null: the value is missing."""
    array = distinct[0].take(indices)
    numbers = indices.fill_null(-1).to_numpy()
    reasons = {-1: missing(column), **distinct[1]}
    unusable = np.flatnonzero(pc.is_null(array).to_numpy(zero_copy_only=False))
    return array, {int(row): reasons[int(numbers[row])] for row in unusable}


def _encoded(values: pa.Array) -> pa.DictionaryArray | None:
    """The distinct labels, and the index of each row's; None: Arrow has no such thing for the type.

    There are many rows and few labels, so each distinct label is converted once.
    """
    if isinstance(values.type, pa.BaseExtensionType) or not can_hold_labels(values.type):
        return None
    return dictionary_encoded(values)


def dictionary_encoded(values: pa.Array) -> pa.DictionaryArray | None:
    """The distinct values of a column, and the index of each row's; None: Arrow can't find them for the type."""
    try:
        return values.dictionary_encode()
    except pa.ArrowNotImplementedError:  # of float16 and decimals of 32 and 64 bits, for example
        return None


def python_values(values: Values) -> Sequence[object]:
    """A column as Python values; texts of an Arrow array as bytes, because they may not be UTF-8.

    >>> python_values(pa.array(["a", None])), python_values(pa.array([[1], None]))
    ([b'a', None], [<list<item: int64>>, None])
    """
    if not isinstance(values, pa.Array):
        return values
    if pa.types.is_nested(values.type):
        # Nothing here uses lists and structs, and to convert all that is in them could be slow.
        return [Nested(str(values.type)) if is_valid else None for is_valid in values.is_valid().to_pylist()]
    try:
        if can_hold_texts(values.type):
            values = values.cast(pa.large_binary())
        elif pa.types.is_float16(values.type):
            values = values.cast(pa.float32())  # Python has no number of its own for it
        return values.to_pylist()
    except Exception:  # each type has its own errors: OverflowError, UnknownTimeZoneError ...
        return [_python_value(value) for value in values]


def _python_value(value: pa.Scalar) -> object:
    try:
        return value.as_py()
    except Exception:  # as above
        return Nested(str(value.type))


def can_hold_texts(kind: pa.DataType) -> bool:
    """Whether a column of this type can hold texts: strings, binary, or a dictionary of those."""
    kind = value_type(kind)
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
    kind = value_type(kind)
    return (
        can_hold_texts(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def is_label_list(kind: pa.DataType) -> bool:
    """Whether a column of this type holds lists of what can be labels.

    >>> [is_label_list(kind) for kind in (pa.list_(pa.string()), pa.large_list(pa.int8()), pa.string())]
    [True, True, False]
    """
    kind = value_type(kind)
    return is_list(kind) and can_hold_labels(kind.value_type)


def is_list(kind: pa.DataType) -> bool:
    """Whether it is one of Arrow's types of lists; not a dictionary of lists.

    >>> [is_list(kind) for kind in (pa.list_(pa.string(), 2), pa.map_(pa.string(), pa.int8()))]
    [True, False]
    """
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def value_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values in a dictionary, in runs, or in an extension."""
    while True:
        if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
            kind = kind.value_type
        elif isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        else:
            return kind


def one_by_one(
    values: Sequence[object], convert: Callable[[object], Any], kind: pa.DataType
) -> tuple[pa.Array, Problems]:
    """Values, each as `convert` makes it -> an array, and the problems that it raises as RejectedRowError."""
    converted: list[Any] = []
    problems: Problems = {}
    for row, value in enumerate(values):
        try:
            converted.append(convert(value))
        except RejectedRowError as error:
            converted.append(None)
            problems[row] = str(error)
    return pa.array(converted, kind), problems

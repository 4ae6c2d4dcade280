"""A value of a label or split -> its one spelling, or why it can't be one.

Labels are strings, integers or booleans. They have one spelling, so a label is the same from any format, and in
`input.label_map`:
    string    as it is, without ASCII white space around it; CSV has strings only, so its 1.0 stays "1.0"
    integer   decimal: 1 -> "1"
    boolean   "true", "false"
    float     an integral one as that integer: 1.0 -> "1", as a column of 0, 1 and null is often stored;
              any other is rejected, unless labels have an order (input.label_kind): 3.5 -> "3.5"
Null, NaN and the empty string are missing labels.
"""

import math
from decimal import Decimal
from typing import Final

from pipeline.errors import RejectedRowError

INVALID_UTF8: Final = "invalid UTF-8"

# From here on, two neighbouring integers may be the same float.
MAX_INTEGRAL_FLOAT: Final = 2**53

# str.strip() also removes U+00A0 and the like, which may be part of a label.
ASCII_SPACE: Final = " \t\n\v\f\r"


def canonical_name(value: object, *, column: str, fractions: bool = False) -> str:
    """The one spelling of a label or split; fractions: a number need not be an integer.

    Raises:
      RejectedRowError: the value is missing, its type can't be a label's, or it is not valid Unicode.

    >>> [canonical_name(value, column="label") for value in (" pos\\n", b"pos", 1, 1.0, True, "1.0", "True")]
    ['pos', 'pos', '1', '1', 'true', '1.0', 'True']
    >>> canonical_name(3.5, column="label", fractions=True)
    '3.5'
    """
    if isinstance(value, bytes):
        value = decoded(value)
    elif isinstance(value, float | Decimal):
        value = _integral(value)
    if isinstance(value, str):
        value = value.strip(ASCII_SPACE) or None
    if value is None:
        raise RejectedRowError(missing(column))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _encodable(value)
    if isinstance(value, int):
        return str(value)
    if fractions and isinstance(value, float | Decimal) and math.isfinite(value):
        return repr(value) if isinstance(value, float) else format(value.normalize(), "f")
    raise RejectedRowError(f"{column} is not a string, integer or boolean")


def missing(column: str) -> str:
    """The reason why a row without a label or split is rejected.

    >>> missing("label")
    'missing label'
    """
    return f"missing {column}"


def decoded(value: bytes) -> str:
    """UTF-8 as a string.

    Raises:
      RejectedRowError: it is not UTF-8.
    """
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectedRowError(INVALID_UTF8) from error


def _encodable(name: str) -> str:
    """The name, if it is one in UTF-8: JSON can spell half a surrogate pair."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RejectedRowError(INVALID_UTF8) from error
    return name


def _integral(value: float | Decimal) -> int | float | Decimal | None:
    """NaN -> None; a number that is an integer -> that integer; any other number stays."""
    if value.is_nan() if isinstance(value, Decimal) else math.isnan(value):
        return None
    is_exact = -MAX_INTEGRAL_FLOAT < value < MAX_INTEGRAL_FLOAT
    return int(value) if is_exact and value == int(value) else value

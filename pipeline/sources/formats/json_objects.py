"""A line of JSON -> its object, and the values of columns in it."""

import json
from collections.abc import Callable
from typing import Any, Final

import orjson

from pipeline.errors import RejectedRowError
from pipeline.sources.schema import BROKEN_JSON, INVALID_UTF8, MAX_VALUES, NOT_AN_OBJECT, TOO_MANY_VALUES

ABSENT: Final = object()

# The longest line that is parsed without a look at its values. A value of a longer one takes up to 250 bytes: 200 MB of
# empty lists took 6 GB.
SHORT_LINE_BYTES: Final = 4 << 20


def parse_object(line: bytes) -> dict[str, Any]:
    """The JSON object on a line.

    Raises:
      RejectedRowError: the line is not a JSON object, or has too many values.
    """
    if len(line) > SHORT_LINE_BYTES and sum(map(line.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise RejectedRowError(TOO_MANY_VALUES)
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _parse_leniently(line)
    if not isinstance(value, dict):
        raise RejectedRowError(NOT_AN_OBJECT)
    return value


def is_object(line: bytes) -> bool:
    r"""Whether a line is an object of JSON as a whole.

    >>> is_object(b'{"text": "good"}\r'), is_object(b'{"text": "good"},pos'), is_object(b"text,label")
    (True, False, False)
    """
    if not line.lstrip().startswith(b"{"):
        return False
    try:
        parse_object(line)
    except RejectedRowError:
        return False
    return True


def ends_early(line: bytes) -> bool:
    r"""Whether a line can't be read, and it may be the beginning of one that can.

    >>> [ends_early(line) for line in (b'{"text": "caf', b'{"text": "caf\xc3', b'{"text": "caf"}', b"7")]
    [True, True, False, False]
    """
    try:
        parse_object(line)
    except RejectedRowError as error:
        # A line with other bytes or with very many values may be whole. Then it ends as an object does.
        is_unsure = str(error) in {INVALID_UTF8, TOO_MANY_VALUES} and not line.rstrip().endswith(b"}")
        return str(error) == BROKEN_JSON or is_unsure
    return False


def kind_of(value: object) -> str:
    """What JSON calls a value.

    >>> [kind_of(value) for value in ("a", 1, 1.5, True, None, [], {})]
    ['string', 'number', 'number', 'boolean', 'null', 'array', 'object']
    """
    kinds = {bool: "boolean", str: "string", dict: "object", list: "array", int: "number", float: "number"}
    return kinds.get(type(value), "null")


def lookup(value: object, name: str, default: object = None) -> object:
    """The value of a column: under the whole name, or else in the object under the part before a dot.

    >>> lookup({"review": {"text": "a"}}, "review.text")
    'a'
    >>> lookup({"review": {"text": "a"}, "review.text": "b"}, "review.text")
    'b'
    """
    if not isinstance(value, dict):
        return default
    if name in value:
        return value[name]
    dot = name.find(".")
    while dot >= 0:
        inner = lookup(value.get(name[:dot]), name[dot + 1 :], ABSENT)
        if inner is not ABSENT:
            return inner
        dot = name.find(".", dot + 1)
    return default


def getter(name: str) -> Callable[[dict[str, Any]], object]:
    """`lookup` of one name. It is called for each row and column, so the common case is fast."""
    if "." in name:
        return lambda value: lookup(value, name)
    return lambda value: value.get(name)


def _parse_leniently(line: bytes) -> object:
    """Parses what Python's json writes and orjson does not accept: NaN, infinities, lone surrogates."""
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RejectedRowError(INVALID_UTF8) from error
    except (ValueError, RecursionError) as error:
        raise RejectedRowError(BROKEN_JSON) from error

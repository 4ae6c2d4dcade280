"""A line of JSON -> its object, and the values of columns within."""

import json
from collections.abc import Callable
from typing import Any, Final

import orjson

from pipeline.errors import RejectedRowError
from pipeline.sources.schema import BROKEN_JSON, INVALID_UTF8, NOT_AN_OBJECT

ABSENT: Final = object()


def parse_object(line: bytes) -> dict[str, Any]:
    """A line's JSON object.

    Raises:
      RejectedRowError: there is none.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _parse_leniently(line)
    if not isinstance(value, dict):
        raise RejectedRowError(NOT_AN_OBJECT)
    return value


def lookup(value: object, name: str, default: object = None) -> object:
    """A column's value: under the whole name, or else within the object under the part before a dot.

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
        found = lookup(value.get(name[:dot]), name[dot + 1 :], ABSENT)
        if found is not ABSENT:
            return found
        dot = name.find(".", dot + 1)
    return default


def getter(name: str) -> Callable[[dict[str, Any]], object]:
    """`lookup` of one name, as fast as may be: it is called for each row and column."""
    if "." in name:
        return lambda value: lookup(value, name)
    return lambda value: value.get(name)


def _parse_leniently(line: bytes) -> object:
    """Takes what orjson refuses and Python's json writes: NaN, infinities, lone surrogates."""
    try:
        return json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RejectedRowError(INVALID_UTF8) from error
    except (ValueError, RecursionError) as error:
        raise RejectedRowError(BROKEN_JSON) from error

"""pipeline.support.strict_json: what is JSON, what is not, and what a message shows of a value."""

import json

import pytest

from pipeline.errors import JsonError
from pipeline.support.strict_json import MAX_DEPTH, parse_json, shown

# content, what the message says
REFUSED = [
    (b"", "line 1, column 1"),
    (b" \n", "line 2, column 1"),
    (b'{"a": 1', "line 1, column 8"),
    (b'{"a": 1} x', "line 1, column 10"),
    (b"[1,]", "line 1, column 4"),
    (b'"\x00"', "control character"),
    (b'"a\nb"', "control character"),
    (b'"\xff"', "byte 1 is not UTF-8"),
    ('"a"'.encode("utf-16"), "byte 0 is not UTF-8"),
    (b'\xef\xbb\xbf"a"', "BOM"),
    (b"NaN", "NaN is not a number"),
    (b"[-Infinity]", "-Infinity is not a number"),
    (b"1e999", "'1e999' is too large"),
    (b"1" * 4301, "4,300 digits"),
    (b'{"a": 1, "b": 2, "a": 1}', "the key 'a' occurs twice"),
    (b'[{"b": {"\\u0061": 1, "a": 1}}]', "the key 'a' occurs twice"),  # equal once it is read
    (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested more than 100 deep"),
    (b"[" * 100_000, "nested more than 100 deep"),
    (b'{"a":' * 100_000, "nested more than 100 deep"),
    (b'"\\ud83d"', r"\ud83d is half a character"),
    (b'{"\\uDE00": 1}', r"\ude00 is half a character"),
]


@pytest.mark.parametrize(("content", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_strict_json_refuses(content: bytes, message: str) -> None:
    with pytest.raises(JsonError) as raised:
        parse_json(content)
    assert message in str(raised.value)
    assert str(raised.value).isprintable()


ACCEPTED = [
    b'{"a": [1, -2.5, 1e300, true, null, "x"], "b": {"a": {}}}',
    b" \n[ ]\t",
    '"\u00e9\U0001f600"'.encode(),
    b'"\\ud83d\\ude00"',
    b'"\\\\ud83d"',  # a backslash and letters
    b"9" * 4300,
    b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
]


@pytest.mark.parametrize("content", ACCEPTED, ids=range(len(ACCEPTED)))
def test_strict_json_reads_what_python_reads(content: bytes) -> None:
    assert parse_json(content) == json.loads(content)
    assert parse_json(content.decode()) == json.loads(content)


def test_strict_json_can_keep_half_characters() -> None:
    assert parse_json(b'{"\\ud83d": 1}', half_characters=True) == {"\ud83d": 1}


# value, how a message shows it
SHOWN: list[tuple[object, str]] = [
    (None, "null"),
    (True, "true"),
    (-1, "-1"),
    (0.5, "0.5"),
    (10**400, "a number of 401 digits"),
    ("a\x1b[31m\u202e", r"'a\x1b[31m\u202e'"),
    ("x" * 1_000_000, "'" + "x" * 58 + "\u2026"),
    ([[]] * 3, "a list of 3 items"),
    ({"a": 1}, "an object of 1 keys"),
]


@pytest.mark.parametrize(("value", "expected"), SHOWN, ids=[row[1] for row in SHOWN])
def test_strict_json_shows_a_value_in_one_short_line(value: object, expected: str) -> None:
    assert shown(value) == expected

"""JSON from a file or a server, which anybody may have written -> its values, or one line that says what is wrong.

Python's json also accepts NaN, turns 1e999 into infinity, keeps the last of two equal keys, and raises RecursionError
for deep nesting. Here each of these is a JsonError. Whoever reads the bytes bounds their size.
"""

import json
import math
import re
from collections import Counter
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from pipeline.errors import JsonError
from pipeline.support.printable import to_one_line

# Lists and objects inside each other. The deepest JSON of the product's own has 7; pydantic's parser stops at 200.
MAX_DEPTH: Final = 100

# Characters of a value that an error message shows.
_SHOWN_CHARACTERS: Final = 60
# Characters of pydantic's own message: one with all values of a setting has 120.
_MESSAGE_CHARACTERS: Final = 250
# An escape of half a character; the other half may be in the next escape.
_HALF_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(content: bytes | str, *, half_characters: bool = False) -> Any:
    r"""The values of JSON, UTF-8 if it is bytes.

    half_characters: accept the escape of half a surrogate pair, which Python's json writes and UTF-8 can't hold.

    Raises:
      JsonError: it is not JSON; a number is not finite, or has more than 4,300 digits; a key occurs twice in an object;
        it is nested too deeply; an escape is half a surrogate pair.

    >>> parse_json(b'{"rows": [1, 2.5]}')
    {'rows': [1, 2.5]}
    >>> parse_json(b'{"rows": 1, "rows": 2}')
    Traceback (most recent call last):
    ...
    pipeline.errors.JsonError: the key 'rows' occurs twice in an object
    """
    try:
        text = content if isinstance(content, str) else content.decode("utf-8")
        values = json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_refuse_constant)
    except JsonError:
        raise
    except UnicodeDecodeError as error:
        raise JsonError(f"byte {error.start} is not UTF-8") from error
    except RecursionError as error:
        raise _too_deep() from error
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg}: line {error.lineno}, column {error.colno}") from error
    except ValueError as error:  # Python's own limit, because longer ones take time that grows with the square
        raise JsonError("a number has more than 4,300 digits") from error
    _check_depth(values)
    if not half_characters and _HALF_CHARACTER.search(text):
        _check_characters(values)
    return values


def first_mistake(error: ValidationError) -> str:
    """The first mistake that pydantic reports, in one line: `key.of.key is VALUE; what would be right`.

    >>> from pydantic import BaseModel
    >>> class Shard(BaseModel):
    ...     records: int
    >>> try:
    ...     Shard.model_validate({"records": "many"})
    ... except ValidationError as error:
    ...     print(first_mistake(error))
    records is 'many'; input should be a valid integer, unable to parse string as an integer
    """
    first = error.errors()[0]
    key = to_one_line(".".join(str(part) for part in first["loc"]))
    message = to_one_line(first["msg"].removeprefix("Value error, "), width=_MESSAGE_CHARACTERS)
    if first["type"] == "missing":
        return f"{key} is missing"
    if first["type"] == "value_error":  # one of our own, which names the value
        return f"{key}: {message}" if key else message
    return f"{key} is {shown(first['input'])}; {message[0].lower()}{message[1:]}"


def shown(value: object) -> str:
    """A value as an error message shows it: one line, 60 characters at most.

    >>> shown("a" * 100)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"
    >>> shown({"a": 1, "b": 2}), shown([1])
    ('an object of 2 keys', 'a list of 1 items')
    """
    if isinstance(value, dict):
        return f"an object of {len(value)} keys"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)} items"
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int) and abs(value) >= 10**_SHOWN_CHARACTERS:
        return f"a number of {len(str(abs(value)))} digits"
    if isinstance(value, str):
        value = value[:_SHOWN_CHARACTERS]
    return to_one_line(repr(value), width=_SHOWN_CHARACTERS)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise JsonError(f"the key {shown(twice)} occurs twice in an object")
    return values


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise JsonError(f"the number {shown(digits)} is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise JsonError(f"{name} is not a number")


def _check_depth(values: object) -> None:
    level = [values]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> JsonError:
    return JsonError(f"lists and objects are nested more than {MAX_DEPTH} deep")


def _check_characters(values: object) -> None:
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise JsonError(f"the escape \\u{ord(error.object[error.start]):04x} is half a character") from error

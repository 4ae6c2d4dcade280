"""Backslashes in rows of csv and tsv -> what pyarrow's parser takes for the same, and the missing values of databases.

To pyarrow a backslash makes any next character a plain one. In files it stands before some characters only: it is a
character itself before others, and in the text files of databases n after it is a line break.
"""

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from pipeline.sources.formats.csv_quotes import Quotes, without_escapes
from pipeline.sources.formats.dialect import Dialect

# What MySQL and PostgreSQL write for characters that have no sign of their own.
_LETTERS: Final = {
    b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"0": b"\0", b"Z": b"\x1a",
}  # fmt: skip
_ESCAPE: Final = re.compile(rb"\\([\s\S]|\Z)")
# A missing value of MySQL, Hive and PostgreSQL. The parser would make it N, so it becomes a text that no file has.
_MISSING: Final = rb"\N"
_NO_TEXT: Final = b"\0MISSING\0"


def null_values(dialect: Dialect) -> list[str]:
    r"""The fields, outside of quotes, that stand for a missing value; unless the settings say that nothing is escaped.

    >>> null_values(Dialect(",", reads_missing=True)), null_values(Dialect(","))
    (['\\N'], [])
    """
    if dialect.escapes:
        return [_NO_TEXT.decode()]
    return [_MISSING.decode()] if dialect.reads_missing else []


def for_pyarrow(data: bytes, dialect: Dialect) -> bytes:
    r"""Rows in which every backslash escapes.

    >>> for_pyarrow(rb'"a \"b\"\d",1', Dialect(",", escapes=True)).decode()
    '"a \\"b\\"\\\\d",1'
    """
    if not dialect.escapes or b"\\" not in data:
        return data
    plain = {dialect.delimiter.encode(), b'"', b"\\", b"\n", b"\r"}
    letters = {} if dialect.quotes else _LETTERS
    missing = set(_missing_values(data, dialect)) if _MISSING in data else set()

    def escaped(match: re.Match[bytes]) -> bytes:
        character = match[1]
        if match.start() in missing:
            return _NO_TEXT
        if character in plain:
            return match[0]
        letter = letters.get(character)
        return b"\\\\" + character if letter is None else b"\\" + letter

    return _ESCAPE.sub(escaped, data)


def _missing_values(data: bytes, dialect: Dialect) -> Iterator[int]:
    """Where a field outside of quotes begins that is a missing value."""
    plain = without_escapes(data, dialect)
    flips = Quotes(plain, dialect).flips(in_quotes=False)
    ends = f"{dialect.delimiter}\r\n".encode()
    place = data.find(_MISSING)
    while place >= 0:
        end = place + len(_MISSING)
        # Where an escape is, `plain` has letters. So these delimiters and line ends are not escaped.
        is_field = (place == 0 or plain[place - 1] in ends) and (end == len(plain) or plain[end] in ends)
        if is_field and np.searchsorted(flips, place, side="right") % 2 == 0:
            yield place
        place = data.find(_MISSING, end)

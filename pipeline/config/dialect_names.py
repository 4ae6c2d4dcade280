"""Names of delimiters and encodings, as a user writes them -> the characters and codecs that they stand for."""

import codecs
from collections.abc import Mapping
from typing import Final

AUTO: Final = "auto"

# ctrl-a is Hive's.
NAMED_DELIMITERS: Final[Mapping[str, str]] = {
    "comma": ",", "tab": "\t", "\\t": "\t", "semicolon": ";", "pipe": "|", "space": " ", "colon": ":",
    "ctrl-a": "\x01", "\\x01": "\x01", "\\u0001": "\x01", "\\001": "\x01",
}  # fmt: skip
# They have a meaning of their own in csv.
_TAKEN: Final = '"\\\r\n\0'
# Codecs that turn text into text that reads otherwise (unicode_escape), that guess (undefined), or that can't be
# decoded in parts.
_NO_FILES: Final = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape"})


def check_delimiter(name: str) -> str:
    """`name`, if it is auto, the name of a delimiter, or one character that can be one.

    Raises:
      ValueError: it is none of these.
    """
    if name != AUTO:
        delimiter_named(name)
    return name


def delimiter_named(name: str) -> str:
    r"""The character that a name of a delimiter stands for; a character stands for itself.

    Raises:
      ValueError: it is not one ASCII character, or has another meaning in csv.

    >>> delimiter_named("tab"), delimiter_named(r"\t"), delimiter_named(";")
    ('\t', '\t', ';')
    """
    character = NAMED_DELIMITERS.get(name.lower(), name)
    if len(character) > 1:
        raise ValueError(
            f"{name!r} is not one character; give one, or comma, tab, semicolon, pipe, space or ctrl-a. A file with a "
            "longer delimiter must be written anew, as csv or jsonl"
        )
    if not character.isascii() or character.isalnum() or character in _TAKEN:
        raise ValueError(f"{name!r} can't separate columns; give another ASCII character, or write the file as csv")
    return character


def check_encoding(name: str) -> str:
    """`name`, if it is auto or an encoding of Python's.

    Raises:
      ValueError: Python has no such encoding, or files can't be in it.
    """
    if name != AUTO:
        codec_named(name)
    return name


def codec_named(name: str) -> str:
    """Python's own name of an encoding.

    Raises:
      ValueError: Python has no such encoding, or files can't be in it.

    >>> codec_named("latin-1"), codec_named("UTF8"), codec_named("Shift_JIS")
    ('iso8859-1', 'utf-8', 'shift_jis')
    """
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise ValueError(
            f"{name!r} is no encoding of Python's; give one, for example utf-8, latin-1, cp1252, utf-16 or shift_jis"
        ) from error
    if codec.name in _NO_FILES or not codec._is_text_encoding or codec.incrementaldecoder is None:
        raise ValueError(f"{name!r} is no encoding of a file; give one, for example utf-8, latin-1 or cp1252")
    return codec.name

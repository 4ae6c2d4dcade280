"""Text of the data -> text that a person can safely read on a terminal, in a page or in a message.

`to_printable` keeps the length, `to_one_line` fits a line of a terminal, `quote_start` names a text inside a message.
`escape_controls` loses nothing: it is for whole messages, and for JSON, whose values stay the same (`json_text`).
"""

import json
import re
import unicodedata
from typing import Any, Final

# No terminal line is longer; a text of megabytes is cut here before its characters are looked at one by one.
_LINE_CHARACTERS: Final = 3000
_QUOTED_BYTES: Final = 40

# Runs of characters to look at one by one; all others are printable ASCII, or end and indent lines.
_SUSPECTS: Final = re.compile(r"[^\n\t -~]+")
# Zero-width joiner and non-joiner: Persian, the scripts of India and emoji need them, and they steer nothing.
_JOINERS: Final = "\u200c\u200d"


def to_printable(text: str) -> str:
    """The text with each white-space character as a space and each other character that is not printable as U+FFFD.

    So it cannot steer a terminal, break a line or change the direction of writing. It keeps its length.

    >>> to_printable("a\\tb\\u202ec\\x1b[31m")
    'a b\ufffdc\ufffd[31m'
    """
    return "".join(
        " " if character.isspace() else character if character.isprintable() else "\ufffd" for character in text
    )


def to_one_line(text: str, *, width: int | None = None) -> str:
    r"""The text made printable, each run of white space as one space.

    A line longer than `width` is cut and ends with "…". Without a width, the text after 3,000 characters is left out.

    >>> to_one_line("a\x1b[31m\n b"), to_one_line("a long text", width=6)
    ('a\ufffd[31m b', 'a lon…')
    """
    line = to_printable(" ".join(text[:_LINE_CHARACTERS].split()))
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def escape_controls(text: str) -> str:
    r"""The text with each character that could steer a terminal as JSON's escape (\\u001b); lines and tabs stay.

    Escaped are control characters, marks of writing direction and other invisible marks (but joiners), separators of
    lines and paragraphs, halves of characters, and what Unicode has not assigned. White space stays.

    >>> print(escape_controls("caf\xe9\x1b[31m \u202etxt\x85"))
    caf\xe9\u001b[31m \u202etxt\u0085
    """
    return text if text.isprintable() else _SUSPECTS.sub(lambda run: _escape_run(run[0]), text)


def json_text(value: Any, *, indent: int | None = None) -> str:
    r"""A value as JSON with readable letters of any script, in which `escape_controls` finds nothing to escape.

    >>> print(json_text({"label": "gr\xfc\xdf\u202e"}))
    {"label": "gr\xfc\xdf\u202e"}
    """
    return escape_controls(json.dumps(value, ensure_ascii=False, indent=indent))


def _escape_run(run: str) -> str:
    if run.isprintable():
        return run
    return "".join(character if _is_harmless(character) else _escape(character) for character in run)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    """As JSON does it: two escapes above U+FFFF."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[start] << 8 | units[start + 1]:04x}" for start in range(0, len(units), 2))


def quote_start(text: bytes) -> str:
    """The first 40 bytes of a text, quoted as Python quotes, for a message about it.

    >>> quote_start(b"not bad"), quote_start(b"x" * 100)
    ("'not bad'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' ...")
    """
    start = text[:_QUOTED_BYTES]
    return repr(start.decode("utf-8", "replace")) + (" ..." if len(text) > len(start) else "")

"""Text of the data -> text that a person can safely read on a terminal, in a page or in a message.

`to_printable` keeps the length, `to_one_line` fits a line of a terminal, `quote_start` names a text inside a message.
"""

from typing import Final

# No terminal line is longer; a text of megabytes is cut here before its characters are looked at one by one.
_LINE_CHARACTERS: Final = 3000
_QUOTED_BYTES: Final = 40


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


def quote_start(text: bytes) -> str:
    """The first 40 bytes of a text, quoted as Python quotes, for a message about it.

    >>> quote_start(b"not bad"), quote_start(b"x" * 100)
    ("'not bad'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' ...")
    """
    start = text[:_QUOTED_BYTES]
    return repr(start.decode("utf-8", "replace")) + (" ..." if len(text) > len(start) else "")

r"""How files write a token: files with a token a line and tabs between columns (the vocabulary asset, vocabulary.tsv).

`\\`, `\t`, `\n` and `\r` stand for a backslash, a tab, a line feed and a carriage return.
"""

import re

from pipeline.config.settings import TextSettings
from pipeline.text.characters import separators

# (character, how files write it). The backslash comes first: it must not escape the backslashes of the others.
_ESCAPES = (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r"))


def escape(token: str) -> str:
    r"""A token -> as files write it; different tokens are written differently.

    >>> print(escape("a\tb"), escape("a\\tb"))
    a\tb a\\tb
    """
    for character, written in _ESCAPES:
        token = token.replace(character, written)
    return token


def unescape(written: str) -> str:
    r"""A token as files write it -> the token.

    >>> unescape(escape("a\\tb\\r")) == "a\\tb\\r"
    True
    """
    characters = {escaped: character for character, escaped in _ESCAPES}
    return re.sub(r"\\[\\tnr]", lambda match: characters[match[0]], written)


def escapes(settings: TextSettings) -> list[tuple[str, str]]:
    r"""(character, how files write it) of the characters that tokens can contain under these settings and files can't.

    >>> escapes(TextSettings()), escapes(TextSettings(split="space", filters="\t\n"))
    ([], [('\\', '\\\\'), ('\r', '\\r')])
    """
    return [(character, written) for character, written in _ESCAPES if character not in separators(settings)]

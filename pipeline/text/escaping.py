r"""How a token is spelt in a file with a token a line and tabs between columns: the vocabulary asset, vocabulary.tsv.

`\\`, `\t`, `\n` and `\r` stand for a backslash, a tab, a line feed and a carriage return.
"""

import re

# The backslash first: those of the other spellings are no characters of the token.
ESCAPES = (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r"))


def spelt(token: str) -> str:
    r"""A token as those files spell it; different tokens are spelt differently.

    >>> print(spelt("a\tb"), spelt("a\\tb"))
    a\tb a\\tb
    """
    for character, spelling in ESCAPES:
        token = token.replace(character, spelling)
    return token


def unspelt(spelling: str) -> str:
    r"""The token that is spelt so.

    >>> unspelt(spelt("a\\tb\\r")) == "a\\tb\\r"
    True
    """
    characters = {written: character for character, written in ESCAPES}
    return re.sub(r"\\[\\tnr]", lambda found: characters[found[0]], spelling)

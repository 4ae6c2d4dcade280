"""Which parts of a path are hidden: their names begin with a dot or an underscore.

Programs name so what is theirs and not data: .git, .ipynb_checkpoints, _SUCCESS, _temporary of a Spark job that failed,
_delta_log. A folder or a glob does not reach them, unless the glob spells the first character itself: `_old/*.csv`.
"""

import fnmatch
import re
from collections.abc import Sequence
from typing import Final

HIDDEN: Final = "hidden"
_MARKS: Final = (".", "_")
# What makes a part of a path a pattern.
WILDCARD: Final = re.compile(r"[*?[]")
# A place in a path at which no hidden name begins.
_VISIBLE: Final = "(?![._])"


def is_hidden(name: str) -> bool:
    """Whether a folder's or file's name says that it is not data.

    >>> [is_hidden(name) for name in ("_SUCCESS", ".git", "part-0.csv", "a_b")]
    [True, True, False, False]
    """
    return name.startswith(_MARKS)


def is_hidden_below(path: str, folder: str) -> bool:
    """Whether a part of a path is hidden that comes after the folder, whose path does not end in a slash.

    >>> is_hidden_below("gs://b/_in/.git/x.csv", "gs://b/_in"), is_hidden_below("gs://b/_in/x.csv", "gs://b/_in")
    (True, False)
    """
    return any(map(is_hidden, path[len(folder) + 1 :].split("/")))


def spells_hidden(part: str) -> bool:
    """Whether a part of a pattern, between two slashes, asks for hidden names.

    >>> spells_hidden("_*"), spells_hidden("*.csv")
    (True, False)
    """
    return is_hidden(part)


def visible(pattern: str) -> re.Pattern[str]:
    """A glob as Beam reads it -> what its matches without hidden parts match; parts that it spells are not hidden.

    >>> match = visible("gs://b/**/*.csv").fullmatch
    >>> [bool(match(f"gs://b/{name}")) for name in ("in/x.csv", "in/.git/x.csv", "in/_x.csv")]
    [True, False, False]
    >>> bool(visible("gs://b/**/_old/*.csv").fullmatch("gs://b/in/_old/x.csv"))
    True
    """
    expression: list[str] = []
    for token in re.findall(r"\*\*+|\*|\?|\[[!^]?\]?[^\]]*\]|/|[^*?\[/]+|\[", pattern):
        starts_part = not expression or expression[-1] == "/"
        guard = _VISIBLE if starts_part else ""
        if token.startswith("**"):
            expression.append(f"{guard}(?:[^/]|/{_VISIBLE})*")
        elif token == "*":
            expression.append(f"{guard}[^/]*")
        elif token == "?":
            expression.append(f"{guard}(?:[^/]|/{_VISIBLE})")  # of Beam it may be a slash
        elif token.startswith("[") and len(token) > 1:
            expression.append(f"{guard}(?:{fnmatch.translate(token)})".replace(r"\Z", "").replace(r"\z", ""))
        else:
            expression.append(token if token == "/" else re.escape(token))
    return re.compile("".join(expression), re.DOTALL)


def literal_parts(parts: Sequence[str]) -> int:
    """The number of parts of a pattern before the first one that is a wildcard.

    >>> literal_parts(["in", "2024-*", "x.csv"])
    1
    """
    return next((number for number, part in enumerate(parts) if WILDCARD.search(part)), len(parts))

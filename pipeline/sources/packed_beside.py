"""The files of a folder or glob -> whether one may be another one, compressed: a.csv beside a.csv.gz."""

from collections.abc import Sequence

from pipeline.errors import UserError
from pipeline.files.text_stream import compression_ending


def check_packed_beside(paths: Sequence[str]) -> None:
    """Checks that no two names differ in the ending of a compression alone: their rows would be read twice.

    Raises:
      UserError: two do; if they are two files after all, each can be named.

    >>> check_packed_beside(["in/a.csv", "in/b.csv.gz", "in/a.jsonl.gz"])
    >>> check_packed_beside(["in/a.csv", "in/a.csv.gz"])
    Traceback (most recent call last):
    pipeline.errors.UserError: input.path: in/a.csv and in/a.csv.gz seem to have the same rows, by their names; \
name one of them, or both in a list if they differ
    """
    if len({compression_ending(path) for path in paths}) < 2:
        return
    by_stem: dict[str, str] = {}
    for path in paths:
        ending = compression_ending(path)
        other = by_stem.setdefault(path[: -len(ending) - 1] if ending else path, path)
        if other != path:
            raise UserError(
                f"input.path: {other} and {path} seem to have the same rows, by their names; name one of them, "
                "or both in a list if they differ"
            )

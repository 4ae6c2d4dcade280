"""Paths as a person writes them, in a file of settings or on the command line -> paths for the rest of the program."""

import os
import re
from typing import Final

from pipeline.support.strict_json import shown

# user:password@ before the host, or a password among the parameters of a database's address.
_PASSWORD: Final = re.compile(r"[a-z][\w+.-]*://([^/@]*:[^@]*@|.*[?&](ssl)?password=)", re.IGNORECASE | re.DOTALL)


def expand_home(path: str) -> str:
    """The path with the home folder for ~ or ~user at its start, as a shell does it; other paths stay, remote ones too.

    A shell does not do it within `--model=~/model` or quotes, nor in a file of settings.

    >>> expand_home("gs://bucket/~"), expand_home("a~"), expand_home("~/model") == os.path.expanduser("~/model")
    ('gs://bucket/~', 'a~', True)
    """
    return os.path.expanduser(path)


def check_path(path: str) -> str:
    r"""The path, which a file can have.

    Raises:
      ValueError: it has a NUL character, which YAML can hold and no system takes.

    >>> check_path("run #3")
    'run #3'
    >>> check_path("a\0b")
    Traceback (most recent call last):
    ValueError: 'a\x00b' has a NUL character, which no path can have; leave it out
    >>> check_path("postgresql://me:secret@db.example/reviews")
    Traceback (most recent call last):
    ValueError: the address has a password in it; leave it out, and give it in PGPASSWORD or ~/.pgpass
    """
    if _PASSWORD.match(path):
        raise ValueError("the address has a password in it; leave it out, and give it in PGPASSWORD or ~/.pgpass")
    if "\0" in path:
        raise ValueError(f"{shown(path)} has a NUL character, which no path can have; leave it out")
    return path

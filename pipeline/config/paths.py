"""Paths as a person writes them, in a file of settings or on the command line -> paths for the rest of the program."""

import os


def expand_home(path: str) -> str:
    """The path with the home folder for ~ or ~user at its start, as a shell does it; other paths stay, remote ones too.

    A shell does not do it within `--model=~/model` or quotes, nor in a file of settings.

    >>> expand_home("gs://bucket/~"), expand_home("a~"), expand_home("~/model") == os.path.expanduser("~/model")
    ('gs://bucket/~', 'a~', True)
    """
    return os.path.expanduser(path)

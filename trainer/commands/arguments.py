"""Arguments of a command, as argparse gives them -> overrides of settings, or the error in them."""

import argparse
import json

from pipeline.errors import UserError


def refuse_empty(known: argparse.Namespace) -> None:
    """Refuses an option without a value: it would be as if it were not given, or name the present folder."""
    for name, value in vars(known).items():
        values = value if isinstance(value, list) else [value]
        if name != "text" and any(isinstance(each, str) and not each.strip() for each in values):
            raise UserError(f"--{name}: it is empty; give a value, or leave the option out")


def input_overrides(known: argparse.Namespace) -> dict[str, str]:
    """--input and its options as overrides; several files are a list."""
    options = {
        "input.path": _as_setting(known.input) if known.input else None,
        "input.format": known.format,
        "input.text_column": known.text_column,
        "input.label_column": known.label_column,
    }
    return {name: value for name, value in options.items() if value is not None}


def _as_setting(paths: list[str]) -> str:
    """Paths as a value of input.path on the command line.

    >>> _as_setting(["a.csv"]), _as_setting(["a.csv", "b.csv"]), _as_setting(["[a]"])
    ('a.csv', '["a.csv", "b.csv"]', '["[a]"]')
    """
    return paths[0] if len(paths) == 1 and not paths[0].startswith("[") else json.dumps(paths)

"""Arguments of a command, as argparse gives them -> overrides of settings, or the error in them."""

import argparse
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from pipeline.config.input_settings import InputSettings
from pipeline.config.load import load
from pipeline.config.settings import Config
from pipeline.errors import UserError

# Setting -> the option that gives it.
OPTIONS: Final = {
    "input.path": "--input",
    "input.format": "--format",
    "input.text_column": "--text_column",
    "input.label_column": "--label_column",
}


def refuse_empty(known: argparse.Namespace) -> None:
    """Refuses an option without a value: it would be as if it were not given, or name the present folder."""
    for name, value in vars(known).items():
        values = value if isinstance(value, list) else [value]
        if name != "text" and any(isinstance(each, str) and not each.strip() for each in values):
            raise UserError(f"--{name}: it is empty; give a value, or leave the option out")


def input_overrides(known: argparse.Namespace) -> dict[str, str]:
    """--input and the other OPTIONS that a command has, as overrides; several files are a list."""
    given = {name: getattr(known, option.removeprefix("--"), None) for name, option in OPTIONS.items()}
    return {name: _as_setting(value) if isinstance(value, list) else value for name, value in given.items() if value}


def input_settings(overrides: Mapping[str, str], options: Mapping[str, str], *, config: str | None) -> InputSettings:
    """The section input: of a file of settings, `--input.key VALUE` and `options`, as `input_overrides` gives them.

    Raises:
      UserError: a value is wrong, or an override is of another section.
    """
    return settings_of(["input"], overrides, options, config=config).input


def settings_of(
    sections: Sequence[str], overrides: Mapping[str, str], options: Mapping[str, str], *, config: str | None
) -> Config:
    """As `input_settings`, for a command that takes settings of several sections; those of others mean nothing.

    Raises:
      UserError: a value is wrong, or an override is of none of the sections.
    """
    foreign = [name for name in overrides if name.partition(".")[0] not in sections]
    if foreign:
        known = " and ".join(sections)
        raise UserError(f"--{foreign[0]}: only settings of {known} can be given here; the others are the model's own")
    with naming_options(options):
        return load(config, {**overrides, **options})


@contextmanager
def naming_options(settings: Collection[str]) -> Iterator[None]:
    """Has a UserError name the options that gave some settings, and not these settings.

    >>> with naming_options(["input.path"]):
    ...     raise UserError("input.path: no rows in a.csv; set input.format")
    Traceback (most recent call last):
    pipeline.errors.UserError: --input: no rows in a.csv; set input.format
    """
    try:
        yield
    except UserError as error:
        raise UserError(with_options(str(error), settings)) from error


def with_options(message: str, settings: Collection[str]) -> str:
    """A message that names options, where it named settings.

    >>> with_options("input.path: no rows in input.path; set input.format", ["input.path", "input.format"])
    '--input: no rows in input.path; set --format'
    """
    if not settings:
        return message
    names = "|".join(map(re.escape, settings))
    # Where errors name a setting: "input.path: ...", "--input.path is ...", "..., or set input.format". Elsewhere it
    # may be the name of a file.
    setting = re.compile(rf"(?:^(?:--)?|(?<=\bset ))(?P<name>{names})\b")
    return setting.sub(lambda match: OPTIONS[match["name"]], message)


def _as_setting(paths: list[str]) -> str:
    """Paths as a value of input.path on the command line.

    >>> _as_setting(["a.csv"]), _as_setting(["a.csv", "b.csv"]), _as_setting(["[a]"])
    ('a.csv', '["a.csv", "b.csv"]', '["[a]"]')
    """
    return paths[0] if len(paths) == 1 and not paths[0].startswith("[") else json.dumps(paths)

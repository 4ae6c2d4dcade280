"""A settings file and the overrides of the command line -> one Config.

Defaults < YAML file < `--section.key VALUE`. Every mistake is a UserError of one line that names the setting, the value
and the remedy. Imports neither TensorFlow nor Beam.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from pipeline.config.arguments import argument_value
from pipeline.config.settings import Config, setting_names
from pipeline.config.yaml_values import read_sections
from pipeline.errors import UserError
from pipeline.support.printable import to_one_line
from pipeline.support.strict_json import shown

# The words with which pydantic begins to say what would be right.
_EXPECTED: Final = "Input should be "
# Of a name that is not a setting; anything may be there.
_NAME_CHARACTERS: Final = 80


def load(path: str | None, overrides: Mapping[str, str]) -> Config:
    """The settings of a YAML file (None: the defaults) with overrides: `section.key` -> the command line's text.

    A section's `model_fields_set` are the settings that somebody chose: those on the command line, and those in which
    the file differs from the defaults. A file that lists every default chooses nothing.

    Raises:
      UserError: the file is missing or is not YAML, a key is unknown, a value has the wrong type or is out of range.

    >>> load(None, {"vocabulary.top_words": "10"}).vocabulary.top_words
    10
    >>> load(None, {"vocabulary.top_word": "10"})
    Traceback (most recent call last):
    ...
    pipeline.errors.UserError: command line: vocabulary.top_word is not a setting; did you mean vocabulary.top_words?
    """
    sections = read_sections(path) if path is not None else {}
    origin = path or "command line"
    _check_names(sections, origin=origin)
    sections = {section: _without_defaults(section, values) for section, values in sections.items()}
    of_file = {section for section, values in sections.items() if values}
    for name, value in overrides.items():
        section, key = split_name(name, origin="command line")
        sections.setdefault(section, {})[key] = argument_value(section, key, value)
    try:
        return Config.model_validate(sections)
    except ValidationError as error:
        location = list(map(str, error.errors()[0]["loc"]))
        # What is wrong with several settings together, of a section or of two, may come from both.
        if len(location) < 2 and any(name.startswith("".join(f"{of}." for of in location)) for name in overrides):
            is_of_file = of_file.intersection(location) if location else of_file
            origin = f"{origin} and command line" if is_of_file else "command line"
        raise UserError(_in_one_line(error, origin=origin, overrides=overrides)) from error


def split_name(name: str, *, origin: str) -> tuple[str, str]:
    """`section.key` -> the section and the key.

    Raises:
      UserError: there is no such setting; the message names the nearest, and `origin`, where the name came from.

    >>> split_name("input.path", origin="command line")
    ('input', 'path')
    """
    names = setting_names()
    if name not in names:
        raise UserError(f"{origin}: {_short(name)} is not a setting; {_nearest(name, names)}")
    section, _, key = name.partition(".")
    return section, key


def _check_names(sections: Mapping[str, Mapping[str, Any]], *, origin: str) -> None:
    known = list(Config.model_fields)
    for section, values in sections.items():
        if section not in known:
            raise UserError(f"{origin}: {_short(str(section))} is not a section; {_nearest(str(section), known)}")
        for key in values:
            split_name(f"{section}.{key}", origin=origin)


def _without_defaults(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that differ from the defaults, in type as well: 1.0 differs from 1, and pydantic must see it."""
    defaults = getattr(Config(), section).model_dump()
    return {key: value for key, value in values.items() if repr(value) != repr(defaults[key])}


def _short(name: str) -> str:
    return to_one_line(name, width=_NAME_CHARACTERS)


def _nearest(name: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {nearest[0]}?" if nearest else f"there are {', '.join(known)}"


def _in_one_line(error: ValidationError, *, origin: str, overrides: Mapping[str, str]) -> str:
    """The first mistake that pydantic reports, as `where: setting is value; what would be right`."""
    first = error.errors()[0]
    # An error of our own says more than that a value has not the other type that the setting may have.
    of_setting = [other for other in error.errors() if other["loc"][:2] == first["loc"][:2]]
    first = next((other for other in of_setting if other["type"] == "value_error"), first)
    name = ".".join(str(part) for part in first["loc"][:2])
    where = f"--{name}" if name in overrides else f"{origin}: {name}" if name else origin
    if first["type"] == "value_error":
        return f"{where}: {first['msg'].removeprefix('Value error, ')}"
    # pydantic reports an error for each type that a setting may have.
    messages = [other["msg"] for other in of_setting]
    if all(message.startswith(_EXPECTED) for message in messages):
        expected = _EXPECTED + " or ".join(dict.fromkeys(message.removeprefix(_EXPECTED) for message in messages))
    else:
        # What is wrong with a value of the right type says more than which other types there are.
        expected = next(message for message in messages if not message.startswith(_EXPECTED))
    return f"{where} is {shown(first['input'])}; {expected[0].lower()}{expected[1:]}"

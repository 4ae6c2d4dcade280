"""The value of `--section.key VALUE`, as the type of the setting wants it: text as it is, everything else as YAML.

A path may hold what has a meaning in YAML: a number sign, a colon, a line break. So text is never parsed.
"""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

import yaml

from pipeline.config.reference import list_settings
from pipeline.config.settings import Config
from pipeline.config.yaml_values import parse
from pipeline.errors import UserError
from pipeline.support.strict_json import shown

_NO_VALUE: Final = "null"
_QUOTES: Final = ("'", '"')


class _Kind(NamedTuple):
    """What a setting may be. is_text: text, and neither number nor truth value."""

    is_text: bool
    is_list: bool
    is_none: bool


def argument_value(section: str, key: str, text: str) -> Any:
    """The value of a setting that is given as an argument.

    A setting that takes text has the argument as its value. Two things are read otherwise: `null`, if the setting may
    have no value, and `[a, b]`, if it may be a list. Other settings are read as YAML.

    Raises:
      UserError: it is not YAML; or text is in quotes, which earlier versions took away.

    >>> argument_value("output", "path", "run #3"), argument_value("output", "shards", "3")
    ('run #3', 3)
    >>> argument_value("input", "path", "[a.csv, b.csv]"), argument_value("input", "path", "[ab].csv")
    (['a.csv', 'b.csv'], '[ab].csv')
    >>> argument_value("input", "id_column", "7"), argument_value("input", "id_column", "null")
    ('7', None)
    """
    kind = _kind(section, key)
    if not kind.is_text:
        return _parsed(section, key, text)
    if kind.is_none and text == _NO_VALUE:
        return None
    if kind.is_list and text.startswith("[") and text.endswith("]"):
        return _parsed(section, key, text)
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        raise UserError(
            f"--{section}.{key} is {text}; text is taken as it is, so leave out the outer quotes, "
            "or give a value that has them in a file of settings"
        )
    return text


def _parsed(section: str, key: str, text: str) -> Any:
    try:
        return parse(text) if text else text
    except yaml.YAMLError as error:
        name = f"{section}.{key}"
        if isinstance(error, yaml.constructor.ConstructorError) and error.problem:  # a key is given twice
            raise UserError(f"--{name}: {error.problem}") from error
        values = next(setting.values for setting in list_settings() if setting.name == name)
        raise UserError(f"--{name}: {shown(text)} is not YAML; use {values}") from error


def _kind(section: str, key: str) -> _Kind:
    fields = type(getattr(Config(), section)).model_fields
    field = next(field for name, field in fields.items() if key == (field.alias or name))
    parts = set(_parts(field.annotation))
    return _Kind(parts - {types.NoneType, list} == {str}, list in parts, types.NoneType in parts)


def _parts(annotation: Any) -> Iterator[Any]:
    """The types that a value may have; of a list, `list` alone."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _parts(inner[0])
    elif origin in (Union, types.UnionType):
        for one in inner:
            yield from _parts(one)
    elif origin is Literal:
        yield from (type(value) for value in inner)
    else:
        yield origin or annotation

"""YAML text -> values, read as the writer of a settings file means them.

Two things differ from YAML 1.1: `1e-4` is a number, and a key that stands twice is an error, not the loss of the first.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import UserError

# What YAML gives a meaning at the beginning of a value that no setting has a use for; globs begin like that.
_NO_VALUE = tuple("*&!%@`")


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands there twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+"), list("-+0123456789")
)


def parse(text: str) -> Any:
    """What a whole file says.

    Raises:
      yaml.YAMLError: it is no YAML.

    >>> parse("training: {learning_rate: 1e-4}")
    {'training': {'learning_rate': 0.0001}}
    """
    return yaml.load(text, Loader=_Loader)


def parse_value(text: str) -> Any:
    """A single value, as an option of the command line has it.

    Raises:
      yaml.YAMLError: it is no YAML.

    >>> [parse_value(text) for text in ("10", "null", "[a, b]", "*.csv", "")]
    [10, None, ['a', 'b'], '*.csv', '']
    """
    return text if not text or text.startswith(_NO_VALUE) else parse(text)


def read_sections(path: str) -> dict[str, dict[str, Any]]:
    """The sections of a settings file.

    Raises:
      UserError: it is missing, no YAML, or has something else than sections of settings in it.
    """
    try:
        content = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"--config: there is no file {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--config: {path} can't be read as UTF-8 text: {error}") from error
    try:
        settings = parse(content)
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise UserError(f"{path} must hold sections such as 'input:', not {type(settings).__name__}")
    return {section: _section_values(section, values, path=path) for section, values in settings.items()}


def _section_values(section: object, values: object, *, path: str) -> dict[str, Any]:
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UserError(f"{path}: {section} must hold settings below it, not {values!r}")
    return {str(key): value for key, value in values.items()}

"""YAML text -> values of settings.

Two things differ from YAML 1.1. `1e-4` is a number. A key that is given twice is an error; YAML would drop the first.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import UserError

# YAML gives these a meaning at the start of a value. Settings need none of those meanings, but globs begin with `*`.
_PLAIN_STARTS = tuple("*&!%@`")


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+"), list("-+0123456789")
)


def parse(text: str) -> Any:
    """The content of a file -> its values.

    Raises:
      yaml.YAMLError: it is not YAML.

    >>> parse("training: {learning_rate: 1e-4}")
    {'training': {'learning_rate': 0.0001}}
    """
    return yaml.load(text, Loader=_Loader)


def parse_value(text: str) -> Any:
    """The value of an option of the command line.

    Raises:
      yaml.YAMLError: it is not YAML.

    >>> [parse_value(text) for text in ("10", "null", "[a, b]", "*.csv", "")]
    [10, None, ['a', 'b'], '*.csv', '']
    """
    return text if not text or text.startswith(_PLAIN_STARTS) else parse(text)


def read_sections(path: str) -> dict[str, dict[str, Any]]:
    """The sections of a settings file: section -> key -> value.

    Raises:
      UserError: the file is missing, is not UTF-8, is not YAML, or holds anything but sections of settings.
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
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
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

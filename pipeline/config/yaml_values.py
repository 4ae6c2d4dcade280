"""YAML text -> values of settings.

Two things differ from YAML 1.1. `1e-4` is a number. A key that is given twice is an error; YAML would drop the first.
A file that is too large, too deep, or that repeats a part of itself too often is an error, and takes no memory.
"""

import re
from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Final

import yaml

from pipeline.errors import UserError
from pipeline.support.printable import to_one_line
from pipeline.support.strict_json import shown

# YAML gives these a meaning at the start of a value. Settings need none of those meanings, but globs begin with `*`.
_PLAIN_STARTS: Final = tuple("*&!%@`")

# The settings with all comments have 7 kB.
_MAX_BYTES: Final = 1 << 20
# Sections hold settings, and settings hold lists.
_MAX_DEPTH: Final = 20
# Values, with those of an alias counted at each place: an alias of aliases of ... doubles them with every line.
_MAX_VALUES: Final = 100_000


class _Loader(yaml.SafeLoader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._sizes: dict[int, int] = {}  # values in a node, by the node's id

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _mistake(f"values are nested more than {_MAX_DEPTH} deep", self.peek_event())
        event = self.peek_event()
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(event, yaml.AliasEvent):
            if id(node) not in self._sizes:
                raise _mistake("an alias is part of itself", event)
        elif node is not None:
            size = 1 + sum(self._sizes[id(child)] for child in _children(node))
            if size > _MAX_VALUES:
                raise _mistake(f"there are more than {_MAX_VALUES:,} values", event)
            self._sizes[id(node)] = size
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        counts = Counter(key for key in keys if isinstance(key, Hashable))
        for key, count in counts.items():
            if count > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+"), list("-+0123456789")
)


def parse(text: str) -> Any:
    """The content of a file, or the value of an option -> its values.

    Raises:
      yaml.YAMLError: it is not YAML.

    >>> parse("training: {learning_rate: 1e-4}")
    {'training': {'learning_rate': 0.0001}}
    >>> [parse(text) for text in ("10", "null", "[a, b]", "*.csv")]
    [10, None, ['a', 'b'], '*.csv']
    """
    if text.startswith(_PLAIN_STARTS) and "\n" not in text:
        return text
    try:
        return yaml.load(text, Loader=_Loader)
    except (ValueError, OverflowError) as error:  # a date that does not exist, a number of more than 4,300 digits
        raise yaml.YAMLError(str(error).partition(":")[0]) from error
    except (AttributeError, LookupError, TypeError) as error:  # PyYAML raises them for `!!int ""` or `!!bool x`
        raise yaml.YAMLError("a value is not what its tag (!!...) says") from error


def read_sections(path: str) -> dict[str, dict[str, Any]]:
    """The sections of a settings file: section -> key -> value.

    Raises:
      UserError: the file is missing, is larger than 1 MB, is not UTF-8, is not YAML, or holds anything but sections of
        settings.
    """
    try:
        with Path(path).open("rb") as file:
            stored = file.read(_MAX_BYTES + 1)
        content = stored.decode("utf-8-sig") if len(stored) <= _MAX_BYTES else ""
    except FileNotFoundError as error:
        raise UserError(f"--config: there is no file {path}") from error
    except OSError as error:
        raise UserError(f"--config: {path} can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"--config: {path} is not UTF-8 text: byte {error.start}") from error
    if len(stored) > _MAX_BYTES:
        raise UserError(f"--config: {path} has more than 1 MB; give a file of settings, such as pipeline.yaml")
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
        raise UserError(
            f"{path}: {to_one_line(str(section), width=80)} must hold settings below it, not {shown(values)}"
        )
    return {str(key): value for key, value in values.items()}


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _mistake(what: str, event: yaml.Event) -> yaml.YAMLError:
    return yaml.YAMLError(f"{what} in line {event.start_mark.line + 1}" if event.start_mark else what)

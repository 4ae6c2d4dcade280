"""YAML text -> values, read as the writer of a settings file means them.

Two things differ from YAML 1.1: `1e-4` is a number, and a key that stands twice is an error, not the loss of the first.
"""

import re
from typing import Any

import yaml

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

"""Every setting as a person reads about it: section, key, values, default and comment; for --help and the documents.

In: the classes of settings.py and pipeline.yaml beside this module, which is the same text as the pipeline.yaml at the
repository's root (a test compares them). Out: a Setting each, in the order of the file.
"""

import functools
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, NamedTuple

from pipeline.config.settings import Config

_FILE: Final = "pipeline.yaml"
# `  key: value   # comment`; a value may hold a number sign, but not between spaces.
_LINE: Final = re.compile(r"  (?P<key>\w+): +(?P<default>.*\S) +# (?P<comment>.*)")

# JSON schema's names of types -> ours; the plural is for the items of a list.
_TYPES: Final = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_BOUNDS: Final = {
    "minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below",
}  # fmt: skip


class Setting(NamedTuple):
    """A setting; `values`: what it may be, in words; `default` as YAML text; `comment` as in pipeline.yaml."""

    section: str
    key: str
    values: str
    default: str
    comment: str

    @property
    def name(self) -> str:
        """As the command line and messages call it: `section.key`."""
        return f"{self.section}.{self.key}"


@functools.cache
def list_settings() -> tuple[Setting, ...]:
    """Every setting, in the order of pipeline.yaml; takes 10 ms.

    >>> first = list_settings()[0]
    >>> first.name, first.values, first.default
    ('input.path', 'text or list of texts', 'sample')
    """
    schemas = Config.model_json_schema()["$defs"]
    settings = []
    section = ""
    for line in resources.files("pipeline.config").joinpath(_FILE).read_text(encoding="utf-8").splitlines():
        if matched := _LINE.fullmatch(line):
            schema = schemas[_class_name(section)]["properties"][matched["key"]]
            settings.append(Setting(section, matched["key"], _in_words(schema), matched["default"], matched["comment"]))
        elif line and line[0].isalpha():
            section = line.partition(":")[0]
    return tuple(settings)


def setting_schema(setting: Setting) -> Mapping[str, Any]:
    """The JSON schema of a setting's values.

    >>> setting_schema(list_settings()[0])["default"]
    'sample'
    """
    return Config.model_json_schema()["$defs"][_class_name(setting.section)]["properties"][setting.key]


def section_summary(section: str) -> str:
    """What the settings of a section are about, in one sentence.

    >>> section_summary("export")
    'Where the SavedModel is written.'
    """
    documentation = type(getattr(Config(), section)).__doc__ or ""
    return documentation.partition("\n")[0]


def _class_name(section: str) -> str:
    return type(getattr(Config(), section)).__name__


def _in_words(schema: Mapping[str, Any]) -> str:
    """A JSON schema of a setting -> the values that it may have.

    >>> _in_words({"type": "number", "minimum": 0, "exclusiveMaximum": 1})
    'number, at least 0 and below 1'
    >>> _in_words({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]})
    'whole number, at least 1; or null'
    >>> _in_words({"enum": ["pre", "post"], "type": "string"})
    'pre or post'
    """
    if "anyOf" in schema:
        kinds = [_in_words(kind) for kind in schema["anyOf"]]
        return ("; or " if any("," in kind for kind in kinds) else " or ").join(kinds)
    if "enum" in schema:
        *others, last = schema["enum"]
        return f"{', '.join(others)} or {last}"
    if "const" in schema:
        return str(schema["const"])
    if schema["type"] == "array":
        return f"list of {_in_words(schema['items'])}s"
    if schema["type"] == "object":
        return f"{{text: {_in_words(schema['additionalProperties'])}}}"
    if schema["type"] == "null":
        return "null"
    bounds = " and ".join(f"{words} {schema[bound]}" for bound, words in _BOUNDS.items() if bound in schema)
    return f"{_TYPES[schema['type']]}, {bounds}" if bounds else _TYPES[schema["type"]]

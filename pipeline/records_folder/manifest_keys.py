"""The schema of manifest.json -> every key with its type and meaning, for the documents."""

import inspect
from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import is_typeddict

from pipeline.contract import Split
from pipeline.records_folder.manifest import Manifest, RecordsConfig


class ManifestKey(NamedTuple):
    """path: keys from the top, joined by dots, `<name>` for any key and `[]` for the items of a list.

    meaning: sentences in Markdown. notes: more of them on an object, mostly none.
    """

    path: str
    type: str
    meaning: str
    notes: str = ""


def described_keys(model: type[BaseModel] = Manifest, *, below: str = "") -> Iterator[ManifestKey]:
    """Every key of manifest.json in the file's order; `config` is one key, as pipeline.yaml documents its settings.

    >>> keys = {key.path: key for key in described_keys()}
    >>> keys["advice[].setting"]
    ManifestKey(path='advice[].setting', type='string', meaning='`section.key`.', notes='')
    >>> keys["vocabulary.from"].type, keys["coverage"].type, keys["splits.<split>.labels"].type
    ('object or null', 'list of [int, float]', '{label: int}')
    """
    for name, field in model.model_fields.items():
        path = f"{below}{field.serialization_alias or name}"
        nested, ending = _nested(field.annotation)
        notes = "" if nested is None else (inspect.getdoc(nested) or "").partition("\n\n")[2]
        yield ManifestKey(path, _type(field.annotation), field.description or "", notes)
        if nested is not None and nested is not RecordsConfig:
            yield from described_keys(nested, below=f"{path}{ending}.")


def _type(annotation: Any) -> str:
    """A Python type in the words of JSON."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin in (Union, UnionType):
        return " or ".join(_type(argument) for argument in arguments)
    if origin is dict:
        return f"{{{_key_name(arguments[0])}: {_type(arguments[1])}}}"
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is tuple:
        return f"[{', '.join(_type(argument) for argument in arguments)}]"
    if origin is Literal:
        return "string"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "object"
    if is_typeddict(annotation):
        return "object"
    return {str: "string", type(None): "null", Any: "any"}.get(annotation) or annotation.__name__


def _key_name(annotation: Any) -> str:
    """What the keys of an object are: the word beside the type, `split` of a Literal, or `key`."""
    if get_origin(annotation) is Annotated:
        return str(annotation.__metadata__[0])
    return "split" if annotation == Split else "key"


def _nested(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The model within a type, if there is one, and how its keys are reached."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, ""
    if origin in (Union, UnionType, Annotated):
        nested_types = [_nested(argument) for argument in arguments if argument is not type(None)]
        return nested_types[0] if nested_types else (None, "")
    if origin is dict:
        nested, ending = _nested(arguments[1])
        return nested, f".<{_key_name(arguments[0])}>{ending}"
    if origin is list:
        nested, ending = _nested(arguments[0])
        return nested, f"[]{ending}"
    return None, ""

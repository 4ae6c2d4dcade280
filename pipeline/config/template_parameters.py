"""The settings that a job reads -> parameters of a Flex Template of Dataflow, and a launch's parameters -> arguments.

A parameter is an option of a program, and Google's documents show only letters, digits and underscores in its name. So
`output.path` is called `output_path` there. docs/tools/reference.py writes the parameters into metadata.json.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from pipeline.config.reference import Setting, list_settings, setting_schema
from pipeline.errors import UserError

# The sections and settings that a job reads; those of the training are not among them.
_READ_BY_JOBS: Final = frozenset({"input", "split", "text", "vocabulary", "sequence", "output", "metrics.slices"})

# These have defaults for a first try alone, so a launch has to name them.
_REQUIRED: Final = frozenset({"input.path", "output.path"})

# The environment variable in which a template's image has its own name.
IMAGE: Final = "TEXTRECORDS_IMAGE"
_IMAGE_OPTION: Final = "sdk_container_image"
_OVERWRITE: Final = "overwrite"

# Regular expressions of POSIX (egrep), as the documents ask for.
_BOOLEAN: Final = "^(true|false)$"
_INTEGER: Final = "^-?[0-9]+$"
_NUMBER: Final = "^-?[0-9]*[.]?[0-9]+([eE][-+]?[0-9]+)?$"
# The last step of such a job publishes by itself, and knows the lock on this store alone.
_ON_GOOGLES_STORE: Final = "^gs://.+$"

_METADATA: Final = {
    "name": "TextRecords",
    "description": "Labelled text -> shuffled TFRecord files of word ids, a vocabulary, and a report about both.",
}

# Not settings: an argument of `run`, and options of Beam's that a launch has no other place for.
_OTHERS: Final = (
    {
        "name": _OVERWRITE,
        "label": _OVERWRITE,
        "helpText": "true: a records folder that is at output_path is replaced; it stays complete until then.",
        "isOptional": True,
        "paramType": "BOOLEAN",
        "regexes": [_BOOLEAN],
        "defaultValue": "false",
        "groupName": "job",
    },
    {
        "name": _IMAGE_OPTION,
        "label": _IMAGE_OPTION,
        "helpText": "The image of the workers. Without it they run the image of this template.",
        "isOptional": True,
        "paramType": "TEXT",
        "groupName": "job",
    },
    {
        "name": "dataflow_service_options",
        "label": "dataflow_service_options",
        "helpText": "Options of Dataflow's service, separated by commas: enable_prime.",
        "isOptional": True,
        "paramType": "TEXT",
        "groupName": "job",
    },
)


def template_metadata() -> dict[str, Any]:
    """What metadata.json of the template holds."""
    return {**_METADATA, "parameters": [*map(_parameter, _settings()), *_OTHERS]}


def parameter_name(setting: str) -> str:
    """The parameter of a setting.

    >>> parameter_name("output.path")
    'output_path'
    """
    return setting.replace(".", "_")


def run_arguments(launched: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The arguments of Google's launcher -> those of `python -m pipeline`; what is no parameter of ours goes to Beam.

    environment: the variables of the launcher's image.

    Raises:
      UserError: a parameter has a value that it can't have.

    >>> run_arguments(["--input_path=gs://b/in", "--overwrite=true", "--region=r"], {IMAGE: "i"})
    ['run', '--input.path=gs://b/in', '--overwrite', '--region=r', '--sdk_container_image=i']
    """
    settings = {parameter_name(setting.name): setting.name for setting in _settings()}
    arguments = ["run"]
    has_image = IMAGE not in environment
    for argument in launched:
        name, equals, value = argument.removeprefix("--").partition("=")
        if name == _OVERWRITE:
            if not re.match(_BOOLEAN, value):
                raise UserError(f"{_OVERWRITE}: {value!r} is not true or false")
            arguments += ["--overwrite"] if value == "true" else []
        elif name in settings and equals:
            arguments.append(f"--{settings[name]}={value}")
        else:
            has_image = has_image or name == _IMAGE_OPTION
            arguments.append(argument)
    return arguments if has_image else [*arguments, f"--{_IMAGE_OPTION}={environment[IMAGE]}"]


def _settings() -> list[Setting]:
    return [setting for setting in list_settings() if {setting.section, setting.name} & _READ_BY_JOBS]


def _parameter(setting: Setting) -> dict[str, Any]:
    return {
        "name": parameter_name(setting.name),
        "label": setting.name,
        "helpText": f"{setting.comment} (values: {setting.values}; default: {setting.default})",
        "isOptional": setting.name not in _REQUIRED,
        **_kind(setting),
        "groupName": setting.section,
    }


def _kind(setting: Setting) -> dict[str, Any]:
    """The type of a parameter, what its values match, and its default, without which a form shows 0 or false."""
    schema = setting_schema(setting)
    default = {"defaultValue": str(yaml.safe_load(setting.default)).lower()}
    if setting.name == "output.path":
        return {"paramType": "GCS_WRITE_FOLDER", "regexes": [_ON_GOOGLES_STORE]}
    if "enum" in schema:
        choices = [{"value": value, "label": value} for value in schema["enum"]]
        values = "|".join(map(re.escape, schema["enum"]))
        return {"paramType": "ENUM", "enumOptions": choices, "regexes": [f"^({values})$"], **default}
    match schema.get("type"):
        case "boolean":
            return {"paramType": "BOOLEAN", "regexes": [_BOOLEAN], **default}
        case "integer":
            return {"paramType": "NUMBER", "regexes": [_INTEGER], **default}
        case "number":
            return {"paramType": "NUMBER", "regexes": [_NUMBER], **default}
        case _:
            return {"paramType": "TEXT"}

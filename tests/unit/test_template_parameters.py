"""pipeline.config.template_parameters: parameters of a Flex Template, and what a launch makes of them."""

import re

import pytest

from pipeline.config.load import load
from pipeline.config.overrides import split_overrides
from pipeline.config.reference import list_settings
from pipeline.config.template_parameters import IMAGE, run_arguments, template_metadata
from pipeline.errors import UserError

PARAMETERS = {parameter["name"]: parameter for parameter in template_metadata()["parameters"]}

# Google's documents: keys of a parameter; name, label and helpText are required.
REQUIRED = {"name", "label", "helpText"}
OPTIONAL = {"isOptional", "regexes", "paramType", "groupName", "defaultValue", "enumOptions"}


def test_template_parameters_are_as_the_documents_ask() -> None:
    assert len(PARAMETERS) == len(template_metadata()["parameters"])
    for name, parameter in PARAMETERS.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
        assert parameter.keys() >= REQUIRED, name
        assert parameter.keys() <= REQUIRED | OPTIONAL, name
        assert all(parameter[key].strip() for key in REQUIRED), name
        assert type(parameter["isOptional"]) is bool, name
        # What POSIX egrep and Python both read: no classes by a letter, no look-around, no lazy repetition.
        assert not [regex for regex in parameter.get("regexes", []) if re.search(r"\\|\(\?|[*+?]\?", regex)], name
        if "defaultValue" in parameter:
            assert all(re.search(regex, parameter["defaultValue"]) for regex in parameter["regexes"]), name
        if parameter["paramType"] == "ENUM":
            assert parameter["defaultValue"] in [option["value"] for option in parameter["enumOptions"]], name


def test_template_parameters_are_the_settings_that_a_job_reads() -> None:
    sections = ("input", "split", "text", "vocabulary", "sequence", "output")
    read = {setting.name.replace(".", "_") for setting in list_settings() if setting.section in sections}
    assert PARAMETERS.keys() - read == {
        "metrics_slices",
        "overwrite",
        "sdk_container_image",
        "dataflow_service_options",
    }
    assert read <= PARAMETERS.keys()
    assert {name for name, parameter in PARAMETERS.items() if not parameter["isOptional"]} == {
        "input_path",
        "output_path",
    }


# parameter, type, a value that the form lets in -> one that it refuses
VALUES = [
    ("output_path", "GCS_WRITE_FOLDER", "gs://b/out", "out"),
    ("input_format", "ENUM", "csv", "excel"),
    ("text_lowercase", "BOOLEAN", "false", "no"),
    ("sequence_max_length", "NUMBER", "200", "2.5"),
    ("split_train", "NUMBER", "0.75", "most"),
    ("overwrite", "BOOLEAN", "true", "yes"),
]


@pytest.mark.parametrize(("name", "kind", "good", "bad"), VALUES)
def test_template_parameters_check_values(name: str, kind: str, good: str, bad: str) -> None:
    (regex,) = PARAMETERS[name]["regexes"]
    assert PARAMETERS[name]["paramType"] == kind
    assert re.search(regex, good)
    assert not re.search(regex, bad)


def test_template_parameters_with_their_defaults_change_nothing() -> None:
    """A form of the console sends every default."""
    given = [f"--{name}={value['defaultValue']}" for name, value in PARAMETERS.items() if "defaultValue" in value]
    assert len(given) > 20
    overrides, rest = split_overrides(run_arguments(given, {}))
    assert rest == ["run"]
    assert load(None, overrides) == load(None, {})


# what the launcher gives -> what the command gets after `run`, where the image is called own:1
LAUNCHES = [
    (["--output_path=gs://b/a=b"], ["--output.path=gs://b/a=b", "--sdk_container_image=own:1"]),
    (["--overwrite=false", "--region=r"], ["--region=r", "--sdk_container_image=own:1"]),
    (["--sdk_container_image=other:2", "--output_seed=3"], ["--sdk_container_image=other:2", "--output.seed=3"]),
    (["--template_location=gs://b/t"], ["--template_location=gs://b/t", "--sdk_container_image=own:1"]),
]  # fmt: skip


@pytest.mark.parametrize(("launched", "expected"), LAUNCHES)
def test_template_parameters_become_arguments(launched: list[str], expected: list[str]) -> None:
    assert run_arguments(launched, {IMAGE: "own:1"}) == ["run", *expected]


def test_template_parameters_refuse_what_overwrite_can_not_be() -> None:
    with pytest.raises(UserError, match=r"^overwrite: 'yes' is not true or false$"):
        run_arguments(["--overwrite=yes"], {})

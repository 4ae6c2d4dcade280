"""The Flex Template, as far as it can be tried without Docker and Google: its image, its metadata, and a launch."""

import json
import re
from fnmatch import fnmatch

from google.cloud import dataflow_v1beta3

from pipeline.runners.options import _beam_parser
from tests.support.paths import REPOSITORY

FOLDER = REPOSITORY / "flex-template"
METADATA = (FOLDER / "metadata.json").read_text(encoding="utf-8")


def test_flex_template_metadata_is_what_googles_client_reads() -> None:
    """It refuses keys and types that the service does not know."""
    read = dataflow_v1beta3.TemplateMetadata.from_json(METADATA)
    assert read.name == "TextRecords"
    by_name = {parameter.name: parameter for parameter in read.parameters}
    assert len(by_name) == len(json.loads(METADATA)["parameters"])
    assert by_name["output_path"].param_type == dataflow_v1beta3.ParameterType.GCS_WRITE_FOLDER
    assert [option.value for option in by_name["vocabulary_oov"].enum_options] == ["drop", "token"]


def test_flex_template_parameters_are_no_options_of_beam_by_another_meaning() -> None:
    of_beam = {text for action in _beam_parser()._actions for text in action.option_strings}
    shared = {name for item in json.loads(METADATA)["parameters"] if f"--{(name := item['name'])}" in of_beam}
    assert shared == {"sdk_container_image", "dataflow_service_options"}


def _lines() -> list[str]:
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_flex_template_image_has_the_launcher_and_keeps_beams_entry_point() -> None:
    assert {line.split()[0] for line in _lines()} == {"ARG", "FROM", "COPY", "ENV"}
    assert [line for line in _lines() if line.startswith("FROM ")] == [
        "FROM gcr.io/dataflow-templates-base/python3-template-launcher-base AS launcher",
        "FROM ${IMAGE}",
    ]
    launcher = "/opt/google/dataflow/python_template_launcher"
    assert f"COPY --from=launcher {launcher} {launcher}" in _lines()


def test_flex_template_image_names_the_file_that_it_has() -> None:
    (copied,) = [line.split()[1:] for line in _lines() if line.startswith("COPY ") and "--from" not in line]
    assert f"ENV FLEX_TEMPLATE_PYTHON_PY_FILE={copied[1]}" in _lines()
    assert (REPOSITORY / copied[0]).exists()
    allowed = [line[1:] for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert any(fnmatch(copied[0], f"{pattern}*") for pattern in allowed)
    # Nothing is installed when it starts: the base has all.
    assert not re.search("FLEX_TEMPLATE_PYTHON_(SETUP|REQUIREMENTS)_FILE", "\n".join(_lines()))

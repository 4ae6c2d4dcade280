"""--help of each command: the settings that it reads, with their defaults and comments, and Beam's options."""

import re

import pytest

from pipeline import cli as pipeline_cli
from trainer import cli as trainer_cli

MAINS = {"pipeline": pipeline_cli.main, "trainer": trainer_cli.main}
JOB = ["input", "split", "text", "vocabulary", "sequence", "output"]

# command -> the sections of the settings that it shows, whether it shows options of Beam
COMMANDS = [
    ("pipeline run", JOB, True),
    ("pipeline doctor", JOB, True),
    ("pipeline compare", ["compare"], True),
    ("pipeline describe", [], True),
    ("pipeline verify", [], True),
    ("pipeline sample", [], False),
    ("trainer train", ["output", "embedding", "model", "training", "metrics", "decision", "export"], False),
    ("trainer decide", ["decision", "export"], False),
    ("trainer evaluate", ["input", "metrics"], False),
    ("trainer explain", [], False),
    ("trainer verify", [], False),
]


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    program, _, name = command.partition(" ")
    assert MAINS[program]([name, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(("command", "sections", "beam"), COMMANDS, ids=[command for command, *_ in COMMANDS])
def test_help_shows_what_the_command_reads(
    command: str, sections: list[str], beam: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    text = help_of(command, capsys)
    assert text.startswith(f"usage: {command} [-h]")
    assert list(dict.fromkeys(re.findall(r"^  --(\w+)\.\w+ VALUE", text, re.MULTILINE))) == sections
    assert re.findall(r"^settings: (\w+):$", text, re.MULTILINE) == sections
    assert ("[--section.key VALUE ...]" in text) == bool(sections)
    assert ("options of Beam:" in text) == ("[Beam options]" in text) == beam
    assert ("--runner NAME" in text) == (sections == JOB)


# command -> lines of its help, with one space for each run of white space
LINES = [
    ("pipeline run", "--sequence.max_length VALUE number of ids in a record (default: 500)"),
    ("pipeline run", r"""Keras's filters) (default: "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n")"""),  # argparse formats %
    ("pipeline compare", "share of the rows that would need another label (default: null)"),
    ("pipeline verify", "--s3_endpoint_url URL s3://: the address of a store that is not Amazon's"),
    ("trainer train", "--output.path VALUE the records folder; a complete one"),
    ("trainer train", "--training.epochs VALUE passes over the train split (default: 3)"),
    ("trainer evaluate", "--input.label_column VALUE the column with the label"),
]


@pytest.mark.parametrize(("command", "line"), LINES)
def test_help_shows_defaults_and_comments(command: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert line in " ".join(help_of(command, capsys).split())


def test_help_of_train_shows_of_output_only_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert re.findall(r"--output\.\w+", help_of("trainer train", capsys)) == ["--output.path"]


# arguments -> the line on stderr
MISTAKES = [
    ("pipeline sample --rows x --output a.csv",
     "pipeline: error: argument --rows: invalid int value: 'x'; pipeline sample --help lists what it takes\n"),
    ("pipeline", "pipeline: error: the following arguments are required: COMMAND; "
                 "pipeline --help lists what it takes\n"),
    ("trainer train --nope", "trainer: error: unrecognized arguments: --nope; trainer --help lists what it takes\n"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "line"), MISTAKES)
def test_help_is_named_by_a_mistake_in_the_arguments(
    arguments: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *rest = arguments.split()
    assert MAINS[program](rest) == 2
    assert capsys.readouterr() == ("", line)

"""pipeline.config.load: defaults < file < command line, and each mistake in one line."""

from pathlib import Path

import pytest

from pipeline.config.load import load
from pipeline.errors import UserError

# overrides -> section, key, value
OVERRIDES = [
    ({"vocabulary.top_words": "10"}, "vocabulary", "top_words", 10),
    ({"input.path": "a.csv"}, "input", "path", "a.csv"),
    ({"input.path": "[a.csv, b.csv]"}, "input", "path", ["a.csv", "b.csv"]),
    ({"output.shards": "3"}, "output", "shards", 3),
    ({"text.filters": "''"}, "text", "filters", ""),
    ({"training.clipnorm": "null"}, "training", "clipnorm", None),
    ({"training.learning_rate": "1"}, "training", "learning_rate", 1.0),  # a whole number is a number
    ({"model.lstm_units": "[64, 32]"}, "model", "lstm_units", [64, 32]),
    ({"model.mask_zero": "false"}, "model", "mask_zero", False),
    ({"training.learning_rate": "1e-4"}, "training", "learning_rate", 0.0001),  # a text in YAML 1.1
    ({"input.path": "*.csv"}, "input", "path", "*.csv"),  # an alias in YAML
    ({"text.filters": "!?"}, "text", "filters", "!?"),  # a tag in YAML
    ({"text.filters": ""}, "text", "filters", ""),
    ({"output.compression": "none"}, "output", "compression", "none"),
]


@pytest.mark.parametrize(("overrides", "section", "key", "value"), OVERRIDES)
def test_load_reads_overrides_as_yaml(overrides: dict[str, str], section: str, key: str, value: object) -> None:
    assert getattr(getattr(load(None, overrides), section), key) == value


def test_load_prefers_overrides_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("sequence: {max_length: 7, padding: post}\noutput:\n")
    config = load(str(file), {"sequence.max_length": "9"})
    assert (config.sequence.max_length, config.sequence.padding, config.output.shards) == (9, "post", "auto")


# overrides -> the whole message
MISTAKES = [
    ({"sequence.max_length": "0"}, "--sequence.max_length is 0; input should be greater than or equal to 1"),
    ({"sequence.max_length": "x"}, "--sequence.max_length is 'x'; input should be a valid integer"),
    ({"text.split": "words"}, "--text.split is 'words'; input should be 'whitespace', 'space' or 'character'"),
    ({"vocabulary.top_words": "true"}, "--vocabulary.top_words is True; input should be a valid integer"),
    ({"output.seed": "-1"}, "--output.seed is -1; input should be greater than or equal to 0"),
    ({"vocabluary.top_words": "5"}, "command line: vocabluary.top_words is not a setting; "
                                    "did you mean vocabulary.top_words?"),
    ({"output.shards": "many"}, "--output.shards is 'many'; input should be 'auto' or a valid integer"),
    ({"output.shards": "0"}, "command line: output: shards is 0; use auto or a number from 1 to 99999"),
    ({"input.path": "3"}, "--input.path is 3; input should be a valid string or a valid list"),
    ({"input.path": ""}, "--input.path is ''; string should have at least 1 character"),
    ({"input.text_column": "no"}, "--input.text_column is False; input should be a valid string"),  # YAML's no
    ({"split.train": "0.7"}, "command line: split: train 0.7 + eval 0.1 + test 0.1 make 0.9; they must make 1"),
    ({"split.train": "1.5"}, "--split.train is 1.5; input should be less than or equal to 1"),
    ({"split.train": ".nan"}, "--split.train is nan; input should be less than or equal to 1"),
    ({"vocabulary.top_words": "2"}, "--vocabulary.top_words is 2; input should be greater than or equal to 3"),
    ({"model.lstm_units": "[64, 0]"}, "command line: model: lstm_units is [64, 0]; "
                                      "use a positive width, or a list of them for stacked layers"),
    ({"input": "x"}, "command line: input is not a setting; did you mean input.path?"),
    ({"input.path": "[a"}, "--input.path: '[a' is not YAML; put it into quotes"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "message"), MISTAKES)
def test_load_names_the_mistake(overrides: dict[str, str], message: str) -> None:
    with pytest.raises(UserError) as raised:
        load(None, overrides)
    assert str(raised.value) == message


# file -> the message after its name
BROKEN = [
    ("input: [\n", " is not YAML: while parsing a flow node expected the node content, but found '<stream end>' "),
    ("input: {path: a}\ninput: {format: csv}\n", " is not YAML: input is given twice "),  # the first would be lost
    ("- input\n", " must hold sections such as 'input:', not list"),
    ("input: a.csv\n", ": input must hold settings below it, not 'a.csv'"),
    ("inptu:\n  path: a\n", ": inptu is not a section; did you mean input?"),
    ("input:\n  paht: a\n", ": input.paht is not a setting; did you mean input.path?"),
    ("input:\n  label_column: text\n", ": input: text_column and label_column are both 'text'; name the two columns"),
    ("sequence:\n  padding: both\n", ": sequence.padding is 'both'; input should be 'pre' or 'post'"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_load_names_the_mistake_in_a_file(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content)
    with pytest.raises(UserError) as raised:
        load(str(file), {})
    assert str(raised.value).startswith(f"{file}{message}")
    assert "\n" not in str(raised.value)

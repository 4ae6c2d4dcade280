"""pipeline.config.load: defaults < file < command line, and each mistake in one line."""

from pathlib import Path

import pytest
import yaml

from pipeline.config.load import load
from pipeline.errors import UserError

# overrides -> section, key, value
OVERRIDES = [
    ({"vocabulary.top_words": "10"}, "vocabulary", "top_words", 10),
    ({"input.path": "a.csv"}, "input", "path", "a.csv"),
    ({"input.path": "[a.csv, b.csv]"}, "input", "path", ["a.csv", "b.csv"]),
    ({"output.shards": "3"}, "output", "shards", 3),
    ({"text.filters": "'"}, "text", "filters", "'"),
    ({"output.path": "/data/run #3"}, "output", "path", "/data/run #3"),  # a comment in YAML
    ({"output.path": "a\nb: c"}, "output", "path", "a\nb: c"),
    ({"output.path": " a  b "}, "output", "path", " a  b "),
    ({"output.path": "null"}, "output", "path", "null"),  # it must have a value
    ({"output.path": "10"}, "output", "path", "10"),
    ({"input.path": "3"}, "input", "path", "3"),
    ({"input.path": "[ab]/[0-9].csv"}, "input", "path", "[ab]/[0-9].csv"),  # a glob; a list ends with ]
    ({"input.path": "[a"}, "input", "path", "[a"),
    ({"input.text_column": "no"}, "input", "text_column", "no"),  # false in YAML 1.1
    ({"input.text_column": "2024-01-01"}, "input", "text_column", "2024-01-01"),
    ({"input.id_column": "null"}, "input", "id_column", None),
    ({"input.id_column": "none"}, "input", "id_column", "none"),
    ({"vocabulary.from": "none"}, "vocabulary", "source", None),
    ({"vocabulary.from": "null"}, "vocabulary", "source", None),
    ({"vocabulary.cache": "a: b"}, "vocabulary", "cache", "a: b"),
    ({"text.split": "space"}, "text", "split", "space"),
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
def test_load_takes_text_as_it_is(overrides: dict[str, str], section: str, key: str, value: object) -> None:
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
    ({"vocabulary.top_words": "true"}, "--vocabulary.top_words is true; input should be a valid integer"),
    ({"output.seed": "-1"}, "--output.seed is -1; input should be greater than or equal to 0"),
    ({"vocabluary.top_words": "5"}, "command line: vocabluary.top_words is not a setting; "
                                    "did you mean vocabulary.top_words?"),
    ({"output.shards": "many"}, "--output.shards is 'many'; input should be 'auto' or a valid integer"),
    ({"output.shards": "0"}, "command line: output: shards is 0; use auto or a number from 1 to 99999"),
    ({"input.path": "[3]"}, "--input.path is a list of 1 items; input should be a valid string"),
    ({"input.path": ""}, "--input.path is ''; string should have at least 1 character"),
    ({"split.train": "0.7"}, "command line: split: train 0.7 + eval 0.1 + test 0.1 make 0.9; they must make 1"),
    ({"split.column": "part", "split.group_column": "user"},
     "command line: split: group_column is 'user', but column decides on the split of a row; set one of them"),
    ({"split.group_column": "user", "split.time_column": "day", "split.test_from": "2024"},
     "command line: split: time_column is 'day', but group_column decides on the split of a row; set one of them"),
    ({"split.time_column": "day", "split.test_from": "2024", "split.stratify": "true"},
     "command line: split: stratify is true, but time_column decides on the split of a row; set one of them"),
    ({"split.duplicates": "drop"},
     "--split.duplicates is 'drop'; input should be 'keep', 'first' or 'drop_conflicting'"),
    ({"split.time_column": "day"},
     "command line: split: time_column is 'day'; give eval_from or test_from, or both"),
    ({"split.test_from": "2024-01-01"},
     "command line: split: test_from is '2024-01-01', but there is no time_column; name the column that holds times"),
    ({"split.time_column": "day", "split.test_from": "May 2024"},
     "command line: split: test_from is 'May 2024'; give a time in ISO 8601 (2024-01-31) or an integer"),
    ({"split.time_column": "day", "split.eval_from": "2024-01-01", "split.test_from": "2024"},
     "command line: split: eval_from is '2024-01-01' and test_from 2024; give two of a kind"),
    ({"split.time_column": "day", "split.eval_from": "2024-01-01", "split.test_from": "2023-12-31T23:00:00Z"},
     "command line: split: eval_from is 2024-01-01, after test_from 2023-12-31T23:00:00+00:00; eval comes before test"),
    ({"split.time_column": "day", "split.test_from": "9223372036854775807"},
     "command line: split: test_from is 9223372036854775807; use a smaller integer"),
    ({"split.time_column": "day", "split.test_from": "2024", "split.train": "0.9", "split.test": "0"},
     "command line: split: train, eval and test are shares, but time_column divides the rows; leave out the shares"),
    ({"split.train": "1.5"}, "--split.train is 1.5; input should be less than or equal to 1"),
    ({"split.train": ".nan"}, "--split.train is nan; input should be less than or equal to 1"),
    ({"vocabulary.top_words": "2"}, "--vocabulary.top_words is 2; input should be greater than or equal to 3"),
    ({"text.punctuation": ".a"}, "command line: text: punctuation has 'a'; it takes characters of "
                                 "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ alone, as '.,!?'"),
    ({"text.punctuation": ".", "text.split": "character"}, "command line: text: punctuation has no meaning with split: "
                                                           "character, where each character is a token"),
    ({"model.lstm_units": "[64, 0]"}, "command line: model: lstm_units is [64, 0]; "
                                      "use a positive width, or a list of them for stacked layers"),
    ({"input": "x"}, "command line: input is not a setting; did you mean input.path?"),
    ({"input.path": "[a]*[b]"}, "--input.path: '[a]*[b]' is not YAML; use text or list of texts"),
    ({"model.lstm_units": "[64"}, "--model.lstm_units: '[64' is not YAML; use whole number or list of whole numbers"),
    ({"output.seed": "9" * 5000}, f"--output.seed: '{'9' * 58}… "
                                  "is not YAML; use whole number, at least 0 and at most 4294967295"),
    ({"output.path": "'a b'"}, "--output.path is 'a b'; text is taken as it is, so leave out the outer quotes, "
                               "or give a value that has them in a file of settings"),
    ({"text.filters": "\"\""}, '--text.filters is ""; text is taken as it is, so leave out the outer quotes, '
                             "or give a value that has them in a file of settings"),
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
    ('output: {path: "a\\0b"}\n', r": output.path: 'a\x00b' has a NUL character, which no path can have; leave it out"),
    ('input: {path: [a, "\\0"]}\n', r": input.path: '\x00' has a NUL character, which no path can have"),
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


# file, overrides -> where a mistake is that several settings make together
TOGETHER = [
    ("input:\n  label_column: text\n", {}, "FILE: input: "),
    ("input:\n  path: sample\n", {"input.label_column": "text"}, "command line: input: "),  # the file has the default
    ("input:\n  text_column: review\n", {"input.label_column": "review"}, "FILE and command line: input: "),
    ("input:\n  label_column: text\n", {"output.path": "a"}, "FILE: input: "),
]


@pytest.mark.parametrize(("content", "overrides", "where"), TOGETHER)
def test_load_says_where_settings_contradict_each_other(
    content: str, overrides: dict[str, str], where: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content)
    with pytest.raises(UserError) as raised:
        load(str(file), overrides)
    assert str(raised.value).replace(str(file), "FILE").startswith(f"{where}text_column and label_column are both")


# settings that are paths -> value of a path there; the file and the command line give the same
PATHS = [
    ("input.path", "path"), ("output.path", "path"), ("training.path", "path"), ("training.start_from", "start_from"),
    ("export.path", "path"), ("vocabulary.from", "source"), ("vocabulary.cache", "cache"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "attribute"), PATHS)
def test_load_expands_the_home_folder(
    name: str, attribute: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    section, _, key = name.partition(".")

    def values(path: str) -> set[str]:
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump({section: {key: path}}))
        configs = load(None, {name: path}), load(str(tmp_path / "mine.yaml"), {})
        return {getattr(getattr(config, section), attribute) for config in configs}

    assert values("~/a #1") == {"/home/me/a #1"}
    assert values("gs://bucket/~/a") == {"gs://bucket/~/a"}
    assert values("a/~") == {"a/~"}


def test_load_expands_each_path_of_a_list_and_no_other_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    config = load(None, {"input.path": "[~/a, b]", "input.text_column": "~/a"})
    assert (config.input.path, config.input.text_column) == (["/home/me/a", "b"], "~/a")


# about, a file of settings, a part of the message
BOMBS = [
    ("brackets", b"[" * 100_000, "nested more than 20 deep in line 1"),
    ("braces", b"{a: " * 100_000, "nested more than 20 deep"),
    ("indents", b"".join(b" " * depth + b"a:\n" for depth in range(1000)), "nested more than 20 deep in line"),
    ("laughs", b"a0: &a0 [x, x]\n" + b"".join(b"a%d: &a%d [*a%d, *a%d]\n" % (n, n, n - 1, n - 1)
                                              for n in range(1, 60)), "more than 100,000 values in line 16"),
    ("itself", b"a: &a [*a]\n", "an alias is part of itself in line 1"),
    ("keys", b"".join(b"k%d: {}\n" % key for key in range(3000)), ": k0 is not a section"),
    ("large", b"#" * (1 << 20) + b"#", "has more than 1 MB"),
    ("NUL", b"input: {path: a\0b}\n", "special characters are not allowed"),
    ("digits", b"output: {seed: " + b"9" * 5000 + b"}", "Exceeds the limit (4300 digits)"),
    ("date", b"output: {path: 2001-13-45}", "month must be in 1..12"),
    ("key that is a list", b"{[a]: 1}", "unhashable key"),
    ("tag of a number", b'a: !!int ""', "is not what its tag"),
    ("tag of a truth value", b"a: !!bool x", "is not what its tag"),
    ("tag of a date", b"a: !!timestamp x", "is not what its tag"),
    ("tag of a set", b"a: !!set [1]", "is not what its tag"),
    ("not UTF-8", b"input: {path: \xff}", "is not UTF-8 text: byte 14"),
    ("long name", b"a" * 1000 + b": {}", "is not a section"),
    ("long value", b"text: {split: " + b"a" * 100_000 + b"}", "text.split is 'aaaa"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), [row[1:] for row in BOMBS], ids=[row[0] for row in BOMBS])
def test_load_ends_with_one_line_at_any_file(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(UserError) as raised:
        load(str(tmp_path / "mine.yaml"), {})
    said = str(raised.value)
    assert message in said
    assert "\n" not in said
    assert len(said) < 500 + len(str(tmp_path))


def test_load_takes_aliases(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("model: {lstm_units: [&n 32, *n], embedding_dim: *n}\n")
    assert load(str(tmp_path / "mine.yaml"), {}).model.lstm_units == [32, 32]

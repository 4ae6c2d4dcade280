"""Advice on labels: marks of rows without one, spellings of one label, few rows; and none where all is well."""

from typing import Any

import pytest
import yaml

from pipeline.config.input_settings import InputSettings
from pipeline.records_folder.joined_labels import Joined, joined_labels
from pipeline.records_folder.label_advice import label_sentences
from pipeline.records_folder.manifest import Manifest
from tests.support.manifests import manifest_of


def manifest(
    train: dict[str, int],
    evaluation: dict[str, int] | None = None,
    *,
    config: dict[str, Any] | None = None,
    mapped: dict[str, int] | None = None,
    several: bool = False,
) -> Manifest:
    """A manifest with these labels; the test split is empty."""
    parts = {"train": train, "eval": train if evaluation is None else evaluation, "test": dict.fromkeys(train, 0)}
    return manifest_of({
        "format_version": 1,
        "config": {"vocabulary": {"top_words": 4}, "sequence": {"max_length": 40}, "output": {}, **(config or {})},
        "labels": list(train),
        "input": {"mapped_labels": mapped or {}},
        "record": {"several_labels": several},
        "vocabulary": {"size": 3},
        "splits": {split: {"rows": sum(labels.values()), "labels": labels} for split, labels in parts.items()},
    })  # fmt: skip


def sentences(*args: Any, **keys: Any) -> list[tuple[str, str]]:
    return list(label_sentences(manifest(*args, **keys)))


MAP = "input.label_map"
# fmt: off
ADVICE: list[tuple[dict[str, Any], str, str]] = [
    # arguments of manifest(), the setting, the sentence
    ({"train": {"war": 40, "love": 30, "war|love": 1, "art": 9, "art|war": 5, "art|love": 3, "art|love|war": 2}},
     "input.label_separator",
     '4 of 7 labels look like lists that are joined by "|"; if so, input.label_separator: "|" makes 3 labels of them, '
     "several a text."),
    ({"train": {"['war']": 30, "['war', 'love']": 40, '["art"]': 30, "[]": 30, "love": 30}}, "input.label_column",
     "4 of 5 labels look like lists that are written as text, such as ['war', 'love']; if so, write lists into parquet "
     'or jsonl, or texts such as "war|love" and set input.label_separator.'),
    ({"train": {"war": 40, "love": 30, "?": 21}, "several": True}, MAP,
     'The label "?" (42 of 182 rows) looks like a mark of rows without a label; if so, input.label_map: {"?": null} '
     "takes it out of the lists."),
    ({"train": {"-1": 30, "0": 30, "1": 30}}, MAP,
     'The label "-1" (60 of 180 rows) looks like a mark of rows without a label; if so, input.label_map: {"-1": null} '
     "leaves these rows out."),
    ({"train": {"unsup": 50, "neg": 25, "pos": 25, "NaN": 1}}, MAP,
     'The labels "unsup" and "NaN" (102 of 202 rows) look like a mark of rows without a label; if so, '
     'input.label_map: {"unsup": null, "NaN": null} leaves these rows out.'),
    ({"train": {"Positive": 40, "negative": 40, "positive": 41}}, MAP,
     'The labels "positive" and "Positive" differ only in case, and each is a class of its own; '
     'input.label_map: {"Positive": "positive"} makes one of them.'),
    ({"train": {"caf\u00e9": 40, "cafe\u0301": 30, "tea": 40}}, MAP,
     'The labels "caf\u00e9" and "cafe\\u0301" differ only in Unicode form, and each is a class of its own; '
     'input.label_map: {"cafe\\u0301": "caf\u00e9"} makes one of them.'),
    ({"train": {"very good": 40, "very\u00a0good": 30, "bad": 40, "very  good": 20}}, MAP,
     'The labels "very good" and "very\\u00a0good" and "very  good" differ only in white space, and each is a class of '
     'its own; input.label_map: {"very\\u00a0good": "very good", "very  good": "very good"} makes one of them.'),
    ({"train": {"1": 40, "1.0": 30, "0": 40}}, MAP,
     'The labels "1" and "1.0" differ only in a final .0, and each is a class of its own; '
     'input.label_map: {"1.0": "1"} makes one of them.'),
    ({"train": {"\uff21\uff22": 30, "AB ": 40, "c": 40}}, MAP,
     'The labels "AB " and "\uff21\uff22" differ only in Unicode form or white space, and each is a class of its own; '
     'input.label_map: {"\uff21\uff22": "AB "} makes one of them.'),
    # What is set stays, and a label that it made is made otherwise: keys are labels of the input.
    ({"train": {"Pos": 40, "neg": 40, "pos": 20}, "config": {"input": {"label_map": {"0": "neg", "1": "pos"}}}}, MAP,
     'The labels "Pos" and "pos" differ only in case, and each is a class of its own; '
     'input.label_map: {"0": "neg", "1": "Pos", "pos": "Pos"} makes one of them.'),
    ({"train": {"neg": 40, "pos": 20}, "mapped": {"7": 0, "neg": 7}}, MAP,
     'input.label_map has "7", but no row has this label.'),
    ({"train": {"neg": 40, "positive": 20}, "mapped": {"positve": 0}}, MAP,
     'input.label_map has "positve", but no row has this label; did you mean "positive"?'),
    ({"train": {"0.0": 40, "1.0": 20}, "mapped": {"0": 0, "1": 0}}, MAP,  # YAML made them of 0.0 and 1.0
     'input.label_map has "0" and "1", but no row has such a label; did you mean "0.0", in quotes?'),
    ({"train": {"neg": 40, "pos": 20}, "mapped": {"NEG": 0}}, MAP,
     'input.label_map has "NEG", but no row has this label; did you mean "neg"?'),
    ({"train": {"no": 40, "yes": 20}, "mapped": {"true": 0, "false": 0}}, MAP,
     'input.label_map has "true" and "false", but no row has such a label; YAML reads yes and on as true: put it in '
     "quotes."),
    ({"train": {"a": 500, "b": 500, "c": 19}}, MAP,
     'The label "c" (19) has few of 1,019 training rows to learn from and to measure; get more, or '
     'input.label_map: {"c": null} leaves its rows out.'),
    ({"train": {"a": 5000, "b": 5000, "c": 90}}, MAP,
     'The label "c" (90) has few of 10,090 training rows to learn from and to measure; get more, or '
     'input.label_map: {"c": null} leaves its rows out.'),
    ({"train": {"a": 10, "b": 19}}, MAP,
     'The 2 labels "a" (10), "b" (19) have few of 29 training rows to learn from and to measure; get more.'),
    ({"train": {"a": 30, "b": 30, "c": 30}, "evaluation": {"a": 3, "b": 0, "c": 0}}, "split.stratify",
     'The eval split has no row of the labels "b" and "c": its scores say nothing of them; split.stratify: true '
     "divides each label's rows by the shares."),
    ({"train": {"a": 30, "b": 30}, "evaluation": {"a": 3}, "several": True}, "split.stratify",
     'The eval split has no row of the label "b": its scores say nothing of it; split.stratify: true divides the rows '
     "of each list of labels by the shares."),
    ({"train": {"a": 30, "b": 30}, "evaluation": {"a": 3}, "config": {"split": {"stratify": True}}}, "split.stratify",
     'The eval split has no row of the label "b": its scores say nothing of it; it takes more rows.'),
    ({"train": {"a": 30, "b": 30}, "evaluation": {"a": 3}, "config": {"split": {"column": "part"}}}, "split.column",
     'The eval split has no row of the label "b": its scores say nothing of it; the rows follow split.column.'),
]
FINE: list[dict[str, Any]] = [
    {"train": {"-1": 30, "1": 30}},  # two classes
    {"train": {"+": 30, "-": 30}},
    {"train": {"neg": 30, "pos": 30}, "evaluation": {}},  # a split without a row
    {"train": {f"intent {number}": 30 for number in range(150)}},  # each has less than 1%
    {"train": {"1": 40, "10": 40}},
    {"train": {"a b": 40, "ab": 40}},
    {"train": {"unknown": 40, "pos": 40}, "config": {"input": {"label_map": {"?": "unknown"}}}},  # chosen
    {"train": {"neg": 40, "pos": 20}, "mapped": {"": 0}},  # no row lacks a label, which is well
]
# fmt: on


@pytest.mark.parametrize(("given", "setting", "text"), ADVICE)
def test_label_advice_names_the_labels_and_a_remedy(given: dict[str, Any], setting: str, text: str) -> None:
    assert sentences(**given) == [(setting, text)]


@pytest.mark.parametrize("given", FINE, ids=range(len(FINE)))
def test_label_advice_leaves_well_alone(given: dict[str, Any]) -> None:
    assert sentences(**given) == []


@pytest.mark.parametrize("label", ["a\u0000", 'quo"te\\', "\U0001f600 ", "\u202e", "é", "yes", "#", "{", "\U000e0001"])
def test_label_advice_gives_a_line_that_can_be_copied(label: str) -> None:
    ((_, text),) = sentences({label: 40, f"{label.upper()}\u00a0": 50, "c": 30})
    line = text[text.index(f"{MAP}: ") + len(f"{MAP}: ") : text.rindex("}") + 1]
    assert InputSettings(label_map=yaml.safe_load(line)).label_map == {label.strip(" "): f"{label.upper()}\u00a0"}
    assert line.isprintable()


def test_label_advice_lists_the_first_of_many() -> None:
    many = {f"{kind}{number}": rows for number in range(50) for kind, rows in (("a", 50), ("A", 40))}
    ((_, text),) = sentences(many)
    assert '"a4" and "A4" and 45 more pairs differ only in case' in text
    assert text.count(': "a') == 20
    assert text.endswith('"A19": "a19"} makes one of the first 20.')


GENRES = ["war", "love", "art"]
# fmt: off
JOINED: list[tuple[list[str], Joined | None]] = [
    # labels, whether they look like lists
    ([*GENRES, "art, war", "war, love", "art, love", "art, war, love"], Joined(",", 4, 3)),
    ([*GENRES, "art;war", "war;love", "art;love", "art;war;love"], Joined(";", 4, 3)),
    ([*GENRES, "art|war", "war|love", "art|love"], None),  # three lists may be chance
    (["New York, NY", "Buffalo, NY", "Boston, MA", "Salem, MA", "Albany, NY", "Troy, NY"], None),
    ([f"{language}/{sign}" for language in ("en", "de", "fr") for sign in ("pos", "neg", "none")], None),  # two kinds
    (["sci/med", "sci/space", "rec/autos", "rec/sport", "talk"], None),
    (["A+", "A", "B+", "B", "C+", "C"], None),
    (["R&D", "Q&A", "B&B", "M&A", "H&M", "news"], None),
    (["0", "1"], None),
    ([f"class {number}, of many" for number in range(1000)], None),
    ([], None),
]
# fmt: on


@pytest.mark.parametrize(("labels", "expected"), JOINED)
def test_label_advice_knows_lists_by_their_parts(labels: list[str], expected: Joined | None) -> None:
    assert joined_labels(dict.fromkeys(labels, 50)) == expected

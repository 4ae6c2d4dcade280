"""Advice: for each mistake in the settings or the data one sentence, and none where all is well."""

from typing import Any

import pytest

from pipeline.records_folder.advice import advice
from pipeline.records_folder.manifest import Manifest
from pipeline.records_folder.vocabulary_tsv import WordColumns
from tests.support.manifests import SHA256, manifest_of

WORDS = WordColumns([1, 2, 3], ["the", "br", "film"], [16, 9, 5])
FINE: dict[str, Any] = {
    "rows": 1000, "labels": {"a": 600, "b": 400}, "tokens": 4000, "unknown_tokens": 200,
    "truncated_texts": 0, "empty_texts": 0, "lengths": [[2, 600], [4, 100], [6, 299], [60, 1]],
}  # fmt: skip


def manifest(
    *,
    train: dict[str, Any] | None = None,
    eval: dict[str, Any] | None = None,
    test: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    findings: dict[str, float] | None = None,
    **keys: Any,
) -> Manifest:
    """A thousand rows in each split, with which nothing is wrong but what is given."""
    shares = {
        name: {"count": int(share * 1000), "of": 1000, "share": share, "exact": name != "mojibake"}
        for name, share in (findings or {}).items()
    }
    content = {
        "format_version": 1,
        "config": {"vocabulary": {"top_words": 4}, "sequence": {"max_length": 40}, "output": {}, **(config or {})},
        "labels": ["a", "b"],
        "vocabulary": {"size": 3, "tokens": 4000, "distinct_tokens": 9},
        "coverage": [[1, 0.4], [3, 0.75], [6, 0.93], [9, 1.0]],
        "splits": {"train": FINE | (train or {}), "eval": FINE | (eval or {}), "test": FINE | (test or {})},
        "quality": {"rows": 3000, "sampled_rows": 3000, "findings": shares},
        **keys,
    }
    return manifest_of(content)


def across(split: str, rows: int) -> dict[str, Any]:
    return {"across": [{"splits": ["train", split], "texts": 9, "rows": [9, rows], "conflicting": 0}]}


THIRDS = {"group_column": "user", "train": 0.34, "eval": 0.33, "test": 0.33}


def near(split: str, rows: int) -> dict[str, Any]:
    return {"sampled_rows": 3000, "across": [{"splits": ["train", split], "rows": rows}]}


def origin(grow: bool, kind: str = "token_list") -> dict[str, Any]:
    return {
        "vocabulary": {"size": 3, "from": {
            "kind": kind, "path": "words.txt", "sha256": SHA256, "words": 3, "last_id": 3}},
        "config": {"vocabulary": {"top_words": 4, "from": "words.txt", "grow": grow}},
    }  # fmt: skip


WEIGHED = {"weights": {"total": 1000.0, "squares": 1000.0, "labels": {"a": 600.0, "b": 400.0}}}
WEIGHTED: dict[str, Any] = {"record": {"weighted": True}, "eval": WEIGHED, "test": WEIGHED}

# what is wrong, the setting, the sentence
MISTAKES = [
    ({"input": {"named_splits": {"train": 2, "test": 1}}}, "split.column",
     "Files are named train (2) and test (1), and their rows are mixed and split anew; to keep them apart, put them "
     "into folders part=train/ and part=test/, and set split.column: part."),
    ({"config": {"sequence": {"max_length": 3}}}, "sequence.max_length",
     "sequence.max_length 3 cuts 40.0% of the texts; 50 would cut 0.1%."),
    ({"config": {"sequence": {"max_length": 121}}}, "sequence.max_length",
     "sequence.max_length 121 is more than twice the longest text (60 ids); 60 would do."),
    ({"train": {"unknown_tokens": 1000}}, "vocabulary.top_words",
     "vocabulary.top_words 4 covers 75.0% of the tokens; 6 words would cover 90%."),
    ({"config": {"vocabulary": {"top_words": 5000}}}, "vocabulary.top_words",
     "vocabulary.top_words 5,000 is more than twice the 3 words there are; the other rows of the embedding are never "
     "used."),
    ({"train": {"unknown_tokens": 1000}, **origin(False)}, "vocabulary.grow",
     "The words of words.txt cover 75.0% of the tokens; vocabulary.grow: true adds words of these texts after them."),
    ({"train": {"unknown_tokens": 1000}, **origin(True)}, "vocabulary.top_words",
     "The words of words.txt cover 75.0% of the tokens; a larger vocabulary.top_words adds words of these texts after "
     "them."),
    ({"findings": {"html": 0.58}}, "text.strip_html",
     "58.0% of the texts hold HTML tags and 'br' is word 2; text.strip_html: true takes the tags out."),
    ({"findings": {"mojibake": 0.02}}, "input.path",
     "An estimated 2.0% of the texts hold damaged characters, as where UTF-8 was read as Latin-1; make the files anew "
     "from their source."),
    ({"findings": {"glued_white_space": 0.02}, "config": {"text": {"split": "space"}}}, "text.split",
     "2.0% of the texts hold white space other than U+0020, which text.split: space leaves in words; text.split: "
     "whitespace splits there."),
    ({"findings": {"invisible": 0.02}}, "text.filters",
     "2.0% of the texts hold invisible characters, which make other words of the same letters; "
     'add "\\u200b\\u2060\\ufeff\\u00ad" to text.filters.'),
    ({"train": {"labels": {"a": 900, "b": 100}}}, "input.label_column",
     "The label 'a' has 900 training rows, 'b' 100; accuracy will flatter."),
    ({"train": {"labels": {"a": 951, "b": 49}}}, "training.class_weight",
     "The label 'b' has 4.9% of the training rows, 'a' 95.1%; accuracy will flatter. training.class_weight: balanced "
     "lets it count as much as the others; decision.threshold says from which score on it is the answer."),
    ({"train": {"labels": {"a": 951, "b": 49}}, "config": {"training": {"class_weight": {"b": 9.0}}}},
     "training.class_weight",
     "The label 'b' has 4.9% of the training rows, 'a' 95.1%; accuracy will flatter. decision.threshold says from "
     "which score on it is the answer."),
    ({**WEIGHTED, "train": {"weights": {"total": 500.0, "squares": 400.0, "labels": {"a": 490.0, "b": 10.0}}}},
     "training.class_weight",
     "The label 'b' has 2.0% of the weight of the training rows, 'a' 98.0%; accuracy will flatter. "
     "training.class_weight: balanced lets it count as much as the others; decision.threshold says from which score on "
     "it is the answer."),
    ({"record": {"several_labels": True}, "train": {"labels": {"a": 990, "b": 40}}}, "training.class_weight",
     "The label 'b' has 4.0% of the training rows, 'a' 99.0%; accuracy will flatter. training.class_weight: balanced "
     "lets it count as much as the others; decision.threshold says from which score on it is the answer."),
    ({"duplicates": {"conflicting": 1}}, "input.label_column",
     "1 text occurs with different labels; no model can get both right."),
    ({"duplicates": {"exact": {"conflicting": 7}}}, "input.label_column",
     "7 texts occur with different labels; no model can get both right."),
    ({"duplicates": {"exact": across("test", 20)}, "config": {"split": {"column": "part"}}}, "split.column",
     "20 of the 1,000 test rows (2.0%) have the text of a train row: what test measures there is memory; "
     "split.duplicates: first keeps one row of each text."),
    ({"config": {"split": {"group_column": "user", "train": 0.8, "eval": 0.1, "test": 0.1}}}, "split.group_column",
     "Of the rows, train has 33.3% instead of 80.0%, eval has 33.3% instead of 10.0%, test has 33.3% instead of 10.0%: "
     "some groups of 'user' are large, or there are few; another output.seed divides them otherwise."),
    ({"duplicates": {"near": near("test", 51)}}, "split.group_column",
     "An estimated 5% of the test rows are nearly a train row (they share 80% of all three words in a row, or more): "
     "what test measures there is memory; split.group_column keeps the rows of one source in one split."),
    ({"train": {"wordless_texts": 51}, "duplicates": {"exact": {"most_frequent": {"train": 40}}}}, "split.duplicates",
     "51 of the 1,000 train rows have no word (blank texts): equal texts go to one split, here to train; "
     "split.duplicates: first keeps one row of each text."),
    ({"duplicates": {"exact": {"most_frequent": {"test": 60}}}}, "split.duplicates",
     "60 of the 1,000 test rows have one and the same text: equal texts go to one split, here to test; "
     "split.duplicates: first keeps one row of each text."),
    ({"duplicates": {"normalised": across("eval", 30)}}, "input.path",
     "30 of the 1,000 eval rows (3.0%) have the text of a train row, but for case, punctuation or white space: what "
     "eval measures there is memory; leave them out of the input."),
    ({"train": {"empty_texts": 50}}, "vocabulary.top_words",
     "50 texts have no word of the vocabulary; the model sees nothing of them."),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "setting", "text"), MISTAKES, ids=[case[1] for case in MISTAKES])
def test_advice_names_the_mistake(wrong: dict[str, Any], setting: str, text: str) -> None:
    settings = {"vocabulary": {"top_words": 4}, "sequence": {"max_length": 40}} | wrong.get("config", {})
    (found,) = advice(manifest(**{**wrong, "config": settings}), WORDS)
    assert (found.setting, found.text) == (setting, text)


MANY = {str(number): 34 if number < 10 else 33 for number in range(30)}

# what looks like a mistake and is none
FINE_AS_IT_IS = [
    {},
    # A label has 5%; of 30 labels 3.3% is what one has; of several labels accuracy is of each.
    {"train": {"rows": 1000, "labels": {"a": 200, "b": 50}, "no_labels": 780}} | {"record": {"several_labels": True}},
    {
        "labels": [str(number) for number in range(30)],
        "eval": {"labels": MANY},
        "test": {"labels": MANY},
        "train": {"labels": MANY},
    },
    {"train": {"unknown_tokens": 401}},  # 89.98% of 4,000 tokens, which would be told as 90.0%
    {"findings": {"html": 0.58}, "config": {"text": {"strip_html": True}}},
    {
        "findings": {"html": 0.58},
        **origin(False, "keras_tokenizer"),
    },  # the ids of an old model hold for its settings alone
    {"findings": {"html": 0.005, "mojibake": 0.0005, "glued_white_space": 0.3, "invisible": 0.005}},
    {"findings": {"glued_white_space": 0.3}, "config": {"text": {"split": "space"}}, **origin(False)},  # Keras's own
    {"duplicates": {"normalised": across("test", 10)}},
    {"duplicates": {"near": near("test", 50)}},
    {"duplicates": {"near": {"across": [{"splits": ["eval", "test"], "rows": 900}]}}},
    {"duplicates": {"exact": {"most_frequent": {"test": 50}}}},
    # Rows of a group go where the group goes; of a column, where it says.
    {"duplicates": {"exact": {"most_frequent": {"test": 60}}}, "config": {"split": THIRDS}},
    {"duplicates": {"exact": {"most_frequent": {"test": 60}}}, "config": {"split": {"column": "part"}}},
    {"train": {"wordless_texts": 60}, "config": {"split": {"duplicates": "first"}}},  # texts of different white space
    {"train": {"empty_texts": 2}},
    {"config": {"sequence": {"max_length": 120}}},
]


@pytest.mark.parametrize("fine", FINE_AS_IT_IS, ids=range(len(FINE_AS_IT_IS)))
def test_advice_leaves_well_alone(fine: dict[str, Any]) -> None:
    settings = {"vocabulary": {"top_words": 4}, "sequence": {"max_length": 40}} | fine.get("config", {})
    assert advice(manifest(**{**fine, "config": settings}), WORDS) == []


def test_advice_on_words_that_occur_once() -> None:
    words = WordColumns([*range(120)], [f"word{number}" for number in range(120)], [2] * 80 + [1] * 40)
    (found,) = advice(manifest(), words)
    assert found.setting == "vocabulary.min_count"
    assert found.text.startswith("40 of the 120 words occur once")

"""Several columns that make up the text: the same rows from each format."""

import json

import pyarrow as pa
import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.sources.columns import ColumnNames, columns_of
from tests.support.memory_files import parquet, read
from tests.support.tf_examples import framed, serialized

COLUMNS = ColumnNames(("title", "body"), "label")
# title, body, label -> the text; None: missing
ROWS = [
    ("A film", "It is good", "pos", "A film It is good"),
    (None, "No title", "neg", "No title"),
    ("Only a title", None, "pos", "Only a title"),
    ("Comma, \"quote\"", "Two\nlines", "neg", 'Comma, "quote" Two\nlines'),
]  # fmt: skip
USED = [text for _, _, _, text in ROWS]


def quoted(value: str | None) -> str:
    return '"' + (value or "").replace('"', '""') + '"'


CSV = "label,body,title\n" + "".join(f"{label},{quoted(body)},{quoted(title)}\n" for title, body, label, _ in ROWS)
FILES = {
    "a.csv": CSV.encode(),
    "a.jsonl": "".join(json.dumps({"title": t, "body": b, "label": label}) + "\n" for t, b, label, _ in ROWS).encode(),
    "a.parquet": parquet(
        {
            "body": pa.array([body for _, body, _, _ in ROWS]),
            "title": pa.array([title for title, _, _, _ in ROWS], pa.large_string()).dictionary_encode(),
            "label": [label for _, _, label, _ in ROWS],
        }
    ),
    "a.tfrecord": framed(*(
        serialized({
            name: None if value is None else value.encode()
            for name, value in zip(("title", "body", "label"), row, strict=False)
        })
        for row in ROWS
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_sources_text_columns_are_joined_by_a_space(name: str) -> None:
    used, rejected = read(FILES[name], name, COLUMNS)
    assert [text for text, _, _ in used] == USED
    assert rejected == []


def test_sources_text_columns_that_are_all_missing_are_a_missing_text() -> None:
    lines = b'{"title": null, "body": null, "label": 1}\n{"title": "", "body": null, "label": 1}\n'
    lines += b'{"title": "a", "body": 7, "label": 1}\n{"title": "a", "body": "b", "label": 1}\n'
    used, rejected = read(lines, "a.jsonl", COLUMNS)
    assert [(text, row) for text, _, row in used] == [("", 42), ("a b", 120)]
    assert rejected == [(0, "missing text"), (2, "text is not a string")]


def test_sources_text_columns_names_the_one_that_is_missing() -> None:
    with pytest.raises(
        UserError, match=r"^input\.text_column: 'body' is not in a\.csv; it has the columns label, title$"
    ):
        read(b"label,title\n1,a\n", "a.csv", COLUMNS)


# value of --input.text_column -> the columns
SETTINGS = [
    ("review", ("review",)),
    ("[title, body]", ("title", "body")),
    ("[body]", ("body",)),
]


@pytest.mark.parametrize(("value", "columns"), SETTINGS)
def test_sources_text_columns_setting(value: str, columns: tuple[str, ...]) -> None:
    assert columns_of(load(None, {"input.text_column": value}).input).texts() == columns


# text_column, label_column, what is wrong
MISTAKES = [
    (["title", "title"], "label", r"text_column is \['title', 'title'\]; name each column once"),
    (["title", "body"], "body", "text_column and label_column are both 'body'"),
    ([], "label", "at least 1 item"),
]


@pytest.mark.parametrize(("text_column", "label_column", "message"), MISTAKES)
def test_sources_text_columns_mistakes(text_column: list[str], label_column: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InputSettings(text_column=text_column, label_column=label_column)

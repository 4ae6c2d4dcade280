"""What a person sees of an input before a job starts: formats, columns, rows, labels, what is wrong."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config.input_settings import InputSettings, SplitSettings
from pipeline.errors import UserError
from pipeline.sources import plan_all, plan_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.preview import input_lines, preview, preview_lines
from tests.support.memory_files import COLUMNS, MemoryFiles, parquet
from tests.support.tf_examples import framed, serialized

ROWS = [("Not bad", "pos"), ("Bad\nenough", "neg"), ("Good", "pos"), ("Fine", "pos")]
TEXTS, LABELS = [text for text, _ in ROWS], [label for _, label in ROWS]
OBJECTS = "".join(json.dumps({"text": text, "label": label, "n": {"id": 7}}) + "\n" for text, label in ROWS)
EXAMPLES = framed(*(serialized({"text": text.encode(), "label": label.encode()}) for text, label in ROWS))
SEEN = ["row 1: pos | Not bad", "row 2: neg | Bad enough", "row 3: pos | Good",
        "labels of the first 4 rows: pos (3), neg (1)"]  # fmt: skip


def lines_of(contents: dict[str, bytes], columns: ColumnNames = COLUMNS, path: str = "*") -> list[str]:
    files = MemoryFiles(contents)
    tasks = plan_tasks(InputSettings(path=path), files)
    return [line.strip() for line in preview_lines(preview(tasks, columns, files), columns)]


# name, content -> the lines of its format, columns and types
FILES = [
    ("a.jsonl", OBJECTS.encode(), [
        "jsonl     a.jsonl; UTF-8", "columns: text (string), label (string), n (object), n.id (number)",
    ]),
    ("a.parquet", parquet({"id": [1, 2, 3, 4], "text": TEXTS, "label": LABELS}), [
        "parquet   a.parquet", "columns: id (int64), text (string), label (string)",
    ]),
    ("a.tfrecord", EXAMPLES, ["tfrecord  a.tfrecord", "columns: label (bytes_list), text (bytes_list)"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "about"), FILES)
def test_preview_shows_columns_and_rows(name: str, content: bytes, about: list[str]) -> None:
    assert lines_of({name: content}) == [*about, "text from text, label from label", *SEEN]


def test_preview_looks_into_one_file_of_each_format() -> None:
    contents = {f"a{n}.jsonl": OBJECTS.encode() for n in range(3)} | {"b.tfrecord": EXAMPLES}
    lines = lines_of(contents)
    assert lines[0] == "jsonl     3 files, the first is a0.jsonl; UTF-8"
    assert lines[3:7] == SEEN
    assert lines[7] == "tfrecord  b.tfrecord"


def test_preview_of_texts_in_folders_is_spread_over_them() -> None:
    contents = {f"d/train/{label}/{n:03}.txt": f"{label} {n}".encode() for label in ("neg", "pos") for n in range(100)}
    lines = lines_of(contents, path="d")
    assert lines[0] == "folders   200 files, the first is d/train/neg/000.txt; UTF-8"
    # 32 files at equal distances: 16 of the first 100, which are neg, and 16 of the others.
    assert lines[-1] == "labels of the first 32 rows: neg (16), pos (16)"
    assert lines[1] == "row 1: neg [train eval test] | neg 0"


def test_preview_says_what_the_columns_become() -> None:
    content = b'{"title": "A", "body": "b", "stars": 5, "part": "train"}\n'
    lines = lines_of({"a.jsonl": content}, ColumnNames(("title", "body"), "stars", split="part"))
    assert lines[2:] == [
        "text from title and body, label from stars, split from part", "row 1: 5 [train] | A b",
        "labels of the first 1 rows: 5 (1)",
    ]  # fmt: skip


def test_preview_shows_rejected_rows_and_damage() -> None:
    content = b'{"text": "a", "label": 1}\n{"text": "b"}\n{"text": "c", "la'
    assert lines_of({"a.jsonl": content})[3:] == [
        "row 1: 1 | a", "labels of the first 2 rows: 1 (1)",
        "rejected of the first 2 rows: missing label (1)",
    ]  # fmt: skip
    table = pa.table({"text": ["a"] * 4, "label": ["b"] * 4})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    assert lines_of({"a.parquet": buffer.getvalue()[:-3] + b"!!!"}) == [
        "parquet   a.parquet",
        "a.parquet: damaged file (Parquet magic bytes not found in footer. Either the file is corrupted or this is not "
        "a parquet file)",
    ]


def test_preview_of_many_labels_and_columns_ends_with_dots() -> None:
    content = "".join(json.dumps({"text": "a", "label": n, f"c{n:02}": 1}) + "\n" for n in range(20)).encode()
    lines = lines_of({"a.jsonl": content})
    assert lines[1].count(" (") == 12
    assert lines[1].endswith(", ...")
    assert lines[-1] == "labels of the first 20 rows: " + ", ".join(f"{n} (1)" for n in range(12)) + ", ..."


def test_preview_names_the_column_that_is_missing() -> None:
    with pytest.raises(UserError, match=r"^input\.label_column: 'stars' is not in a\.parquet"):
        lines_of({"a.parquet": parquet({"text": ["a"]})}, ColumnNames("text", "stars"))


# name, content, the settings -> how the file is written; a remedy for its first rejected rows
WRITTEN = [
    ("a.csv", "text;label\ncafé;b\n".encode(), {}, "columns are separated by semicolon; quotes hold a field together; "
     "the first row names the columns; UTF-8", ""),
    ("a.csv", "text,label\ncafé,b\n".encode("utf-16"), {}, "columns are separated by comma; quotes hold a field "
     "together; the first row names the columns; UTF-16", ""),
    ("a.tsv", b"caf\xe9\tb\n", {"columns": ["text", "label"], "encoding": "latin-1", "quoting": "none"}, "columns are "
     "separated by tab; quotes are characters; the settings name the columns; iso8859-1", ""),
    ("a.jsonl", b'\xef\xbb\xbf{"text": "a", "label": "b"}\n', {}, "UTF-8 with a byte order mark", ""),
    ("a.csv", b"text,label\ncaf\xe9,b\n", {}, "columns are separated by comma; quotes hold a field together; the first "
     "row names the columns; UTF-8", "input.encoding"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "settings", "facts", "remedy"), WRITTEN)
def test_preview_says_how_a_file_is_written(
    name: str, content: bytes, settings: dict[str, Any], facts: str, remedy: str
) -> None:
    files = MemoryFiles({name: content})
    tasks = plan_tasks(InputSettings(path=name, **settings), files)
    lines = [line.strip() for line in preview_lines(preview(tasks, COLUMNS, files), COLUMNS)]
    assert lines[0].partition("; ")[2] == facts
    assert [line for line in lines if line.startswith("rejected") and "input.encoding" in line] == (
        [f"rejected of the first 1 rows: invalid UTF-8 (1); if the files are in another encoding, set {remedy}, "
         "for example to latin-1"] if remedy else []
    )  # fmt: skip


def test_preview_names_the_columns_that_folders_give() -> None:
    lines = lines_of({"in/label=pos/a.jsonl": b'{"text": "a"}\n'}, path="in")
    assert lines[1] == "columns: text (string), label (of its folder or table)"
    assert lines[3] == "row 1: pos | a"


def test_preview_shows_lists_of_labels_weights_and_slices() -> None:
    content = (
        b'{"text":"a","label":["x","y","z"],"w":2,"genre":"film"}\n{"text":"b","label":[],"w":"0.25","genre":null}\n'
        b'{"text":"c","label":["y"],"w":1,"genre":"film"}\n{"text":"d","label":[null],"w":1}\n'
    )
    columns = ColumnNames("text", "label", weight="w", slices=("genre",), several_labels=True)
    assert [line.strip() for line in lines_of({"a.jsonl": content}, columns)][2:] == [
        "text from text, label from label, weight from w, slices from genre",
        "row 1: x, y, z | a", "row 2: none | b", "row 3: y | c",
        "labels of the first 4 rows: y (2), x (1), z (1); at most 3 in a row; rows with none of them: 1",
        "weights of the first 4 rows: 0.25 to 2",
        "slices by genre of the first 4 rows: film (2), (empty) (1)",
        "rejected of the first 4 rows: a label of the list is missing (1)",
    ]  # fmt: skip


def test_preview_names_ordinal_labels_that_are_no_numbers() -> None:
    files = MemoryFiles({"a.csv": b"text,label\na,1\nb,2.5\nc,good\nd,1_0\ne,inf\n"})
    chosen = InputSettings(path="a.csv", label_kind="ordinal")
    lines = input_lines(plan_all(chosen, files), chosen, SplitSettings(), files)
    assert [line.strip() for line in lines if "ordinal" in line] == [
        "input.label_kind is ordinal, and these labels are no numbers: good, 1_0, inf; input.label_map can rename them"
    ]

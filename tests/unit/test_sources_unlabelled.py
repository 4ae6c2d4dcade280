"""`input.unlabelled` -> its files: which are taken, of which format, in which order, and what is refused."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.sources import plan_all, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.unlabelled_files import with_remedy
from tests.support.memory_files import MemoryFiles

IMDB = [
    "imdb/imdb.vocab",
    "imdb/train/pos/1.txt",
    "imdb/train/unsup/2.txt",
    "imdb/train/unsup/3.txt",
    "imdb/test/neg/4.txt",
]
TABLES = ["rows.csv", "more/b.jsonl", "more/a.csv", "more/notes.txt", "lines.txt"]
CONTENT = {
    "rows.csv": b"text,label\na,1\n",
    "more/a.csv": b"text\nb\n",
    "more/b.jsonl": b'{"text": "c"}\n',
    "lines.txt": b"d\ne\n",
    "table.txt": b"text,x\na,b\n",
}
UNSUP = [("imdb/train/unsup/2.txt", "folders"), ("imdb/train/unsup/3.txt", "folders")]

# fmt: off
CASES: list[tuple[str, list[str], dict[str, Any], list[tuple[str, str]], dict[str, int]]] = [
    # name, files, settings, (path, format) of the files without labels in order, what is left out
    ("none", IMDB, {"path": "imdb"}, [], {"unsup": 2, "other": 1}),
    ("an empty list", IMDB, {"path": "imdb", "unlabelled": []}, [], {"unsup": 2, "other": 1}),
    ("the folder unsup", IMDB, {"path": "imdb", "unlabelled": "imdb/train/unsup"}, UNSUP, {"other": 1}),
    ("the same folder", IMDB, {"path": "imdb", "unlabelled": "imdb"}, UNSUP, {"other": 1}),
    ("the folder above", IMDB, {"path": ["imdb/*/pos/*", "imdb/test"], "format": "folders", "unlabelled": "imdb/train"},
     UNSUP, {}),  # texts of train/pos are not left out, as input.path has them
    ("labelled texts beside", IMDB, {"path": "imdb/test", "unlabelled": "imdb/train"}, UNSUP, {"labelled": 1}),
    ("a glob of texts", IMDB, {"path": "imdb", "format": "folders", "unlabelled": "imdb/*/unsup/*.txt"}, UNSUP,
     {"other": 1}),
    ("labels that are not asked for", ["r/pos/1.txt", "r/neg/2.txt", "m/x/3.txt", "m/y/4.txt"],
     {"path": "r", "unlabelled": "m"}, [("m/x/3.txt", "folders"), ("m/y/4.txt", "folders")], {}),
    ("a folder of tables", TABLES, {"path": "rows.csv", "unlabelled": "more"},
     [("more/a.csv", "csv"), ("more/b.jsonl", "jsonl")], {"other_format": 1}),
    ("a list, each file once", TABLES, {"path": "rows.csv", "unlabelled": ["more/b.jsonl", "more/*.csv", "more"]},
     [("more/a.csv", "csv"), ("more/b.jsonl", "jsonl")], {"other_format": 1}),
    ("a text a line", TABLES, {"path": "rows.csv", "unlabelled": "lines.txt"}, [("lines.txt", "lines")], {}),
    ("beside the built-in corpus", TABLES, {"path": "sample", "unlabelled": "lines.txt"}, [("lines.txt", "lines")], {}),
]
# fmt: on


def files_of(names: list[str]) -> MemoryFiles:
    return MemoryFiles({name: CONTENT.get(name, name.encode()) for name in names})


def settings_of(settings: dict[str, Any]) -> InputSettings:
    return InputSettings.model_validate(settings)


@pytest.mark.parametrize(
    ("names", "settings", "expected", "left_out"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_sources_unlabelled_files(
    names: list[str], settings: dict[str, Any], expected: list[tuple[str, str]], left_out: dict[str, int]
) -> None:
    tasks = plan_all(settings_of(settings), files_of(names))
    found = list(tasks.unlabelled().tasks())
    assert [(task.path, task.format) for task in found] == expected
    assert tasks.left_out == left_out
    alone = plan_tasks(settings_of({**settings, "unlabelled": None}), files_of(names))
    assert list(tasks.labelled().tasks()) == list(alone.tasks())
    assert [task.file_index for task in found] == [alone.files + number for number in range(len(expected))]
    assert (tasks.unlabelled_files, tasks.files) == (len(expected), alone.files + len(expected))
    assert tasks.unlabelled_bytes == sum(len(files_of(names).contents[path]) for path, _ in expected)
    assert tasks.bytes == alone.bytes + tasks.unlabelled_bytes


def test_sources_unlabelled_rows_need_the_columns_of_the_text_alone() -> None:
    files = MemoryFiles({"r.csv": b"title,body,label\na,b,1\n", "m.csv": b"body,title\nc,d\n"})
    settings = settings_of({"path": "r.csv", "text_column": ["title", "body"], "id_column": "x", "unlabelled": "m.csv"})
    (batch,) = read_tasks(plan_all(settings, files).unlabelled().tasks(), columns_of(settings, labelled=False), files)
    assert batch.rows["text"].to_pylist() == [b"d c"]
    assert batch.rows["label"].to_pylist() == [None]


def database(folder: Path, **tables: list[str]) -> str:
    with closing(sqlite3.connect(folder / "a.db")) as connection, connection:
        for name, texts in tables.items():
            connection.execute(f"CREATE TABLE {name} (text, label)")
            connection.executemany(f"INSERT INTO {name} VALUES (?, 'x')", [(text,) for text in texts])
    return f"sqlite:///{folder}/a.db"


def test_sources_unlabelled_tables_come_after_the_files(tmp_path: Path) -> None:
    path = database(tmp_path, reviews=["r"], more=["t", "u"], others=["v"])
    files = files_of(TABLES)
    unlabelled = [f"{path}#others", "lines.txt", f"{path}#more"]
    for settings in ({"path": "rows.csv"}, {"path": path, "table": "reviews", "format": "sql"}):
        chosen = settings_of({**settings, "unlabelled": unlabelled})
        tasks = plan_all(chosen, files)
        found = list(tasks.unlabelled().tasks())
        assert [(task.path, task.format, task.file_index) for task in found] == [
            ("lines.txt", "lines", 1), (path, "sql", 2), (path, "sql", 3)
        ]  # fmt: skip
        assert (tasks.files, tasks.unlabelled_files, tasks.unlabelled_bytes) == (4, 3, 7)
        assert [table.path for table in tasks.unlabelled().tables] == [path, path]
        assert [table.path for table in tasks.labelled().tables] == ([path] if "table" in settings else [])
        batches = read_tasks(found, columns_of(chosen, labelled=False), files)
        assert [row for batch in batches for row in batch.rows["text"].to_pylist()] == [b"d", b"e", b"t", b"u", b"v"]


def test_sources_unlabelled_table_that_is_not_there(tmp_path: Path) -> None:
    path = database(tmp_path, more=["t"])
    with pytest.raises(UserError) as raised:
        plan_all(settings_of({"path": "rows.csv", "unlabelled": f"{path}#none"}), files_of(TABLES))
    assert str(raised.value) == f"input.unlabelled: 'none' is not in {path}; it has the tables more"
    settings = {"path": path, "table": "more", "label_column": "label", "unlabelled": f"{path}#more"}
    with pytest.raises(UserError) as raised:
        plan_all(settings_of(settings), files_of(TABLES))
    assert str(raised.value) == (
        f"input.unlabelled: {path}#more is in input.path too; a text has a label or has none: name the table in one of "
        "the two"
    )


# fmt: off
REFUSED: list[tuple[str, list[str], dict[str, Any], str]] = [
    # name, files, settings, the message
    ("in both", TABLES, {"path": ["rows.csv", "more/a.csv"], "unlabelled": "more"},
     "input.unlabelled: more/a.csv is in input.path too; a text has a label or has none: name the file in one of the "
     "two"),
    ("no such file", TABLES, {"path": "rows.csv", "unlabelled": "none.csv"},
     "input.unlabelled: there is no such file, or the folder is empty: 'none.csv'"),
    ("no match", TABLES, {"path": "rows.csv", "unlabelled": "no*.csv"}, "input.unlabelled: no file matches 'no*.csv'"),
    ("the built-in corpus", TABLES, {"path": "rows.csv", "unlabelled": "sample"},
     "input.unlabelled is sample, the built-in corpus, which has labels; name files, or null"),
    ("no such database", TABLES, {"path": "rows.csv", "unlabelled": "sqlite:///none.db#t"},
     "input.unlabelled: sqlite:///none.db: there is no such file"),
    ("a table whose name does not say so", ["rows.csv", "table.txt"], {"path": "rows.csv", "unlabelled": "table.txt"},
     "input.format: table.txt looks like csv; set csv, or have its name end so; if each of its lines is a text, write "
     "them as jsonl"),
    ("texts of no known shape", ["rows.csv", "t/a.txt"], {"path": "rows.csv", "unlabelled": "t"},
     "input.format: the folder 't' holds .txt files; set folders if each file is a text, or name their folder unsup; "
     "name them by a glob, such as t/*.txt, if each line is one"),
]
# fmt: on


@pytest.mark.parametrize(
    ("names", "settings", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_sources_unlabelled_refused(names: list[str], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as raised:
        plan_all(settings_of(settings), files_of(names))
    assert str(raised.value) == message


def test_sources_unlabelled_left_out_texts_name_the_setting() -> None:
    tasks = plan_all(settings_of({"path": "imdb"}), files_of(IMDB))
    assert tasks.left_out_lines(name=with_remedy)[1] == (
        "2 files are left out (imdb/train/unsup/2.txt, imdb/train/unsup/3.txt): texts in folders named unsup have no "
        "label; set input.unlabelled to use them"
    )
    some = plan_all(
        settings_of({"path": "imdb", "format": "folders", "unlabelled": "imdb/train/unsup/2*"}), files_of(IMDB)
    )
    assert some.left_out_lines()[1] == (
        "1 file is left out (imdb/train/unsup/3.txt): texts in folders named unsup have no label"
    )


def test_sources_unlabelled_texts_that_count_must_be_there(tmp_path: Path) -> None:
    settings = {"vocabulary.count_unlabelled": "true"}
    message = (
        "vocabulary.count_unlabelled is true, but input.unlabelled names no texts; set input.unlabelled, or "
        "count_unlabelled to false"
    )
    file = tmp_path / "pipeline.yaml"
    file.write_text("vocabulary:\n  count_unlabelled: true\n")
    # path of the settings, overrides -> where the message says that they come from
    cases: list[tuple[str | None, dict[str, str], str]] = [
        (None, settings, "command line"),
        (str(file), {}, str(file)),
        (str(file), {"output.path": "out"}, f"{file} and command line"),
    ]
    for path, overrides, origin in cases:
        with pytest.raises(UserError) as raised:
            load(path, overrides)
        assert str(raised.value) == f"{origin}: {message}"
    config = load(None, {**settings, "input.unlabelled": str(tmp_path)})
    assert config.input.unlabelled_paths == [str(tmp_path)]
    assert config.vocabulary.count_unlabelled

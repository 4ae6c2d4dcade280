"""Tables and queries of SQLite as rows, and the mistakes that a person makes; what needs PostgreSQL is in systems/.

Python's sqlite3 writes the tables.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.input_settings import InputSettings, SplitSettings
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.sources import InputTasks, check_columns, plan_tasks, plan_texts, read_in_order, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.formats import sql, sql_sqlite
from pipeline.sources.preview import preview
from pipeline.sources.tables import number_of_parts

ROWS = [(number, f"text {number}", "good" if number % 2 else "bad") for number in range(1, 41)]


def database(
    folder: Path, rows: Sequence[Sequence[Any]] = ROWS, columns: str = "id, text, label", name: str = "a.db"
) -> str:
    path = folder / name
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE reviews ({columns})")
        connection.executemany(f"INSERT INTO reviews VALUES ({', '.join('?' * len(rows[0]))})", rows)
    return f"sqlite:///{path}"


def planned(path: str, split: SplitSettings | None = None, **settings: Any) -> tuple[InputTasks, InputSettings]:
    what = {} if "query" in settings else {"table": "reviews"}
    chosen = InputSettings(**{"path": path, **what, **settings})
    return plan_tasks(chosen, LocalFiles(), split=split), chosen


def rows_of(path: str, split: SplitSettings | None = None, **settings: Any) -> tuple[list[Any], list[Any]]:
    """(text, label, split) of used rows in the order of their positions; (row, reason) of rejected ones."""
    tasks, chosen = planned(path, split, **settings)
    columns = columns_of(chosen, split)
    check_columns(tasks.tasks(), columns, LocalFiles())
    batches = [batch for group in tasks.groups for batch in read_tasks(group.tasks(), columns, LocalFiles())]
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    positions = [row["position"] for row in rows]
    assert positions == sorted(set(positions))
    rejected = [(row["row"], row["reason"]) for batch in batches for row in batch.rejected.to_pylist()]
    return [(row["text"].decode(), row["label"], row["split"]) for row in rows], rejected


ALL = [(text, label, None) for _, text, label in ROWS]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"query": "SELECT * FROM reviews"},
        {"query": "SELECT text, label FROM reviews -- all of them"},
        {"query": "WITH r AS (SELECT * FROM reviews) SELECT text, label FROM r ;\n"},
        {"query": "SELECT id, text AS body, label FROM reviews", "text_column": "body", "key_column": "id"},
        {"key_column": "id"},
    ],
    ids=json.dumps,
)
def test_sql_gives_each_row_once(settings: dict[str, Any], tmp_path: Path) -> None:
    assert rows_of(database(tmp_path), **settings) == (ALL, [])


@pytest.mark.parametrize(
    ("keys", "parts"),
    [
        (range(1, 41),                                5),  # as many as the bytes ask for
        (range(-20, 20),                              5),
        ([2**62 * (n % 2) + n for n in range(40)],    5),  # nearly all ranges are empty
        ([7] * 40,                                    1),
        ([None, *range(39)],                          5),  # a row without a key is one of the first part's
        ([None] * 40,                                 1),
    ],
)  # fmt: skip
def test_sql_cuts_table_by_ranges_of_key(
    keys: Sequence[int | None], parts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "number_of_parts", lambda size: 5 if size == 280 else 0)
    rows = [(key, f"text {row:02}", "good") for row, key in enumerate(keys)]
    path = database(tmp_path, rows)
    tasks, _ = planned(path, key_column="id")
    assert [(group.start, group.stop) for group in tasks.groups] == [(part, part + 1) for part in range(parts)]
    used, rejected = rows_of(path, key_column="id")
    assert (sorted(text for text, _, _ in used), rejected) == ([text for _, text, _ in rows], [])


def test_sql_plans_parts_by_bytes_of_texts(tmp_path: Path) -> None:
    rows = [(number, "é" * 100_000, "good") for number in range(40)]
    tasks, _ = planned(database(tmp_path, rows), key_column="id")
    assert (tasks.files, tasks.bytes, len(tasks.groups)) == (1, 8_000_000, number_of_parts(8_000_000))
    assert len(tasks.groups) == 8  # of a mebibyte


VALUES = [
    # text           label             used (text, label), or the reason
    ("a",            "pos",            ("a", "pos")),
    ("a",            " pos ",          ("a", "pos")),
    (b"a",           b"pos",           ("a", "pos")),  # a BLOB of UTF-8 is a text
    ("a",            7,                ("a", "7")),
    ("a",            7.0,              ("a", "7")),
    ("a",            7.5,              "label is not a string, integer or boolean"),
    ("a",            None,             "missing label"),
    ("a",            "",               "missing label"),
    (None,           "pos",            "missing text"),
    ("",             "pos",            ("", "pos")),
    (5,              "pos",            "text is not a string"),
    (b"\xff",        "pos",            "invalid UTF-8"),
    ("a\0b",         "pos",            ("a\0b", "pos")),
    ("映画 😀",       "pos",            ("映画 😀", "pos")),
]  # fmt: skip


def test_sql_uses_or_rejects_each_value_by_its_own_type(tmp_path: Path) -> None:
    # After 2,000 rows of texts: what comes late is read as what it is.
    first = [(f"text {row}", "good") for row in range(2000)]
    path = database(tmp_path, [*first, *[(text, label) for text, label, _ in VALUES]], "text, label")
    used, rejected = rows_of(path)
    assert [(text, label) for text, label, _ in used[2000:]] == [row for *_, row in VALUES if isinstance(row, tuple)]
    assert rejected == [(2000 + row, why) for row, (*_, why) in enumerate(VALUES) if isinstance(why, str)]


def test_sql_reads_columns_of_splits_and_several_texts(tmp_path: Path) -> None:
    rows = [("A", "one", 1, "train", "2024-01-31"), ("B", "two", 0, "test", "2024-02-01")]
    path = database(tmp_path, rows, "title, body, stars, part, day")
    settings: dict[str, Any] = {"text_column": ["title", "body"], "label_column": "stars"}
    expected = [("A one", "1", "train"), ("B two", "0", "test")]
    assert rows_of(path, SplitSettings(column="part"), **settings) == (expected, [])
    by_time, rejected = rows_of(path, SplitSettings(time_column="day", test_from="2024-02-01"), **settings)
    assert ([text for text, *_ in by_time], rejected) == (["A one", "B two"], [])


def test_sql_reads_many_and_long_rows_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_sqlite, "_BYTES", 1000)
    monkeypatch.setattr(sql_sqlite, "_ROWS", 7)
    rows = [(row, "x" * (700 if 10 < row < 20 else 1), "good") for row in range(60)]
    used, _ = rows_of(database(tmp_path, rows))
    assert [len(text) for text, *_ in used] == [700 if 10 < row < 20 else 1 for row in range(60)]


@pytest.mark.parametrize(
    ("name", "table"),
    [('a b\'s "c"?#%41.db', 'my "reviews"; DROP TABLE x'), ("ä.db", "select"), ("a.db", "Bewertungen.2024")],
)
def test_sql_takes_any_name(name: str, table: str, tmp_path: Path) -> None:
    path = database(tmp_path, name=name)
    quoted = '"{}"'.format(table.replace('"', '""'))
    with closing(sqlite3.connect(tmp_path / name)) as connection, connection:
        connection.execute(f'CREATE TABLE {quoted} ("a ""text""", "label""x")')
        connection.execute(f"INSERT INTO {quoted} VALUES ('good', 'pos')")
    rows, _ = rows_of(path, table=table, text_column='a "text"', label_column='label"x')
    assert rows == [("good", "pos", None)]


MISTAKES = [
    # settings                                         setting               what the error says beside it
    ({"table": "review"},                              "input.table",        "it has the tables empty, reviews"),
    ({"table": "empty"},                               "input.path",         "no rows"),
    ({"text_column": "txt"},                           "input.text_column",  "it has the columns id, text, label"),
    ({"label_column": "Label"},                        "input.label_column", "it has the columns id, text, label"),
    ({"key_column": "key"},                            "input.key_column",   "it has the columns id, text, label"),
    ({"key_column": "label"},                          "input.key_column",   "no integers"),
    ({"query": "SELECT nix FROM reviews"},         "input.query",        "no such column: nix"),
    ({"query": "DELETE FROM reviews"},                 "input.query",        "syntax error"),
    ({"query": "SELECT 1 AS text; SELECT 2"},          "input.query",        "syntax error"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "setting", "said"), MISTAKES, ids=[str(case[0]) for case in MISTAKES])
def test_sql_names_a_mistake_in_one_line(settings: dict[str, Any], setting: str, said: str, tmp_path: Path) -> None:
    path = database(tmp_path)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute("CREATE TABLE empty (id, text, label)")
    with pytest.raises(UserError) as error:
        planned(path, **settings)
    assert str(error.value).startswith(f"{setting}: ")
    assert said in str(error.value)
    assert path in str(error.value)
    assert "\n" not in str(error.value)


def test_sql_names_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" * 100)
    for name, said in [("a.csv", "not a database"), ("gone.db", "no such file"), ("", "no such file")]:
        with pytest.raises(UserError, match=said):
            planned(f"sqlite:///{tmp_path}/{name}")
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]  # nothing is made


def test_sql_notices_that_file_changes_while_it_is_read(tmp_path: Path) -> None:
    path = database(tmp_path)
    tasks, settings = planned(path)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute("INSERT INTO reviews VALUES (99, 'late', 'good')")
    with pytest.raises(UserError, match="changed while it was read"):
        list(read_tasks(tasks.tasks(), columns_of(settings), LocalFiles()))


def test_sql_reads_what_waits_in_the_log_of_a_file(tmp_path: Path) -> None:
    path = database(tmp_path)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        with connection:
            connection.execute("INSERT INTO reviews VALUES (99, 'late', 'good')")
        assert len(rows_of(path)[0]) == 41


def test_sql_gives_texts_to_predict_and_a_look_to_doctor(tmp_path: Path) -> None:
    path = database(tmp_path, [*ROWS[:3], (None, None, None)])
    settings = InputSettings(path=path, table="reviews")
    columns = columns_of(settings, labelled=False)
    rows = list(read_in_order(plan_texts(settings, LocalFiles()).tasks(), columns, LocalFiles()))
    assert [row.text for row in rows] == [b"text 1", b"text 2", b"text 3", None]
    (look,) = preview(planned(path)[0], columns_of(settings), LocalFiles())
    assert (look.format, look.path) == ("sql", path)
    assert look.description.columns == (("id", "any"), ("text", "any"), ("label", "any"))
    assert [(row.text, row.label) for row in look.rows] == [(text, label) for _, text, label in ROWS[:3]]


def test_sql_path_may_begin_in_home_or_in_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(rows_of("sqlite:///~/a.db")[0]) == 40
    monkeypatch.chdir(tmp_path)
    assert len(rows_of("sqlite:///a.db")[0]) == 40


def test_sql_names_the_extra_of_a_driver_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "adbc_driver_postgresql.dbapi", None)
    with pytest.raises(UserError, match=r"textrecords\[sql\]"):
        planned("postgresql://me@127.0.0.1:1/db")

"""Tables and queries of a real PostgreSQL server: values by type, parts of one snapshot, mistakes, a whole job."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.cli import main
from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.sources import InputTasks, check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.formats import sql
from tests.support.jobs import ONE_THREAD, SMALL_SETTINGS, manifest_of, record_bytes, run_job, small_rows
from tests.support.postgresql import PASSWORD, Server, postgresql, program


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if program("initdb") is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql (Debian's package)")
    with postgresql() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPASSWORD", PASSWORD)
        texts, labels = zip(*small_rows(), strict=True)
        running.insert("reviews", pa.table({"id": range(len(texts)), "text": texts, "label": labels}))
        yield running


def planned(server: Server, **settings: Any) -> tuple[InputTasks, InputSettings]:
    what = {} if "query" in settings or "table" in settings else {"table": "reviews"}
    chosen = InputSettings(**{"path": server.url, **what, **settings})
    return plan_tasks(chosen, LocalFiles()), chosen


def rows_of(tasks: InputTasks, settings: InputSettings) -> tuple[list[tuple[str, str]], list[tuple[int, str]]]:
    columns = columns_of(settings)
    check_columns(tasks.tasks(), columns, LocalFiles())
    batches = [batch for group in tasks.groups for batch in read_tasks(group.tasks(), columns, LocalFiles())]
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    rejected = [(row["row"], row["reason"]) for batch in batches for row in batch.rejected.to_pylist()]
    return [(row["text"].decode(), row["label"]) for row in rows], rejected


REJECTED = "label is not a string, integer or boolean"
VALUES = [
    # SQL of the label                      its label, or the reason why its row is rejected
    ("'pos'::text",                         "pos"),
    ("'pos'::varchar(9)",                   "pos"),
    ("'pos'::char(9)",                      "pos"),  # PostgreSQL fills it with blanks
    ("'pos'::bytea",                        "pos"),
    ("'sad'::mood",                         "sad"),
    ("7::smallint",                         "7"),
    ("9223372036854775807::bigint",         "9223372036854775807"),
    ("7::real",                             "7"),
    ("7.5::double precision",               REJECTED),
    ("1::numeric",                          "1"),
    ("1.000::numeric(9, 3)",                "1"),
    ("1.5::numeric",                        REJECTED),
    ("'NaN'::numeric",                      "missing label"),
    ("true",                                "true"),
    ("NULL::text",                          "missing label"),
    ("'550e8400-e29b-41d4-a716-446655440000'::uuid", "550e8400-e29b-41d4-a716-446655440000"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), VALUES, ids=[value for value, _ in VALUES])
def test_postgresql_uses_or_rejects_each_value(value: str, expected: str, server: Server) -> None:
    server.execute("DROP TYPE IF EXISTS mood", "CREATE TYPE mood AS ENUM ('sad', 'ok')")
    tasks, settings = planned(server, query=f"SELECT 'a' AS text, {value} AS label")
    with closing(tasks):
        used, rejected = rows_of(tasks, settings)
    assert [label for _, label in used] + [reason for _, reason in rejected] == [expected]


def test_postgresql_gives_one_snapshot_to_all_parts(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "number_of_parts", lambda _size: 3)
    made = "SELECT i AS id, 'text ' || i AS text, 'good' AS label FROM generate_series(1, 30) i"
    server.execute(f"CREATE TABLE moving AS {made}")
    tasks, settings = planned(server, table="moving", key_column="id")
    assert len(tasks.groups) == 3
    with closing(tasks):
        server.execute("DELETE FROM moving WHERE id = 5", "UPDATE moving SET id = id + 20, text = 'new'")
        used, rejected = rows_of(tasks, settings)
        again, _ = rows_of(tasks, settings)
    assert (sorted(used), rejected) == (sorted((f"text {i}", "good") for i in range(1, 31)), [])
    assert again == used
    with pytest.raises(UserError, match="start again"):
        rows_of(tasks, settings)


MISTAKES = [
    # settings                                                    setting               what the error says beside it
    ({"table": "review"},                                         "input.table",        "it has the tables"),
    ({"text_column": "txt"},                                      "input.text_column",  "the columns id, text, label"),
    ({"text_column": "id"},                                       "input.text_column",  "int64"),
    ({"label_column": "l", "query": "SELECT 'a' AS text, now() AS l"}, "input.label_column", "timestamp"),
    ({"key_column": "text"},                                      "input.key_column",   "a column of integers"),
    ({"query": "SELECT nix FROM reviews"},                        "input.query",        'column "nix" does not exist'),
    ({"query": "SELECT 'a' || 1/0 AS text, 'b' AS label"},     "input.query",        "division by zero"),
    ({"query": "SELECT 'a' || 1/0 AS text, 'b' AS label"},               "input.query",        "division by zero"),
    ({"query": "SELECT 'a' AS text, 'b' AS label WHERE false"},   "input.path",         "no rows"),
    ({"query": "DELETE FROM reviews"},                            "input.query",        "syntax error"),
    ({"query": "WITH d AS (DELETE FROM t RETURNING 1) SELECT 1"}, "input.query", "must be at the top"),
    ({"query": "SELECT 'a' AS text, nextval('s')::text AS label"}, "input.query",       "read-only transaction"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "setting", "said"), MISTAKES, ids=[str(case[0]) for case in MISTAKES])
def test_postgresql_names_a_mistake_in_one_line(
    settings: dict[str, Any], setting: str, said: str, server: Server
) -> None:
    server.execute("CREATE SEQUENCE IF NOT EXISTS s", "CREATE TABLE IF NOT EXISTS t (id bigint)")
    with pytest.raises(UserError) as error:
        planned(server, **settings)
    assert str(error.value).startswith(f"{setting}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_postgresql_says_why_it_can_not_be_reached(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.execute("CREATE ROLE reader LOGIN PASSWORD 'other'")
    start = server.url.replace("tester", "reader")
    cases = [
        # PGPASSWORD   address                                            what the error says
        ("wrong",      server.url,                                        "password authentication failed"),
        (None,         server.url,                                        "no password supplied"),
        (PASSWORD,     server.url.replace("/shop", "/nix"),               'database "nix" does not exist'),
        (PASSWORD,     server.url.replace(str(server.port), "1"),         "Connection refused"),
        (PASSWORD,     "postgresql://tester@nohost.invalid/shop",         "could not translate host name"),
        ("other",      start,                                             "permission denied for table reviews"),
    ]  # fmt: skip
    for password, path, said in cases:
        monkeypatch.delenv("PGPASSWORD") if password is None else monkeypatch.setenv("PGPASSWORD", password)
        with pytest.raises(UserError) as error:
            planned(server, path=path, query="SELECT * FROM reviews")
        assert said in str(error.value)
        assert "\n" not in str(error.value)
        assert PASSWORD not in str(error.value)


@pytest.mark.parametrize(
    "running", [[*ONE_THREAD], ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]]
)
def test_postgresql_gives_the_records_of_sqlite_whatever_the_parts(
    running: list[str], server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "number_of_parts", lambda _size: 4)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute("CREATE TABLE reviews (text, label)")
        connection.executemany("INSERT INTO reviews VALUES (?, ?)", reversed(small_rows()))
    settings = {"input.table": "reviews"}
    one = run_job(f"sqlite:///{tmp_path}/a.db", tmp_path / "one", settings)
    settings["input.key_column"] = "id"
    other = run_job(server.url, tmp_path / "other", settings, beam_arguments=running)
    assert record_bytes(one) == record_bytes(other)
    (table,) = manifest_of(other)["input"]["tables"]
    assert (table["path"], table["parts"]) == (server.url, 4)


def test_postgresql_password_is_nowhere(server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = {**SMALL_SETTINGS, "input.table": "reviews", "output.path": str(tmp_path / "records")}
    arguments = [argument for name, value in settings.items() for argument in (f"--{name}", value)]
    with_password = server.url.replace("@", f":{PASSWORD.replace('@', '%40')}@")
    assert main(["run", "--input.path", with_password, *arguments, *ONE_THREAD]) == 2
    assert main(["run", "--input.path", server.url, *arguments, *ONE_THREAD]) == 0
    assert main(["describe", str(tmp_path / "records")]) == 0
    printed = "".join(capfd.readouterr())
    written = b"".join(path.read_bytes() for path in (tmp_path / "records").rglob("*") if path.is_file())
    assert server.url.encode() in written
    assert os.environ["PGPASSWORD"] == PASSWORD
    assert "pass:w" not in printed
    assert b"pass:w" not in written
    assert json.loads((tmp_path / "records" / "manifest.json").read_bytes())["config"]["input"]["path"] == server.url


# fmt: off
LISTS: list[tuple[str, str, str]] = [
    # SQL of the label, SQL of the weight, (label, weight) or the reason why the row is rejected
    ("ARRAY['b', 'a']",          "2",               '["a", "b"] 2.0'),
    ("ARRAY[2, 1]",              "0.5::numeric",    '["1", "2"] 0.5'),
    ("ARRAY[1.0, 2]::numeric[]", "0.5::real",       '["1", "2"] 0.5'),
    ("ARRAY['550e8400-e29b-41d4-a716-446655440000']::uuid[]", "1", '["550e8400-e29b-41d4-a716-446655440000"] 1.0'),
    ("ARRAY[true]",              "1::smallint",     '["true"] 1.0'),
    ("ARRAY[]::text[]",          "'1'::text",       "[] 1.0"),
    ("NULL::text[]",             "1",               "missing label"),
    ("ARRAY['a', NULL]",         "1",               "a label of the list is missing"),
    ("ARRAY['a']",               "0",               "weight is not a number above 0"),
    ("ARRAY['a']",               "NULL::int",       "missing weight"),
]
# fmt: on


@pytest.mark.parametrize(("label", "weight", "expected"), LISTS)
def test_postgresql_arrays_are_several_labels(label: str, weight: str, expected: str, server: Server) -> None:
    query = f"SELECT 'a' AS text, {label} AS label, {weight} AS w"
    tasks, settings = planned(server, query=query, weight_column="w")
    assert tasks.several_labels
    columns = columns_of(tasks.resolved(settings))
    with closing(tasks):
        check_columns(tasks.tasks(), columns, LocalFiles())
        (batch,) = read_tasks(tasks.tasks(), columns, LocalFiles())
    found = [f"{row['label']} {row['weight']}" for row in batch.rows.to_pylist()]
    assert [*found, *batch.rejected["reason"].to_pylist()] == [expected]


def test_postgresql_arrays_are_refused_where_a_row_has_one_label(server: Server) -> None:
    with pytest.raises(UserError, match=r"^input\.several_labels is false, but 'label' in postgresql"):
        planned(server, query="SELECT 'a' AS text, ARRAY['a'] AS label", several_labels=False)

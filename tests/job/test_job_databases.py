"""A whole job from databases: the same bytes whatever the order of rows, the parts and the passes."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.load import load
from pipeline.doctor.examine import examine
from pipeline.errors import UserError
from pipeline.job.stages import Stage
from pipeline.sources.formats import sql
from tests.support.bigquery import FakeBigQuery, serving
from tests.support.jobs import (
    ONE_THREAD,
    SMALL_SETTINGS,
    as_table,
    manifest_of,
    record_bytes,
    run_job,
    small_rows,
    vocabulary_of,
    write_jsonl,
)
from trainer.cli import main as trainer

PATH = "bigquery://shop.reviews.all"


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The records and the vocabulary of small_rows from SQLite, in one part."""
    folder = tmp_path_factory.mktemp("expected")
    return result(run_job(database(folder), folder / "records", {"input.table": "reviews"}))


@pytest.fixture
def bigquery(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBigQuery]:
    with serving(FakeBigQuery({"all": as_table(small_rows())}, message_rows=50), monkeypatch) as fake:
        yield fake


def database(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "a.db")) as connection, connection:
        connection.execute("CREATE TABLE reviews (id INTEGER PRIMARY KEY, text, label)")
        connection.executemany("INSERT INTO reviews (text, label) VALUES (?, ?)", small_rows())
    return f"sqlite:///{folder}/a.db"


def result(folder: Path) -> dict[str, bytes]:
    return {**record_bytes(folder), "vocabulary": (folder / "vocabulary.tsv").read_bytes()}


@pytest.mark.parametrize("settings", [
    {"input.table": "reviews", "input.key_column": "id"},
    {"input.query": "SELECT * FROM reviews ORDER BY length(text), text DESC"},
], ids=["parts", "order"])  # fmt: skip
@pytest.mark.parametrize("spills", [True, False], ids=["local", "remote"])
def test_job_gives_the_same_records_of_a_table_in_any_order(
    settings: dict[str, str], spills: bool, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "number_of_parts", lambda _size: 7)
    folder = run_job(database(tmp_path), tmp_path / "records", settings, spills=spills)
    assert result(folder) == expected
    assert manifest_of(folder)["input"]["tables"][0]["parts"] == (7 if "input.key_column" in settings else 1)


@pytest.mark.parametrize("streams", [1, 5])
def test_job_gives_the_same_records_whatever_the_streams(
    streams: int, bigquery: FakeBigQuery, expected: dict[str, bytes], tmp_path: Path
) -> None:
    bigquery.streams = streams
    folder = run_job(PATH, tmp_path / "records", spills=False)
    assert result(folder) == expected
    (table,) = manifest_of(folder)["input"]["tables"]
    assert (table["path"], table["parts"], table["query_bytes"]) == (PATH, streams, None)
    assert len(bigquery.sessions) == 1


def test_job_orders_words_of_a_table_by_count_and_bytes(tmp_path: Path) -> None:
    words = [(token.encode(), count) for _, token, count in vocabulary_of(run_from_table(tmp_path))]
    assert words == sorted(words, key=lambda word: (-word[1], word[0]))
    from_file = run_job(write_jsonl(tmp_path / "rows.jsonl", small_rows()), tmp_path / "file")
    in_file = [(token.encode(), count) for _, token, count in vocabulary_of(from_file)]
    assert in_file != words  # a file has an order
    assert [count for _, count in in_file] == [count for _, count in words]


def run_from_table(folder: Path) -> Path:
    return run_job(database(folder), folder / "table", {"input.table": "reviews"})


@dataclass(frozen=True)
class AddsRow:
    """Writes into the database when the job is nearly done."""

    file: Path

    def __call__(self, stage: Stage) -> None:
        if stage == "finalize":
            with closing(sqlite3.connect(self.file)) as connection, connection:
                connection.execute("INSERT INTO reviews (text, label) VALUES ('late', 'negative')")


@pytest.mark.parametrize("counts", ["false", "true"])
def test_job_reads_texts_without_labels_from_a_table(counts: str, tmp_path: Path) -> None:
    texts = [text for text, _ in small_rows(90)] + ["only here", "only here"]
    (tmp_path / "texts.csv").write_text("text\n" + "".join(f'"{text}"\n' for text in texts))
    path = database(tmp_path)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection, connection:
        connection.execute("CREATE TABLE texts (text)")
        connection.executemany("INSERT INTO texts VALUES (?)", [(text,) for text in sorted(texts)])
    settings = {"input.table": "reviews", "vocabulary.count_unlabelled": counts}
    expected = run_job(path, tmp_path / "file", {**settings, "input.unlabelled": str(tmp_path / "texts.csv")})
    for spills in (True, False):
        folder = run_job(path, tmp_path / f"{spills}", {**settings, "input.unlabelled": f"{path}#texts"}, spills=spills)
        assert result(folder) == result(expected)
        assert [table["path"] for table in manifest_of(folder)["input"]["tables"]] == [path, path]
        assert manifest_of(folder)["unlabelled"]["rows"] == len(texts)
    # Of files with labels the words have an order, which texts that have none would disturb.
    rows = write_jsonl(tmp_path / "rows.jsonl", small_rows())
    others = {"vocabulary.count_unlabelled": counts, "input.unlabelled": f"{path}#texts"}
    words = [(token, count) for _, token, count in vocabulary_of(run_job(rows, tmp_path / "rows", others))]
    assert (words == sorted(words, key=lambda word: (-word[1], word[0].encode()))) == (counts == "true")


def test_job_is_refused_if_an_sqlite_file_changes(tmp_path: Path) -> None:
    path = database(tmp_path)
    with pytest.raises(UserError, match="changed while it was read"):
        run_job(path, tmp_path / "records", {"input.table": "reviews"}, observe=AddsRow(tmp_path / "a.db"))


def test_trainer_reads_a_database_as_it_reads_files(
    small_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = str(write_jsonl(tmp_path / "rows.jsonl", small_rows()))
    from_table = ["--input", database(tmp_path), "--input.table", "reviews"]
    model = ["--model", str(small_model)]
    printed = []
    for command, source in itertools.product([["evaluate", "--json"], ["predict"]], [["--input", rows], from_table]):
        assert trainer([*command, *model, *source]) == 0
        printed.append(capfd.readouterr().out.replace(rows, "").replace(from_table[1], ""))
    assert printed[0] == printed[1]
    assert printed[2] == printed[3]


def test_doctor_says_what_a_database_holds(bigquery: FakeBigQuery, tmp_path: Path) -> None:
    bigquery.answers = {"SELECT 1": "all"}
    settings: dict[str, Any] = {**SMALL_SETTINGS, "output.path": str(tmp_path / "out")}
    for paths in ({"input.path": PATH}, {"input.path": "bigquery://shop", "input.query": "SELECT 1"}):
        examined = examine(load(None, {**settings, **paths}), ONE_THREAD, overwrite=False)
        assert examined.errors == 0, examined.findings
        (said,) = [finding.text for finding in examined.findings if "parts" in finding.text]
        assert f"about {len(small_rows())} rows" in said
        assert ("the query read 12.3 kB" in said) == ("input.query" in paths)

"""Tables of BigQuery as rows, and the mistakes that a person makes, against a fake of the service's calls."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import grpc
import pyarrow as pa
import pytest

from pipeline.config.decision_settings import MetricsSettings
from pipeline.config.input_settings import InputSettings, SplitSettings
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.sources import InputTasks, check_columns, plan_tasks, plan_texts, read_in_order, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.formats import bigquery_client
from pipeline.sources.preview import preview
from tests.support.bigquery import FakeBigQuery, serving

ROWS = 20
TABLE = pa.table(
    {
        "id": range(ROWS),
        "text": [f"text {row}" for row in range(ROWS)],
        "label": ["good" if row % 2 else "bad" for row in range(ROWS)],
        "unread": ["x" * 1000] * ROWS,
        "review": [{"body": f"body {row}", "stars": row} for row in range(ROWS)],
        "day": [datetime(2024, 1, 31, tzinfo=timezone.utc)] * ROWS,
        "part": ["test" if row == 3 else "train" for row in range(ROWS)],
    }
)
PATH = "bigquery://shop.reviews.all"


@pytest.fixture
def bigquery(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBigQuery]:
    with serving(FakeBigQuery({"all": TABLE, "none": TABLE.slice(0, 0)}), monkeypatch) as fake:
        yield fake


def planned(split: SplitSettings | None = None, **settings: Any) -> tuple[InputTasks, InputSettings]:
    chosen = InputSettings(**{"path": PATH, **settings})
    return plan_tasks(chosen, LocalFiles(), split=split), chosen


def rows_of(split: SplitSettings | None = None, **settings: Any) -> list[tuple[Any, ...]]:
    tasks, chosen = planned(split, **settings)
    columns = columns_of(chosen, split)
    check_columns(tasks.tasks(), columns, LocalFiles())
    batches = [batch for group in tasks.groups for batch in read_tasks(group.tasks(), columns, LocalFiles())]
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    positions = [row["position"] for row in rows]
    assert positions == sorted(set(positions))
    rejected = [row for batch in batches for row in batch.rejected.to_pylist()]
    return sorted((row["text"].decode(), row["label"], row["split"]) for row in rows) + sorted(
        (row["content"], row["reason"], row["file"]) for row in rejected
    )


def test_bigquery_gives_each_row_once_from_all_streams(bigquery: FakeBigQuery) -> None:
    bigquery.streams = 3
    assert rows_of() == sorted((f"text {row}", "good" if row % 2 else "bad", None) for row in range(ROWS))
    assert {stream for stream, _ in bigquery.reads} == {0, 1, 2}


def test_bigquery_reads_only_columns_that_are_asked_for(bigquery: FakeBigQuery) -> None:
    rows = rows_of(SplitSettings(column="part"), text_column=["review.body", "text"], label_column="review.stars")
    assert rows[3] == ("body 11 text 11", "11", "train")
    assert sorted(row[2] for row in rows) == ["test"] + ["train"] * 19
    (session,) = bigquery.sessions
    assert list(session.read_session.read_options.selected_fields) == ["part", "review.body", "review.stars", "text"]


def test_bigquery_fixes_time_of_table_when_it_is_planned(bigquery: FakeBigQuery) -> None:
    before = datetime.now(timezone.utc)
    tasks, _ = planned()
    at = bigquery.sessions[0].read_session.table_modifiers.snapshot_time
    assert before <= at <= datetime.now(timezone.utc)
    (table,) = tasks.tables
    # The service keeps microseconds, a person is shown milliseconds.
    assert abs(datetime.fromisoformat(table.taken) - at) < timedelta(milliseconds=1)
    assert (table.rows, len(table.requests), tasks.files) == (20, 2, 1)
    assert 0 < table.size < TABLE.nbytes


def test_bigquery_leaves_number_of_streams_to_service(bigquery: FakeBigQuery) -> None:
    planned()
    assert bigquery.sessions[0].max_stream_count == 0


def test_bigquery_goes_on_where_connection_was_lost(bigquery: FakeBigQuery) -> None:
    bigquery.cuts = {(0, 6), (1, 3)}
    assert [row[0] for row in rows_of()] == sorted(f"text {row}" for row in range(ROWS))
    assert sorted(bigquery.reads) == [(0, 0), (0, 6), (1, 0), (1, 3)]


def test_bigquery_reads_rows_of_a_query(bigquery: FakeBigQuery) -> None:
    bigquery.answers = {"SELECT * FROM reviews.view": "all"}
    settings: dict[str, Any] = {"path": "bigquery://shop", "query": "SELECT * FROM reviews.view"}
    assert len(rows_of(**settings)) == 20
    tasks, _ = planned(**settings)
    assert (tasks.tables[0].query_bytes, tasks.tables[0].taken) == (12345, "2023-11-14T22:13:20.000+00:00")
    # The table of an answer does not change, and may have no state of the past.
    assert not any("table_modifiers" in session.read_session for session in bigquery.sessions)


VALUES = [
    # type of BigQuery as Arrow has it        values                                          labels, or reasons
    (pa.decimal128(38, 9),  [Decimal("1.000000000"), Decimal("0.500000000")],                 ["1", "not a string"]),
    (pa.int64(),            [3, None],                                                        ["3", "missing label"]),
    (pa.float64(),          [2.0, float("nan")],                                              ["2", "missing label"]),
    (pa.bool_(),            [True, False],                                                    ["true", "false"]),
    (pa.binary(),           [b"pos", b"\xff"],                                                ["pos", "invalid UTF-8"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "expected"), VALUES, ids=[str(kind) for kind, *_ in VALUES])
def test_bigquery_uses_or_rejects_each_value(
    kind: pa.DataType, values: list[Any], expected: list[str], bigquery: FakeBigQuery
) -> None:
    bigquery.tables = {"all": pa.table({"text": ["a", "b"], "label": pa.array(values, kind)})}
    found = [f"{row[0]} {row[1]}" for row in rows_of()]
    assert all(any(said in row for row in found) for said in expected), found


MISTAKES = [
    # settings                                                            what the error says, beside the setting
    ({"path": "bigquery://shop.reviews.gone"},                            "input.path", "shop:reviews.gone"),
    ({"text_column": "txt"},                                              "input.text_column", "id, text, label"),
    ({"text_column": "Text"},                                             "input.text_column", "id, text, label"),
    ({"text_column": "review.title"},                                     "input.text_column", "review.stars"),
    ({"text_column": "id"},                                               "input.text_column", "int64"),
    ({"label_column": "day"},                                             "input.label_column", "timestamp"),
    ({"label_column": "review"},                                          "input.label_column", "struct"),
    ({"path": "bigquery://shop.reviews.none"},                            "input.path", "no rows"),
    ({"path": "bigquery://shop", "query": "SELECT nothing"},              "input.query", "Unrecognized name"),
    ({"path": "bigquery://shop.reviews.secret"},                          "input.path", "BigQuery Data Viewer"),
    ({"path": "bigquery://shop.reviews.view"},                            "input.path", "input.query"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "setting", "said"), MISTAKES, ids=[str(case[0]) for case in MISTAKES])
def test_bigquery_names_a_mistake_in_one_line(
    settings: dict[str, Any], setting: str, said: str, bigquery: FakeBigQuery
) -> None:
    bigquery.refusals = {
        "secret": (grpc.StatusCode.PERMISSION_DENIED, "Permission denied on table secret"),
        "view": (grpc.StatusCode.INVALID_ARGUMENT, "request failed: non-table entities cannot be read with the API"),
    }
    with pytest.raises(UserError) as error:
        planned(**settings)
    assert str(error.value).startswith(f"{setting}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_bigquery_tells_that_session_has_expired(bigquery: FakeBigQuery) -> None:
    tasks, settings = planned()
    bigquery.made.clear()
    with pytest.raises(UserError, match="lives 6 hours"):
        list(read_tasks(tasks.groups[0].tasks(), columns_of(settings), LocalFiles()))


def test_bigquery_that_can_not_be_reached_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_STORAGE_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setattr(bigquery_client, "_RETRY_SECONDS", 0.2)
    with pytest.raises(UserError, match="can't be reached"):
        planned()


@pytest.mark.usefixtures("bigquery")
def test_bigquery_gives_texts_to_predict_and_a_look_to_doctor() -> None:
    settings = InputSettings(path=PATH)
    columns = columns_of(settings, labelled=False)
    tasks = plan_texts(settings, LocalFiles())
    assert sorted(row.text or b"" for row in read_in_order(tasks.tasks(), columns, LocalFiles())) == sorted(
        f"text {row}".encode() for row in range(ROWS)
    )
    (look,) = preview(planned()[0], columns_of(settings), LocalFiles())
    assert (look.files, look.path, look.description.columns) == (1, PATH, (("text", "string"), ("label", "string")))
    assert [row.text for row in look.rows] == ["text 0", "text 2", "text 4"]


def test_bigquery_repeated_fields_are_several_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({
        "text": ["a", "b", "c"], "label": [["y", "x"], [], ["x"]], "w": [2, 1, 0], "genre": ["film", None, "book"],
    })  # fmt: skip
    with serving(FakeBigQuery({"all": table}), monkeypatch):
        chosen, metrics = InputSettings(path=PATH, weight_column="w"), MetricsSettings(slices=["genre"])
        tasks = plan_tasks(chosen, LocalFiles(), metrics=metrics)
        columns = columns_of(tasks.resolved(chosen), metrics=metrics)
        batches = list(read_tasks(tasks.tasks(), columns, LocalFiles()))
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    assert sorted((row["text"], row["label"], row["weight"], row["slices"]) for row in rows) == [
        (b"a", '["x", "y"]', 2.0, ["film"]), (b"b", "[]", 1.0, [""]),
    ]  # fmt: skip
    reasons = [reason for batch in batches for reason in batch.rejected["reason"].to_pylist()]
    assert reasons == ["weight is not a number above 0"]

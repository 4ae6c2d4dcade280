"""The columns of metrics.slices: how values are spelled, and that no row is rejected for one."""

from datetime import date, datetime, time, timezone
from decimal import Decimal

import pyarrow as pa
import pytest

from pipeline.config.decision_settings import MetricsSettings
from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.sources import check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.formats.slices import slices
from pipeline.sources.formats.values import Values
from tests.support.memory_files import MemoryFiles, parquet

# fmt: off
TABLE: list[tuple[Values, list[str]]] = [
    # column                                                    the name of each row's slice
    (pa.array([" sport ", "", None]),                           ["sport", "", ""]),
    (pa.array([b"caf\xe9", b"caf\xc3\xa9"]),                    ["caf\ufffd", "café"]),
    (pa.array([1, None]),                                       ["1", ""]),
    (pa.array([1.0, 0.5, float("nan"), float("inf"), 1e300]),   ["1", "0.5", "", "inf", "1e+300"]),
    (pa.array([0.5], pa.float32()),                             ["0.5"]),
    (pa.array([True, False, None]),                             ["true", "false", ""]),
    (pa.array([date(2024, 1, 31), None]),                       ["2024-01-31", ""]),
    (pa.array([datetime(2024, 1, 31, 8, 0)]),                   ["2024-01-31T08:00:00"]),
    (pa.array([datetime(2024, 1, 31, 8, tzinfo=timezone.utc)]), ["2024-01-31T08:00:00+00:00"]),
    (pa.array([time(8, 30)]),                                   ["08:30:00"]),
    (pa.array([Decimal("1.50"), Decimal("2.00")]),              ["1.50", "2"]),
    (pa.array(["a", None]).dictionary_encode(),                 ["a", ""]),
    (pa.nulls(2),                                               ["", ""]),
    (pa.array(["x" * 200, "y" * 201]),                          ["x" * 200, "y" * 199 + "…"]),
    (pa.array([("é" * 1000).encode()]),                         ["é" * 199 + "…"]),
    (["a", 1, 2.0, 0.1, True, None, b"b"],                      ["a", "1", "2", "0.1", "true", "", "b"]),
    (["a\ud83d", ["x", 1], {"k": "é"}, [b"x"]],                 ["a?", '["x", 1]', '{"k": "é"}', '["x"]']),
    ([Decimal("NaN"), Decimal("1E+1000000")],                   ["", "1E+1000000"]),
]
# fmt: on


@pytest.mark.parametrize(("values", "expected"), TABLE, ids=[str(getattr(v, "type", v))[:40] for v, _ in TABLE])
def test_sources_slices_of_a_column(values: Values, expected: list[str]) -> None:
    array = slices([values], rows=len(expected))
    array.validate(full=True)
    assert array.to_pylist() == [[name] for name in expected]


def test_sources_slices_of_a_row_are_in_the_order_of_the_columns() -> None:
    assert slices([["a", "b", "c"], pa.array([1, 2, None])], rows=3).to_pylist() == [["a", "1"], ["b", "2"], ["c", ""]]
    assert slices([[], []], rows=0).to_pylist() == []


def read(files: dict[str, bytes], *names: str) -> list[tuple[str, list[str] | None]]:
    path = "x" if any(name.startswith("x/") for name in files) else "*"
    opened, chosen, metrics = MemoryFiles(files), InputSettings(path=path), MetricsSettings(slices=list(names))
    tasks, columns = list(plan_tasks(chosen, opened, metrics=metrics).tasks()), columns_of(chosen, metrics=metrics)
    check_columns(tasks, columns, opened)
    batches = list(read_tasks(tasks, columns, opened))
    return sorted((row["text"].decode(), row["slices"]) for batch in batches for row in batch.rows.to_pylist())


FILES: dict[str, bytes] = {
    "a.csv": b"text,label,year,genre\na,1,2024,film\nb,1,,book\n",
    "a.jsonl": b'{"text":"a","label":1,"year":2024,"genre":"film"}\n{"text":"b","label":1,"genre":"book"}\n',
    "a.parquet": parquet({"text": ["a", "b"], "label": [1, 1], "year": [2024, None], "genre": ["film", "book"]}),
}


@pytest.mark.parametrize("name", FILES)
def test_sources_slices_are_read_from_each_format(name: str) -> None:
    files = {name: FILES[name]}
    assert read(files, "genre", "text_length", "year") == [("a", ["film", "2024"]), ("b", ["book", ""])]
    assert read(files, "label", "text") == [("a", ["1", "a"]), ("b", ["1", "b"])]  # a column may have two uses
    assert read(files, "text_length") == [("a", None), ("b", None)]  # that is no column


def test_sources_slices_may_be_names_of_folders() -> None:
    files = {
        f"year={year}/lang={lang}/a.csv": b"text,label,genre\na,1,film\n"
        for year, lang in ((2023, "en"), (2024, "__HIVE_DEFAULT_PARTITION__"))
    }
    assert read(files, "year", "genre", "lang") == [("a", ["2023", "film", "en"]), ("a", ["2024", "film", ""])]
    files = {"x/year=2023/pos/1.txt": b"a", "x/year=2024/pos/1.txt": b"b"}
    assert read(files, "year") == [("a", ["2023"]), ("b", ["2024"])]


REFUSED = [
    # files, what the message begins with
    ({"a.csv": b"text,label\na,1\n"}, "metrics.slices: 'genre' is not in a.csv; it has the columns text, label"),
    ({"x/pos/1.txt": b"a"}, "metrics.slices: 'genre' is a column, and texts in folders have none; take it away"),
    ({"a.parquet": parquet({"text": ["a"], "label": [1], "genre": [["film"]]})},
     "metrics.slices: 'genre' in a.parquet holds list<element: string>; it must hold texts, numbers, booleans or"),
    ({"genre=film/a.csv": b"text,label,genre\na,1,book\n"},
     "metrics.slices: 'genre' is a column of genre=film/a.csv, with other values than the name of its folder"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "message"), REFUSED)
def test_sources_slices_that_are_not_there_are_refused(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(files, "genre")
    assert str(caught.value).startswith(message)

"""Small files that would need much memory: what is parsed together is bounded, and the rows are the same."""

import random

import pytest

from pipeline.errors import UserError
from pipeline.files.text_stream import READ_SIZES
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import (
    FORMATS,
    csv_header,
    csv_quotes,
    csv_rows,
    json_lines,
    json_objects,
    text_lines,
    tf_example,
)
from pipeline.sources.formats.csv_quotes import first_row_end, last_row_end
from pipeline.sources.formats.dialect import Dialect
from pipeline.sources.formats.tf_wire import count_values
from pipeline.sources.schema import Batch
from pipeline.sources.tasks import ReadTask
from tests.support.memory_files import COLUMNS, MemoryFiles, read, rejected_of, rows_of
from tests.support.tf_examples import Value, framed, serialized

CSV_ROWS = [b"ragged\n", b"a%d,b\n", b'"a\n%d",b\r\n', b"a%d,\n", b"a%d,b,c\n", b"\n"]
JSON_ROWS = [b'{"text":"a%d","label":"b"}\n', b'{"text":%d}\n', b"[%d]\n", b"\n"]


def file_of(rows: list[bytes], *, begin: bytes = b"") -> bytes:
    drawn = enumerate(random.Random(1).choices(rows, k=300))
    return begin + b"".join(row % number if b"%d" in row else row for number, row in drawn)


# A file, its format, the module that parses it, and columns of rows of it.
VERY_SHORT_ROWS = [
    (file_of(CSV_ROWS, begin=b"text,label\n"), "csv", csv_rows, COLUMNS),
    (file_of(CSV_ROWS, begin=b"text,label\n\xff,b\n").replace(b"ragged", b"ragg\xff"), "csv", csv_rows, COLUMNS),
    (file_of([b"ragged\n"], begin=b"text,label\na,b\n"), "csv", csv_rows, COLUMNS),
    (file_of(JSON_ROWS), "jsonl", json_lines, COLUMNS),
    (file_of([b"a%d\r\n", b"\n", b"\xff\n"]), "lines", text_lines, ColumnNames("text")),
]


@pytest.mark.parametrize(("content", "format", "module", "columns"), VERY_SHORT_ROWS)
def test_sources_bounds_of_very_short_rows(
    monkeypatch: pytest.MonkeyPatch, content: bytes, format: str, module: object, columns: ColumnNames
) -> None:
    def batches() -> list[Batch]:
        task, files = ReadTask("a", 0, format), MemoryFiles({"a": content})
        return list(FORMATS[format].read_all([task], columns, files, sizes=READ_SIZES))

    (whole,) = batches()
    monkeypatch.setattr(module, "ROWS_PER_BATCH", 10)
    monkeypatch.setattr(csv_rows, "MAX_ROWS", 10)
    parts = batches()
    assert max(part.count for part in parts) <= 20
    assert rows_of(parts) == rows_of([whole])
    assert sorted(rejected_of(parts)) == rejected_of([whole])
    numbers = [row["row"] for part in parts for row in [*part.rows.to_pylist(), *part.rejected.to_pylist()]]
    assert sorted(numbers) == list(range(whole.count))
    assert whole.count >= 200


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_sources_bounds_of_quotes(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    draw = random.Random(size)
    samples = [bytes(draw.choices(b'"""a,\n\r', k=draw.randrange(40))) for _ in range(2000)]
    dialect = Dialect(",", checks_quotes=True)
    ends = [(last_row_end(data, dialect=dialect), first_row_end(data, dialect=dialect)) for data in samples]
    assert len(set(ends)) > 50
    monkeypatch.setattr(csv_quotes, "SEGMENT_BYTES", size)
    assert [(last_row_end(data, dialect=dialect), first_row_end(data, dialect=dialect)) for data in samples] == ends


def test_sources_bounds_of_values_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_objects, "SHORT_LINE_BYTES", 40)
    monkeypatch.setattr(json_objects, "MAX_VALUES", 5)
    lines = [
        b'{"text":"a","label":"b","x":[0,0,0,0,0]}',  # 40 bytes
        b'{"text":"a, b and some other words","label":"b","x":[0]}',
        b'{"text":"a","label":"b","x":[0,0,0,0,00]}',
        b'{"text":"a","label":"b","x":[[],[],[],[]]}',
    ]
    rows, rejected = read(b"\n".join(lines), "a.jsonl")
    assert [place for _, _, place in rows] == [0, 41]
    assert rejected == [(2, "too many values"), (3, "too many values")]


def test_sources_bounds_of_columns_in_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_header, "MAX_COLUMNS", 3)
    assert len(read(b"text,label,x\na,b,c\n", "a.csv")[0]) == 1
    with pytest.raises(UserError, match=r"^input.path: the first row of a.csv has more than 3 columns; set"):
        read(b"text,label,x,y,z\na,b,c,d,e\n", "a.csv")


# features of a record beside text and label -> the values that it has, 8 for each feature
VALUES: list[tuple[dict[str, Value], int]] = [
    ({}, 16 + 2),
    ({"x": [0] * 100}, 24 + 2 + 100),
    ({"x": [1 << 40, -1] * 50}, 24 + 2 + 100),  # 6 and 10 bytes each
    ({"x": [b""] * 100}, 24 + 2 + 100),
    ({"x": [0.5] * 100}, 24 + 2),  # floats take what is stored
    ({str(number): None for number in range(100)}, 800 + 16 + 2),
]


@pytest.mark.parametrize(("features", "values"), VALUES)
def test_sources_bounds_of_values_in_tfrecord(
    monkeypatch: pytest.MonkeyPatch, features: dict[str, Value], values: int
) -> None:
    record = serialized({"text": b"a", "label": b"b", **features})
    assert count_values(record, most=1000) == values
    assert count_values(record, most=10) <= 10 + 8 + 100
    other = serialized({"text": b"b", "label": b"b"})
    content = framed(other, record)
    assert len(read(content, "a.tfrecord")[0]) == 2
    monkeypatch.setattr(tf_example, "SHORT_RECORD_BYTES", len(other))
    monkeypatch.setattr(tf_example, "MAX_VALUES", values - 1)
    assert read(content, "a.tfrecord")[1] == ([(1, "too many values")] if len(record) > len(other) else [])
    monkeypatch.setattr(tf_example, "MAX_VALUES", values)
    assert read(content, "a.tfrecord")[1] == []


def test_sources_bounds_of_a_tfrecord_that_is_none() -> None:
    for record in (b"\x0b", b"\x0a\x05a", b"\x80", b"\xff" * 20, b"\x09abc"):
        with pytest.raises(ValueError, match=r"field|number"):
            count_values(record, most=10)

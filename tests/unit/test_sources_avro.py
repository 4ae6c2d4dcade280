"""Avro files, written by fastavro -> used and rejected rows, damage, ranges, bounds."""

import contextlib
import io
import json
import struct
import zlib
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.sources import check_columns, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import avro_blocks
from tests.support.memory_files import COLUMNS, MemoryFiles, Rejected, Row, batches_of, plan, read, rejected_of, rows_of

MISSING_TEXT, MISSING_LABEL, INVALID, DAMAGED = "missing text", "missing label", "invalid UTF-8", "damaged file"
NOT_TEXT, NOT_LABEL = "text is not a string", "label is not a string, integer or boolean"
CODECS = ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]


def record(**fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": "row", "fields": [{"name": name, "type": kind} for name, kind in fields.items()]}


def avro(schema: Any, rows: list[Any], *, codec: str = "null", block: int = 16_000) -> bytes:
    """A file with a new block once it has `block` bytes."""
    buffer = io.BytesIO()
    fastavro.writer(buffer, schema, rows, codec=codec, sync_interval=block, sync_marker=b"0123456789abcdef")
    return buffer.getvalue()


def raw(schema: Any, *blocks: tuple[int, bytes], codec: str = "null") -> bytes:
    """A file of blocks as they are given: the number of rows, and bytes."""
    empty = avro(schema, [], codec=codec)
    return empty + b"".join(_long(rows) + _long(len(data)) + data + empty[-16:] for rows, data in blocks)


def _long(number: int) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, "long", number)
    return buffer.getvalue()


def pairs(*rows: tuple[Any, Any]) -> list[dict[str, Any]]:
    return [{"text": text, "label": label} for text, label in rows]


MAYBE = ["null", "string"]
STRINGS = record(text="string", label="string")
AB = [("a", "1", 0), ("b", "2", 1)]
ENUM = {"type": "enum", "name": "stars", "symbols": ["bad", "good"]}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 1}
# fmt: off
TABLE: list[tuple[str, Any, list[tuple[Any, Any]], list[Row], list[Rejected]]] = [
    # name, schema, rows, used (text, label, place), rejected (row, reason)
    ("strings", STRINGS, [("a", "1"), ("b", "2")], AB, []),
    ("bytes", record(text="bytes", label="bytes"), [(b"a", b"1"), (b"b", b"2")], AB, []),
    ("int", record(text="string", label="int"), [("a", 1), ("b", 2)], AB, []),
    ("long", record(text="string", label="long"), [("a", -(2**63)), ("b", 2)], [("a", str(-(2**63)), 0), AB[1]], []),
    ("float", record(text="string", label="float"), [("a", 1.0), ("b", 0.5)], AB[:1], [(1, NOT_LABEL)]),
    ("double", record(text="string", label="double"), [("a", 1.0), ("b", float("nan"))], AB[:1], [(1, MISSING_LABEL)]),
    ("boolean", record(text="string", label="boolean"), [("a", True)], [("a", "true", 0)], []),
    ("enum", record(text="string", label=ENUM), [("a", "good")], [("a", "good", 0)], []),
    ("enum as text", record(text=ENUM, label="int"), [("good", 1)], [("good", "1", 0)], []),
    ("union", record(text=MAYBE, label=["null", "int"]), [("a", 1), (None, 1), ("c", None)],
     AB[:1], [(1, MISSING_TEXT), (2, MISSING_LABEL)]),
    ("wide union", record(text=["int", "string"], label=["boolean", "long", "string"]),
     [("a", "1"), (7, 1), ("c", True)], [AB[0], ("c", "true", 2)], [(1, NOT_TEXT)]),
    ("list in a union", record(text=["string", {"type": "array", "items": "int"}], label="int"), [("a", 1), ([7], 1)],
     AB[:1], [(1, NOT_TEXT)]),
    ("decimal", record(text="string", label=DECIMAL), [("a", Decimal("1.0")), ("b", Decimal("2.5"))],
     AB[:1], [(1, NOT_LABEL)]),
    ("uuid is a string", record(text={"type": "string", "logicalType": "uuid"}, label="int"),
     [("12345678-1234-5678-1234-567812345678", 1)], [("12345678-1234-5678-1234-567812345678", "1", 0)], []),
    ("other fields", record(x={"type": "array", "items": "string"}, label="int", text="string",
                            m={"type": "map", "values": ["null", "long"]}, s=ENUM), [("a", 1), ("b", 2)], AB, []),
    ("no rows", STRINGS, [], [], []),
]
# fmt: on


@pytest.mark.parametrize(
    ("schema", "rows", "used", "rejected"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE]
)
def test_sources_avro(schema: Any, rows: list[tuple[Any, Any]], used: list[Row], rejected: list[Rejected]) -> None:
    others = {"x": ["y", "z"], "m": {"k": 1, "n": None}, "s": "bad"}
    content = avro(schema, [{**others, **row} for row in pairs(*rows)], block=1)
    for name in ("a.avro", "a"):  # the content tells as well
        assert read(content, name) == (used, rejected)
        parts = read(content, name, range_bytes=1)
        assert (parts[0], [reason for _, reason in parts[1]]) == (used, [reason for _, reason in rejected])


@pytest.mark.parametrize("codec", CODECS)
def test_sources_avro_codecs(codec: str) -> None:
    rows = [(f"text {number} é", number % 2) for number in range(500)]
    content = avro(record(text="string", label="int"), pairs(*rows), codec=codec, block=1000)
    expected = [(text, str(label), place) for place, (text, label) in enumerate(rows)]
    assert read(content, "a.avro") == (expected, [])
    assert read(content, "a.avro", range_bytes=500) == (expected, [])
    assert len(plan(MemoryFiles({"a.avro": content}), range_bytes=500)) > 1


def test_sources_avro_of_an_unknown_codec_is_refused() -> None:
    content = avro(STRINGS, pairs(("a", "1"))).replace(b"\x08null", b"\x06lz4")
    with pytest.raises(UserError) as error:
        read(content, "a.avro")
    assert str(error.value) == (
        "input.path: a.avro is packed by 'lz4'; write it anew with one of null, deflate, snappy, bzip2, xz, zstandard"
    )


def test_sources_avro_invalid_utf8_is_one_rejected_row() -> None:
    text = b"\x02\xff\x021" + b"\x02b\x022"
    assert read(raw(STRINGS, (2, text)), "a.avro") == (AB[1:], [(0, INVALID)])


def test_sources_avro_nested_columns() -> None:
    review = {"type": "record", "name": "review", "namespace": "a.b", "fields": [
        {"name": "text", "type": "string"}, {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "other", "type": ["null", "stars"]},
    ]}  # fmt: skip
    schema = record(
        stars={**ENUM, "namespace": "a.b"}, review=["null", review], again=["null", "a.b.review"], label="int"
    )
    inner = {"text": "a", "tags": ["x"], "other": "bad"}
    rows = [
        {"stars": "bad", "review": inner, "again": {**inner, "text": "b"}, "label": 1},
        {"stars": "good", "review": None, "again": None, "label": 2},
    ]
    content = avro(schema, rows)
    assert read(content, "a.avro", ColumnNames("review.text", "label")) == ([("a", "1", 0)], [(1, MISSING_TEXT)])
    assert read(content, "a.avro", ColumnNames("again.text", "stars")) == ([("b", "bad", 0)], [(1, MISSING_TEXT)])
    # The same record, needed in two parts: all of the row is read.
    assert read(content, "a.avro", ColumnNames("review.text", "again.other")) == (
        [("a", "bad", 0)],
        [(1, MISSING_TEXT)],
    )
    assert read(content, "a.avro", ColumnNames(("review.text", "again.text"), "label"))[0] == [("a b", "1", 0)]


def test_sources_avro_times() -> None:
    day, instant = {"type": "int", "logicalType": "date"}, {"type": "long", "logicalType": "timestamp-millis"}
    schema = record(text="string", label="int", day=["null", day], at=instant)
    rows = [
        {"text": "a", "label": 1, "day": date(2024, 1, 31), "at": datetime(2024, 1, 31, 8, tzinfo=timezone.utc)},
        {"text": "b", "label": 2, "day": None, "at": datetime(2024, 1, 31, tzinfo=timezone.utc)},
    ]
    content = avro(schema, rows)
    found = {
        name: [
            (row["text"], row["time"])
            for batch in batches_of(content, "a.avro", ColumnNames("text", "label", time=name))
            for row in batch.rows.to_pylist()
        ]
        for name in ("day", "at")
    }
    assert found == {
        "day": [(b"a", 1_706_659_200_000_000)],
        "at": [(b"a", 1_706_688_000_000_000), (b"b", 1_706_659_200_000_000)],
    }
    files = MemoryFiles({"a.avro": content})
    with pytest.raises(
        UserError, match=r"^input\.label_column: 'day' in a\.avro holds date32\[day\]; it must hold strings"
    ):
        check_columns(plan(files), ColumnNames("text", "day"), files)


def test_sources_avro_dates_that_no_calendar_has_are_values_of_the_wrong_type() -> None:
    schema = record(text="string", label="int", at={"type": "long", "logicalType": "timestamp-millis"})
    row = b"\x02a\x02" + _long(2**63 - 1)
    batches = batches_of(raw(schema, (1, row)), "a.avro", ColumnNames("text", "label", id="at"))
    assert rows_of(batches) == [("a", "1", 0)]


# fmt: off
REFUSED: list[tuple[str, Any, ColumnNames, str]] = [
    # name, schema, columns, message
    ("no column", record(txt="string", label={"type": "record", "name": "l", "fields": [{"name": "x", "type": "int"}]}),
     COLUMNS, "input.text_column: 'text' is not in a.avro; it has the columns txt, label, label.x"),
    ("list", record(text={"type": "array", "items": "string"}, label="int"), COLUMNS,
     "input.text_column: 'text' in a.avro holds list<item: string>; it must hold texts"),
    ("number", record(text=["null", "int"], label="int"), COLUMNS,
     "input.text_column: 'text' in a.avro holds int32; it must hold texts"),
    ("map", record(text="string", label={"type": "map", "values": "int"}), COLUMNS,
     "input.label_column: 'label' in a.avro holds map<string, int32>; it must hold strings, integers or booleans, "
     "or lists of them"),
    ("no records", "string", COLUMNS,
     "input.path: the schema of a.avro can't be read: its rows are not records, but string; "
     "write its texts and labels to another file"),
    ("contains itself", record(text="string", label="int", next=["null", "row"]), COLUMNS,
     "input.path: the schema of a.avro can't be read: the type row contains itself; "
     "write its texts and labels to another file"),
    ("list of nothing", record(text="string", label="int", x={"type": "array", "items": "null"}), COLUMNS,
     "input.path: the schema of a.avro can't be read: it has a list of values that take no bytes; "
     "write its texts and labels to another file"),
]
# fmt: on


@pytest.mark.parametrize(("schema", "columns", "message"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED])
def test_sources_avro_refuses(schema: Any, columns: ColumnNames, message: str) -> None:
    files = MemoryFiles({"a.avro": avro(schema, [])})
    with pytest.raises(UserError) as error:
        check_columns(plan(files), columns, files)
    assert str(error.value) == message
    with pytest.raises(UserError) as error:  # a later file of an input is not looked at before
        list(read_tasks(plan(files), columns, files))
    assert str(error.value) == message


def with_schema(schema: bytes) -> bytes:
    """A file without blocks whose schema is any bytes."""
    return b"Obj\x01" + _long(1) + _long(11) + b"avro.schema" + _long(len(schema)) + schema + b"\0" + bytes(16)


DEEP = b'{"type":"array","items":' * 5000 + b'"int"' + b"}" * 5000
# Types that each hold the one before twice: 2 to the 40th in all.
DOUBLED = json.dumps(record(f0=record(a="int", b="int") | {"name": "r0"}, **{
    f"f{n}": record(a=f"r{n - 1}", b=f"r{n - 1}") | {"name": f"r{n}"} for n in range(1, 40)
})).encode()  # fmt: skip
SCHEMAS = [b"", b"7", b"[]", b"{", b'{"type":"record"}', b'"other"', b"\xff", DEEP, DOUBLED,
           b'{"type":"fixed","name":"f","size":"x"}', b'{"type":"record","name":"r","fields":[7]}']  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_sources_avro_any_schema_is_read_or_refused(schema: bytes) -> None:
    files = MemoryFiles({"a.avro": with_schema(schema)})
    with pytest.raises(UserError, match=r"^input\.path: the schema of a\.avro can't be read: it"):
        check_columns(plan(files), COLUMNS, files)


def test_sources_avro_of_another_format_is_refused() -> None:
    files = MemoryFiles({"a.avro": b"text,label\na,1\n"})
    with pytest.raises(UserError, match=r"^input\.path: a\.avro is not Avro \(it does not begin with Obj\); set"):
        check_columns(plan(files), COLUMNS, files)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.none() | st.text(max_size=20), st.sampled_from([None, "", "x", "é"])), max_size=20),
    codec=st.sampled_from(CODECS),
    block=st.sampled_from([1, 20, 1000]),
    range_bytes=st.sampled_from([1, 100, 1 << 20]),
)
def test_sources_avro_is_read_as_written(
    rows: list[tuple[str | None, str | None]], codec: str, block: int, range_bytes: int
) -> None:
    content = avro(record(text=MAYBE, label=MAYBE), pairs(*rows), codec=codec, block=block)
    used, rejected = read(content, "a.avro", range_bytes=range_bytes)
    assert used == [(text, label, place) for place, (text, label) in enumerate(rows) if text is not None and label]
    assert len(used) + len(rejected) == len(rows)


def test_sources_avro_is_cut_between_blocks() -> None:
    rows = [(f"text {number}", "xy"[number % 2]) for number in range(9)]
    content = avro(STRINGS, pairs(*rows), block=20)
    tasks = plan(MemoryFiles({"a.avro": content}), range_bytes=1)
    starts = [block["start"] for block in blocks_of(content)]
    assert [task.start for task in tasks] == [0, *starts[1:]]
    assert [task.stop for task in tasks] == [*starts[1:], None]
    counts = [block["rows"] for block in blocks_of(content)]
    assert [task.first_row for task in tasks] == [sum(counts[:number]) for number in range(len(counts))]
    remote = MemoryFiles({"gs://bucket/a.avro": content})
    assert [(task.start, task.stop) for task in plan(remote, range_bytes=1)] == [(0, None)]


def blocks_of(content: bytes) -> list[dict[str, int]]:
    """The blocks, as fastavro sees them."""
    return [{"start": block.offset, "rows": block.num_records} for block in fastavro.block_reader(io.BytesIO(content))]


ROWS = [(f"text {number} {'good' if number % 3 else 'bad'}", "xy"[number % 2]) for number in range(12)]
USED = [(text, label, place) for place, (text, label) in enumerate(ROWS)]
FILES = {codec: avro(STRINGS, pairs(*ROWS), codec=codec, block=50) for codec in CODECS}


@pytest.mark.parametrize("codec", CODECS)
def test_sources_avro_truncation_is_damage_unless_it_is_between_blocks(codec: str) -> None:
    content = FILES[codec]
    blocks = blocks_of(content)
    between = {block["start"]: sum(other["rows"] for other in blocks[:n]) for n, block in enumerate(blocks)}
    assert len(blocks) > 2
    for length in range(len(content)):
        used, rejected = read(content[:length], "a.avro")
        assert used == USED[: len(used)]
        if length in between:
            assert (len(used), rejected) == (between[length], [])
        else:
            assert rejected == [(len(used), DAMAGED)]


@pytest.mark.parametrize("codec", CODECS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_sources_avro_any_wrong_bytes_give_rows_or_damage(codec: str, data: st.DataObject) -> None:
    content = FILES[codec]
    wrong = bytearray(content)
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        wrong[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UserError):
        batches = batches_of(bytes(wrong), "a.avro")
        assert len(rows_of(batches)) + len(rejected_of(batches)) <= len(ROWS) + 1


ONE = b"\x02a\x021"
SNAPPY = b"\x04\x0c" + ONE + struct.pack(">I", zlib.crc32(ONE))  # four bytes, stored as they are
# fmt: off
WRONG = [
    # content, what is said
    (raw(STRINGS, (2, ONE)), "a block can't be read (EOFError: "),
    (raw(STRINGS, (1, ONE + b"\0")), "a block is longer than its rows"),
    (raw(STRINGS, (1, ONE + ONE)), "a block can't be read ("),
    (raw(STRINGS, (9, ONE)), "a block of 4 bytes has 9 rows"),
    (raw(STRINGS, (-1, ONE)), "a block has a wrong size"),
    (raw(STRINGS, (1, ONE))[:-1] + b"\0", "the mark after a block is wrong"),
    (raw(STRINGS, (1, ONE))[:-1], "the file ends within a block"),
    (raw(STRINGS, (1, SNAPPY[:-1] + b"\0"), codec="snappy"), "the checksum of a block is wrong"),
    (raw(STRINGS, (1, SNAPPY[1:]), codec="snappy"), "a block can't be unpacked"),
    (raw(STRINGS, (1, zlib.compress(ONE)), codec="deflate"), "a block can't be unpacked (Error -3"),
    (raw(STRINGS, (1, zlib.compress(ONE)[2:-4]), codec="deflate")[:-1] + b"\0", "the mark after a block is wrong"),
    (raw(STRINGS, (1, zlib.compress(ONE)[2:-3] + b"\0"), codec="deflate"), "the checksum of a block is wrong"),
    (raw(STRINGS, (1, zlib.compress(ONE)[2:-6]), codec="deflate"), "a block ends before its deflate stream does"),
    (raw(STRINGS, (1, b"\x02a\x01"), codec="null"), "a block can't be read ("),  # a length of -1
]
# fmt: on


@pytest.mark.parametrize(("content", "why"), WRONG)
def test_sources_avro_what_is_said_of_damage(content: bytes, why: str) -> None:
    batches = batches_of(content, "a.avro")
    assert rows_of(batches) == []
    (lost,) = [lost for batch in batches for lost in batch.lost]
    assert lost.why.startswith(why)


def test_sources_avro_snappy_by_hand() -> None:
    assert read(raw(STRINGS, (1, SNAPPY), codec="snappy"), "a.avro") == (AB[:1], [])


@pytest.mark.parametrize("codec", CODECS)
def test_sources_avro_bounds_of_a_block(monkeypatch: pytest.MonkeyPatch, codec: str) -> None:
    content = avro(STRINGS, pairs(("a" * 100_000, "1")), codec=codec)
    assert len(read(content, "a.avro")[0]) == 1
    monkeypatch.setattr(avro_blocks, "BLOCK_BYTES", 50_000)
    monkeypatch.setattr(avro_blocks, "_PIECE_BYTES", 1000)
    with pytest.raises(
        UserError, match=r"^input\.path: a\.avro has a block of .*; write the file anew in smaller blocks"
    ):
        read(content, "a.avro")


def test_sources_avro_bounds_of_the_rows_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avro_blocks, "BLOCK_ROWS", 10)
    with pytest.raises(UserError, match=r"has a block of 12 rows, and the largest that is read has 10"):
        read(avro(STRINGS, pairs(*ROWS)), "a.avro")

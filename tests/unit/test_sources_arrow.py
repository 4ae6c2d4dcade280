"""Arrow IPC streams and files, written by pyarrow -> used and rejected rows, damage, ranges, bounds."""

import contextlib
import io
import json
import warnings

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.sources import check_columns, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import arrow_messages, arrow_tables
from pipeline.sources.tasks import ReadTask
from tests.support.memory_files import COLUMNS, MemoryFiles, Rejected, Row, batches_of, plan, read, rejected_of, rows_of

MISSING_TEXT, MISSING_LABEL, INVALID, DAMAGED = "missing text", "missing label", "invalid UTF-8", "damaged file"
NOT_LABEL = "label is not a string, integer or boolean"


def stream(table: pa.Table, *, rows: int = 2, compression: str | None = None) -> bytes:
    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(buffer, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return buffer.getvalue()


def file(table: pa.Table, *, rows: int = 2, compression: str | None = None) -> bytes:
    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_file(buffer, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return buffer.getvalue()


def feather(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pyarrow.feather.write_feather(table, buffer)
    return buffer.getvalue()


def of_strings(*rows: tuple[str | None, str | None]) -> pa.Table:
    return pa.table([pa.array([row[column] for row in rows], pa.string()) for column in (0, 1)], ["text", "label"])


def invalid(values: list[bytes]) -> pa.Array:
    """A string column of any bytes, which nobody checked."""
    return pa.array(values, pa.binary()).view(pa.string())


def runs(lengths: list[int], values: list[str]) -> pa.Array:
    return pa.RunEndEncodedArray.from_arrays(pa.array(lengths, pa.int32()), pa.array(values))


AB = [("a", "1", 0), ("b", "2", 1)]
LABELS = pa.array([1, 2])
# fmt: off
TABLES: list[tuple[str, pa.Table, list[Row], list[Rejected]]] = [
    # name, table, used (text, label, place), rejected (row, reason)
    ("plain", of_strings(("a", "1"), ("b", "2")), AB, []),
    ("other columns", pa.table({"x": [[1], None], "label": LABELS, "text": ["a", "b"]}), AB, []),
    ("large", pa.table({"text": pa.array(["a", "b"], pa.large_string()), "label": LABELS}), AB, []),
    ("view", pa.table({"text": pa.array(["a", "b"], pa.string_view()), "label": LABELS}), AB, []),
    ("long view", pa.table({"text": pa.array(["a" * 50, None], pa.string_view()), "label": LABELS}),
     [("a" * 50, "1", 0)], [(1, MISSING_TEXT)]),
    ("binary", pa.table({"text": [b"a", b"b"], "label": LABELS}), AB, []),
    ("dictionary", pa.table({"text": pa.array(["a", "b"]).dictionary_encode(), "label": LABELS.dictionary_encode()}),
     AB, []),
    ("dictionary with nulls", pa.table({"text": pa.array([None, "b"]).dictionary_encode(), "label": LABELS}),
     AB[1:], [(0, MISSING_TEXT)]),
    ("empty dictionary", pa.table({"text": pa.array([None], pa.string()).dictionary_encode(), "label": [1]}),
     [], [(0, MISSING_TEXT)]),
    ("runs", pa.table({"text": runs([2, 3], ["a", "b"]), "label": [1, 2, 3]}),
     [("a", "1", 0), ("a", "2", 1), ("b", "3", 2)], []),
    ("extension", pa.table({"text": pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(["a", "b"])),
                            "label": LABELS}), AB, []),
    ("floats", pa.table({"text": ["a", "b"], "label": [1.0, 2.5]}), AB[:1], [(1, NOT_LABEL)]),
    ("booleans", pa.table({"text": ["a"], "label": [True]}), [("a", "true", 0)], []),
    ("nulls", of_strings((None, "1"), ("b", None), ("c", "3")),
     [("c", "3", 2)], [(0, MISSING_TEXT), (1, MISSING_LABEL)]),
    ("invalid UTF-8", pa.table({"text": invalid([b"\xff", b"b"]), "label": LABELS}), AB[1:], [(0, INVALID)]),
    ("no rows", of_strings(), [], []),
]
# fmt: on


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("write", [stream, file])
@pytest.mark.parametrize(("table", "used", "rejected"), [case[1:] for case in TABLES], ids=[case[0] for case in TABLES])
def test_sources_arrow(
    table: pa.Table, used: list[Row], rejected: list[Rejected], write: object, compression: str | None
) -> None:
    content = write(table, compression=compression)  # type: ignore[operator]
    for name in ("a.arrow", "a"):  # the content tells as well
        assert read(content, name) == (used, rejected)
        assert read(content, name, range_bytes=1) == (used, rejected)


@pytest.mark.parametrize("name", ["a.feather", "a.ipc", "a.arrows", "a.arrow"])
def test_sources_arrow_endings(name: str) -> None:
    assert read(feather(of_strings(("a", "1"), ("b", "2"))), name) == (AB, [])


def test_sources_arrow_of_the_datasets_library() -> None:
    # As its ArrowWriter writes them: a stream, with its features in the schema's metadata. Labels stay integers.
    features = {
        "text": {"dtype": "string", "_type": "Value"},
        "label": {"names": ["neg", "pos"], "_type": "ClassLabel"},
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}, "fingerprint": "c0ffee"})}
    table = pa.table({"text": ["good", "bad"], "label": [1, 0]}).replace_schema_metadata(metadata)
    assert read(stream(table, rows=1000), "data-00000-of-00001.arrow") == ([("good", "1", 0), ("bad", "0", 1)], [])


def test_sources_arrow_nested_columns() -> None:
    reviews = pa.array([{"text": "a", "x": [1]}, None, {"text": None, "x": None}])
    table = pa.table({"review": reviews, "label": ["x", "y", "z"]})
    columns = ColumnNames("review.text", "label")
    for write in (stream, file):
        assert read(write(table), "a.arrow", columns) == ([("a", "x", 0)], [(1, MISSING_TEXT), (2, MISSING_TEXT)])


def test_sources_arrow_is_cut_between_batches() -> None:
    rows = [(f"text {number}", "xy"[number % 2]) for number in range(9)]
    used = [(text, label, place) for place, (text, label) in enumerate(rows)]
    for content in (stream(of_strings(*rows)), file(of_strings(*rows))):
        files = MemoryFiles({"a.arrow": content})
        tasks = plan(files, range_bytes=1)
        assert [(task.start > 0, task.first_row) for task in tasks] == [(n > 0, 2 * n) for n in range(5)]
        assert [task.stop for task in tasks] == [task.start for task in tasks[1:]] + [None]
        assert read(content, "a.arrow", range_bytes=1) == (used, [])
        assert len(plan(files, range_bytes=len(content) // 2)) in (2, 3)
        remote = MemoryFiles({"gs://bucket/a.arrow": content})
        assert [(task.start, task.stop) for task in plan(remote, range_bytes=1)] == [(0, None)]


def test_sources_arrow_with_dictionaries_that_change_is_read_as_a_whole() -> None:
    buffer = io.BytesIO()
    tables = [pa.table({"text": pa.array([text]).dictionary_encode(), "label": [label]}) for text, label, _ in AB]
    with pa.ipc.new_stream(buffer, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    assert len(plan(MemoryFiles({"a.arrow": buffer.getvalue()}), range_bytes=1)) == 1
    assert read(buffer.getvalue(), "a.arrow", range_bytes=1) == (AB, [])
    # One dictionary before all batches is no hindrance.
    table = pa.table({"text": pa.array(["a", "b"]).dictionary_encode(), "label": [1, 2]})
    assert len(plan(MemoryFiles({"a.arrow": stream(table, rows=1)}), range_bytes=1)) == 2


TYPES = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int32(), pa.string())]


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(st.none() | st.text(max_size=20), st.sampled_from([None, "", "x", "é"])), max_size=20),
    kind=st.sampled_from(TYPES),
    is_file=st.booleans(),
    compression=st.sampled_from([None, "lz4", "zstd"]),
    batch=st.integers(1, 8),
    range_bytes=st.sampled_from([1, 300, 1 << 20]),
)
def test_sources_arrow_is_read_as_written(
    rows: list[tuple[str | None, str | None]],
    kind: pa.DataType,
    is_file: bool,
    compression: str | None,
    batch: int,
    range_bytes: int,
) -> None:
    table = of_strings(*rows)
    table = table.set_column(0, "text", table["text"].cast(kind))
    content = (file if is_file else stream)(table, rows=batch, compression=compression)
    used, rejected = read(content, "a.arrow", range_bytes=range_bytes)
    assert used == [(text, label, place) for place, (text, label) in enumerate(rows) if text is not None and label]
    assert len(used) + len(rejected) == len(rows)


def test_sources_arrow_columns_are_checked_before_a_job() -> None:
    table = pa.table({"text": [["a"]], "label": [{"x": 1}], "other": ["a"]})
    cases = [
        (ColumnNames("txt"), "input.text_column: 'txt' is not in a.arrow; it has the columns text, "
                             "label, label.x, other"),
        (ColumnNames("text"), "input.text_column: 'text' in a.arrow holds list<item: string>; it must hold texts"),
        (ColumnNames("other", "label"), "input.label_column: 'label' in a.arrow holds struct<x: int64>; "
                                        "it must hold strings, integers or booleans, or lists of them"),
    ]  # fmt: skip
    for content in (stream(table), file(table)):
        files = MemoryFiles({"a.arrow": content})
        for columns, message in cases:
            with pytest.raises(UserError) as error:
                check_columns(plan(files), columns, files)
            assert str(error.value) == message
            with pytest.raises(UserError) as error:  # a later file of an input is not looked at before
                list(read_tasks(plan(files), columns, files))
            assert str(error.value) == message


# fmt: off
OTHERS = [
    # content, message
    (b"text,label\n", "input.path: a.arrow is not Arrow IPC (it does not begin with ARROW1, nor as a stream does); "
                      "set input.format"),
    (b"FEA1\0\0\0\0", "input.path: a.arrow is a Feather file of version 1; write it anew: "
                      "pyarrow.feather.write_feather(pyarrow.feather.read_table('a.arrow'), 'reviews.feather')"),
    (bytes.fromhex("1f8b080000000000"), "input.path: a.arrow is compressed as a whole (gzip), and Arrow IPC compresses "
                                        "inside the file; unpack it"),
]
# fmt: on


@pytest.mark.parametrize(("content", "message"), OTHERS)
def test_sources_arrow_of_another_format_is_refused(content: bytes, message: str) -> None:
    files = MemoryFiles({"a.arrow": content})
    with pytest.raises(UserError) as error:
        check_columns(plan(files), COLUMNS, files)
    assert str(error.value) == message


def test_sources_arrow_feather_1_is_written_anew_as_the_message_says() -> None:
    old, new = io.BytesIO(), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        pyarrow.feather.write_feather(of_strings(("a", "1"), ("b", "2")), old, version=1)
        pyarrow.feather.write_feather(pyarrow.feather.read_table(io.BytesIO(old.getvalue())), new)
    assert old.getvalue().startswith(b"FEA1")
    assert read(new.getvalue(), "b.feather") == (AB, [])


ROWS = [(f"text {number} {'good' if number % 3 else 'bad'}", "xy"[number % 2]) for number in range(12)]
USED = [(text, label, place) for place, (text, label) in enumerate(ROWS)]
STREAM, FILE = stream(of_strings(*ROWS), rows=4), file(of_strings(*ROWS), rows=4)


@pytest.mark.parametrize("content", [STREAM, FILE, stream(of_strings(*ROWS), rows=4, compression="lz4")])
def test_sources_arrow_truncation_is_damage_wherever_it_is(content: bytes) -> None:
    for length in range(len(content)):
        used, rejected = read(content[:length], "a.arrow")
        assert used == USED[: len(used)]
        assert rejected == [(len(used), DAMAGED)]
        assert len(used) in (0, 4, 8, 12)


REPEATED = [
    # columns, input.text_column, how often it is there
    ([("text", ["a"]), ("label", ["1"]), ("text", ["b"])], "text", 2),
    ([("r", [{"text": "a"}]), ("r", [{"text": "b"}]), ("label", ["1"])], "r.text", 2),
    ([("text", ["a"]), ("label", ["1"]), ("x", ["b"]), ("x", ["b"])], "text", 1),  # the other one is not read
    ([("r.text", ["a"]), ("r", [{"text": "b"}]), ("label", ["1"])], "r.text", 1),  # the whole name goes before
]


@pytest.mark.parametrize(("columns", "text", "number"), REPEATED)
def test_sources_of_arrow_tables_refuse_a_column_that_is_there_twice(
    columns: list[tuple[str, list[object]]], text: str, number: int
) -> None:
    table = pa.Table.from_arrays([pa.array(values) for _, values in columns], names=[name for name, _ in columns])
    parquet = io.BytesIO()
    pyarrow.parquet.write_table(table, parquet)
    for name, content in (("a.arrow", file(table)), ("a.arrows", stream(table)), ("a.parquet", parquet.getvalue())):
        files = MemoryFiles({name: content})
        if number > 1:
            with pytest.raises(UserError) as error:
                check_columns(plan(files), ColumnNames(text, "label"), files)
            assert str(error.value) == f"input.text_column: {name} has {number} columns {text!r}; rename all but one"
        else:
            assert read(content, name, ColumnNames(text, "label")) == ([("a", "1", 0)], [])


# fmt: off
WRONG = [
    # content, rows before the damage, what is said
    (STREAM[:-8], 12, "the file ends without its end mark, between two batches"),
    (STREAM + b"\0", 12, "other bytes follow its end mark"),
    (STREAM + STREAM, 12, "other bytes follow its end mark"),
    (FILE[:-1], 12, "other bytes follow its end mark"),
    (FILE[:8] + STREAM, 12, "the file has no footer"),
    (FILE.replace(b"ARROW1", b"ARROW2").replace(b"ARROW2", b"ARROW1", 1), 12, "other bytes follow its end mark"),
]
# fmt: on


@pytest.mark.parametrize(("content", "before", "why"), WRONG)
def test_sources_arrow_what_is_said_of_damage(content: bytes, before: int, why: str) -> None:
    batches = batches_of(content, "a.arrow")
    assert rows_of(batches) == USED[:before]
    assert [lost.why for batch in batches for lost in batch.lost] == [why]


@pytest.mark.parametrize("content", [STREAM, FILE, stream(of_strings(*ROWS), rows=4, compression="zstd")])
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_sources_arrow_any_wrong_bytes_give_rows_or_damage(content: bytes, data: st.DataObject) -> None:
    # Arrow has no checksums: another letter is another text. But nothing ends the process, and nothing is added.
    wrong = bytearray(content)
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        wrong[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UserError):
        batches = batches_of(bytes(wrong), "a.arrow")
        assert len(rows_of(batches)) + len(rejected_of(batches)) <= len(ROWS) + 1


def test_sources_arrow_wrong_offsets_are_damage() -> None:
    # Offsets of strings that point outside of the column, and indices outside of the dictionary.
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 1 << 20, 2)))
    text = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"ab")])
    indices = pa.DictionaryArray.from_arrays(pa.array([0, 9], pa.int8()), pa.array(["a"]), safe=False)
    for column in (text, indices):
        content = stream(pa.table({"text": column, "label": ["x", "y"]}))
        assert read(content, "a.arrow") == ([], [(0, DAMAGED)])


def test_sources_arrow_bounds_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    table = of_strings(*[("a" * 1000, "x")] * 50)
    packed = stream(table, rows=50, compression="zstd")
    assert len(packed) < 2000
    monkeypatch.setattr(arrow_messages, "BATCH_BYTES", 50_000)
    for content in (packed, stream(table, rows=50), file(table, rows=50)):
        with pytest.raises(UserError, match=r"a\.arrow has a record batch of 0 MiB.*chunksize=10_000"):
            read(content, "a.arrow")
    assert len(read(stream(table, rows=25, compression="zstd"), "a.arrow")[0]) == 50


def test_sources_arrow_bounds_of_what_a_dictionary_or_a_view_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_tables, "TABLE_BYTES", 1000)
    texts = ["a" * 400, "b", "c" * 1200] * 20
    long = pa.array(texts, pa.large_string())
    for column in (long.dictionary_encode(), long.cast(pa.string_view()), runs(list(range(1, 61)), texts)):
        table = pa.record_batch({"text": column, "label": pa.array(["x"] * 60)})
        values = arrow_tables.sound_columns(table, COLUMNS)
        found = list(arrow_tables.pieces(values))
        assert [text.decode() for piece in found for text in piece["text"].to_pylist()] == texts
        assert max(sum(map(len, piece["text"].to_pylist())) for piece in found if len(piece["text"]) > 1) <= 1000
    monkeypatch.setattr(arrow_tables, "LOOKED_ROWS", 7)
    assert [len(piece["text"]) for piece in arrow_tables.pieces(values)].count(1) >= 20


def test_sources_arrow_ranges_are_numbered_from_their_beginning() -> None:
    table = of_strings(("a", "1"), ("b", None), ("c", "3"), (None, "4"))
    task = plan(MemoryFiles({"a.arrow": stream(table)}), range_bytes=1)[1]
    assert isinstance(task, ReadTask)
    batches = list(read_tasks([task], COLUMNS, MemoryFiles({"a.arrow": stream(table)})))
    assert (rows_of(batches), rejected_of(batches)) == ([("c", "3", 2)], [(1, MISSING_TEXT)])

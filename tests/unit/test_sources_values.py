"""Values of every Arrow type as text, label, weight and so on: each row is used or rejected, and nothing fails.

Any bytes make a column of a type of fixed width, so its values are any that the type can have.
"""

import datetime
import io
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.sources import check_columns, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats.labels import labels as labels_of_column
from pipeline.sources.formats.validation import excerpt_of_columns, validated
from pipeline.sources.formats.values import Values
from pipeline.sources.schema import REJECTED_SCHEMA, ROWS_SCHEMA, Batch
from pipeline.sources.tasks import ReadTask
from tests.support.memory_files import COLUMNS, MemoryFiles, read

ALL = ColumnNames(
    "text", "label", id="id", split="split", group="group", time="time", weight="weight", slices=("slices.0",)
)
SEVERAL = replace(ALL, several_labels=True, label_separator="|")
TASK = ReadTask("a.parquet", 0, "parquet")

MISSING, WRONG, INVALID = "missing label", "label is not a string, integer or boolean", "invalid UTF-8"
IS_LIST = "label is a list; set input.several_labels"
DAY = datetime.date(2020, 1, 1)


def typed(values: list[object], kind: pa.DataType) -> pa.Array:
    return pa.array(values, kind)


def extension(kind: pa.BaseExtensionType, storage: pa.Array) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, storage)


# fmt: off
LABELS: list[tuple[Values, list[str]]] = [
    # column                                                             each row's label, or why it is rejected
    (pa.array(np.array([0, 1, 0.5, np.nan], "float16")),                 ["0", "1", WRONG, MISSING]),
    (typed([0, -0.0, 2**53, float("inf"), None], pa.float64()),          ["0", "0", WRONG, WRONG, MISSING]),
    (typed([Decimal("1.00"), Decimal("1.50"), None], pa.decimal32(5, 2)), ["1", WRONG, MISSING]),
    (typed([Decimal("1.00"), Decimal("-1.50")], pa.decimal64(5, 2)),     ["1", WRONG]),
    (typed([Decimal("-1"), None], pa.decimal128(38, 2)),                 ["-1", MISSING]),
    (typed([Decimal("7"), None], pa.decimal256(50, 0)),                  ["7", MISSING]),
    (typed([2**64 - 1, 0, None], pa.uint64()),                           ["18446744073709551615", "0", MISSING]),
    (typed([True, None], pa.bool_()),                                    ["true", MISSING]),
    (extension(pa.bool8(), typed([1, 0, None], pa.int8())),              ["true", "false", MISSING]),
    (extension(pa.json_(), typed(["7", None], pa.string())),             ["7", MISSING]),
    (extension(pa.uuid(), typed([b"a" * 16, None], pa.binary(16))),      [WRONG, MISSING]),
    (typed(["a", None, " b "], pa.string_view()),                        ["a", MISSING, "b"]),
    (typed([b"a", b"\xff"], pa.binary_view()),                           ["a", INVALID]),
    (typed([b"ab", None], pa.binary(2)),                                 ["ab", MISSING]),
    (pa.array(["a", None, "a"]).dictionary_encode(),                     ["a", MISSING, "a"]),
    (pa.array([1, None, 2]).dictionary_encode(),                         ["1", MISSING, "2"]),
    (pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["a", None])), ["a", MISSING]),
    (pa.RunEndEncodedArray.from_arrays([2, 3], pa.array(["a", None])),   ["a", "a", MISSING]),
    (pa.RunEndEncodedArray.from_arrays([1, 2], pa.array([1.0, 1.5])),    ["1", WRONG]),
    (typed([DAY, None], pa.date32()),                                    [WRONG, MISSING]),
    (typed([1, None], pa.timestamp("ns", "Europe/Berlin")),              [WRONG, MISSING]),
    (typed([2**62, 0, None], pa.timestamp("s")),                         [WRONG, WRONG, MISSING]),  # no year of ours
    (typed([1, None], pa.timestamp("us", "No/Where")),                   [WRONG, MISSING]),
    (typed([1, None], pa.duration("ns")),                                [WRONG, MISSING]),
    (typed([[1], None], pa.list_(pa.int64())),                           [IS_LIST, MISSING]),
    (typed([{"a": 1}, None], pa.struct({"a": pa.int64()})),              [WRONG, MISSING]),
    (pa.nulls(1),                                                        [MISSING]),
    (["a", 1, 1.0, True, b"a", "\ud83d", "a\ud83d", b"\xff"],            ["a", "1", "1", "true", "a", *[INVALID] * 3]),
    ([2**70, -0.0, float("inf"), 1e300, None, "", " "],   [str(2**70), "0", WRONG, WRONG, *[MISSING] * 3]),
    ([Decimal("sNaN"), Decimal("NaN"), Decimal("Infinity"), [1], {}, DAY],
     [MISSING, MISSING, WRONG, IS_LIST, WRONG, WRONG]),
]
# fmt: on


ARRAYS = [(values, labels) for values, labels in LABELS if isinstance(values, pa.Array)]


def in_order(batches: list[Batch]) -> list[str]:
    """Each row's label, or why it is rejected."""
    rows = [(row["row"], row["label"]) for batch in batches for row in batch.rows.to_pylist()]
    rejected = [(row["row"], row["reason"]) for batch in batches for row in batch.rejected.to_pylist()]
    return [what for _, what in sorted([*rows, *rejected])]


def batch_of(columns: Mapping[str, Values], asked: ColumnNames = ALL) -> Batch:
    numbers = np.arange(len(columns["text"]))
    return validated(
        TASK,
        columns,
        asked,
        ordinals=numbers,
        places=numbers,
        content=lambda row: excerpt_of_columns(asked, columns, row),
    )


@pytest.mark.parametrize(("values", "labels"), LABELS, ids=[str(getattr(v, "type", v))[:40] for v, _ in LABELS])
def test_sources_values_as_labels(values: Values, labels: list[str]) -> None:
    some = ["a"] * len(labels)
    batch = batch_of({**columns_with(some, "text"), "label": values, "time": ["2024-01-31"] * len(labels)})
    assert in_order([batch]) == labels


def test_sources_values_half_a_surrogate_pair_is_rejected() -> None:
    lines = b'{"text": "a", "label": "pos\\ud83d"}\n{"text": "\\ud83d", "label": 1}\n'
    lines += b'{"text": "b", "label": "\\ud83d\\ude00"}\n'
    used, rejected = read(lines, "a.jsonl")
    assert [(text, label) for text, label, _ in used] == [("b", "\U0001f600")]
    assert rejected == [(0, INVALID), (1, INVALID)]


UNITS = ["s", "ms", "us", "ns"]
FIXED_WIDTH = [
    pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
    pa.float16(), pa.float32(), pa.float64(), pa.decimal32(9, 2), pa.decimal64(18, 0), pa.decimal128(38, -3),
    pa.decimal256(76, 10), pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns"),
    *map(pa.timestamp, UNITS), pa.timestamp("ns", "Europe/Berlin"), pa.timestamp("s", "+05:30"),
    pa.timestamp("us", "No/Where"), *map(pa.duration, UNITS), pa.month_day_nano_interval(), pa.binary(3),
]  # fmt: skip
STRINGS = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary_view()]


@st.composite
def plain_arrays(draw: st.DrawFn) -> pa.Array:
    """A column of a type that holds no other."""
    rows = draw(st.integers(0, 6))
    is_null = np.array(draw(st.lists(st.booleans(), min_size=rows, max_size=rows)), bool)
    kind = draw(st.sampled_from([*FIXED_WIDTH, *STRINGS, pa.bool_(), pa.null()]))
    if kind in STRINGS:
        values = draw(st.lists(st.text(max_size=20), min_size=rows, max_size=rows))
        return pa.array([value.encode() for value in values], pa.binary(), mask=is_null).cast(kind)
    if kind == pa.null():
        return pa.nulls(rows)
    if kind == pa.bool_():
        return pa.array(is_null, mask=is_null)
    width = kind.bit_width // 8
    content = draw(st.binary(min_size=rows * width, max_size=rows * width))
    validity = pa.array(~is_null, pa.bool_()).buffers()[1]
    return pa.Array.from_buffers(kind, rows, [validity, pa.py_buffer(content)])


WAYS = [
    "plain", "dictionary", "runs", "extension", "list", "uneven lists", "pairs", "views", "dictionary of lists",
    "struct", "union", "slice",
]  # fmt: skip


@st.composite
def any_arrays(draw: st.DrawFn) -> pa.Array:
    """A column of any type: plain, in a dictionary, in runs, of an extension, or nested."""
    array = draw(plain_arrays())
    rows = len(array)
    match draw(st.sampled_from(WAYS)):
        case "dictionary":
            indices = st.none() | st.integers(0, rows - 1) if rows else st.none()
            chosen = draw(st.lists(indices, max_size=6))
            return pa.DictionaryArray.from_arrays(pa.array(chosen, pa.int32()), array)
        case "runs":
            with suppress(pa.ArrowInvalid):  # it takes only values that are whole
                return pa.RunEndEncodedArray.from_arrays(pa.array(range(1, rows + 1), pa.int32()), array)
        case "extension":
            return extension(pa.opaque(array.type, "kind", "vendor"), array)
        case "list":
            return pa.ListArray.from_arrays(pa.array(range(rows + 1), pa.int32()), array)
        case "uneven lists":
            edges = pa.array([0, *sorted(draw(st.lists(st.integers(0, rows), max_size=4))), rows], pa.int64())
            return pa.LargeListArray.from_arrays(edges, array)
        case "pairs":
            return pa.FixedSizeListArray.from_arrays(array[: rows // 2 * 2], 2)
        case "views":
            starts = draw(st.lists(st.integers(0, rows), max_size=4))
            sizes = pa.array([draw(st.integers(0, rows - start)) for start in starts], pa.int32())
            return pa.ListViewArray.from_arrays(pa.array(starts, pa.int32()), sizes, array)
        case "dictionary of lists":
            lists = pa.ListArray.from_arrays(pa.array([0, rows // 2, rows], pa.int32()), array)
            return pa.DictionaryArray.from_arrays(pa.array([1, 0, None, 1], pa.int32()), lists)
        case "struct":
            return pa.StructArray.from_arrays([array], ["a"])
        case "union":
            return pa.UnionArray.from_sparse(pa.array([0] * rows, pa.int8()), [array])
        case "slice":
            return array[draw(st.integers(0, 6)) :]
    return array


ODD_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.decimals(allow_nan=True),
    st.just(Decimal("sNaN")), st.dates(), st.text(st.characters(categories=["Cs"])), st.lists(st.integers()),
    st.dictionaries(st.text(), st.none()),
)  # fmt: skip
FIELDS = ["text", "label", "split", "id", "group", "time", "weight", "slices.0"]


def columns_with(values: Values, field: str) -> dict[str, Values]:
    others: dict[str, Values] = {name: ["a"] * len(values) for name in FIELDS}
    return {**others, "weight": [1] * len(values), field: values}


def check_every_row(batch: Batch, rows: int) -> None:
    assert sorted([*batch.rows["row"].to_pylist(), *batch.rejected["row"].to_pylist()]) == list(range(rows))
    batch.rows.validate(full=True)
    batch.rejected.validate(full=True)
    assert batch.rows.schema == ROWS_SCHEMA
    assert batch.rejected.schema == REJECTED_SCHEMA


@settings(max_examples=400, deadline=None)
@given(array=any_arrays(), field=st.sampled_from(FIELDS), asked=st.sampled_from([ALL, SEVERAL]))
def test_sources_values_every_row_of_any_array_is_used_or_rejected(
    array: pa.Array, field: str, asked: ColumnNames
) -> None:
    check_every_row(batch_of(columns_with(array, field), asked), len(array))


@settings(max_examples=200, deadline=None)
@given(values=st.lists(ODD_VALUES, max_size=6), field=st.sampled_from(FIELDS), asked=st.sampled_from([ALL, SEVERAL]))
def test_sources_values_every_row_of_any_python_values_is_used_or_rejected(
    values: list[object], field: str, asked: ColumnNames
) -> None:
    check_every_row(batch_of(columns_with(values, field), asked), len(values))


def as_parquet(table: pa.Table) -> bytes | None:
    buffer = io.BytesIO()
    try:
        pq.write_table(table, buffer)
    except (pa.ArrowException, OSError):
        return None  # Parquet has no such type
    return buffer.getvalue()


def as_arrow(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    with pa.ipc.new_file(buffer, table.schema) as file:
        file.write_table(table)
    return buffer.getvalue()


WRITERS = {"parquet": as_parquet, "arrow": as_arrow}


def batches_of(table: pa.Table, columns: ColumnNames, format: str) -> list[Batch] | str:
    """The rows of a file of the format; or what it is refused for, which is before a job starts."""
    content = WRITERS[format](table)
    if content is None:
        return "there is no such file"
    files, task = MemoryFiles({"a": content}), ReadTask("a", 0, format)
    try:
        check_columns([task], columns, files)
    except UserError as error:
        return str(error)
    return list(read_tasks([task], columns, files, damaged="use_what_is_whole"))


@pytest.mark.parametrize("format", WRITERS)
@settings(max_examples=200, deadline=None)
@given(array=any_arrays(), field=st.sampled_from(FIELDS), asked=st.sampled_from([ALL, SEVERAL]))
def test_sources_values_of_a_file_are_used_rejected_or_refused(
    format: str, array: pa.Array, field: str, asked: ColumnNames
) -> None:
    batches = batches_of(pa.table(columns_with(array, field)), asked, format)
    if isinstance(batches, str):
        return
    # Arrow says of some bytes that they are no value of the type: a time of day of 30 hours.
    assert sum(batch.count for batch in batches) == len(array) or any(batch.lost for batch in batches)


@pytest.mark.parametrize("format", WRITERS)
@pytest.mark.parametrize(("array", "labels"), ARRAYS, ids=[str(array.type)[:40] for array, _ in ARRAYS])
def test_sources_values_as_labels_of_a_file(format: str, array: pa.Array, labels: list[str]) -> None:
    batches = batches_of(pa.table({"text": ["a"] * len(array), "label": array}), COLUMNS, format)
    if isinstance(batches, str):
        assert set(labels) <= {WRONG, MISSING, IS_LIST, "ab"} or "no such file" in batches
    else:
        assert in_order(batches) == labels


TOKENS = st.sampled_from([
    "1e400", "-1e400", "-0.0", "-0", "1E5", "18446744073709551616", "-9223372036854775809", "9" * 5000, "NaN",
    "Infinity", "-Infinity", "true", "null", '"\\ud83d"', '"\\ude00\\ud83d"', '"\\u0000"', '"\\u00a0"', "[]", "{}",
    "[1]", '{"a": 1}', "1.0", "1.5", '""', '" "', "0x1", "01", "'a'",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(st.tuples(TOKENS, TOKENS, TOKENS, TOKENS), min_size=1, max_size=5), integer=st.booleans())
def test_sources_values_of_json_are_used_or_rejected(rows: list[tuple[str, ...]], integer: bool) -> None:
    fields = ("text", "label", "split", "time", "weight", "slices.0", "id", "group")
    lines = "".join(
        "{"
        + ", ".join(f'"{field}": {token}' for field, token in zip(fields, [*row, *row[:2], "1", "2"], strict=True))
        + "}\n"
        for row in rows
    )
    columns = replace(SEVERAL if integer else ALL, time_is_integer=integer)
    batches = list(read_tasks([ReadTask("a", 0, "jsonl")], columns, MemoryFiles({"a": lines.encode()})))
    assert sum(batch.count for batch in batches) == len(rows)
    for batch in batches:
        batch.rows.validate(full=True)


def test_sources_values_of_json_as_labels() -> None:
    tokens = ["-0.0", "-0", "1E5", "1e400", "18446744073709551616", "true", '"\\u00a0"', '"\\u0000"', "1.50"]
    lines = "".join(f'{{"text": "a", "label": {token}}}\n' for token in tokens)
    batches = list(read_tasks([ReadTask("a", 0, "jsonl")], COLUMNS, MemoryFiles({"a": lines.encode()})))
    assert in_order(batches) == ["0", "0", "100000", WRONG, WRONG, "true", "\u00a0", "\u0000", WRONG]


# values, the label of each if labels have an order, and without
FRACTIONS: list[tuple[Values, list[str | None], list[str | None]]] = [
    (pa.array([3.5, 4.0, None]), ["3.5", "4", None], [None, "4", None]),
    (pa.array([3.1, 4.0], pa.float32()), ["3.1", "4"], [None, "4"]),  # 3.0999999046325684 in 64 bits
    (pa.array([Decimal("3.50"), Decimal("1E+1")], pa.decimal128(5, 2)), ["3.5", "10"], [None, "10"]),
    ([3.5, 4, "4.5", -0.25], ["3.5", "4", "4.5", "-0.25"], [None, "4", "4.5", None]),  # as JSON has them
    ([math.inf, math.nan], [None, None], [None, None]),
]


@pytest.mark.parametrize(("values", "ordered", "plain"), FRACTIONS)
def test_sources_values_of_ordered_labels_may_be_fractions(
    values: Values, ordered: list[str | None], plain: list[str | None]
) -> None:
    assert labels_of_column(values, ColumnNames("text", "label", label_fractions=True))[0].to_pylist() == ordered
    assert labels_of_column(values, ColumnNames("text", "label"))[0].to_pylist() == plain

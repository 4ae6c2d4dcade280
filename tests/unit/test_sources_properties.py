"""The sources against writers and readers that we did not write: csv, json, gzip, zstandard, pyarrow's Parquet."""

import csv
import gzip
import io
import itertools
import json
from collections.abc import Callable
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.sources import read_tasks
from pipeline.sources.tasks import ReadTask
from tests.support.memory_files import COLUMNS, MemoryFiles, Row, batches_of, plan, read, rejected_of, rows_of, sizes_of

ASCII_SPACE = " \t\n\v\f\r"

# Much of what delimited text means something by, and a few characters of every length in UTF-8 and UTF-16.
ODD = st.sampled_from(list("\",\t\n\r\\;' a1é€\U0001f600\u2028\u0085\ufeff\u00a0"))
TEXTS = st.text(ODD | st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
# (text, label), and for CSV rows of another width.
ROWS = st.lists(st.tuples(TEXTS, TEXTS), max_size=12)
RAGGED_ROWS = st.lists(st.tuples(TEXTS, TEXTS) | st.tuples(TEXTS) | st.tuples(TEXTS, TEXTS, TEXTS), max_size=12)
# Blocks and chunks that end anywhere in a row, and one that holds it all.
BLOCKS = st.sampled_from([1, 2, 3, 7, 50, 1 << 20])


def expected(rows: list[tuple[str, ...]]) -> tuple[list[Row], list[tuple[int, str]]]:
    """What numbered rows of text and label come to."""
    used, rejected = [], []
    for number, row in enumerate(rows):
        if len(row) != 2:
            rejected.append((number, "wrong number of columns"))
        elif not row[1].strip(ASCII_SPACE):
            rejected.append((number, "missing label"))
        else:
            used.append((row[0], row[1].strip(ASCII_SPACE), number))
    return used, rejected


DIALECTS = [
    # quoting, line end
    (csv.QUOTE_ALL, "\n"),
    (csv.QUOTE_ALL, "\r\n"),
    (csv.QUOTE_ALL, "\r"),
    (csv.QUOTE_MINIMAL, "\r\n"),
    (csv.QUOTE_NONNUMERIC, "\n"),
]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16"]


@settings(max_examples=120, deadline=None)
@given(
    rows=RAGGED_ROWS,
    dialect=st.sampled_from(DIALECTS),
    format=st.sampled_from([("csv", ","), ("tsv", "\t")]),
    encoding=st.sampled_from(ENCODINGS),
    block=BLOCKS,
    compressed=st.booleans(),
)
def test_sources_properties_csv_is_read_as_written(
    rows: list[tuple[str, ...]],
    dialect: tuple[Any, str],
    format: tuple[str, str],
    encoding: str,
    block: int,
    compressed: bool,
) -> None:
    name, delimiter = format
    quoting, line_end = dialect
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerow(["text", "label"])
    writer.writerows(rows)
    content = file.getvalue().encode(encoding)
    found = read(
        gzip.compress(content, mtime=0) if compressed else content,
        f"a.{name}.gz" if compressed else f"a.{name}",
        sizes=sizes_of(block),
        quoting="quotes",
        escape="none",
    )
    assert found == expected(rows)


# What no writer writes: stray quotes, lone line ends, bytes of all kinds. Python's reader counts the rows.
@settings(max_examples=200, deadline=None)
@given(body=st.lists(st.sampled_from([b'"', b",", b"\n", b"\r", b"a", b"b", b" ", b"\xc3\xa9", b"\xff"])), block=BLOCKS)
@example(body=[b"a", b'"', b",", b'"', b"\n", b"b", b"\n"], block=1)
@example(body=[b'"', b'"', b'"', b"\n", b'"', b'"', b'"', b"\n"], block=1)
def test_sources_properties_csv_of_any_bytes_has_pythons_rows(body: list[bytes], block: int) -> None:
    content = b"".join(body)
    lines = io.StringIO(content.decode("latin-1"), newline="")
    rows = [row for row in csv.reader(lines) if row]
    used, rejected = read(b"text,label\n" + content, "a.csv", sizes=sizes_of(block), quoting="quotes")
    numbers = [place for _, _, place in used] + [row for row, _ in rejected]
    assert sorted(numbers) == list(range(len(rows)))
    for text, label, number in used:
        assert [text, label] == [
            field.encode("latin-1").decode() if column == 0 else field.encode("latin-1").decode().strip(ASCII_SPACE)
            for column, field in enumerate(rows[number])
        ]


INTEGERS = st.integers(-(2**63), 2**64 - 1)
JSON_VALUES = st.none() | st.booleans() | INTEGERS | st.floats() | TEXTS | st.lists(INTEGERS, max_size=2)


def expected_label(value: object) -> str | None:
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return f"{value:.0f}".replace("-0", "0") if value == 0 else f"{value:.0f}"
    if isinstance(value, int):
        return str(value)
    return value.strip(ASCII_SPACE) or None if isinstance(value, str) else None


@settings(max_examples=120, deadline=None)
@given(
    rows=st.lists(st.tuples(TEXTS | st.text(max_size=5), JSON_VALUES), max_size=12),
    ascii=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    block=BLOCKS,
)
def test_sources_properties_jsonl_is_read_as_written(
    rows: list[tuple[str, object]], ascii: bool, line_end: str, block: int
) -> None:
    lines = [json.dumps({"text": text, "label": label}, ensure_ascii=ascii) for text, label in rows]
    used, rejected = read("".join(line + line_end for line in lines).encode(), "a.jsonl", sizes=sizes_of(block))
    labels = [expected_label(label) for _, label in rows]
    assert [row[:2] for row in used] == [(text, label) for (text, _), label in zip(rows, labels, strict=True) if label]
    assert [row for row, _ in rejected] == [row for row, label in enumerate(labels) if not label]


@settings(max_examples=100, deadline=None)
@given(
    lines=st.lists(
        st.sampled_from(
            [
                b'{"text":"a","label":1}',
                b'{"text":"long and longer","label":"pos"}',
                b"broken",
                b"",
                b" \r",
                b'{"label":1}',
            ]
        ),
        max_size=10,
    ),
    mark=st.booleans(),
    last_line_end=st.booleans(),
    cuts=st.sets(st.integers(0, 150), max_size=8),
    block=BLOCKS,
)
def test_sources_properties_jsonl_ranges_make_the_whole(
    lines: list[bytes], mark: bool, last_line_end: bool, cuts: set[int], block: int
) -> None:
    content = (b"\xef\xbb\xbf" if mark else b"") + b"\n".join(lines) + (b"\n" if last_line_end else b"")
    assume(not content.endswith(b"broken"))  # that is damage, and no row
    files = MemoryFiles({"a.jsonl": content})
    edges = sorted({0, len(content)} | {cut for cut in cuts if cut < len(content)})
    tasks = [ReadTask("a.jsonl", 0, "jsonl", start, stop) for start, stop in itertools.pairwise(edges)]
    parts = [list(read_tasks([task], COLUMNS, files, sizes=sizes_of(block))) for task in tasks]
    whole = batches_of(content, "a.jsonl")
    assert [row for part in parts for row in rows_of(part)] == rows_of(whole)
    counts = [sum(batch.count for batch in part) for part in parts]
    rejected = [
        (sum(counts[:number]) + row, reason) for number, part in enumerate(parts) for row, reason in rejected_of(part)
    ]
    assert rejected == rejected_of(whole)


TYPES = [pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int32(), pa.string())]


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.tuples(st.none() | TEXTS, st.none() | TEXTS), max_size=20),
    types=st.tuples(st.sampled_from(TYPES), st.sampled_from(TYPES)),
    group=st.integers(1, 8),
    range_bytes=st.sampled_from([1, 300, 1 << 20]),
)
def test_sources_properties_parquet_is_read_as_written(
    rows: list[tuple[str | None, str | None]], types: tuple[pa.DataType, pa.DataType], group: int, range_bytes: int
) -> None:
    columns = [pa.array([row[column] for row in rows], pa.string()).cast(types[column]) for column in range(2)]
    file = io.BytesIO()
    pq.write_table(pa.table(columns, ["text", "label"]), file, row_group_size=group)
    used, rejected = read(file.getvalue(), "a.parquet", range_bytes=range_bytes)
    assert used == [
        (text, label.strip(ASCII_SPACE), number)
        for number, (text, label) in enumerate(rows)
        if text is not None and label is not None and label.strip(ASCII_SPACE)
    ]
    assert len(used) + len(rejected) == len(rows)


class Drip(io.BytesIO):
    """A file that gives few bytes at a time, as those of object stores may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(3, size) if size and size > 0 else 3)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.jsonl.gz", "a.csv.zst"])
def test_sources_properties_short_reads_change_nothing(name: str) -> None:
    class DripFiles(MemoryFiles):
        def open(self, path: str) -> BinaryIO:
            return Drip(self.contents[path])

    content = SMALL[name]
    files = DripFiles({name: content})
    batches = [batch for task in plan(files, range_bytes=20) for batch in read_tasks([task], COLUMNS, files)]
    assert rows_of(batches) == read(content, name)[0]


def _parquet() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"text": ["a", "é", "c"], "label": ["x", "y", "z"]}), file, row_group_size=1)
    return file.getvalue()


CSV_TEXT = 'text,label\ngood,pos\n"quoted,, ""twice""\nand é",neg\n\nthird,pos\r\n'
JSONL_TEXT = '{"text":"a","label":1}\n{"text":"é","label":2}\r\n\n{"text":"c","label":3}\n'
SMALL = {
    "a.csv": CSV_TEXT.encode(),
    "a.tsv": CSV_TEXT.replace(",", "\t").encode(),
    "a.csv.gz": gzip.compress(CSV_TEXT.encode(), mtime=0),
    "a.csv.zst": zstandard.compress(CSV_TEXT.encode()),
    "a.jsonl": JSONL_TEXT.encode(),
    "a.jsonl.gz": gzip.compress(JSONL_TEXT.encode(), mtime=0),
    "a.jsonl.zst": zstandard.compress(JSONL_TEXT.encode()),
    "utf16.csv": CSV_TEXT.encode("utf-16"),
    "a.parquet": _parquet(),
}


def count_csv(text: str) -> int:
    """Rows after the header, by Python's reader."""
    delimiter = "\t" if "\t" in text else ","
    return max(0, sum(1 for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row) - 1)


def count_jsonl(text: str) -> int:
    return sum(1 for line in text.split("\n") if line.strip())


def whole_lines(name: str, text: str) -> str:
    """What is left of a text once its last line, which breaks off, is gone."""
    line_ends = ("\n", "\r") if ".csv" in name else "\n"
    while text and (not text.endswith(line_ends) or (".csv" in name and text.count('"') % 2)):
        text = text[:-1]
    return text


@pytest.mark.parametrize("name", SMALL)
def test_sources_properties_truncation_loses_no_row_in_silence(name: str) -> None:
    content = SMALL[name]
    count: Callable[[str], int] = count_jsonl if "jsonl" in name else count_csv
    everything = read(content, name)[0]
    assert len(everything) == 3
    for length in range(len(content)):
        part = content[:length]
        try:
            used, rejected = read(part, name)
        except UserError:
            # The names of the columns are cut. A compressed file is known to be damaged instead.
            assert name in ("a.csv", "a.tsv", "utf16.csv")
            assert b"label" not in part.replace(b"\0", b"")
            continue
        if name == "a.parquet":
            assert (used, rejected) == ([], [(0, "damaged file")])
        elif name in ("a.csv", "a.tsv", "a.jsonl"):
            assert len(used) + len(rejected) == count(part.decode("utf-8", "replace"))
        elif name == "utf16.csv":
            text = part.decode("utf-16", "ignore")
            odd = length % 2
            assert len(used) + len(rejected) == (count(whole_lines(name, text)) + 1 if odd else count(text))
        else:
            # Its checksum is after the last row, so none is sure.
            assert (used, rejected) == ([], [(0, "damaged file")])
        assert used[:-1] == everything[: len(used[:-1])]

"""What a Parquet file may make of its bytes: how many rows are decoded together, and which pages are refused."""

import io
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UserError
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import parquet, parquet_pages
from pipeline.sources.formats.parquet_pages import Page, WatchedFile, parse_header
from tests.support.memory_files import read

MB = 1 << 20
DATA = "1500 1580 10 1540 2c 1508 1500 1506 1506 00"  # 1,024 bytes in 32, with 4 plain values

# bytes of a header -> the page, None if they end too early
HEADERS = [
    (DATA + "00", Page(0, 1024, 32, 4, 0, 18)),
    ("1504 1510 1510 4c 1506 1504 00 00", Page(2, 8, 8, 3, 2, 13)),  # a dictionary
    ("1506 1510 1510 5c 1506 1500 1502 1510 1500 1500 00 00", Page(3, 8, 8, 3, 8, 21)),  # a data page of version 2
    # Fields that no writer has yet, by type: a boolean, a byte, a double, a binary, lists, a set, maps, a struct.
    (DATA + "51 1305 17" + "00" * 8 + "18 03 616263 00", Page(0, 1024, 32, 4, 0, 35)),
    (DATA + "59 35 0204 06 19 f1 10" + "01" * 16 + "1a 18 0161 1b 00 1b 01 85 0161 02 1c 1502 00 00",
     Page(0, 1024, 32, 4, 0, 58)),
    (DATA, None),
    (DATA + "18 80 80 04 616263", None),  # a binary of 65,536 bytes
    ("", None),
]  # fmt: skip


@pytest.mark.parametrize(("header", "page"), HEADERS)
def test_parquet_pages_parse_headers(header: str, page: Page | None) -> None:
    data = bytes.fromhex(header)
    assert parse_header(data) == page
    if page is not None:
        assert parse_header(data + b"content") == page
        assert [parse_header(data[:size]) for size in range(len(data))] == [None] * len(data)


@pytest.mark.parametrize(
    "header", ["00", "1500 1580 10 1501 00", "1d 00", "1c" * 20, "15" + "ff" * 12, "1500 1502 1502 2502 00"]
)
def test_parquet_pages_refuse_what_is_no_header(header: str) -> None:
    with pytest.raises(ValueError, match=r"header|a page has no|number is too long"):
        parse_header(bytes.fromhex(header) + bytes(40))


def file_of(texts: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    labels = ["a"] * len(texts)
    pq.write_table(pa.table({"text": texts, "label": labels}), buffer, **options)
    return buffer.getvalue()


SHORT = [f"text {number}" for number in range(600)]
LONG = ["y" * 9000 + str(number) for number in range(60)]
REPEATED = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 600, pa.int32()), pa.array(["x" * 10_000, "z" * 9_000]))

# texts, options of the writer, most rows of a long text that are decoded together.
FILES: list[tuple[Any, dict[str, Any], int]] = [
    (REPEATED, {"compression": "none"}, 5),  # a dictionary of 19 kB, any of whose texts may have all of it
    (REPEATED, {"compression": "zstd"}, 5),
    (REPEATED, {"compression": "snappy", "data_page_version": "2.0"}, 5),
    (REPEATED.cast(pa.string()), {}, 5),
    (REPEATED.cast(pa.string()), {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}, 3),
    (SHORT + LONG + SHORT, {"use_dictionary": False, "write_batch_size": 10, "data_page_size": 1000}, 11),
    (SHORT + LONG + SHORT, {"use_dictionary": False, "write_batch_size": 10, "data_page_size": 1000,
                            "row_group_size": 620}, 11),
]  # fmt: skip


@pytest.mark.parametrize(("texts", "options", "together"), FILES)
def test_parquet_pages_bound_what_is_decoded_together(
    monkeypatch: pytest.MonkeyPatch, texts: Any, options: dict[str, Any], together: int
) -> None:
    monkeypatch.setattr(parquet_pages, "DECODED_BYTES", 100_000)
    content = file_of(texts, **options)
    decoded: list[int] = []
    of_group = parquet._tables_of_group

    def counted(*arguments: Any, **named: Any) -> Any:
        for table in of_group(*arguments, **named):
            if max(map(len, table["text"].to_pylist())) > 8000:
                decoded.append(table.num_rows)
            yield table

    monkeypatch.setattr(parquet, "_tables_of_group", counted)
    expected = texts if isinstance(texts, list) else texts.to_pylist()
    rows, rejected = read(content, "a.parquet")
    assert [text for text, _, _ in rows] == expected
    assert [place for _, _, place in rows] == list(range(len(expected)))
    assert rejected == []
    assert 1 <= max(decoded) <= together


def test_parquet_pages_of_a_struct_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_pages, "DECODED_BYTES", 100_000)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"s": pa.StructArray.from_arrays([REPEATED], ["text"]), "label": ["a"] * 1200}), buffer)
    rows, _ = read(buffer.getvalue(), "a.parquet", ColumnNames("s.text", "label"))
    assert [text for text, _, _ in rows] == REPEATED.to_pylist()


# texts, options of the writer, the column of ids
TOO_LARGE: list[tuple[Any, dict[str, Any], list[Any] | None]] = [
    (["x" * 300_000], {"use_dictionary": False}, None),
    (["x" * 300_000], {}, None),
    (SHORT, {}, [[0] * 100] * 600),  # a list: all of a page may be in one row
]


@pytest.mark.parametrize(("texts", "options", "ids"), TOO_LARGE)
def test_parquet_pages_refuse_a_page_above_the_limit(
    monkeypatch: pytest.MonkeyPatch, texts: Any, options: dict[str, Any], ids: list[Any] | None
) -> None:
    columns: Mapping[str, Any] = {"text": texts, "label": ["a"] * len(texts), **({} if ids is None else {"id": ids})}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, **options)
    names = ColumnNames("text", "label", id=None if ids is None else "id")
    assert len(read(buffer.getvalue(), "a.parquet", names)[0]) == len(texts)
    monkeypatch.setattr(parquet_pages, "PAGE_BYTES", 200_000)
    with pytest.raises(UserError, match=r"^input.path: a.parquet: row group 0 has a page of .* MiB, and the largest"):
        read(buffer.getvalue(), "a.parquet", names)


@pytest.mark.parametrize("size", [1, 7, 100, 5000])
def test_parquet_pages_are_seen_wherever_reads_are_cut(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    content = file_of(SHORT + LONG, use_dictionary=["text"], dictionary_pagesize_limit=3000, write_batch_size=100)
    seen: list[Page] = []
    monkeypatch.setattr(WatchedFile, "_check", lambda _file, _chunk, page: seen.append(page))
    pages = []
    for cut in (len(content), size):
        metadata = pq.read_metadata(io.BytesIO(content))
        file = WatchedFile(io.BytesIO(content), "a.parquet")
        file.watch(metadata, 0, columns=["text", "label"], rows=1)
        while file.read(cut):
            pass
        pages.append(list(seen))
        seen.clear()
    assert pages[0] == pages[1]
    assert {page.kind for page in pages[0]} == {0, 2}
    assert sum(page.values for page in pages[0] if page.kind == 0) == 2 * len(SHORT + LONG)

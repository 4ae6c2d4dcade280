"""A table a format: the bytes of a file -> the used rows (text, label, place) and the rejected ones (row, reason)."""

import gzip

import pyarrow as pa
import pytest
import zstandard

from pipeline.sources.columns import ColumnNames
from tests.support.memory_files import Rejected, Row, batches_of, parquet, read, rejected_of, rows_of

MISSING_TEXT, MISSING_LABEL, MISSING_SPLIT = "missing text", "missing label", "missing split"
RAGGED, INVALID, UNCLOSED = "wrong number of columns", "invalid UTF-8", "unclosed quote"
BROKEN, NOT_OBJECT, DAMAGED = "broken JSON", "not a JSON object", "damaged file"
NOT_TEXT, NOT_LABEL = "text is not a string", "label is not a string, integer or boolean"
IS_LIST = "label is a list; set input.several_labels"

# Every file begins with the line text,label.
# fmt: off
CSV = [
    # name, bytes after the header, used (text, label, place), rejected (row, reason)
    ("plain", b"good,pos\nbad,neg\n", [("good", "pos", 0), ("bad", "neg", 1)], []),
    ("no last line end", b"good,pos", [("good", "pos", 0)], []),
    ("CRLF", b"a,1\r\nb,2\r\n", [("a", "1", 0), ("b", "2", 1)], []),
    ("CR", b"a,1\rb,2\r", [("a", "1", 0), ("b", "2", 1)], []),
    ("mixed line ends", b"a,1\r\nb,2\nc,3\rd,4",
     [("a", "1", 0), ("b", "2", 1), ("c", "3", 2), ("d", "4", 3)], []),
    ("empty lines", b"\n\na,1\n\r\n\nb,2\n\n",
     [("a", "1", 0), ("b", "2", 1)], []),  # no rows, not even bad ones
    ("quotes", b'"a ""b"", c\nd\r\n\ne",1\nf,"2"\n', [('a "b", c\nd\r\n\ne', "1", 0), ("f", "2", 1)], []),
    ("quotes within", b'5" disk,1\na "b" c,2\n', [('5" disk', "1", 0), ('a "b" c', "2", 1)], []),
    ("only quotes", b'"",1\n"""",2\n"""""",3\n', [("", "1", 0), ('"', "2", 1), ('""', "3", 2)], []),
    ("empty text", b",1\n", [("", "1", 0)], []),  # a text like any other
    ("empty label", b"a,\nb, \t\nc,\"\"\nd,1\n",
     [("d", "1", 3)], [(0, MISSING_LABEL), (1, MISSING_LABEL), (2, MISSING_LABEL)]),
    ("label's spaces", b"a, pos \nb,\xc2\xa0x\n",
     [("a", "pos", 0), ("b", "\u00a0x", 1)], []),  # ASCII ones only
    ("labels are strings", b"a,1.0\nb,True\nc,NaN\nd,null\n",
     [("a", "1.0", 0), ("b", "True", 1), ("c", "NaN", 2), ("d", "null", 3)], []),
    ("texts are strings", b"NA,1\nnull,2\n007,3\n", [("NA", "1", 0), ("null", "2", 1), ("007", "3", 2)], []),
    ("NUL", b"a\0b,1\n", [("a\0b", "1", 0)], []),
    ("ragged", b"a,1\nb\nc,2,x\n \nd,3\n",
     [("a", "1", 0), ("d", "3", 4)], [(1, RAGGED), (2, RAGGED), (3, RAGGED)]),
    ("all ragged", b"a\nb\n", [], [(0, RAGGED), (1, RAGGED)]),
    ("bad text", b"a,1\n\xff,2\nb,3\n", [("a", "1", 0), ("b", "3", 2)], [(1, INVALID)]),
    ("bad label", b"a,\xe9\n", [], [(0, INVALID)]),
    ("bad text before bad label", b"\xff,\n", [], [(0, INVALID)]),
    ("surrogate", b"\xed\xa0\x80,1\n", [], [(0, INVALID)]),
    ("bad ragged row", b"caf\xc3\xa9,1\n\xff\nb,2\n",
     [("café", "1", 0), ("b", "2", 2)], [(1, RAGGED)]),  # in a batch with good non-ASCII rows
    ("open quote", b'a,1\n"b,2\nc,3\n', [("a", "1", 0)], [(1, UNCLOSED)]),  # all bytes after it may belong to it
    ("open quote at the end", b'a,1\nb,"\n', [("a", "1", 0)], [(1, UNCLOSED)]),
    ("no rows", b"", [], []),
]
# fmt: on


@pytest.mark.parametrize(("content", "used", "rejected"), [case[1:] for case in CSV], ids=[case[0] for case in CSV])
def test_sources_formats_csv(content: bytes, used: list[Row], rejected: list[Rejected]) -> None:
    assert read(b"text,label\n" + content, "a.csv") == (used, rejected)


# fmt: off
CSV_FILES = [
    # name, the whole file, used, rejected
    ("byte order mark", "\ufefftext,label\na,1\n".encode(), [("a", "1", 0)], []),
    ("UTF-16 LE", "\ufefftext,label\r\n\U0001f600é,1\r\n".encode("utf-16-le"), [("\U0001f600é", "1", 0)], []),
    ("UTF-16 BE", "\ufefftext,label\n\U0001f600é,1\n".encode("utf-16-be"), [("\U0001f600é", "1", 0)], []),
    ("UTF-16 lone surrogate", "\ufefftext,label\na\ud800,1\nb,2\n".encode("utf-16-le", "surrogatepass"),
     [("b", "2", 1)], [(0, INVALID)]),
    ("UTF-16 cut in a character", "\ufefftext,label\na,1\nb,2\n".encode("utf-16-le")[:-3],
     [("a", "1", 0)], [(1, DAMAGED)]),
    ("other columns", b'id,label,"text",x\n7,pos,good,\n', [("good", "pos", 0)], []),
    ("spaces in the header", b"\n\r\ntext , label\na,1\n", [("a", "1", 0)], []),
    ("quoted line break in the header", b'text,"x\ny",label\na,b,1\n', [("a", "1", 0)], []),
    ("header without line end", b"text,label", [], []),
    ("empty", b"", [], []),
    ("empty lines only", b"\n\r\n", [], []),
]
# fmt: on


@pytest.mark.parametrize(
    ("content", "used", "rejected"), [case[1:] for case in CSV_FILES], ids=[case[0] for case in CSV_FILES]
)
def test_sources_formats_csv_file(content: bytes, used: list[Row], rejected: list[Rejected]) -> None:
    assert read(content, "a.csv") == (used, rejected)


def test_sources_formats_tsv() -> None:
    content = b'text\tlabel\na,"b"\t1\n"c\td"\t2\ne\n'
    assert read(content, "a.tsv") == ([('a,"b"', "1", 0), ("c\td", "2", 1)], [(2, RAGGED)])


# fmt: off
JSONL = [
    # name, the whole file, used, rejected
    ("plain", b'{"text":"a","label":"pos"}\n{"label":"neg","text":"b","x":[1]}\n',
     [("a", "pos", 0), ("b", "neg", 27)], []),
    ("no last line end", b'{"text":"a","label":"1"}', [("a", "1", 0)], []),
    ("CRLF", b'{"text":"a","label":"1"}\r\n{"text":"b","label":"2"}\r\n',
     [("a", "1", 0), ("b", "2", 26)], []),
    ("blank lines", b'\n \r\n{"text":"a","label":"1"}\n\n', [("a", "1", 4)], []),
    ("byte order mark", b'\xef\xbb\xbf{"text":"a","label":"1"}\n{"text":"b","label":"2"}',
     [("a", "1", 0), ("b", "2", 28)], []),
    ("UTF-16", '\ufeff{"text":"é","label":"1"}\n{"text":"b","label":"2"}\n'.encode("utf-16-le"),
     [("é", "1", 0), ("b", "2", 26)], []),  # places in UTF-8
    ("separators of other standards", '{"text":"a\u2028b\u0085c","label":"1"}\n'.encode(),
     [("a\u2028b\u0085c", "1", 0)], []),
    ("escapes", b'{"text":"\\u00e9\\ud83d\\ude00\\u0000\\n","label":"1"}\n',
     [("é\U0001f600\0\n", "1", 0)], []),
    ("integer label", b'{"text":"a","label":-1}', [("a", "-1", 0)], []),
    ("boolean label", b'{"text":"a","label":true}', [("a", "true", 0)], []),
    ("integral label", b'{"text":"a","label":1.0}', [("a", "1", 0)], []),
    ("string label", b'{"text":"a","label":" 1.0\\n"}', [("a", "1.0", 0)], []),
    ("fraction", b'{"text":"a","label":0.5}', [], [(0, NOT_LABEL)]),
    ("large float", b'{"text":"a","label":1e300}', [], [(0, NOT_LABEL)]),
    ("64 bits", b'{"text":"a","label":18446744073709551615}', [("a", "18446744073709551615", 0)], []),
    ("more than 64 bits", b'{"text":"a","label":18446744073709551616}', [], [(0, NOT_LABEL)]),  # a float to the parser
    ("label in a list", b'{"text":"a","label":["x"]}', [], [(0, IS_LIST)]),
    ("label is an object", b'{"text":"a","label":{}}', [], [(0, NOT_LABEL)]),
    ("missing text", b'{"text":null,"label":1}\n{"label":1}\n{}', [], [(row, MISSING_TEXT) for row in range(3)]),
    ("missing label", b'{"text":"a"}\n{"text":"b","label":null}\n{"text":"c","label":" "}',
     [], [(0, MISSING_LABEL), (1, MISSING_LABEL), (2, MISSING_LABEL)]),
    ("no texts", b'{"text":1,"label":1}\n{"text":["a"],"label":1}\n{"text":true,"label":1}',
     [], [(0, NOT_TEXT), (1, NOT_TEXT), (2, NOT_TEXT)]),
    ("empty text", b'{"text":"","label":"1"}', [("", "1", 0)], []),
    ("broken", b'{"text":"a","label":1}\n{"text":"b"\nx\n{"text":"c","label":2}',
     [("a", "1", 0), ("c", "2", 37)], [(1, BROKEN), (2, BROKEN)]),
    ("not an object", b'[1]\n"a"\nnull\n7\n{"text":"c","label":2}',
     [("c", "2", 15)], [(0, NOT_OBJECT), (1, NOT_OBJECT), (2, NOT_OBJECT), (3, NOT_OBJECT)]),
    ("invalid UTF-8", b'{"text":"\xff","label":1}\n{"text":"b","label":2}', [("b", "2", 23)], [(0, INVALID)]),
    ("lone surrogate", b'{"text":"\\ud800","label":1}\n{"text":"b","label":2}',
     [("b", "2", 28)], [(0, INVALID)]),
    ("NaN elsewhere", b'{"text":"a","label":1,"x":NaN}\n', [("a", "1", 0)], []),  # Python's json writes it
    ("NaN as label", b'{"text":"a","label":NaN}\n', [], [(0, MISSING_LABEL)]),
    ("too deep", b"[" * 100_000 + b"\n", [], [(0, BROKEN)]),
    ("empty", b"", [], []),
]
# fmt: on


@pytest.mark.parametrize(("content", "used", "rejected"), [case[1:] for case in JSONL], ids=[case[0] for case in JSONL])
def test_sources_formats_jsonl(content: bytes, used: list[Row], rejected: list[Rejected]) -> None:
    assert read(content, "a.jsonl") == (used, rejected)


NESTED = [
    # a line's JSON, the column review.text's text (None: it is missing)
    (b'{"review":{"text":"a"},"label":1}', "a"),
    (b'{"review":{"text":"a"},"review.text":"b","label":1}', "b"),  # a key that itself holds the dot wins
    (b'{"review":null,"label":1}', None),
    (b'{"review":"text","label":1}', None),
    (b'{"review":{},"label":1}', None),
]


@pytest.mark.parametrize(("line", "text"), NESTED)
def test_sources_formats_jsonl_nested(line: bytes, text: str | None) -> None:
    used, rejected = read(line, "a.jsonl", ColumnNames("review.text", "label"))
    assert [row[0] for row in used] == ([] if text is None else [text])
    assert rejected == ([(0, MISSING_TEXT)] if text is None else [])


AB = pa.array(["a", "b"])
INTS = pa.array([1, 2])
LATIN = pa.array([b"caf\xe9", b"b"])
# fmt: off
PARQUET = [
    # name, text column, label column, used, rejected
    ("plain", AB, INTS, [("a", "1", 0), ("b", "2", 1)], []),
    ("large_string", AB.cast(pa.large_string()), AB.cast(pa.large_string()),
     [("a", "a", 0), ("b", "b", 1)], []),
    ("string_view", AB.cast(pa.string_view()), AB.cast(pa.string_view()), [("a", "a", 0), ("b", "b", 1)], []),
    ("binary", AB.cast(pa.binary()), AB.cast(pa.binary()), [("a", "a", 0), ("b", "b", 1)], []),
    ("dictionary", AB.dictionary_encode(), AB.dictionary_encode(), [("a", "a", 0), ("b", "b", 1)], []),
    ("null text", pa.array([None, "b"]), INTS, [("b", "2", 1)], [(0, MISSING_TEXT)]),
    ("null label", AB, pa.array([None, 0]), [("b", "0", 1)], [(0, MISSING_LABEL)]),
    ("null in a dictionary", pa.array([None, "b"]).dictionary_encode(), pa.array(["x", None]).dictionary_encode(),
     [], [(0, MISSING_TEXT), (1, MISSING_LABEL)]),
    ("only null", pa.nulls(2), pa.nulls(2), [], [(0, MISSING_TEXT), (1, MISSING_TEXT)]),
    ("booleans", AB, pa.array([True, False]), [("a", "true", 0), ("b", "false", 1)], []),
    ("integral floats", AB, pa.array([1.0, -0.0]), [("a", "1", 0), ("b", "0", 1)], []),
    ("other floats", AB, pa.array([0.5, float("nan")]), [], [(0, NOT_LABEL), (1, MISSING_LABEL)]),
    ("floats too large to be exact", AB, pa.array([2.0**53, float("inf")]),
     [], [(0, NOT_LABEL), (1, NOT_LABEL)]),
    ("decimals", AB, pa.array(["1.00", "0.50"]).cast(pa.decimal128(3, 2)), [("a", "1", 0)], [(1, NOT_LABEL)]),
    ("large integers", AB, pa.array([2**64 - 1, 0], pa.uint64()),
     [("a", "18446744073709551615", 0), ("b", "0", 1)], []),
    ("label's spaces", AB, pa.array([" x ", " "]), [("a", "x", 0)], [(1, MISSING_LABEL)]),
    ("invalid UTF-8", LATIN, INTS, [("b", "2", 1)], [(0, INVALID)]),
    ("invalid UTF-8 in strings", pa.Array.from_buffers(pa.string(), 2, LATIN.buffers()), INTS,
     [("b", "2", 1)], [(0, INVALID)]),  # Parquet does not check
    ("invalid label", AB, LATIN, [("b", "b", 1)], [(0, INVALID)]),
    ("text of another type", INTS, INTS, [], [(0, NOT_TEXT), (1, NOT_TEXT)]),
    ("invalid label in strings", AB, pa.Array.from_buffers(pa.string(), 2, LATIN.buffers()),
     [("b", "b", 1)], [(0, INVALID)]),
    ("label of another type", AB, pa.array([[1], None]), [], [(0, IS_LIST), (1, MISSING_LABEL)]),
    ("timestamps", AB, pa.array([1, 2], pa.timestamp("s")), [], [(0, NOT_LABEL), (1, NOT_LABEL)]),
    ("no rows", AB[:0], INTS[:0], [], []),
]
# fmt: on


@pytest.mark.parametrize(
    ("text", "label", "used", "rejected"), [case[1:] for case in PARQUET], ids=[case[0] for case in PARQUET]
)
def test_sources_formats_parquet(text: pa.Array, label: pa.Array, used: list[Row], rejected: list[Rejected]) -> None:
    assert read(parquet({"text": text, "label": label}), "a.parquet") == (used, rejected)


def test_sources_formats_parquet_nested() -> None:
    review = pa.array([{"no": 1, "text": "a"}, None, {"no": 2, "text": None}])
    labels = pa.array([1, 2, 3])
    content = parquet({"review": review, "label": labels})
    columns = ColumnNames("review.text", "label")
    assert read(content, "a.parquet", columns) == ([("a", "1", 0)], [(1, MISSING_TEXT), (2, MISSING_TEXT)])
    content = parquet({"review": review, "label": labels, "review.text": pa.array(["x", "y", "z"])})
    assert read(content, "a.parquet", columns) == ([("x", "1", 0), ("y", "2", 1), ("z", "3", 2)], [])


LINES = b'{"text":"a","label":1}\n{"text":"b","label":2}\n{"text":"c","label":3}\n'
GZIP = gzip.compress(LINES, mtime=0)
ZSTD = zstandard.compress(LINES)
LONG_WINDOW = zstandard.ZstdCompressor(
    compression_params=zstandard.ZstdCompressionParameters.from_level(1, window_log=28)
).compressobj()
USED = [("a", "1", 0), ("b", "2", 23), ("c", "3", 46)]
# fmt: off
COMPRESSED = [
    # name, file, content, used, rejected
    ("gzip", "a.jsonl.gz", GZIP, USED, []),
    ("zstd", "a.jsonl.zst", ZSTD, USED, []),
    # The command pzstd begins a file with a frame without content, of 4 bytes that tell the size of the next.
    ("pzstd", "a.jsonl.zst", bytes.fromhex("502a4d18 04000000") + len(ZSTD).to_bytes(4, "little") + ZSTD, USED, []),
    ("pzstd by its content", "a.jsonl", bytes.fromhex("5f2a4d18 00000000") + ZSTD, USED, []),
    ("upper case", "A.JSONL.GZ", GZIP, USED, []),
    ("not named so", "a.jsonl", GZIP, USED, []),
    ("several members", "a.jsonl.gz", gzip.compress(LINES[:30], mtime=0) + gzip.compress(LINES[30:], mtime=0),
     USED, []),
    ("an empty member", "a.jsonl.gz", gzip.compress(b"", mtime=0) + GZIP, USED, []),
    ("several frames", "a.jsonl.zst", zstandard.compress(LINES[:30]) + zstandard.compress(LINES[30:]), USED,
     []),
    ("zstd --long=28", "a.jsonl.zst", LONG_WINDOW.compress(LINES) + LONG_WINDOW.flush(), USED, []),
    ("padded with zeros", "a.jsonl.gz", GZIP + b"\0" * 512, USED, []),
    ("other bytes after it", "a.jsonl.gz", GZIP + b"garbage", USED, [(3, DAMAGED)]),
    ("wrong checksum", "a.jsonl.gz", GZIP[:-8] + b"\0" * 8,
     [], [(0, DAMAGED)]),  # any of its bytes may be wrong
    ("not compressed", "a.jsonl.gz", LINES, [], [(0, DAMAGED)]),
    ("the other compression", "a.jsonl.gz", ZSTD, [], [(0, DAMAGED)]),
    ("nothing", "a.jsonl.gz", b"", [], [(0, DAMAGED)]),
    ("empty text", "a.jsonl.gz", gzip.compress(b"", mtime=0), [], []),
    ("csv", "a.csv.gz", gzip.compress(b"text,label\na,1\n", mtime=0), [("a", "1", 0)], []),
    ("tsv", "a.tsv.zst", zstandard.compress(b"text\tlabel\na\t1\n"), [("a", "1", 0)], []),
    ("utf-16", "a.csv.gz", gzip.compress("\ufefftext,label\na,1\n".encode("utf-16-le"), mtime=0), [("a", "1", 0)], []),
]
# fmt: on


@pytest.mark.parametrize(
    ("name", "content", "used", "rejected"),
    [case[1:] for case in COMPRESSED],
    ids=[case[0] for case in COMPRESSED],
)
def test_sources_formats_compressed(name: str, content: bytes, used: list[Row], rejected: list[Rejected]) -> None:
    assert read(content, name) == (used, rejected)


# fmt: off
SHOWN = [
    # file, content, content and id of the first rejected row
    ("a.csv", b"id,text,label\nx7,a,\n", '{"id": "x7", "text": "a", "label": ""}', "x7"),
    ("a.csv", b"id,text,label\nx7,caf\xe9,1\n", '{"id": "x7", "text": "caf\ufffd", "label": "1"}', "x7"),
    ("a.csv", b"id,text,label\nx7\xff\n", "x7\ufffd", None),  # ragged: the columns are not known
    ("a.csv", b'id,text,label\nx7,"a\n', 'x7,"a\n', None),
    ("a.csv", b"id,text,label\nx," + b"\xc3\xa9" * 5000 + b",\n", '{"id": "x", "text": "' + "é" * 979, "x"),
    ("a.jsonl", b'{"id":7,"text":"a"}\n{"text":"a","label":1}', '{"id":7,"text":"a"}', "7"),
    ("a.jsonl", b'{"id":"\\ud800"}\n{"label":1}', '{"id":"\\ud800"}', "?"),
    ("a.jsonl", b'{"id": \xff' + b"x" * 5000 + b"\n", '{"id": \ufffd' + "x" * 992, None),
    ("a.parquet", parquet({"id": INTS, "text": AB, "label": pa.nulls(2)}),
     '{"id": 1, "text": "a", "label": null}', "1"),
]
# fmt: on


@pytest.mark.parametrize(("name", "content", "shown", "id"), SHOWN)
def test_sources_formats_rejects_show_the_row(name: str, content: bytes, shown: str, id: str | None) -> None:
    batches = batches_of(content, name, ColumnNames("text", "label", id="id"))
    first = next(row for batch in batches for row in batch.rejected.to_pylist())
    assert first == {**first, "file": name, "range_start": 0, "content": shown, "id": id}


# fmt: off
SPLITS = [
    # file, content, the splits of the used rows, rejected
    ("a.csv", b"text,label,part\na,1,train\nb,2, test\nc,3,\n", ["train", "test"], [(2, MISSING_SPLIT)]),
    ("a.jsonl", b'{"text":"a","label":1,"part":"eval"}\n{"text":"b","label":2}',
     ["eval"], [(1, MISSING_SPLIT)]),
    ("a.parquet", parquet({"text": AB, "label": INTS, "part": pa.array(["dev", None])}),
     ["dev"], [(1, MISSING_SPLIT)]),  # judged later
]
# fmt: on


@pytest.mark.parametrize(("name", "content", "splits", "rejected"), SPLITS)
def test_sources_formats_split_column(name: str, content: bytes, splits: list[str], rejected: list[Rejected]) -> None:
    batches = batches_of(content, name, ColumnNames("text", "label", split="part"))
    assert [split for batch in batches for split in batch.rows["split"].to_pylist()] == splits
    assert rejected_of(batches) == rejected


def test_sources_formats_without_a_split_column_it_is_null() -> None:
    (batch,) = batches_of(b"text,label,split\na,1,train\n", "a.csv")
    assert rows_of([batch]) == [("a", "1", 0)]
    assert batch.rows["split"].to_pylist() == [None]

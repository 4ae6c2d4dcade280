"""TFRecord files of tf.train.Example, written by protobuf or byte by byte -> used and rejected rows."""

import gzip
import zlib

import pytest
import zstandard

from pipeline.errors import UserError
from pipeline.sources import check_columns
from pipeline.sources.columns import ColumnNames
from pipeline.sources.tasks import ReadTask
from tests.support.memory_files import COLUMNS, MemoryFiles, Rejected, Row, batches_of, plan, read, sizes_of
from tests.support.tf_examples import Value, framed, serialized

DAMAGED, BROKEN = "damaged file", "broken tf.train.Example"
MISSING_TEXT, MISSING_LABEL = "missing text", "missing label"
NOT_TEXT, NOT_LABEL = "text is not a string", "label is not a string, integer or boolean"
IS_LIST = "label is a list; set input.several_labels"


def example(**features: Value) -> bytes:
    return serialized(features)


AB = [example(text=b"a", label=1), example(text=b"b", label=2)]
USED = [("a", "1", 0), ("b", "2", 1)]
FILE = framed(*AB)
# A record without packing, as old writers make it, and with a field that nobody knows.
UNPACKED = bytes.fromhex("0a1e0a0d0a047465787412050a030a01610a0d0a056c6162656c12041a020805" + "7801")
# fmt: off
TABLE = [
    # name, the whole file, used (text, label, place), rejected (row, reason)
    ("plain", FILE, USED, []),
    ("gzip", gzip.compress(FILE, mtime=0), USED, []),
    ("zlib", zlib.compress(FILE), USED, []),  # TFRecordOptions(compression_type="ZLIB")
    ("zlib, stored", zlib.compress(FILE, 0), USED, []),
    ("zlib of nothing", zlib.compress(b""), [], []),
    ("zlib, cut", zlib.compress(FILE)[:-1], USED, [(2, DAMAGED)]),
    ("zlib, wrong content", zlib.compress(FILE.replace(b"a", b"x", 1)), [], [(0, DAMAGED)]),
    ("zlib, other bytes follow", zlib.compress(FILE) + b"\0", USED, [(2, DAMAGED)]),
    ("zstd", zstandard.compress(FILE), USED, []),
    ("empty", b"", [], []),
    ("bytes label", framed(example(text=b"a", label=b" pos\n")), [("a", "pos", 0)], []),
    ("integral float label", framed(example(text=b"a", label=1.0)), [("a", "1", 0)], []),
    ("fraction", framed(example(text=b"a", label=0.5)), [], [(0, NOT_LABEL)]),
    ("negative label", framed(example(text=b"a", label=-3)), [("a", "-3", 0)], []),
    ("several labels", framed(example(text=b"a", label=[1, 2])), [], [(0, IS_LIST)]),
    ("several texts", framed(example(text=[b"a", b"b"], label=1)), [], [(0, NOT_TEXT)]),
    ("no text", framed(example(label=1), example(text=[], label=1), example(text=None, label=1)),
     [], [(0, MISSING_TEXT), (1, MISSING_TEXT), (2, MISSING_TEXT)]),
    ("no label", framed(example(text=b"a"), example(text=b"a", label=b"")),
     [], [(0, MISSING_LABEL), (1, MISSING_LABEL)]),
    ("text is a number", framed(example(text=7, label=1)), [], [(0, NOT_TEXT)]),
    ("invalid UTF-8", framed(example(text=b"\xff", label=1), AB[1]), [USED[1]], [(0, "invalid UTF-8")]),
    ("empty text", framed(example(text=b"", label=1)), [("", "1", 0)], []),
    ("NUL", framed(example(text=b"a\0b", label=1)), [("a\0b", "1", 0)], []),
    ("no Example", framed(AB[0], b"\xff\xff", AB[1]), [USED[0], ("b", "2", 2)], [(1, BROKEN)]),
    ("no features", framed(b"", AB[1]), [USED[1]], [(0, MISSING_TEXT)]),
    ("not packed, and an unknown field", framed(UNPACKED), [("a", "5", 0)], []),
    ("wrong checksum", FILE[:-1] + b"\0", [USED[0]], [(1, DAMAGED)]),
    ("wrong content", FILE.replace(b"a", b"x", 1), [], [(0, DAMAGED)]),  # nothing after it is used
    ("wrong length", framed(AB[0]) + b"\x01" + framed(AB[1])[1:], [USED[0]], [(1, DAMAGED)]),
    ("wrong content, then wrong length", framed(AB[0]) + framed(AB[1])[:-1] + b"\0\x07" + framed(AB[1])[1:],
     [USED[0]], [(1, DAMAGED)]),
    ("cut", FILE[:-1], [USED[0]], [(1, DAMAGED)]),
    # Its last byte is of the checksum of the whole.
    ("cut gzip", gzip.compress(FILE, mtime=0)[:-1], USED, [(2, DAMAGED)]),
]
# fmt: on


@pytest.mark.parametrize(("content", "used", "rejected"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE])
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_sources_tfrecord_table(content: bytes, used: list[Row], rejected: list[Rejected], piece: int) -> None:
    assert read(content, "a.tfrecord", sizes=sizes_of(piece)) == (used, rejected)


# 35,615 as a length begins with gzip's magic bytes, 559,903 with its method, too; 65,279 with a mark of UTF-16.
@pytest.mark.parametrize("length", [0x8B1F, 0x88B1F, 0xFEFF])
def test_sources_tfrecord_lengths_are_not_taken_for_something_else(length: int) -> None:
    text = b"x" * (length - len(example(text=b"x" * length, label=1)) + length)
    record = example(text=text, label=1)
    assert len(record) == length
    assert [row[1:] for row in read(framed(record), "a.tfrecord")[0]] == [("1", 0)]
    assert plan(MemoryFiles({"unnamed": framed(record)}))[0].format == "tfrecord"


NAMES = ["a.tfrecord", "a.tfrecords.gz", "A.TFREC", "a.tfrecord-00000-of-00002", "a.dat"]


@pytest.mark.parametrize("name", NAMES)
def test_sources_tfrecord_is_found_by_name_or_content(name: str) -> None:
    content = gzip.compress(FILE, mtime=0) if name.endswith(".gz") else FILE
    assert plan(MemoryFiles({name: content})) == [ReadTask(name, 0, "tfrecord")]
    assert plan(MemoryFiles({"packed": zstandard.compress(FILE)})) == [ReadTask("packed", 0, "tfrecord")]


WRONG = [
    # content, columns, message
    (b"text,label\na,1\n", COLUMNS,
     "input.path: a.tfrecord is not TFRecord (its first checksum is wrong); set input.format"),
    (FILE, ColumnNames("txt", "label"),
     "input.text_column: 'txt' is not in a.tfrecord; it has the columns label, text"),
    (FILE, ColumnNames("text", "label", split="part"),
     "split.column: 'part' is not in a.tfrecord; it has the columns label, text"),
    (framed(b"hello", b"\xff"), COLUMNS,
     "input.path: a.tfrecord holds no tf.train.Example with features in its first records; other records can't be "
     "read"),
    (b"", COLUMNS, "input.path: no rows in a.tfrecord"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "columns", "message"), WRONG)
def test_sources_tfrecord_check_refuses(content: bytes, columns: ColumnNames, message: str) -> None:
    files = MemoryFiles({"a.tfrecord": content})
    with pytest.raises(UserError) as error:
        check_columns(plan(files), columns, files)
    assert str(error.value) == message


@pytest.mark.parametrize("content", [FILE[:5], FILE[:-1], gzip.compress(FILE, mtime=0)[:-3], framed(b"\xff", AB[0])])
def test_sources_tfrecord_check_passes_over_bad_rows(content: bytes) -> None:
    files = MemoryFiles({"a.tfrecord": content})
    check_columns(plan(files), COLUMNS, files)


def test_sources_tfrecord_takes_split_and_id_and_shows_rows() -> None:
    content = framed(example(text=b"a", label=1, part=b"test", id=7), example(text=b"b", part=b"test", id=b"x"))
    (batch,) = batches_of(content, "a.tfrecord", ColumnNames("text", "label", id="id", split="part"))
    assert batch.rows["split"].to_pylist() == ["test"]
    (rejected,) = batch.rejected.to_pylist()
    assert rejected["content"] == '{"id": "x", "text": "b", "label": null, "part": "test"}'
    assert rejected["id"] == "x"


# At every byte offset: the whole records before it are used, and the rest is one rejected row.
@pytest.mark.parametrize("compressed", [False, True])
def test_sources_tfrecord_truncation_loses_no_row_in_silence(compressed: bool) -> None:
    first = len(framed(AB[0]))
    content = gzip.compress(FILE, mtime=0) if compressed else FILE
    for length in range(len(content)):
        part = content[:length]
        plain = zlib.decompressobj(wbits=31).decompress(part) if compressed else part
        whole = (len(plain) >= first) + (len(plain) >= len(FILE))
        used, rejected = read(part, "a.tfrecord.gz" if compressed else "a.tfrecord")
        assert used == USED[:whole]
        assert rejected == ([] if not compressed and len(plain) in (0, first) else [(whole, DAMAGED)]), length

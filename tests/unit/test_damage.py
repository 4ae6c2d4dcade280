"""Damaged files of every format, with input.damaged refuse and use_what_is_whole: what is used, what is said."""

import bz2
import contextlib
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.input_settings import Damaged
from pipeline.errors import UserError
from pipeline.files.text_stream import READ_SIZES
from pipeline.files.verified import VerifiedFiles
from pipeline.sources import check_columns, read_tasks
from pipeline.sources.first_files import FirstFiles, look_into_first_files
from pipeline.sources.schema import LostRest
from tests.support.memory_files import COLUMNS, MemoryFiles, Row, plan, rejected_of, rows_of
from tests.support.tf_examples import framed, serialized

REFUSE: Damaged = "refuse"
WHOLE: Damaged = "use_what_is_whole"


class Outcome(NamedTuple):
    """What reading a file gave: used rows, rejected ones, and what is lost of it."""

    used: list[Row]
    rejected: int
    lost: list[LostRest]


def outcome_of(content: bytes, name: str, damaged: Damaged) -> Outcome:
    files = MemoryFiles({name: content})
    batches = [batch for task in plan(files) for batch in read_tasks([task], COLUMNS, files, damaged=damaged)]
    rejected = sum(batch.rejected.num_rows for batch in batches)
    return Outcome(rows_of(batches), rejected, [lost for batch in batches for lost in batch.lost])


def zstd(content: bytes) -> bytes:
    """A frame with a checksum, as the command zstd writes it."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def parquet(rows: list[tuple[str, str]], *, group: int = 2, checksums: bool = True) -> bytes:
    buffer = io.BytesIO()
    table = pa.table({"text": [text for text, _ in rows], "label": [label for _, label in rows]})
    pq.write_table(table, buffer, row_group_size=group, write_page_checksum=checksums, compression="none")
    return buffer.getvalue()


def tfrecord(rows: list[tuple[str, str]]) -> bytes:
    return framed(*[serialized({"text": text.encode(), "label": label.encode()}) for text, label in rows])


def csv(rows: list[tuple[str, str]]) -> bytes:
    return "".join(f"{text},{label}\n" for text, label in rows).encode()


ROWS = [("one", "x"), ("two", "y"), ("three", "x"), ("four", "y")]
HEADER = b"text,label\n"
CSV, FIRST, LAST = HEADER + csv(ROWS), HEADER + csv(ROWS[:2]), csv(ROWS[2:])
# The bytes in which a member, a page or a record differs from a right one are looked up by what they hold.
PARQUET, TFRECORD = parquet(ROWS), tfrecord(ROWS)
FOOTER = len(PARQUET) - 8 - int.from_bytes(PARQUET[-8:-4], "little")


def flipped(content: bytes, at: int, *, mask: int = 1) -> bytes:
    return content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]


GZIP_CUT, ZSTD_CUT = "the file ends before its gzip stream does", "the file ends before its zstd stream does"
GZIP_WRONG = "the gzip stream is damaged (Error -3 while decompressing data: "
NO_OTHER = ", and its only checksum is at its end"
# fmt: off
DAMAGED = [
    # file, content, rows that are whole, the beginning of what is wrong
    ("a.csv.gz", gz(CSV)[:-20], 0, GZIP_CUT + NO_OTHER),
    ("a.csv.gz", gz(CSV)[:-1], 0, GZIP_CUT + NO_OTHER),
    ("a.csv.gz", flipped(gz(CSV), -8), 0, GZIP_WRONG + "incorrect data check)" + NO_OTHER),
    ("a.csv.gz", flipped(gz(CSV), -4), 0, GZIP_WRONG + "incorrect length check)" + NO_OTHER),
    ("a.csv.gz", gz(FIRST) + gz(LAST)[:-1], 2, GZIP_CUT),
    ("a.csv.gz", gz(FIRST) + gz(LAST)[:1], 2, GZIP_CUT),
    ("a.csv.gz", gz(FIRST) + flipped(gz(LAST), -8), 2, "the gzip stream is damaged"),
    ("a.csv.gz", gz(CSV[:-3]) + flipped(gz(CSV[-3:]), -8), 3, "the gzip stream is damaged"),  # within the last row
    ("a.csv.gz", gz(CSV) + b"\0\0other", 4, GZIP_WRONG + "incorrect header check)"),
    ("a.csv.gz", b"", 0, "it is empty"),
    ("a.csv.zst", zstd(CSV)[:-1], 0, ZSTD_CUT + NO_OTHER),
    ("a.csv.zst", flipped(zstd(CSV), -1), 0, "the zstd stream is damaged"),
    ("a.csv.zst", zstd(FIRST) + flipped(zstd(LAST), -1), 2, "the zstd stream is damaged"),
    ("a.csv.zst", zstandard.compress(FIRST) + zstandard.compress(LAST)[:-1], 2, ZSTD_CUT),  # frames without a checksum
    ("a.csv.bz2", bz2.compress(CSV)[:-1], 0, "the file ends before its bzip2 stream does" + NO_OTHER),
    ("a.csv.bz2", bz2.compress(CSV)[:4], 0, "a.csv.bz2 is not compressed as its name says"),
    ("a.csv.bz2", bz2.compress(FIRST) + bz2.compress(LAST)[:-1], 2, "the file ends before its bzip2 stream does"),
    ("a.csv.bz2", bz2.compress(FIRST) + flipped(bz2.compress(LAST), 12), 2, "the bzip2 stream is damaged (Inva"),
    ("a.csv.bz2", bz2.compress(CSV) + b"other", 4, "the bzip2 stream is damaged (Invalid data stream)"),
    ("a.csv.xz", lzma.compress(CSV)[:-1], 0, "the file ends before its xz stream does" + NO_OTHER),
    ("a.csv.xz", flipped(lzma.compress(CSV), -13), 0, "the xz stream is damaged (Corrupt input data)" + NO_OTHER),
    ("a.csv.xz", lzma.compress(FIRST) + bytes(4) + lzma.compress(LAST)[:-1], 2, "the file ends before its xz stream"),
    ("a.csv.xz", lzma.compress(CSV) + b"other, no stream", 4, "the xz stream is damaged (Input format not supported"),
    ("a.tsv.gz", gz(FIRST.replace(b",", b"\t")) + gz(LAST)[:-1], 2, GZIP_CUT),
    ("a.jsonl.gz", gz(b'{"text":"one","label":"x"}\n') + gz(b'{"text":')[:-1], 1, GZIP_CUT),
    ("a.csv", CSV.decode().encode("utf-16")[:-1], 3, "the file ends within a UTF-16 character"),
    # U+1F600 is a pair of surrogates; the second half is cut off.
    ("a.csv", (CSV.decode() + "five,\U0001f600").encode("utf-16")[:-2], 4, "the file ends within a UTF-16 character"),
    ("a.csv", HEADER + b"one,x\ntwo,y\nthr", 2, "its last row, 'thr', ends early and has no line end"),
    ("a.csv", HEADER + b'one,x\n"two,y', 1, "its last row, '\"two,y', ends early"),
    ("a.csv", HEADER + b"one", 0, "its last row, 'one', ends early"),
    ("a.csv", HEADER + b"one,x\r\ncaf\xc3", 1, "its last row, 'caf\ufffd', ends early"),
    ("a.csv.gz", gz(HEADER + b"one,x\nt"), 1, "its last row, 't', ends early"),  # whole, of a file that was cut
    ("a.csv", (CSV.decode() + "five").encode("utf-16"), 4, "its last row, 'five', ends early"),
    ("a.tsv", b"text\tlabel\none\tx\ntwo", 1, "its last row, 'two', ends early"),
    ("a.tsv", b'text\tlabel\none\tx\n"two\ty', 1, "its last row, '\"two\\ty', ends early"),
    ("a.jsonl", b'{"text":"one","label":"x"}\n{"text":"two"', 1, "its last row, '{\"text\":\"two\"', ends early"),
    ("a.jsonl", b'{"text":"one","label":"x"}\n{"text":"caf\xc3', 1, "its last row, '{\"text\":\"caf\ufffd'"),
    ("a.jsonl", b'\xef\xbb\xbf{"text":"one"', 0, "its last row, '\\ufeff{\"text\":\"one\"', ends early"),
    ("a.parquet", PARQUET[:-1], 0, "Parquet magic bytes not found in footer"),
    ("a.parquet", flipped(PARQUET, PARQUET.index(b"one")), 0, "could not verify page integrity, CRC checksum"),
    ("a.parquet", flipped(PARQUET, PARQUET.index(b"three")), 2, "could not verify page integrity, CRC checksum"),
    # The first page's header, which has no checksum: the page is passed over.
    ("a.parquet", flipped(PARQUET, 5, mask=2), 0, "row group 0 has 0 rows, and the footer says 2"),
    ("a.parquet", PARQUET[:FOOTER] + PARQUET[FOOTER:].replace(b"label", b"\xecabel"), 0, "'utf-8' codec can't decode"),
    ("a.tfrecord", TFRECORD[:-1], 3, "the file ends within a record"),
    ("a.tfrecord", flipped(TFRECORD, TFRECORD.index(b"three")), 2, "the checksum of a record is wrong"),
    # Each record has a checksum of its own, so that of gzip need not be waited for.
    ("a.tfrecord.gz", gz(TFRECORD)[:-1], 4, GZIP_CUT),
]
# fmt: on


@pytest.mark.parametrize(("name", "content", "whole", "why"), DAMAGED)
def test_damage_is_refused_or_costs_the_rest_of_the_file(name: str, content: bytes, whole: int, why: str) -> None:
    right = [(text, label) for text, label in ROWS[:whole]]
    used, rejected, lost = outcome_of(content, name, WHOLE)
    assert ([row[:2] for row in used], rejected) == (right, 0)
    assert [(rest.file, rest.range_start, rest.row, rest.reason) for rest in lost] == [(name, 0, whole, "damaged file")]
    assert lost[0].why.startswith(why)
    with pytest.raises(UserError) as error:
        outcome_of(content, name, REFUSE)
    assert str(error.value).startswith(f"input.path: {name}: damaged file (")
    assert str(error.value).endswith(
        "), so it is not known how many rows follow; get the file anew, or set input.damaged to use_what_is_whole"
    )


def test_damage_of_the_footers_row_count_is_seen() -> None:
    def rows_of_first_group(content: bytes) -> int:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return int(pq.read_metadata(io.BytesIO(content)).row_group(0).num_rows)
        return -1

    places = [(at, 1 << bit) for at in range(FOOTER, len(PARQUET) - 8) for bit in range(8)]
    wrong = (flipped(PARQUET, at, mask=mask) for at, mask in places)
    without_rows = next(content for content in wrong if rows_of_first_group(content) == 0)
    used, _, lost = outcome_of(without_rows, "a.parquet", WHOLE)
    assert (used, [rest.why for rest in lost]) == ([], ["its row groups have 2 rows, and the footer says 4"])


def test_damage_of_a_columns_part_of_the_footer_does_not_end_the_process() -> None:
    # pyarrow calls abort() where such a column's metadata is asked for, and raises an error where it is read.
    def has_wrong_histogram(content: bytes) -> bool:
        try:
            list(pq.ParquetFile(io.BytesIO(content)).iter_batches())
        except (OSError, UnicodeDecodeError) as error:
            return "histogram size mismatch" in str(error)
        return False

    places = [(at, 1 << bit) for at in range(FOOTER, len(PARQUET) - 8) for bit in range(8)]
    wrong = (flipped(PARQUET, at, mask=mask) for at, mask in places)
    used, _, lost = outcome_of(next(filter(has_wrong_histogram, wrong)), "a.parquet", WHOLE)
    assert (used, len(lost)) == ([], 1)
    assert "histogram size mismatch" in lost[0].why


# fmt: off
QUOTES = [
    # csv content after the header, used rows, rejected rows, the first lost row, or None
    (b'a,x\n"b,x\r\n', 1, 1, None),  # one row, wherever the quote should close
    (b'a,x\nb,"\n', 1, 1, None),
    (b'a,x\n"b,x\nc,x\n', 1, 0, 1),
    (b'a,x\n"b,x\rc,x', 1, 0, 1),
]
# fmt: on


@pytest.mark.parametrize(("body", "used", "rejected", "lost"), QUOTES)
def test_damage_of_an_open_quote_is_one_row_or_of_unknown_size(
    body: bytes, used: int, rejected: int, lost: int | None
) -> None:
    whole = outcome_of(HEADER + body, "a.csv", WHOLE)
    assert (len(whole.used), whole.rejected) == (used, rejected)
    assert [(rest.row, rest.reason) for rest in whole.lost] == ([] if lost is None else [(lost, "unclosed quote")])
    if lost is None:
        assert outcome_of(HEADER + body, "a.csv", REFUSE) == whole
    else:
        with pytest.raises(UserError, match=r"unclosed quote in .*close it, or double each quote.*set input\.damaged"):
            outcome_of(HEADER + body, "a.csv", REFUSE)


# fmt: off
LAST_ROWS = [
    # file, the last row, with or without a line end; whether it is used
    ("a.csv", b"b,y", True),
    ("a.csv", b"b,", False),  # a missing label: a cut there can't be seen
    ("a.csv", b"b,y,z", False),
    ("a.csv", b"b\n", False),
    ("a.csv", b'"b\n', False),
    ("a.csv", b"  ", False),  # no row
    ("a.csv", b"\x1a", False),  # as DOS ended files
    ("a.jsonl", b"\x1a", False),
    ("a.csv", b'"b",y', True),
    ("a.tsv", b"b\ty", True),
    ("a.tsv", b"b\n", False),
    ("a.jsonl", b'{"text":"b","label":"y"}', True),
    ("a.jsonl", b'{"text":"b","label":"y"}\n  ', True),
    ("a.jsonl", b'{"text":"b"}', False),
    ("a.jsonl", b'{"text":"b","label":["y"]}', False),
    ("a.jsonl", b'{"text":"b\xff","label":"y"}', False),
    ("a.jsonl", b"7", False),
    ("a.jsonl", b'{"text":"b"\n', False),
]
# fmt: on


@pytest.mark.parametrize(("name", "row", "used"), LAST_ROWS)
def test_damage_is_not_a_last_row_that_no_cut_explains(name: str, row: bytes, used: bool) -> None:
    first = {"a.csv": HEADER + b"a,x\n", "a.tsv": b"text\tlabel\na\tx\n", "a.jsonl": b'{"text":"a","label":"x"}\n'}
    outcome = outcome_of(first[name] + row, name, REFUSE)
    assert [value[:2] for value in outcome.used] == [("a", "x"), ("b", "y")][: 1 + used]
    assert (outcome.rejected, outcome.lost) == (1 - used, [])


def test_damage_before_a_later_file_does_not_touch_that_one() -> None:
    files = MemoryFiles({"a.csv.gz": gz(CSV)[:-1], "b.csv.gz": gz(CSV), "c.csv": CSV})
    (batch,) = read_tasks(plan(files), COLUMNS, files, damaged=WHOLE)
    assert [row[:2] for row in rows_of([batch])] == ROWS * 2
    assert [rest.file for rest in batch.lost] == ["a.csv.gz"]


def test_damage_of_a_text_in_a_folder_is_one_rejected_row() -> None:
    files = MemoryFiles({"d/pos/1.txt.gz": gz(b"good")[:-1], "d/neg/2.txt.gz": gz(b"bad")})
    for damaged in (REFUSE, WHOLE):
        tasks = plan(files, "d", format="folders")
        (batch,) = read_tasks(tasks, COLUMNS, files, damaged=damaged)
        assert (rows_of([batch]), rejected_of([batch])) == ([("bad", "neg", 0)], [(0, "damaged file")])


def test_damage_of_a_header_is_no_missing_column_where_its_loss_is_allowed() -> None:
    # Stored blocks of deflate: the wrong bit is in the content, and only the checksum shows it, after more bytes than
    # are looked at before the job.
    stored = bytearray(gzip.compress(CSV + b"five,x\n" * (READ_SIZES.chunk_bytes // 7), compresslevel=0, mtime=0))
    stored[stored.index(b"label")] ^= 1
    files = MemoryFiles({"a.csv.gz": bytes(stored)})
    with pytest.raises(UserError, match=r"'label' is not in a\.csv\.gz"):
        check_columns(plan(files), COLUMNS, files)
    check_columns(plan(files), COLUMNS, files, damaged=WHOLE)
    assert outcome_of(bytes(stored), "a.csv.gz", WHOLE).used == []
    other = MemoryFiles({"a.csv.gz": gz(b"text,stars\n")})
    with pytest.raises(UserError, match=r"'label' is not in a\.csv\.gz"):
        check_columns(plan(other), COLUMNS, other, damaged=WHOLE)


def test_damage_shows_in_the_first_files() -> None:
    files = MemoryFiles({"a.csv.gz": gz(CSV), "b.csv.gz": gz(CSV)[:-1], "c.parquet": b"PAR1" + PARQUET[:-9]})
    looked = look_into_first_files(plan(files), COLUMNS, files)
    assert ([rest.file for rest in looked.lost], looked.begun, looked.whole) == (["b.csv.gz", "c.parquet"], 3, 1)
    good = MemoryFiles({f"{number:02}.csv": CSV for number in range(10)})
    assert look_into_first_files(plan(good), COLUMNS, good) == FirstFiles([], 8, 8)
    assert look_into_first_files(plan(good), COLUMNS, good, look_bytes=0) == FirstFiles([], 8, 0)


def test_damage_ends_the_bytes_of_a_verified_file_at_the_last_whole_member() -> None:
    files = VerifiedFiles(MemoryFiles({"a.gz": gz(b"one") + gz(b"two")[:-1], "b.gz": gz(b"one"), "c": b"text"}))
    for name, expected in (("a.gz", gz(b"one")), ("b.gz", gz(b"one")), ("c", b"text")):
        with files.open(name) as file:
            assert file.read(len(expected)) == expected
            file.seek(0)
            assert file.read(2) == expected[:2]


# Of Parquet without page checksums, and of zstd without a checksum, not every wrong bit can be seen.
MANY = [(f"text {number} {'good' if number % 3 else 'bad'}", "xy"[number % 2]) for number in range(12)]
MANY_CSV = HEADER + csv(MANY)


def members(compress: Callable[[bytes], bytes]) -> bytes:
    return compress(MANY_CSV[:120]) + compress(MANY_CSV[120:])


FLIPPED = {
    "a.csv.gz": members(gz),
    "a.csv.zst": members(zstd),
    "a.csv.bz2": members(bz2.compress),
    "a.csv.xz": members(lzma.compress),
    "a.parquet": parquet(MANY, group=4),
    "a.tfrecord": tfrecord(MANY),
    "a.tfrecord.gz": gz(tfrecord(MANY)),
    "zlib.tfrecord": zlib.compress(tfrecord(MANY)),
}


@pytest.mark.parametrize("name", FLIPPED)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damage_of_any_one_bit_gives_no_wrong_row(name: str, data: st.DataObject) -> None:
    content = FLIPPED[name]
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    wrong = bytearray(content)
    wrong[bit // 8] ^= 1 << bit % 8
    right = Outcome([(text, label, place) for place, (text, label) in enumerate(MANY)], 0, [])
    # A refusal may also be of the name of a column, or of what tells the format.
    with contextlib.suppress(UserError):
        assert outcome_of(bytes(wrong), name, REFUSE) == right
    with contextlib.suppress(UserError):
        used, rejected, lost = outcome_of(bytes(wrong), name, WHOLE)
        assert used == right.used[: len(used)]
        assert rejected == 0
        assert lost or len(used) == len(MANY)

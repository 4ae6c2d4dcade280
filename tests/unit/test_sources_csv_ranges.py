"""A csv or tsv file cut into ranges anywhere: the same rows, places and rejected rows as without cuts."""

import csv
import io
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.config.input_settings import InputSettings
from pipeline.files.text_stream import READ_SIZES, ReadSizes
from pipeline.sources import plan_tasks, read_tasks
from pipeline.sources.csv_ranges import RangeScan, nominal_ranges, resolve_ranges, scan_lines, scan_range
from pipeline.sources.formats.dialect import Dialect
from pipeline.sources.formats.lines import LINE_BLOCK_BYTES
from pipeline.sources.tasks import Kind, TaskGroup
from tests.support.memory_files import COLUMNS, MemoryFiles, Rejected, Row, read, rejected_of, rows_of, sizes_of


def resolved(
    files: MemoryFiles, range_bytes: int, name: str = "a.csv", *, sizes: ReadSizes = READ_SIZES, **options: Any
) -> list[TaskGroup]:
    found = plan_tasks(InputSettings(path=name, **options), files, range_bytes=range_bytes, cuts_quoted=True)
    # Scans come in any order.
    scans = [scan_range(group, files, sizes=sizes) for group in reversed(list(nominal_ranges(found.groups)))]
    return list(resolve_ranges(found.groups, scans))


def read_in_ranges(
    content: bytes, name: str, range_bytes: int, *, sizes: ReadSizes = READ_SIZES, **options: Any
) -> tuple[list[Row], list[Rejected]]:
    files = MemoryFiles({name: content})
    used: list[Row] = []
    rejected: list[Rejected] = []
    before = 0
    for group in resolved(files, range_bytes, name, sizes=sizes, **options):
        batches = list(read_tasks(group.tasks(), COLUMNS, files, damaged="use_what_is_whole", sizes=sizes))
        assert before in (group.first_row, 0)
        used += rows_of(batches)
        rejected += [(before + row, reason) for row, reason in rejected_of(batches)]
        before += sum(batch.count for batch in batches)
    return used, rejected


# Bytes of all kinds at every edge: each example is cut into ranges of a few bytes, which may begin in quotes,
# at a doubled quote, between CR and LF, in an empty line, in the header.
BYTES = st.lists(st.sampled_from([b'"', b'"', b",", b"\n", b"\n", b"\r", b"a", b"b,1\n", b'"x\ny",2\n', b"\xc3\xa9"]))


@settings(max_examples=300, deadline=None)
@given(
    body=BYTES,
    mark=st.sampled_from([b"", b"\xef\xbb\xbf"]),
    header=st.sampled_from([b"text,label\n", b"\n\r\ntext,label\r\n", b'"text","label"\n']),
    range_bytes=st.integers(1, 40),
)
@example(body=[b'"', b"\n", b'"', b"\n", b'"', b"\n"], mark=b"", header=b"text,label\n", range_bytes=2)
@example(body=[b'a" b', b',"', b"\n" * 9, b'",1\nb,2\n'], mark=b"", header=b"text,label\n", range_bytes=3)
@example(body=[b"b,1\n"] * 6 + [b'"open\n'] * 5, mark=b"", header=b"text,label\n", range_bytes=7)
def test_sources_ranges_are_the_whole_whatever_the_bytes(
    body: list[bytes], mark: bytes, header: bytes, range_bytes: int
) -> None:
    content = mark + header + b"".join(body)
    cut = read_in_ranges(content, "a.csv", range_bytes, quoting="quotes")
    assert cut == read(content, "a.csv", quoting="quotes")


TEXTS = st.text(st.sampled_from(list('",\t\n\r a1é€\U0001f600')), max_size=12)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(TEXTS, TEXTS) | st.tuples(TEXTS), max_size=12),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    format=st.sampled_from([("a.csv", ","), ("a.tsv", "\t")]),
    range_bytes=st.integers(1, 60),
)
def test_sources_ranges_of_what_pythons_writer_wrote(
    rows: list[tuple[str, ...]], quoting: Any, line_end: str, format: tuple[str, str], range_bytes: int
) -> None:
    name, delimiter = format
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerows([("text", "label"), *rows])
    content = file.getvalue().encode()
    cut = read_in_ranges(content, name, range_bytes, quoting="quotes")
    assert cut == read(content, name, quoting="quotes")


# One file, a quoted field of many lines in its middle, cut at every size: small blocks as well.
MIDDLE = b'text,label\na,1\n"x\n""y""\n\n,z",2\r\n\nlast 5" disk,3\n"",4\nragged\n"open\nto the end,5\n'


@pytest.mark.parametrize("block", [1, 5, 1 << 20])
def test_sources_ranges_at_every_byte(block: int) -> None:
    expected = read(MIDDLE, "a.csv")
    assert [place for _, _, place in expected[0]] == [0, 1, 2, 3]
    assert expected[1] == [(4, "wrong number of columns"), (5, "unclosed quote")]
    for range_bytes in range(1, len(MIDDLE) + 1):
        assert read_in_ranges(MIDDLE, "a.csv", range_bytes, sizes=sizes_of(block)) == expected, range_bytes


LINES = [
    # lines, (in_quotes after them, rows, first begin) outside, the same in quotes; worked by hand
    (b"a,1\nb,2\n", (False, 2, 0), (True, 0, None)),
    (b"\n\r\na,1\n", (False, 1, 0), (True, 0, None)),
    (b'a"\nb,2\n', (False, 2, 0), (False, 1, 3)),  # outside it is a plain character, within it closes
    (b'"a\n', (True, 1, 0), (False, 0, 3)),
    (b'"a""b"\nc\n', (False, 2, 0), (False, 1, 7)),  # within, the first closes and the others are plain
    (b'x","y\nz\n', (True, 1, 0), (True, 0, None)),
    (b"", (False, 0, 0), (True, 0, None)),
]


Scan = tuple[bool, int, int | None]


@pytest.mark.parametrize(("lines", "outside", "within"), LINES)
def test_sources_ranges_scan_tells_both_cases(lines: bytes, outside: Scan, within: Scan) -> None:
    assert scan_lines(lines, Dialect(","), offset=0) == (outside, within)


def test_sources_ranges_are_cut_only_where_they_can_be() -> None:
    rows = b"text,label\n" + b"a,1\n" * 100
    files = MemoryFiles({
        "a.csv": rows,
        "cr.csv": rows.replace(b"\n", b"\r"),  # only LF is looked for
        "utf16.csv": "\ufefftext,label\na,1\n".encode("utf-16-le") * 9,
        "small.csv": b"text,label\na,1\n",
    })  # fmt: skip
    found = plan_tasks(InputSettings(path="*"), files, range_bytes=100, cuts_quoted=True)
    assert [len([g for g in found.groups if g.paths == (name,)]) for name in files.contents] == [5, 1, 1, 1]
    uncut = plan_tasks(InputSettings(path="*"), files, range_bytes=100)
    assert {(task.start, task.stop) for task in uncut.tasks()} == {(0, None)}


def test_sources_ranges_have_about_the_same_rows() -> None:
    files = MemoryFiles({"a.csv": b"text,label\n" + b"".join(b'"%04d\n",1\n' % row for row in range(1000))})
    groups = resolved(files, 1000)
    assert [(group.start, group.first_row) for group in groups[:3]] == [(0, 0), (1001, 99), (2001, 199)]
    assert [later.start for earlier, later in itertools.pairwise(groups)] == [group.stop for group in groups[:-1]]
    assert groups[-1].stop == len(files.contents["a.csv"])


def test_sources_ranges_within_one_long_text_hold_nothing() -> None:
    content = b'text,label\na,1\n"' + b"x\n" * 1000 + b'",2\nb,3\n'
    groups = resolved(MemoryFiles({"a.csv": content}), 100)
    assert [(group.start, group.first_row) for group in groups] == [(0, 0), (len(content) - 4, 2)]


def test_sources_ranges_of_a_file_that_cannot_be_scanned_are_the_whole() -> None:
    content = b"text,label\na,1\n" + b"x" * 5000 + b",1\n"
    files = MemoryFiles({"a.csv": content})
    (group,) = resolved(files, 200, sizes=replace(sizes_of(100), max_row_bytes=1000))
    assert (group.start, group.stop) == (0, None)
    assert scan_range(TaskGroup(0, ("gone.csv",), (Kind("csv"),), 0, 9), _Gone({})) == RangeScan("gone.csv", 0, None)


class _Gone(MemoryFiles):
    def open(self, path: str) -> io.BytesIO:
        raise FileNotFoundError(2, "No such file", path)


def test_sources_ranges_of_lines_longer_than_a_block() -> None:
    text = b"x" * (3 * LINE_BLOCK_BYTES)
    content = b"text,label\n" + b"".join(b"%s%d,1\n" % (text, row) for row in range(3))
    assert read_in_ranges(content, "a.csv", LINE_BLOCK_BYTES) == read(content, "a.csv")

"""pipeline.sources: which files are read and in which ranges, what is refused before a job starts, batches."""

import gzip
import io
import pickle
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline import sample_corpus
from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.files.text_stream import READ_SIZES
from pipeline.sources import check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.schema import REJECTED_SCHEMA, ROWS_SCHEMA, Batch
from pipeline.sources.tasks import ReadTask
from tests.support.memory_files import (
    COLUMNS,
    MemoryFiles,
    batches_of,
    parquet,
    plan,
    read,
    rejected_of,
    rows_of,
    sizes_of,
)
from tests.support.tf_examples import framed, serialized

CSV = b"text,label\na,1\n"
LINES = b'{"text":"a","label":1}\n{"text":"b","label":2}\n{"text":"c","label":3}\n'


REVIEWS = pa.table({"text": ["a", "b", "c", "d", "e"], "label": [1, 2, 3, 4, 5]})

FILES = {
    "d/b.csv": CSV,
    "d/a.jsonl.gz": gzip.compress(LINES, mtime=0),
    "d/sub/c.TSV": b"text\tlabel\na\t1\n",
    "d/notes.md": b"hello",
    "d/z.parquet": parquet(REVIEWS),
    "e.dat": CSV,
}
PLANS = [
    # input.path, input.format, (path, format) of each task
    ("d/b.csv", "auto", [("d/b.csv", "csv")]),
    ("d", "auto", [("d/a.jsonl.gz", "jsonl"), ("d/b.csv", "csv"), ("d/sub/c.TSV", "tsv"), ("d/z.parquet", "parquet")]),
    ("d", "csv", [("d/b.csv", "csv")]),  # of a folder, the files of that format
    ("d/?.[cp]*", "auto", [("d/b.csv", "csv"), ("d/z.parquet", "parquet")]),
    (["d/z.parquet", "d/b.csv", "d/*.csv"], "auto", [("d/b.csv", "csv"), ("d/z.parquet", "parquet")]),  # once each
    ("e.dat", "csv", [("e.dat", "csv")]),
    ("e.dat", "auto", [("e.dat", "csv")]),
    ("d/b.csv", "tsv", [("d/b.csv", "tsv")]),  # what the user says counts, not the name
]


@pytest.mark.parametrize(("path", "format", "left_out"), [
    ("d", "auto", {"other_format": 1}),
    ("d", "csv", {"other_format": 4}),
    (["d", "e.dat"], "auto", {"other_format": 1}),
    ("d/*", "csv", {}),  # a glob names what is meant
])  # fmt: skip
def test_sources_plan_counts_what_it_leaves_out(path: str | list[str], format: str, left_out: dict[str, int]) -> None:
    settings = InputSettings.model_validate({"path": path, "format": format})
    assert plan_tasks(settings, MemoryFiles(FILES)).left_out == left_out


@pytest.mark.parametrize(("path", "format", "tasks"), PLANS)
def test_sources_plan_finds_files(path: str | list[str], format: str, tasks: list[tuple[str, str]]) -> None:
    settings = InputSettings.model_validate({"path": path, "format": format})
    planned = list(plan_tasks(settings, MemoryFiles(FILES)).tasks())
    assert [(task.path, task.format) for task in planned] == tasks
    assert [task.file_index for task in planned] == list(range(len(tasks)))
    assert {(task.start, task.stop) for task in planned} == {(0, None)}


GUESSES = [
    # content of a file whose name tells nothing, its format
    (CSV, "csv"),
    (b"text\tlabel,x\n", "tsv"),
    (b'\n {"text":"a"}\n', "jsonl"),
    (b'\xef\xbb\xbf{"text":"a"}\n', "jsonl"),
    (gzip.compress(LINES, mtime=0), "jsonl"),
    (gzip.compress(LINES, mtime=0)[:-3], "jsonl"),
    ("\ufefftext\tlabel\n".encode("utf-16-le"), "tsv"),
    (parquet(REVIEWS), "parquet"),
]


@pytest.mark.parametrize(("content", "format"), GUESSES)
def test_sources_plan_guesses_from_content(content: bytes, format: str) -> None:
    assert plan(MemoryFiles({"x": content})) == [ReadTask("x", 0, format)]


# Nothing is opened to plan files that are small and whose names tell their format: there may be 25,000 of them.
def test_sources_plan_opens_no_file_without_need() -> None:
    files = MemoryFiles({f"{number}.csv": CSV for number in range(100)} | {"a.jsonl": LINES, "b.parquet": b"PAR1"})
    assert len(plan(files)) == 102
    assert files.opened == []


PLAN_ERRORS = [
    # input.path, the message
    ("x.csv", "input.path: there is no such file, or the folder is empty: 'x.csv'"),
    ("x/*.csv", "input.path: no file matches 'x/*.csv'"),
    (["d/b.csv", "x.csv"], "input.path: there is no such file, or the folder is empty: 'x.csv'"),
    ([], "input.path: the list is empty; name a file, a glob or a folder, or use sample"),
    ("notes", "input.path: the folder 'notes' holds no file that ends in .csv, .tsv, .tab, .jsonl, .ndjson, .json, "
              ".parquet, .pq, .arrow, .feather, .ipc, .arrows, .orc, .avro, .tfrecord, .tfrecords, .tfrec; "
              "if the content of its files tells what they are, name them by a glob: notes/*"),
    ("hello", "input.format: neither name nor content tells the format of hello; set csv, tsv, jsonl, "
     "parquet, arrow, orc, avro, tfrecord, folders"),
    ("binary", "input.format: neither name nor content tells the format of binary; set csv, tsv, jsonl, "
     "parquet, arrow, orc, avro, tfrecord, folders"),
    ("empty", "input.format: neither name nor content tells the format of empty; set csv, tsv, jsonl, "
     "parquet, arrow, orc, avro, tfrecord, folders"),
]  # fmt: skip
ODD_FILES = {**FILES, "notes/a.md": b"", "notes/b.md": b"", "hello": b"hello", "binary": b"\0,\t{", "empty": b""}


@pytest.mark.parametrize(("path", "message"), PLAN_ERRORS)
def test_sources_plan_refuses(path: str | list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        plan_tasks(InputSettings.model_validate({"path": path}), MemoryFiles(ODD_FILES))
    assert str(error.value) == message


def test_sources_plan_refuses_what_may_not_be_read() -> None:
    class Forbidden(MemoryFiles):
        def open(self, path: str) -> io.BytesIO:
            raise PermissionError(13, "Permission denied", path)

    with pytest.raises(
        UserError, match=r"^input\.path: cannot read x: Permission denied; give regular files that this user may read$"
    ):
        plan(Forbidden({"x": CSV}))


RANGES = [
    # file, content, range_bytes, (start, stop) of each task
    ("a.jsonl", LINES, 30, [(0, 30), (30, 60), (60, 69)]),
    ("a.jsonl", LINES, 69, [(0, None)]),
    ("a.jsonl.gz", gzip.compress(LINES, mtime=0), 10, [(0, None)]),
    ("a.jsonl", gzip.compress(LINES, mtime=0), 10, [(0, None)]),  # compressed, though its name does not say so
    ("a.jsonl", "\ufeffé".encode("utf-16-le"), 1, [(0, None)]),
    ("a.csv", CSV, 1, [(0, None)]),  # a line break may stand in quotes
    ("a.parquet", parquet(REVIEWS, row_group_size=2), 1, [(0, 1), (1, 2), (2, 3)]),
    ("a.parquet", parquet(REVIEWS, row_group_size=1), 400, [(0, 3), (3, 5)]),  # 151 bytes a group
    ("a.parquet", parquet(REVIEWS[:0]), 1, [(0, 1)]),  # a group without rows
    ("a.parquet", parquet(REVIEWS, row_group_size=2)[:-1], 1, [(0, None)]),  # damaged: reading it will tell
]


@pytest.mark.parametrize(("name", "content", "range_bytes", "ranges"), RANGES)
def test_sources_plan_cuts_large_files(
    name: str, content: bytes, range_bytes: int, ranges: list[tuple[int, int | None]]
) -> None:
    tasks = plan(MemoryFiles({name: content}), range_bytes=range_bytes)
    assert [(task.start, task.stop) for task in tasks] == ranges
    assert read(content, name, range_bytes=range_bytes)[0] == read(content, name)[0]


LINE_RANGES = [
    # start, stop: the texts of the lines, which begin at 0, 23 and 46
    (0, 1, ["a"]),
    (0, 23, ["a"]),
    (0, 24, ["a", "b"]),
    (1, 23, []),
    (22, 23, []),
    (23, 24, ["b"]),
    (24, 69, ["c"]),
    (47, 69, []),
    (60, 200, []),  # the file is shorter than it was
    (100, 200, []),
]


@pytest.mark.parametrize(("start", "stop", "texts"), LINE_RANGES)
def test_sources_jsonl_lines_belong_where_they_begin(start: int, stop: int, texts: list[str]) -> None:
    files = MemoryFiles({"a.jsonl": LINES})
    batches = list(read_tasks([ReadTask("a.jsonl", 0, "jsonl", start, stop)], COLUMNS, files))
    assert [text for text, _, _ in rows_of(batches)] == texts


def test_sources_tasks_are_small_to_send() -> None:
    (task,) = plan(MemoryFiles({"a.csv": CSV}))
    assert pickle.loads(pickle.dumps(task)) == task
    assert len(pickle.dumps(task)) < 300


def test_sources_positions_grow_from_file_to_file() -> None:
    files = MemoryFiles({"b.jsonl": LINES, "a.csv": CSV, "c.parquet": parquet(REVIEWS, row_group_size=2)})
    positions = []
    for task in plan(files, range_bytes=40):
        for batch in read_tasks([task], COLUMNS, files):
            positions += batch.rows["position"].to_pylist()
    file = 1 << 40
    assert positions == [0, file, file + 23, file + 46, *(2 * file + row for row in range(5))]


WRONG = [
    # file, content, columns, the message
    ("a.csv", b"id,text,label\n", ColumnNames("txt", "label"),
     "input.text_column: 'txt' is not in a.csv; it has the columns id, text, label"),
    ("a.csv", CSV, ColumnNames("text", "label", id="no"),
     "input.id_column: 'no' is not in a.csv; it has the columns text, label"),
    ("a.csv", CSV, ColumnNames("text", "label", split="part"),
     "split.column: 'part' is not in a.csv; it has the columns text, label"),
    ("a.csv", b"text,label,text\n", COLUMNS, "input.text_column: a.csv has 2 columns 'text'; rename all but one"),
    ("a.csv", b"text:label\na:1\n", COLUMNS,
     "input.path: a.csv has one column, 'text:label', if columns are separated by ','; "
     "set input.delimiter if another character separates them"),
    ("a.csv", b"text;label,x\na;1,2\n", COLUMNS,
     "input.text_column: 'text' is not in a.csv; it has the columns text;label, x"),
    ("a.csv", b"text,label\0\n", COLUMNS,
     "input.path: a.csv does not begin with the column names of csv in UTF-8; "
     "set input.encoding if it is in another encoding, or set input.format"),
    ("a.csv", b"t\xe9xt,label\n", COLUMNS,
     "input.path: a.csv does not begin with the column names of csv in UTF-8; "
     "set input.encoding if it is in another encoding, or set input.format"),
    ("a.csv", b"x" * 200_000, COLUMNS,
     f"input.path: a.csv has one column, {'x' * 60!r}, if columns are separated by ','; "
     "set input.delimiter if another character separates them"),
    ("a.csv.gz", CSV, COLUMNS, "input.path: a.csv.gz is not compressed as its name says; rename it without .gz"),
    ("a.jsonl.zst", LINES, COLUMNS,
     "input.path: a.jsonl.zst is not compressed as its name says; rename it without .zst"),
    ("a.jsonl", LINES, ColumnNames("txt", "label"),
     "input.text_column: 'txt' is not in a.jsonl; it has the columns text, label"),
    ("a.jsonl", b'{"a":{"b":1}}\n{"c":1}', ColumnNames("a.c", "c"),
     "input.text_column: 'a.c' is not in a.jsonl; it has the columns a, c"),
    ("a.json", b'[\n{"text":"a"}\n]', COLUMNS,
     "input.label_column: 'label' is not in a.json; it has the columns text"),
    ("a.jsonl", CSV, COLUMNS,
     "input.path: a.jsonl holds no JSON object in its first lines; jsonl is one JSON object a line "
     "(or set input.format)"),
    ("a.parquet", CSV, COLUMNS, "input.path: a.parquet is not Parquet (it does not begin with PAR1); set input.format"),
    ("a.parquet", parquet(REVIEWS), ColumnNames("text", "x.y"),
     "input.label_column: 'x.y' is not in a.parquet; it has the columns text, label"),
    ("a.parquet", parquet(pa.table({"r": [{"t": "a", "u": [1]}]})), ColumnNames("r.x", "r.u"),
     "input.text_column: 'r.x' is not in a.parquet; it has the columns r, r.t, r.u"),
    ("a.parquet", parquet(REVIEWS), ColumnNames("label", "label"),
     "input.text_column: 'label' in a.parquet holds int64; it must hold texts"),
    ("a.parquet", parquet(pa.table({"r": [{"t": "a", "u": [1]}]})), ColumnNames("r.t", "r.u"),
     "input.label_column: 'r.u' in a.parquet holds list<element: int64>; set input.several_labels to true if "
     "a text has several labels"),
    ("a.csv", b"text,label\n\n", COLUMNS, "input.path: no rows in a.csv"),
    ("a.csv", b"", COLUMNS, "input.path: no rows in a.csv"),
    ("a.jsonl", b"\xef\xbb\xbf", COLUMNS, "input.path: no rows in a.jsonl"),
    ("a.jsonl", b"\n \n", COLUMNS, "input.path: no rows in a.jsonl"),
    ("a.parquet", parquet(REVIEWS[:0]), COLUMNS, "input.path: no rows in a.parquet"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "columns", "message"), WRONG)
def test_sources_check_refuses(name: str, content: bytes, columns: ColumnNames, message: str) -> None:
    files = MemoryFiles({name: content})
    with pytest.raises(UserError) as error:
        check_columns(plan(files), columns, files)
    assert str(error.value) == message


FINE = [
    # file, content: no message before the job; bad rows are rejected while it runs
    ("a.csv", CSV),
    ("a.csv", b"text,label\nbroken\n"),
    ("a.csv", b'text,label\n"open'),
    ("a.csv.gz", gzip.compress(CSV, mtime=0)[:-3]),
    ("a.csv.gz", gzip.compress(CSV, mtime=0)[:12]),  # the header is lost, too
    ("a.jsonl", b"broken\n" * 99 + LINES),
    ("a.jsonl", b'{"x":1}\n' * 99 + LINES),  # the 100th object has the columns
    ("a.jsonl", b'{"text":null,"label":null}\n'),
    ("a.jsonl.gz", b"\x1f"),
    ("a.parquet", parquet(REVIEWS)),
    ("a.parquet", parquet(REVIEWS)[:-1]),
    ("a.parquet", b"PA"),
]


@pytest.mark.parametrize(("name", "content"), FINE)
def test_sources_check_passes(name: str, content: bytes) -> None:
    files = MemoryFiles({name: content})
    check_columns(plan(files), COLUMNS, files)


def test_sources_check_opens_the_first_files_only() -> None:
    files = MemoryFiles({f"{number:02}.csv": CSV for number in range(50)})
    check_columns(plan(files), COLUMNS, files)
    assert files.opened == [f"{number:02}.csv" for number in range(8)]


def test_sources_check_looks_for_rows_as_far_as_needed() -> None:
    files = MemoryFiles({f"{number:02}.csv": CSV[:11] for number in range(50)})
    files.contents["30.csv"] = CSV
    check_columns(plan(files), COLUMNS, files)
    assert files.opened[-1] == "30.csv"


# Rows of 8 bytes each, of which those whose number divides by 5 are ragged.
MANY = b"text,label\n" + b"".join(b"%05d\n" % row if row % 5 == 0 else b"%05d,1\n" % row for row in range(100))
BATCHES = [
    # batch_rows, batch_bytes, used rows of each batch
    (30, 1 << 20, [30, 30, 20]),
    (4, 1 << 20, [4] * 20),
    (80, 1 << 20, [80]),
    (1000, 100, [20, 20, 20, 20]),  # 5 bytes a text
    (1000, 3, [1] * 80),  # a text that is larger than a batch
]


@pytest.mark.parametrize(("batch_rows", "batch_bytes", "sizes"), BATCHES)
@pytest.mark.parametrize("chunk", [1, 64, 1 << 20])
def test_sources_batches_are_full_and_in_order(batch_rows: int, batch_bytes: int, sizes: list[int], chunk: int) -> None:
    files = MemoryFiles({"a.csv": MANY})
    (task,) = plan(files)
    batches = list(
        read_tasks([task], COLUMNS, files, batch_rows=batch_rows, batch_bytes=batch_bytes, sizes=sizes_of(chunk))
    )
    assert [batch.rows.num_rows for batch in batches] == sizes
    for batch in batches:
        assert batch.rows.schema.equals(ROWS_SCHEMA)
        assert batch.rejected.schema.equals(REJECTED_SCHEMA)
        assert batch.rows["row"].equals(batch.rows["position"])  # of the first file
    assert [row for batch in batches for row in batch.rows["row"].to_pylist()] == [n for n in range(100) if n % 5]
    assert [row for row, _ in rejected_of(batches)] == list(range(0, 100, 5))


def test_sources_batches_of_rejected_rows_do_not_grow() -> None:
    files = MemoryFiles({"a.jsonl": b"x\n" * 50})
    (task,) = plan(files)
    assert [batch.count for batch in read_tasks([task], COLUMNS, files, batch_rows=20)] == [50]  # one chunk's rows
    assert rejected_of(batches_of(b"x\n" * 50, "a.jsonl")) == [(row, "broken JSON") for row in range(50)]


def test_sources_batches_do_not_carry_their_neighbours() -> None:
    files = MemoryFiles({"a.csv": b"text,label\n" + b"".join(b"%01000d,1\n" % row for row in range(1000))})
    (task,) = plan(files)
    first = next(read_tasks([task], COLUMNS, files, batch_rows=10))
    assert 10_000 < len(pickle.dumps(first.rows)) < 20_000


LONG = b"x" * (20 << 20)
LONG_FILES = [
    # file, content: a text of 20 MiB, more than two chunks, and a row after it
    ("a.csv", b'text,label\n"' + LONG + b'\n",1\nb,2\n'),
    ("a.jsonl", b'{"label":1,"text":"' + LONG + b'\\n"}\n{"text":"b","label":2}\n'),
]


@pytest.mark.parametrize(("name", "content"), LONG_FILES)
def test_sources_long_texts(name: str, content: bytes) -> None:
    batches = batches_of(content, name)
    used = rows_of(batches)
    assert [(len(text), label) for text, label, _ in used] == [(len(LONG) + 1, "1"), (1, "2")]
    assert rejected_of(batches) == []


TOO_LONG = [
    # file, content, rejected row: rows may have 1000 bytes here
    ("a.csv", b"text,label\na,1\n" + b"x" * 2000, (1, "row too long")),
    ("a.csv", b'text,label\na,1\n"' + b"x\n" * 1000, (1, "unclosed quote")),
    ("a.jsonl", b'{"text":"a","label":1}\n' + b" " * 2000, (1, "row too long")),
    ("a.tfrecord", framed(serialized({"text": b"a", "label": 1}), b"x" * 2000), (1, "row too long")),
]


@pytest.mark.parametrize(("name", "content", "rejected"), TOO_LONG)
def test_sources_rows_without_end_do_not_fill_the_memory(name: str, content: bytes, rejected: tuple[int, str]) -> None:
    assert read(content, name, sizes=replace(sizes_of(100), max_row_bytes=1000)) == ([("a", "1", 0)], [rejected])


# One name of 2 MiB (the limit of the csv reader of Python is 131,072 characters); 100,000 names, longer than a range.
LONG_HEADERS = [
    f"text,label,{'x' * (2 << 20)}",
    "text,label," + ",".join(f"column_{number:06}" for number in range(100_000)),
]


@pytest.mark.parametrize("header", LONG_HEADERS, ids=["one name", "many names"])
def test_sources_header_may_be_as_long_as_a_row(header: str) -> None:
    row = "good,1" + "," * (header.count(",") - 1)
    content = f"{header}\n{row}\n{row}\n".encode()
    files = MemoryFiles({"a.csv": content})
    tasks = plan(files)
    ranges = plan_tasks(InputSettings(path="a.csv"), files, range_bytes=1 << 20, cuts_quoted=True)
    assert len(list(ranges.tasks())) >= 2  # the header is longer than the first one
    check_columns(ranges.tasks(), COLUMNS, files)
    begin = len(header) + 1
    # The whole file, and its last row as a range: its header is before it.
    for task, places in ((tasks[0], [0, 1]), (replace(tasks[0], start=begin + len(row) + 1, stop=len(content)), [0])):
        assert rows_of(list(read_tasks([task], COLUMNS, files))) == [("good", "1", place) for place in places]


def test_sources_range_after_a_header_that_is_too_long_is_lost() -> None:
    content = b"text,label," + b"x" * 200_000 + b"\ngood,1,\n"
    task = ReadTask("a.csv", 0, "csv", start=200_012, stop=len(content), first_row=1)
    (batch,) = read_tasks(
        [task], COLUMNS, MemoryFiles({"a.csv": content}), damaged="use_what_is_whole",
        sizes=replace(READ_SIZES, max_row_bytes=100_000),
    )  # fmt: skip
    assert batch.count == 0
    assert [(lost.row, lost.reason) for lost in batch.lost] == [(0, "row too long")]


def test_sources_message_shows_the_beginning_of_long_column_names() -> None:
    with pytest.raises(UserError, match=rf"it has the columns {'x' * 60}\.\.\., label$"):
        batches_of(b"x" * 1_000_000 + b",label\na,1\n", "b.csv")


def test_sources_missing_column_in_a_later_file_is_an_error() -> None:
    with pytest.raises(UserError, match=r"^input\.label_column: 'label' is not in b\.csv; it has the columns text, x$"):
        batches_of(b"text,x\na,1\n", "b.csv")
    with pytest.raises(UserError, match=r"^input\.label_column: 'label' is not in b\.parquet"):
        batches_of(parquet(pa.table({"text": ["a"]})), "b.parquet")


# An error of a network is not damage: a runner tries again, so no row is rejected.
@pytest.mark.parametrize("name", ["gs://b/a.csv", "gs://b/a.jsonl", "gs://b/a.parquet"])
def test_sources_errors_of_the_filesystem_are_passed_on(name: str) -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    class BrokenFiles(MemoryFiles):
        def open(self, path: str) -> io.BytesIO:
            return Broken(self.contents[path])

    files = BrokenFiles({name: parquet(REVIEWS)})
    (task,) = plan(files, several_labels=True)  # with auto the first file is opened when the input is planned
    with pytest.raises(OSError, match="Input/output error"):
        list(read_tasks([task], COLUMNS, files))


def test_sources_damaged_parquet_keeps_the_rows_before() -> None:
    content = bytearray(
        parquet(pa.table({"text": [f"{row:0900}" for row in range(20)], "label": [1] * 20}), row_group_size=5)
    )
    middle = len(content) // 2
    content[middle : middle + 3000] = b"\xff" * 3000
    used, rejected = read(bytes(content), "a.parquet")
    assert [place for _, _, place in used] == list(range(len(used)))
    assert rejected == [(len(used), "damaged file")]


def test_sources_sample_is_the_same_in_any_ranges() -> None:
    tasks = list(plan_tasks(InputSettings(), LocalFiles()).tasks())
    check_columns(tasks, COLUMNS, LocalFiles())
    assert [task.start for task in tasks[1:]] == [task.stop for task in tasks[:-1]]
    assert tasks[-1].stop == sample_corpus.DEFAULT_ROWS
    (batch,) = read_tasks([ReadTask("sample", 0, "sample", start=4000, stop=4010)], COLUMNS, LocalFiles())
    expected = sample_corpus.sample_batch(4000, 10, seed=sample_corpus.DEFAULT_SEED)
    assert rows_of([batch]) == [
        (text, str(label), 4000 + row)
        for row, (text, label) in enumerate(
            zip(expected["text"].to_pylist(), expected["label"].to_pylist(), strict=True)
        )
    ]


def test_sources_sample_has_no_other_columns() -> None:
    with pytest.raises(UserError, match=r"^input\.text_column: 'review' is not in sample; it has the columns "):
        check_columns(plan_tasks(InputSettings(), LocalFiles()).tasks(), ColumnNames("review", "label"), LocalFiles())


def test_sources_local_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.csv", "a.csv", "sub/c.csv", "sub/.hidden.csv", "x[1].csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(CSV)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = {
        # pattern: the files it names
        "a.csv": ["a.csv"],
        "./a.csv": ["a.csv"],
        "*.csv": ["a.csv", "b.csv", "x[1].csv"],
        "**/*.csv": ["a.csv", "b.csv", "sub/c.csv", "x[1].csv"],
        "s*": ["sub/c.csv"],
        ".": ["a.csv", "b.csv", "sub/c.csv", "x[1].csv"],
        "sub/": ["sub/c.csv"],
        "sub/.hidden.csv": ["sub/.hidden.csv"],  # named in full
        "x[1].csv": ["x[1].csv"],  # a file's name before it is a glob
        "none*": [],
        "none": [],
        str(tmp_path / "?.csv"): [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")],
        "~/a.csv": [],  # config.paths makes the home folder of ~
    }
    files = LocalFiles()
    matched = {pattern: files.match(pattern) for pattern in found}
    assert {pattern: [file.path for file in matched[pattern] if not file.left_out] for pattern in found} == found
    assert [(file.path, file.left_out) for file in matched["sub/"]] == [
        ("sub/.hidden.csv", "hidden"), ("sub/c.csv", "")
    ]  # fmt: skip
    assert [(file.path, file.size) for file in files.match("a.csv")] == [("a.csv", len(CSV))]
    with files.open("a.csv") as file:
        assert file.read() == CSV


def test_sources_batch_counts_every_row() -> None:
    (batch,) = batches_of(b"text,label\na,1\nb\n", "a.csv")
    assert isinstance(batch, Batch)
    assert (batch.rows.num_rows, batch.rejected.num_rows, batch.count) == (1, 1, 2)

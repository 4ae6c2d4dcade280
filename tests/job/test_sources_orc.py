"""ORC files, written by pyarrow and read by a process of its own -> used and rejected rows, and damage."""

import errno
import io
import os
import subprocess
from collections.abc import Generator, Mapping
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.text_stream import READ_SIZES
from pipeline.sources import check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import orc
from pipeline.sources.tasks import ReadTask
from tests.support.memory_files import COLUMNS, MemoryFiles, Rejected, Row, plan, read, rows_of
from tests.unit.test_local_files import FailingFiles

MISSING_TEXT, MISSING_LABEL, INVALID, DAMAGED = "missing text", "missing label", "invalid UTF-8", "damaged file"
NOT_LABEL = "label is not a string, integer or boolean"
AB = [("a", "1", 0), ("b", "2", 1)]


def file(columns: Mapping[str, Any] | pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pyarrow.orc.write_table(pa.table(columns), buffer, **options)
    return buffer.getvalue()


# fmt: off
TABLES: list[tuple[str, Mapping[str, Any], list[Row], list[Rejected]]] = [
    # name, columns, used (text, label, place), rejected (row, reason)
    ("strings", {"text": ["a", "b"], "label": ["1", "2"]}, AB, []),
    ("other columns", {"x": [[1], None], "label": [1, 2], "text": ["a", "b"], "m": [{"k": 1}, None]}, AB, []),
    ("binary", {"text": [b"a", b"b"], "label": [b"1", b"2"]}, AB, []),
    ("booleans", {"text": ["a"], "label": [True]}, [("a", "true", 0)], []),
    ("floats", {"text": ["a", "b"], "label": [1.0, 2.5]}, AB[:1], [(1, NOT_LABEL)]),
    ("nulls", {"text": [None, "b", "c"], "label": [1, None, 3]},
     [("c", "3", 2)], [(0, MISSING_TEXT), (1, MISSING_LABEL)]),
    ("invalid UTF-8", {"text": pa.array([b"\xff", b"b"]).view(pa.string()), "label": [1, 2]}, AB[1:], [(0, INVALID)]),
    ("no rows", {"text": pa.array([], pa.string()), "label": pa.array([], pa.int64())}, [], []),
]
# fmt: on


@pytest.mark.parametrize("compression", ["uncompressed", "zlib", "snappy", "zstd", "lz4"])
def test_sources_orc(compression: str) -> None:
    for name, columns, used, rejected in TABLES:
        content = file(columns, compression=compression)
        assert read(content, "a.orc") == (used, rejected), name
        assert read(content, "a") == (used, rejected), name  # the content tells as well


def test_sources_orc_in_several_stripes() -> None:
    rows = [(f"text {number} {os.urandom(40).hex()}", str(number % 2)) for number in range(20_000)]
    columns = {"text": [text for text, _ in rows], "label": [label for _, label in rows]}
    content = file(columns, stripe_size=64 << 10, dictionary_key_size_threshold=0.0)
    assert pyarrow.orc.ORCFile(io.BytesIO(content)).nstripes > 2
    expected = [(text, label, place) for place, (text, label) in enumerate(rows)]
    assert read(content, "a.orc") == (expected, [])
    repeated = {"text": ["a", "b"] * 5000, "label": ["x", "y"] * 5000}
    used, rejected = read(file(repeated, dictionary_key_size_threshold=1.0), "a.orc")
    assert ([row[:2] for row in used], rejected) == ([("a", "x"), ("b", "y")] * 5000, [])


def test_sources_orc_nested_columns() -> None:
    content = file({"review": [{"text": "a", "x": [1]}, None, {"text": None, "x": None}], "label": ["x", "y", "z"]})
    found = read(content, "a.orc", ColumnNames("review.text", "label"))
    assert found == ([("a", "x", 0)], [(1, MISSING_TEXT), (2, MISSING_TEXT)])


# fmt: off
REFUSED = [
    # content, columns, message
    (file({"txt": ["a"], "label": [{"x": 1}]}), COLUMNS,
     "input.text_column: 'text' is not in a.orc; it has the columns txt, label, label.x"),
    (file({"text": [["a"]], "label": [1]}), COLUMNS, "input.text_column: 'text' in a.orc holds list<"),
    (file({"r.text": ["a"], "r": [{"text": "b"}], "label": [1]}), ColumnNames("r.text", "label"),
     "input.text_column: a.orc has 2 columns 'r.text'; rename all but one"),
    (b"text,label\n", COLUMNS, "input.path: a.orc is not ORC (it does not begin with ORC); set input.format"),
]
# fmt: on


@pytest.mark.parametrize(("content", "columns", "message"), REFUSED, ids=range(len(REFUSED)))
def test_sources_orc_refuses(content: bytes, columns: ColumnNames, message: str) -> None:
    files = MemoryFiles({"a.orc": content})
    with pytest.raises(UserError) as error:
        check_columns(plan(files), columns, files)
    assert str(error.value).startswith(message)


ROWS = [(f"text {number} {'good' if number % 3 else 'bad'}", "xy"[number % 2]) for number in range(12)]
USED = [(text, label, place) for place, (text, label) in enumerate(ROWS)]
COLUMNS_OF_ROWS = {"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}
FILE = file(COLUMNS_OF_ROWS, compression="uncompressed")


def test_sources_orc_files_of_a_group_are_read_by_one_process_and_damage_is_of_one_file() -> None:
    files = MemoryFiles({"a.orc": FILE, "b.orc": FILE[:-1], "c.orc": FILE, "d.orc": b"", "e.orc": FILE})
    tasks = plan(files)
    batches = list(read_tasks(tasks, COLUMNS, files, damaged="use_what_is_whole"))
    assert [row[:2] for row in rows_of(batches)] == ROWS * 3
    assert [rest.file for batch in batches for rest in batch.lost] == ["b.orc", "d.orc"]


def test_sources_orc_that_ends_the_process_that_reads_it_is_damaged() -> None:
    # The length of a label becomes negative. pyarrow then reads outside of its memory: a segmentation fault.
    at = FILE.index(b"xyxyxyxyxyxy") - 4
    assert FILE[at : at + 4] == bytes.fromhex("c00b0100")
    ended = [
        FILE[: at + byte] + bytes([FILE[at + byte] ^ 1 << bit]) + FILE[at + byte + 1 :]
        for byte in range(4)
        for bit in range(8)
    ]
    files = MemoryFiles({f"{number:02}.orc": content for number, content in enumerate(ended)} | {"z.orc": FILE})
    batches = list(read_tasks(plan(files), COLUMNS, files, damaged="use_what_is_whole"))
    why = [rest.why for batch in batches for rest in batch.lost]
    assert any(reason.startswith("it ended the process that read it (status -") for reason in why)
    assert [row[:2] for row in rows_of(batches)][-12:] == ROWS  # the file after it is read by another process


@pytest.mark.parametrize("compression", ["uncompressed", "zlib"])
def test_sources_orc_truncation_is_damage(compression: str) -> None:
    content = file(COLUMNS_OF_ROWS, compression=compression)
    for length in range(0, len(content), 9):
        assert read(content[:length], "a.orc") == ([], [(0, DAMAGED)])


def test_sources_orc_without_time_zones_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    content = file({"text": ["a"], "label": [1], "at": pa.array([0], pa.timestamp("us"))})
    columns = ColumnNames("text", "label", id="at")
    assert read(content, "a.orc", columns) == ([("a", "1", 0)], [])
    monkeypatch.setenv("TZDIR", "/nowhere")
    with pytest.raises(UserError, match="install the package tzdata, or set the environment variable TZDIR"):
        read(content, "a.orc", columns)
    assert read(content, "a.orc") == ([("a", "1", 0)], [])  # no column of times is read


def test_sources_orc_ends_its_process_when_reading_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*arguments, **options))
        return started[-1]

    files = MemoryFiles({"a.orc": FILE})
    tasks = plan(files)  # it starts a process too, which looks at the type of the labels
    monkeypatch.setattr(
        orc, "subprocess", SimpleNamespace(Popen=start, PIPE=subprocess.PIPE, DEVNULL=subprocess.DEVNULL)
    )
    batches = orc.ORC.read_all(tasks, COLUMNS, files, sizes=READ_SIZES)
    assert next(batches).rows.num_rows == 12
    (process,) = started
    assert process.poll() is None  # it waits for the next file
    assert isinstance(batches, Generator)
    batches.close()
    assert process.poll() is not None


def test_sources_orc_names_a_file_whose_disk_fails() -> None:
    task = ReadTask("a/b", 0, "orc")
    with pytest.raises(UserError, match=r"^input.path: cannot read a/b: Input/output error; "):
        list(read_tasks([task], COLUMNS, FailingFiles(errno.EIO)))


def test_sources_orc_lists_of_labels() -> None:
    labels = pa.array([[b"b", b"a"], [], None, [b"\xff"], [b"a", None]], pa.list_(pa.binary()))
    content = file({"text": list("abcde"), "label": labels, "w": [1.0, 2.0, 3.0, 4.0, 5.0]})
    columns = ColumnNames("text", "label", weight="w", several_labels=True)
    assert read(content, "a.orc", columns) == (
        [("a", '["a", "b"]', 0), ("b", "[]", 1)],
        [(2, MISSING_LABEL), (3, INVALID), (4, "a label of the list is missing")],
    )
    files = MemoryFiles({"a.orc": content})
    assert plan_tasks(InputSettings(path="a.orc"), files).several_labels

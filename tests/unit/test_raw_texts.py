"""trainer.commands.raw_texts: what `predict` reads from files and from standard input, and how mistakes are named."""

import bz2
import gzip
import io
import lzma
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.sources import TextRow
from tests.support.tf_examples import framed, serialized
from trainer.commands.raw_texts import source_of_files, source_of_stream

LINES = b"good\r\n\nbad"
TEXTS = [b"good", b"", b"bad"]
CSV = b"text,x\ngood,1\n"
# fmt: off
STREAMS = [
    # bytes, --format, texts
    (LINES,                                     "auto",  TEXTS),
    (b"\xef\xbb\xbf" + LINES,                   "auto",  TEXTS),
    ("\ufeffgood\n\nbad".encode("utf-16-le"),   "auto",  TEXTS),
    (gzip.compress(LINES, mtime=0),             "auto",  TEXTS),
    (bz2.compress(LINES),                       "auto",  TEXTS),
    (lzma.compress(LINES) + lzma.compress(b"!"), "auto", [b"good", b"", b"bad!"]),
    (lzma.compress(CSV),                        "csv",   [b"good"]),
    (b"x" * 200_000 + b"\nend",                 "auto",  [b"x" * 200_000, b"end"]),  # more than is looked at first
    (CSV,                                       "csv",   [b"good"]),
    (CSV,                                       "lines", [b"text,x", b"good,1"]),
    (framed(serialized({"text": b"good"})),     "auto",  [b"good"]),
    # A table is lines too, unless --format says otherwise.
    (CSV,                                       "auto",  [b"text,x", b"good,1"]),
    (b"good, text, bad\nfoo\n",                 "auto",  [b"good, text, bad", b"foo"]),
    (b'{"text":"good"}\n',                      "auto",  [b'{"text":"good"}']),
    (b'{"text":"good"}\n',                      "jsonl", [b"good"]),
]
# fmt: on


@pytest.mark.parametrize(("content", "format", "texts"), STREAMS)
def test_raw_texts_of_standard_input(content: bytes, format: str, texts: list[bytes]) -> None:
    rows = source_of_stream(io.BytesIO(content), InputSettings(), format=format).rows
    assert [row.text for row in rows] == texts


def test_raw_texts_of_standard_input_are_read_by_the_settings() -> None:
    cases: list[tuple[bytes, dict[str, Any], list[bytes]]] = [
        # standard input, settings of the section input, texts
        (b"text;x\na, b;1\n", {"delimiter": "semicolon"}, [b"a, b"]),
        (b"good;1\n", {"columns": ["text", "x"]}, [b"good"]),
        (b'text,x\n"a \\"b\\"",1\n', {"format": "csv"}, [b'a "b"']),
        (b"caf\xe9\n", {"encoding": "latin-1"}, ["café".encode()]),
    ]
    for content, options, texts in cases:
        rows = source_of_stream(io.BytesIO(content), InputSettings(**options)).rows
        assert [row.text for row in rows] == texts


class Pipe(io.BytesIO):
    """A pipe into which a slow program writes: each read gives one write."""

    def __init__(self, writes: list[bytes]) -> None:
        super().__init__()
        self.writes = writes

    def read1(self, size: int | None = -1) -> bytes:
        assert size is not None
        content = self.writes.pop(0) if self.writes else b""
        assert len(content) <= size
        return content


def test_raw_texts_do_not_wait_for_the_end_of_a_pipe() -> None:
    writes = [b"%05d\n" % row * 10_000 for row in range(5)]  # 60 kB each
    pipe = Pipe(list(writes))
    rows = source_of_stream(pipe, InputSettings(), format="auto").rows
    assert next(rows) == TextRow(b"00000")
    assert len(pipe.writes) == 3  # 64 KiB are parsed together
    assert sum(1 for _ in rows) == 49_999


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "b.jsonl").write_bytes(b'{"review":"bad"}\n')
    (tmp_path / "c.txt").write_bytes(b"id,text\n1,good\n")
    (tmp_path / "input.path.txt").write_bytes(b"")
    return tmp_path


def test_raw_texts_of_several_files(folder: Path) -> None:
    (folder / "b.jsonl").write_bytes(b'{"text":"bad"}\n')
    paths = [str(folder / "b.jsonl"), str(folder / "*.csv")]
    assert list(source_of_files(InputSettings(path=paths)).rows) == [TextRow(b"bad"), TextRow(b"good")]


def test_raw_texts_say_what_is_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "b.jsonl").unlink()
    caplog.set_level("INFO")
    list(source_of_files(InputSettings(path=[str(folder)])).rows)
    assert caplog.messages == [
        f"2 files are left out ({folder}/c.txt, {folder}/input.path.txt): "
        "in a folder, files are taken whose names end as those of a known format, or of "
        "--format, do"
    ]


# fmt: off
MISTAKES = [
    # --input, --format, --text_column, message; FOLDER is put in
    ("none.csv", "auto", "text", "--input: there is no such file, or the folder is empty: 'FOLDER/none.csv'"),
    ("*.tsv",    "auto", "text", "--input: no file matches 'FOLDER/*.tsv'"),
    ("a.csv",    "auto", "txt",  "--text_column: 'txt' is not in FOLDER/a.csv; it has the columns text, x"),
    ("c.txt",    "auto", "text", "--format: FOLDER/c.txt looks like csv; set csv, or lines if each of its lines is a "
     "text"),
    ("a.csv",    "jsonl", "text", "--input: FOLDER/a.csv holds no JSON object in its first lines; jsonl is one JSON "
     "object a line (or set --format)"),
    ("a.csv",    "xls",  "text", "--format is 'xls'; use auto, csv, tsv, jsonl, parquet, arrow, orc, avro, "
     "tfrecord, folders, lines, bigquery, sql"),
    ("input.path.txt", "auto", "text", "--input: no rows in FOLDER/input.path.txt"),  # a file's name stays
]
# fmt: on


@pytest.mark.parametrize(("path", "format", "column", "message"), MISTAKES)
def test_raw_texts_name_options_of_predict(folder: Path, path: str, format: str, column: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        list(source_of_files(InputSettings(path=str(folder / path), text_column=column), format=format).rows)
    assert str(error.value).replace(str(folder), "FOLDER") == message


def test_raw_texts_are_on_this_machine() -> None:
    with pytest.raises(UserError) as error:
        next(source_of_files(InputSettings(path=["a.csv", "gs://b/in.csv"])).rows)
    assert str(error.value) == "--input: predict reads files of this machine; copy gs://b/in.csv here first"


def test_raw_texts_of_standard_input_without_a_line() -> None:
    with pytest.raises(UserError) as error:
        list(source_of_stream(io.BytesIO(b""), InputSettings(), format="auto").rows)
    assert str(error.value) == "--input: no rows in standard input"


# fmt: off
SUSPECTS = [
    (CSV,                 "auto",  ["standard input looks like csv; its lines are read as texts, unless --format is "
                                    "csv"]),
    (b'{"text":"good"}',  "auto",  ["standard input looks like jsonl; its lines are read as texts, unless --format is "
                                    "jsonl"]),
    (CSV,                 "lines", []),
    (LINES,               "auto",  []),
]
# fmt: on


@pytest.mark.parametrize(("content", "format", "messages"), SUSPECTS)
def test_raw_texts_say_that_standard_input_looks_like_a_table(
    content: bytes, format: str, messages: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    list(source_of_stream(io.BytesIO(content), InputSettings(), format=format).rows)
    assert caplog.messages == messages


def test_stream_that_fails_is_named() -> None:
    class Failing(io.BytesIO):
        def read1(self, _size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(UserError, match=r"^--input: cannot read standard input: Input/output error; try again"):
        list(source_of_stream(Failing(), InputSettings(), format="auto").rows)

"""pipeline.sources.formats.foreign: files of other programs are named, with the command that converts them."""

import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.sources import check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.formats.foreign import FOREIGN, check_foreign
from pipeline.sources.preview import preview
from tests.support.memory_files import COLUMNS, MemoryFiles, parquet, plan
from tests.unit.test_sources_texts import read_texts


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"content of the file")
    return buffer.getvalue()


def tarred(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return buffer.getvalue()


def numpy_file(*, several: bool) -> bytes:
    buffer = io.BytesIO()
    if several:
        np.savez(buffer, text=np.array(["a"]), label=np.array([1]))
    else:
        np.save(buffer, np.array(["a"]))
    return buffer.getvalue()


def sqlite() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "reviews.db")
        with closing(sqlite3.connect(path)) as database:
            database.execute("create table reviews (text, label)")
        return path.read_bytes()


# content as its program writes it, or its first bytes -> what it is, and a part of the remedy
KINDS = [
    (zipped("[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"), "an Excel workbook", "pandas.read_excel('a b')"),
    (zipped("docProps/app.xml", "xl/worksheets/sheet1.xml"), "an Excel workbook", "CSV UTF-8"),  # as openpyxl does
    (zipped("[Content_Types].xml", "word/document.xml"), "an Office document", "plain text"),
    (zipped("archive/data.pkl", "archive/version"), "a PyTorch file", "Parquet"),
    (zipped("reviews.csv"), "a zip archive", "a file whose name ends in .zip"),
    (zipped(), "a zip archive", "a file whose name ends in .zip"),
    (tarred("reviews.csv"), "a tar archive", ".tar.gz"),
    (numpy_file(several=True), "a NumPy archive (.npz)", "numpy.load('a b')"),
    (numpy_file(several=False), "a NumPy array", "to_parquet"),
    (sqlite(), "a SQLite database", "sqlite:///a b, and the name of one of its tables"),
    *[
        (pickle.dumps([("a", 1)], protocol), "a Python pickle", "pandas.read_pickle('a b')")
        for protocol in (2, 3, 4, 5)
    ],
    (pickle.dumps({"text": ["a"]}), "a Python pickle", "if you trust who wrote it"),
    (lzma.compress(b"text,label\n", format=lzma.FORMAT_ALONE), "packed as lzma", "xz --format=lzma -d 'a b'"),
    (bytes.fromhex("377abcaf271c0004"), "a 7z archive", "7z x 'a b'"),
    (b"Rar!\x1a\x07\x01\x00", "a RAR archive", "unrar x 'a b'"),
    (bytes.fromhex("04224d186440a7"), "packed as lz4", "lz4 -d 'a b'"),
    (b"\xff\x06\x00\x00sNaPpY\x01", "packed as snappy", "snzip -d 'a b'"),
    (bytes.fromhex("1f9d90"), "packed by compress", "gzip -dc 'a b'"),
    (bytes.fromhex("894844460d0a1a0a"), "an HDF5 file", "pandas.read_hdf('a b')"),
    (b"RDX3\nX\n", "a file of R", "readRDS('a b')"),
    (b"<stata_dta><header>", "a Stata file", "pandas.read_stata('a b')"),
    (b"FEA1\0\0\0\0", "a Feather file of version 1", "pyarrow.feather.read_table('a b')"),
    (b"$FL2@(#) SPSS", "an SPSS file", "pandas.read_spss('a b')"),
    (bytes(12) + b"\xc2\xea\x81\x60", "a SAS file", "pandas.read_sas('a b', 'sas7bdat'"),
    (bytes.fromhex("d0cf11e0a1b11ae1"), "an old Office document (.xls or .doc)", "CSV"),
    (b"%PDF-1.7", "a PDF", "pdftotext 'a b'"),
    (bytes.fromhex("00051607"), "metadata that macOS wrote beside a file", "the file itself"),
    (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS and not the file", "git lfs pull"),
    (b"\n<!DOCTYPE html>\n<html>", "a web page", "get it anew"),
]


@pytest.mark.parametrize(
    ("content", "kind", "remedy"), KINDS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_foreign_files_are_named_with_what_converts_them(content: bytes, kind: str, remedy: str) -> None:
    with pytest.raises(UserError) as error:
        check_foreign(content[: 64 << 10], "a b")
    assert str(error.value).startswith(f"input.path: a b is {kind}; ")
    assert remedy in str(error.value)


@pytest.mark.parametrize("name", ["a", "a.csv", "a.jsonl", "a.parquet", "a.tfrecord"])
@pytest.mark.parametrize("content", [zipped("reviews.csv"), sqlite(), b"version https://git-lfs.github.com/spec/v1\n"])
def test_foreign_files_are_named_whatever_their_ending_says(content: bytes, name: str) -> None:
    files = MemoryFiles({name: content})
    with pytest.raises(UserError, match=r"is a (zip archive|SQLite database|pointer of Git LFS)"):
        check_columns(plan(files), COLUMNS, files)


def test_foreign_lines_may_be_texts() -> None:
    texts = b"<html> is a tag\nversion https://git-lfs.github.com/spec/v1\n"
    assert read_texts(MemoryFiles({"a.txt": texts}), "a.txt") == texts.splitlines()
    with pytest.raises(UserError, match=r"a\.txt is a SQLite database"):
        read_texts(MemoryFiles({"a.txt": sqlite()}), "a.txt")


# The beginning of a file that is read, or of a text.
OTHERS = [
    b"", b"text,label\n", b"PK,label\n", b"PAR1", b"{\"text\"", b"BZh9", b"Obj\x01", b"RARE text", b"7z text",
    b"LZIP is", b"X\na", b"]\ntext", b"%PDF", b"version 2",
]  # fmt: skip


@pytest.mark.parametrize("head", OTHERS)
def test_foreign_is_nothing_else(head: bytes) -> None:
    check_foreign(head, "a")


def test_foreign_has_a_test_for_each_kind() -> None:
    # Those without a program or a sure example here are a kind of one above.
    assert {foreign.kind for foreign in FOREIGN} - {kind for _, kind, _ in KINDS} == {
        "an OpenDocument file", "packed as lzip", "an RTF document"
    }  # fmt: skip


def test_foreign_files_are_named_before_a_dry_run_shows_them() -> None:
    files = MemoryFiles({"a.csv": zipped("reviews.csv")})
    with pytest.raises(UserError, match=r"a\.csv is a zip archive; give it in a file whose name ends in \.zip"):
        preview(plan_tasks(InputSettings(path="a.csv"), files), COLUMNS, files)


JSON_LINES = b'{"text":"a","label":"x"}\n{"text":"b","label":"y"}\n'
TABLE = parquet({"text": ["a"], "label": ["x"]})
# fmt: off
OTHER_FORMATS: list[tuple[str, bytes, dict[str, object], str]] = [
    # name, content, settings, what it is read as and seems to be
    ("a.csv",   JSON_LINES,                    {},                                "csv, and seems to be jsonl"),
    ("a.tsv",   b'[\n {"text":"a"}\n]\n',      {},                                "tsv, and seems to be jsonl"),
    ("a.jsonl", JSON_LINES,                    {"format": "csv"},                 "csv, and seems to be jsonl"),
    ("a.csv",   TABLE,                         {},                                "csv, and seems to be parquet"),
    ("a.csv",   gzip.compress(JSON_LINES),     {},                                "csv, and seems to be jsonl"),
    ("a.avro",  TABLE,                         {},                                "avro, and seems to be parquet"),
    ("a.jsonl", TABLE,                         {},                                "jsonl, and seems to be parquet"),
]
# fmt: on


@pytest.mark.parametrize(("name", "content", "options", "message"), OTHER_FORMATS)
def test_foreign_files_of_another_format_are_named_with_it(
    name: str, content: bytes, options: dict[str, object], message: str
) -> None:
    files = MemoryFiles({name: content})
    settings = InputSettings.model_validate({"path": name, **options})
    with pytest.raises(UserError) as error:
        check_columns(plan_tasks(settings, files).tasks(), columns_of(settings), files)
    what = message.rpartition(" ")[2]
    assert str(error.value) == f"input.format: {name} is read as {message}; set {what}, or rename the file"


def test_foreign_objects_of_json_are_no_rows_of_csv() -> None:
    """With two names of columns each line has two fields, split by the comma of the object."""
    files = MemoryFiles({"a.csv": JSON_LINES, "data": JSON_LINES, "b.tsv": b'{"a":1}\tx\n'})
    named = {"columns": ["text", "label"]}
    settings = InputSettings.model_validate({"path": "a.csv", **named})
    with pytest.raises(UserError, match=r"^input\.format: a\.csv is read as csv, and seems to be jsonl"):
        check_columns(plan_tasks(settings, files).tasks(), columns_of(settings), files)
    with pytest.raises(UserError, match=r"^input\.format: the first row of a\.csv is an object of JSON; set jsonl$"):
        list(read_tasks(plan_tasks(settings, files).tasks(), columns_of(settings), files))  # a later file of an input
    with pytest.raises(UserError, match=r"^input\.columns: no file of the input is csv or tsv"):
        plan_tasks(InputSettings.model_validate({"path": "data", **named}), files)
    settings = InputSettings.model_validate({"path": "b.tsv", **named})  # a text may be an object
    tasks, columns = plan_tasks(settings, files).tasks(), columns_of(settings)
    (batch,) = read_tasks(tasks, columns, files)
    assert batch.rows["text"].to_pylist() == [b'{"a":1}']

"""Texts alone, as `predict` reads them: as many rows as the input has, in its order, from any format; or a refusal."""

import gzip
from dataclasses import replace
from typing import get_args

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.text_stream import READ_SIZES, ReadSizes
from pipeline.sources import check_columns, plan_texts, read_in_order, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import database_names, format_names
from pipeline.sources.schema import ROWS_SCHEMA
from tests.support.memory_files import COLUMNS, MemoryFiles, batches_of, parquet, plan, rejected_of, sizes_of
from tests.support.tf_examples import framed, serialized

# A row's text, or the reason why it has none.
Row = bytes | str


def read_texts(
    files: MemoryFiles, *paths: str, format: str = "auto", column: str = "text", sizes: ReadSizes = READ_SIZES
) -> list[Row]:
    tasks = list(plan_texts(InputSettings(path=list(paths), text_column=column), files, format=format).tasks())
    columns = ColumnNames(column)
    check_columns(tasks, columns, files)
    rows = read_in_order(tasks, columns, files, sizes=sizes)
    return [row.reason if row.text is None else row.text for row in rows]


LINES = b"good\nbad\n"
ACCENTS = "\ufeffcaf\u00e9\r\n\u6620\u753b\n"
MISSING, INVALID = "missing text", "invalid UTF-8"
# fmt: off
FILES: list[tuple[str, bytes, list[Row]]] = [
    # name         content                                            rows
    ("a.txt",      b"good\r\n\nbad\nno end",                          [b"good", b"", b"bad", b"no end"]),
    ("a",          LINES,                                             [b"good", b"bad"]),
    ("a.txt",      b"\n",                                             [b""]),
    ("a.txt",      b"a\rb\n",                                         [b"a\rb"]),  # only LF and CRLF end a line
    ("a.txt",      b"a\0b, \"c\n{so}\n",                              [b"a\0b, \"c", b"{so}"]),
    ("a.txt",      b"text\ngood\n",                                   [b"text", b"good"]),  # not a header
    ("a.txt",      b"caf\xe9\nbad\n",                                 [INVALID, b"bad"]),  # as in every format
    ("a.txt",      ACCENTS.encode(),                                  ["café".encode(), "映画".encode()]),
    ("a.txt",      ACCENTS.encode("utf-16-le"),                       ["café".encode(), "映画".encode()]),
    ("a.txt",      ACCENTS.encode("utf-16-be"),                       ["café".encode(), "映画".encode()]),
    ("a.txt",      "\ufeffa\ud800\nb\n".encode("utf-16-le", "surrogatepass"), [INVALID, b"b"]),
    ("a.txt.gz",   gzip.compress(LINES, mtime=0),                     [b"good", b"bad"]),
    ("a.txt.zst",  zstandard.compress(LINES),                         [b"good", b"bad"]),
    ("a.txt",      gzip.compress(LINES, mtime=0),                     [b"good", b"bad"]),  # its name does not say so
    ("a.csv",      gzip.compress(b"text,x\na,1\n", mtime=0),          [b"a"]),
    ("a.csv",      b'id,text\n1,good\n2,"two\nlines,, ""said"""\n3,\n', [b"good", b'two\nlines,, "said"', b""]),
    ("a.csv",      b"\xef\xbb\xbftext\ngood\n\xff\n\nbad\n",          [b"good", INVALID, b"bad"]),  # one column
    ("a.csv",      b"id,text\n1\n2,bad\n",                            ["wrong number of columns", b"bad"]),
    ("a.csv",      b"text\n" + b"x" * 200_000 + b"\n",                [b"x" * 200_000]),
    ("a.tsv.gz",   gzip.compress(b"text\tid\na,b\t1\n", mtime=0),     [b"a,b"]),
    ("a.jsonl",    b'{"text":"good"}\n\n{"text":null}\n{}\nx\n[1]\n{"text":7}\n{"text":"\\ud800"}\n{"text":"bad"}\n',
     [b"good", MISSING, MISSING, "broken JSON", "not a JSON object", "text is not a string", INVALID, b"bad"]),
    ("a.parquet",  parquet({"text": ["a", None, "c", "d", None]}, row_group_size=2),
     [b"a", MISSING, b"c", b"d", MISSING]),
    ("a.dat",      parquet({"text": [b"a", b"\xff"]}),                 [b"a", INVALID]),  # content tells
    ("a.tfrecord", framed(serialized({"text": b"a"}), b"\xff", serialized({"text": b"c"})),
     [b"a", "broken tf.train.Example", b"c"]),
    ("a.dat",      framed(serialized({"text": b"a"})),                [b"a"]),
]
# fmt: on


@pytest.mark.parametrize(("name", "content", "rows"), FILES)
def test_sources_texts_of_a_file(name: str, content: bytes, rows: list[Row]) -> None:
    assert read_texts(MemoryFiles({name: content}), name) == rows


NESTED = [
    ("a.jsonl", b'{"review":{"text":"a"}}\n{"review":null}\n'),
    ("a.parquet", parquet({"review": [{"text": "a"}, None]})),
]


@pytest.mark.parametrize(("name", "content"), NESTED)
def test_sources_texts_in_a_nested_column(name: str, content: bytes) -> None:
    assert read_texts(MemoryFiles({name: content}), name, column="review.text") == [b"a", MISSING]


SAME = ["a, b", 'said "so"', "", "\u6620\u753b"]
LABELLED = {
    # The same four texts, with a label each.
    "a.csv": b"label,text\n1,\"a, b\"\n1,\"said \"\"so\"\"\"\n1,\n1,\xe6\x98\xa0\xe7\x94\xbb\n",
    "a.tsv": b"label\ttext\n1\ta, b\n1\tsaid \"so\"\n1\t\n1\t\xe6\x98\xa0\xe7\x94\xbb\n",
    "a.jsonl": b'{"text":"a, b","label":1}\n{"text":"said \\"so\\"","label":1}\n{"text":"","label":1}\n'
               b'{"text":"\\u6620\\u753b","label":1}\n',
    "a.parquet": parquet({"text": SAME, "label": [1, 1, 1, 1]}, row_group_size=2),
    "a.tfrecord": framed(*[serialized({"text": text.encode(), "label": 1}) for text in SAME]),
}  # fmt: skip


@pytest.mark.parametrize("name", LABELLED)
def test_sources_texts_are_those_that_evaluate_reads(name: str) -> None:
    expected = [text.encode() for text in SAME]
    files = MemoryFiles({name: LABELLED[name]})
    labelled = [text for batch in read_tasks(plan(files), COLUMNS, files) for text in batch.rows["text"].to_pylist()]
    assert labelled == expected
    assert read_texts(files, name) == expected


def test_sources_texts_need_no_label() -> None:
    (batch,) = batches_of(b"text,x\na,1\nb\n", "a.csv", ColumnNames("text"))
    assert batch.rows.schema.equals(ROWS_SCHEMA)
    assert batch.rows["label"].to_pylist() == [None]
    assert rejected_of([batch]) == [(1, "wrong number of columns")]


# Rows of one batch and of many, from files of several formats and their ranges: good ones and rejected ones.
@settings(max_examples=60, deadline=None)
@given(
    first=st.lists(st.booleans(), max_size=30), second=st.lists(st.booleans(), max_size=30), block=st.integers(1, 60)
)
def test_sources_texts_keep_their_order(first: list[bool], second: list[bool], block: int) -> None:
    lines = b"".join(b'{"text":"%d"}\n' % row if good else b'{"text":null}\n' for row, good in enumerate(first))
    files = MemoryFiles(
        {
            "a.jsonl": b'{"text":"begin"}\n' + lines,
            "b.txt": b"".join(b"%d\n" % row if good else b"\xff\n" for row, good in enumerate(second)),
            "c.parquet": parquet({"text": ["x", None, "z"]}, row_group_size=2),
        }
    )
    names = ["a.jsonl", "b.txt", "c.parquet"] if second else ["a.jsonl", "c.parquet"]
    found = read_texts(files, *names, sizes=sizes_of(block))
    assert found == [
        b"begin",
        *(b"%d" % row if good else MISSING for row, good in enumerate(first)),
        *(b"%d" % row if good else INVALID for row, good in enumerate(second)),
        b"x", MISSING, b"z",
    ]  # fmt: skip


IMDB = {
    "imdb/README": b"x",
    "imdb/test/pos/1.txt": b"one\ntext\n",
    "imdb/test/neg/2.txt.gz": gzip.compress(b"two", mtime=0)[:-1],  # damaged
    "imdb/train/unsup/3.txt": b"\xef\xbb\xbfthree",
    "imdb/train/urls_pos.txt": b"not a text",
    "texts/b.txt": b"four\nfive\n",
    "texts/a.txt": b"six\n",
    "texts/notes.md": b"seven\n",
    "tables/a.csv": b"text,x\neight,1\n",
    "tables/b.txt": b"nine\n",
}
FOLDERS: list[tuple[list[str], str, list[Row], dict[str, int]]] = [
    # --input, --format, rows, files left out
    (["imdb"], "auto", ["damaged file", b"one\ntext\n", b"three"], {"metadata": 1, "other": 1}),
    (["imdb"], "folders", ["damaged file", b"one\ntext\n", b"three"], {"metadata": 1, "other": 1}),
    (["imdb/train/unsup"], "folders", [b"three"], {}),  # no folder tells a label, and none is needed
    (["imdb/train/unsup"], "auto", [b"three"], {}),  # the name says that each file is a text
    (["texts"], "folders", [b"six\n", b"four\nfive\n"], {"other_format": 1}),
    (["texts"], "lines", [b"six", b"four", b"five"], {"other_format": 1}),
    (["texts/*.txt"], "auto", [b"six", b"four", b"five"], {}),
    (["texts/*.txt"], "folders", [b"six\n", b"four\nfive\n"], {}),
    (["tables"], "auto", [b"eight"], {"other_format": 1}),
    # Files come in the order of --input, and those of a folder or glob by path.
    (["texts/b.txt", "tables/*", "texts/a.txt"], "auto", [b"four", b"five", b"eight", b"nine", b"six"], {}),
    (["tables/b.txt", "texts"], "lines", [b"nine", b"six", b"four", b"five"], {"other_format": 1}),
    (["texts", "imdb/train/unsup"], "folders", [b"six\n", b"four\nfive\n", b"three"], {"other_format": 1}),
]


@pytest.mark.parametrize(("paths", "format", "rows", "left_out"), FOLDERS)
def test_sources_texts_of_folders(paths: list[str], format: str, rows: list[Row], left_out: dict[str, int]) -> None:
    assert read_texts(MemoryFiles(IMDB), *paths, format=format) == rows
    assert plan_texts(InputSettings(path=list(paths)), MemoryFiles(IMDB), format=format).left_out == left_out


def test_sources_texts_of_many_small_files_keep_the_order_of_the_input() -> None:
    names = [f"{number:02}.txt" for number in range(30)]
    files = MemoryFiles({name: b"%s\n\xff\n" % name.encode() for name in names})
    given = names[::-1]
    assert read_texts(files, *given) == [row for name in given for row in (name.encode(), INVALID)]


@pytest.mark.parametrize("paths", [
    ["texts/a.txt", "tables/b.txt", "texts/a.txt"], ["texts/*.txt", "texts/a.txt"], ["texts/a.txt", "texts"],
])  # fmt: skip
def test_sources_texts_of_a_file_are_read_once(paths: list[str]) -> None:
    with pytest.raises(UserError) as error:
        plan_texts(InputSettings(path=list(paths)), MemoryFiles(IMDB), format="lines")
    assert str(error.value) == "input.path: texts/a.txt is named twice; name each file once"


UTF16 = "a plain text\n".encode("utf-16-le")
TABLE = b'id,"text"\n1,good\n'
TABLE_FILE = parquet({"text": ["a", "b", "c"]}, row_group_size=2)
# fmt: off
REFUSED = [
    # name, content, format, message
    ("a.txt", b"", "auto", "input.path: no rows in a.txt"),
    ("a.txt", b"\xef\xbb\xbf", "auto", "input.path: no rows in a.txt"),
    ("a.txt", UTF16, "auto", "input.path: a.txt is not lines of text in UTF-8, nor in UTF-16 with a byte order mark; "
     "convert it, or set input.format"),
    ("a.txt", b"\x04\x22\x4d\x18\x64\x40\xa7", "auto", "input.path: a.txt is packed as lz4; unpack it: lz4 -d a.txt"),
    ("a.txt.gz", LINES, "auto", "input.path: a.txt.gz is not compressed as its name says; rename it without .gz"),
    ("a.txt.gz", gzip.compress(LINES, mtime=0)[:-1], "auto", "input.path: a.txt.gz: damaged file (the file ends "
     "before its gzip stream does), so it is not known how many rows follow; get the file anew"),
    ("a.csv", b'text,x\na,1\n"b,2\nc,3\n', "auto", "input.path: a.csv: unclosed quote in '\"b,2 c,3', so it is "
     "not known how many rows follow; close it, or double each quote that is part of a text, "
     "or set input.quoting to none if all are"),
    ("a.tfrecord", framed(serialized({"text": b"a"}))[:-1], "auto", "input.path: a.tfrecord: damaged file (the file "
     "ends within a record), so it is not known how many rows follow; get the file anew"),
    ("a.parquet", b"PAR1", "auto", "input.path: a.parquet: damaged file (Parquet file size is 4 bytes, smaller than "
     "the minimum file footer (8 bytes)), so it is not known how many rows follow; get the file anew"),
    ("a.parquet", TABLE_FILE[: len(TABLE_FILE) // 2], "auto", "input.path: a.parquet: damaged file (Parquet magic "
     "bytes not found in footer. Either the file is corrupted or this is not a parquet file), so it is not known how "
     "many rows follow; get the file anew"),
    ("a.txt", TABLE, "auto", "input.format: a.txt looks like csv; set csv, or lines if each of its lines is a text"),
    ("a", b"text\tx\na\t1\n", "auto",
     "input.format: a looks like tsv; set tsv, or lines if each of its lines is a text"),
    ("a.txt", b'{"text":"a"}\n', "auto",
     "input.format: a.txt looks like jsonl; set jsonl, or lines if each of its lines is a text"),
    ("a.csv", b"text:label\na:1\n", "auto", "input.text_column: 'text' is not in a.csv; it has the columns text:label"),
    ("texts/a.txt", LINES, "folder", "input.format: the folder 'texts' holds .txt files; set folders if each file is a "
     "text, or name their folder unsup; name them by a glob, such as texts/*.txt, if each line is one"),
]
# fmt: on


@pytest.mark.parametrize(("name", "content", "format", "message"), REFUSED)
def test_sources_texts_refuses(name: str, content: bytes, format: str, message: str) -> None:
    path, format = (name.partition("/")[0], "auto") if format == "folder" else (name, format)
    with pytest.raises(UserError) as error:
        read_texts(MemoryFiles({name: content}), path, format=format)
    assert str(error.value) == message


# fmt: off
NOT_TABLES = [
    b"good, text, bad\nfoo\n",              # the other line has fewer fields
    b"good, text, bad\nso, so, so\n\nno\n",
    b"id,text\n1,good\n2,good, I say\n",    # a line has more
    b"A good film,text\none,two\n",         # a name has no spaces
    b"id,text,\n1,2,3\n",                   # nor is it empty
    b"text,text\n1,2\n",                    # nor is it there twice
    b"1,text\n1,2\n",                       # nor does it begin with a digit
    b"id,texts\n1,good\n",
    b"text\tx\n",                           # no row follows
    b"text,x",
]
TABLES = [
    (TABLE, "csv"),
    (b'\n id ,"text"\r\n\r\n1,"good, \nI say"\r\n', "csv"),
    (b"review.id\ttext\n1\tgood, I say\n", "tsv"),
    ("größe,text\n1,gut\n".encode(), "csv"),
    (b"id,text\r1,good\r", "csv"),
    (b"id,text\n" + b"1,good\n" * 20_000 + b"2\n", "csv"),       # more than is looked at
]
# fmt: on


@pytest.mark.parametrize("content", NOT_TABLES)
def test_sources_texts_with_commas_are_lines(content: bytes) -> None:
    assert read_texts(MemoryFiles({"a.txt": content}), "a.txt") == content.removesuffix(b"\n").split(b"\n")


@pytest.mark.parametrize(("content", "format"), TABLES)
def test_sources_texts_refuses_what_looks_like_a_table(content: bytes, format: str) -> None:
    with pytest.raises(UserError, match=rf"^input\.format: a\.txt looks like {format}; "):
        read_texts(MemoryFiles({"a.txt": content}), "a.txt")


def test_sources_texts_without_a_line_end_do_not_fill_the_memory() -> None:
    files = MemoryFiles({"a.txt": b"a\n" + b"x" * 2000})
    with pytest.raises(UserError) as error:
        read_texts(files, "a.txt", sizes=replace(sizes_of(100), max_row_bytes=1000))
    assert str(error.value) == (
        "input.path: a.txt: row too long, so it is not known how many rows follow; set input.format if the file is "
        "of another format"
    )


def test_sources_texts_a_table_may_be_lines() -> None:
    files = MemoryFiles({"a.txt": TABLE})
    assert read_texts(files, "a.txt", format="lines") == [b'id,"text"', b"1,good"]
    assert read_texts(files, "a.txt", format="csv") == [b"good"]


def test_sources_text_lines_have_no_columns() -> None:
    files = MemoryFiles({"a.txt": LINES})
    tasks = list(plan_texts(InputSettings(path="a.txt"), files).tasks())
    with pytest.raises(UserError) as error:
        check_columns(tasks, COLUMNS, files)
    assert str(error.value) == (
        "input.label_column: 'label' is a column, and a.txt has none: each of its lines is a text"
    )


def test_sources_formats_are_those_of_the_setting() -> None:
    choices = get_args(InputSettings.model_fields["format"].annotation)
    assert list(choices) == ["auto", *format_names(labelled=True), *database_names()]

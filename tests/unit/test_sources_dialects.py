"""csv and tsv in the dialects in which Python's csv writes them: read as written, or refused, and never wrong."""

import csv
import io
import re
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.config.input_settings import Damaged, InputSettings
from pipeline.errors import UserError
from pipeline.sources import plan_texts, read_in_order, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.formats.csv_dialects import HEAD_BYTES
from pipeline.sources.schema import Findings
from tests.support.memory_files import COLUMNS, MemoryFiles, Rejected, Row, plan, rejected_of, rows_of, sizes_of
from tests.unit.test_sources_csv_ranges import read_in_ranges

ASCII_SPACE = " \t\n\v\f\r"


class Written(NamedTuple):
    """How Python's csv writes rows, and the settings that say so."""

    quoting: Any
    escapechar: str | None
    doublequote: bool
    settings: dict[str, Any]


QUOTES = {"quoting": "quotes", "escape": "none"}
ESCAPED_QUOTES = {"quoting": "quotes", "escape": "backslash"}
DIALECTS = [
    Written(csv.QUOTE_ALL, None, True, QUOTES),
    Written(csv.QUOTE_MINIMAL, None, True, QUOTES),
    Written(csv.QUOTE_NONNUMERIC, None, True, QUOTES),
    Written(csv.QUOTE_ALL, "\\", False, ESCAPED_QUOTES),
    Written(csv.QUOTE_MINIMAL, "\\", False, ESCAPED_QUOTES),
    Written(csv.QUOTE_MINIMAL, "\\", True, ESCAPED_QUOTES),
    Written(csv.QUOTE_NONE, "\\", True, {"quoting": "none", "escape": "backslash"}),
]
DELIMITERS = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|", "^": "^", "ctrl-a": "\x01"}
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])
ENCODINGS = [
    "auto", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "shift_jis",
    "gb18030", "euc_kr", "koi8-r", "iso2022_jp", "cp037",
]  # fmt: skip
# Much of what delimited text means something by, and a few other characters.
ODD = st.sampled_from(list('"",\t;|\n\r\\\\N a1é€\u00a0'))
TEXTS = st.text(ODD | st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1b"), max_size=12)
ROWS = st.lists(st.tuples(TEXTS, TEXTS), max_size=10)
BLOCKS = st.sampled_from([1, 3, 50, 1 << 20])


def written(rows: list[tuple[str, str]], dialect: Written, delimiter: str, line_end: str, *, header: bool) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(
        file, delimiter=delimiter, quoting=dialect.quoting, escapechar=dialect.escapechar,
        doublequote=dialect.doublequote, lineterminator=line_end,
    )  # fmt: skip
    lines = [("text", "label"), *rows] if header else rows
    writer.writerows(lines)
    file.seek(0)
    # Python leaves a lone CR unquoted where rows end with LF, and takes it for a line end when it reads.
    assume([tuple(row) for row in csv.reader(file, writer.dialect) if row] == lines)
    return file.getvalue()


def read(
    content: bytes, name: str, *, block: int = 1 << 20, damaged: Damaged = "refuse", **settings: Any
) -> tuple[list[Row], list[Rejected]]:
    """Used and rejected rows of a file; settings: of the section input."""
    files = MemoryFiles({name: content})
    tasks = plan(files, **settings)
    columns = columns_of(InputSettings(**settings))
    batches = list(read_tasks(tasks, columns, files, damaged=damaged, sizes=sizes_of(block)))
    return rows_of(batches), rejected_of(batches)


def expected(rows: list[tuple[str, str]]) -> list[Row]:
    """Text, label and number of each row that has a label."""
    stripped = [(text, label.strip(ASCII_SPACE)) for text, label in rows]
    return [(text, label, number) for number, (text, label) in enumerate(stripped) if label]


@settings(max_examples=300, deadline=None)
@given(
    rows=ROWS, dialect=st.sampled_from(DIALECTS), delimiter=st.sampled_from(list(DELIMITERS)), line_end=LINE_ENDS,
    encoding=st.sampled_from(ENCODINGS), header=st.booleans(), block=BLOCKS,
)  # fmt: skip
def test_sources_dialects_are_read_as_the_settings_say(
    rows: list[tuple[str, str]],
    dialect: Written,
    delimiter: str,
    line_end: str,
    encoding: str,
    header: bool,
    block: int,
) -> None:
    codec = "utf-8" if encoding == "auto" else encoding

    def encodable(text: str) -> str:
        return text.encode(codec, "replace").decode(codec)

    rows = [(encodable(text), encodable(label)) for text, label in rows]
    content = written(rows, dialect, DELIMITERS[delimiter], line_end, header=header).encode(codec)
    used, rejected = read(
        content, "a.csv", block=block, delimiter=delimiter, encoding=encoding,
        columns=None if header else ["text", "label"], **dialect.settings,
    )  # fmt: skip
    assert used == expected(rows)
    assert len(used) + len(rejected) == len(rows)


def unquoted(text: str) -> set[str]:
    """What a text may be if its quotes, or its backslashes, are not its own."""
    found = {text}
    for escapechar in (None, "\\"):
        for doublequote in (False, True):
            lines = io.StringIO(text, newline="")
            fields = next(csv.reader(lines, delimiter="\0", escapechar=escapechar, doublequote=doublequote), [""])
            found |= set(fields[:1])
    return found


# As QUOTE_NONE, but without escapes: rows whose fields hold no delimiter and no line end.
TEXT = Written(None, None, True, {})
LINES = st.lists(st.tuples(TEXTS, TEXTS), max_size=10)


@settings(max_examples=500, deadline=None)
@given(
    rows=ROWS, dialect=st.sampled_from([*DIALECTS, TEXT, TEXT]), delimiter=st.sampled_from(list(",\t;|")),
    line_end=LINE_ENDS, header=st.booleans(), name=st.sampled_from(["a.csv", "a.tsv"]), block=BLOCKS,
)  # fmt: skip
def test_sources_dialects_under_auto_are_right_or_refused(
    rows: list[tuple[str, str]], dialect: Written, delimiter: str, line_end: str, header: bool, name: str, block: int
) -> None:
    if dialect is TEXT:
        gone = str.maketrans(dict.fromkeys(f"{delimiter}\r\n", " "))
        rows = [(text.translate(gone), label.translate(gone)) for text, label in rows]
        lines = [("text", "label"), *rows] if header else rows
        content = "".join(f"{text}{delimiter}{label}{line_end}" for text, label in lines)
    else:
        content = written(rows, dialect, delimiter, line_end, header=header)
    columns = None if header else ["text", "label"]
    refusal = ""
    try:
        used, rejected = read(content.encode(), name, block=block, columns=columns)
    except UserError as error:
        refusal = str(error)
    if refusal:
        assert re.match(r"input\.[a-z_]+: .*(set|name) ", refusal)
        return
    assert len(used) + len(rejected) == len(rows)
    for text, label, number in used:
        if dialect is TEXT:
            assert text in unquoted(rows[number][0])
            assert label in {each.strip(ASCII_SPACE) for each in unquoted(rows[number][1])}
        else:
            assert (text, label) == (rows[number][0], rows[number][1].strip(ASCII_SPACE))


ROWS_OF_TWO = [("call a film 0", "neg"), ("call a film 1", "pos"), ("call a film 2", "neg"), ("call a film 3", "pos")]
SHORT_MESSAGES = [*ROWS_OF_TWO, ('"call a film', "neg"), *ROWS_OF_TWO * 3, ('film ok"', "pos")]


def lines_of(rows: list[tuple[str, str]], *, delimiter: str = ",", header: str = "text,label") -> bytes:
    lines = [header.replace(",", delimiter), *(delimiter.join(row) for row in rows)]
    return "".join(f"{line}\n" for line in lines).encode()


def as_used(rows: list[tuple[str, str]]) -> list[Row]:
    return [(text, label, number) for number, (text, label) in enumerate(rows)]


# fmt: off
FOUND: list[tuple[str, str, bytes, dict[str, Any], list[tuple[str, str]]]] = [
    # what, file, content, settings, (text, label) of each row
    ("semicolons", "a.csv", lines_of(ROWS_OF_TWO, delimiter=";"), {}, ROWS_OF_TWO),
    ("tabs", "a.csv", lines_of(ROWS_OF_TWO, delimiter="\t"), {}, ROWS_OF_TWO),
    ("pipes", "a.tsv", lines_of(ROWS_OF_TWO, delimiter="|"), {}, ROWS_OF_TWO),
    ("pipes by content", "a.dat", lines_of(ROWS_OF_TWO, delimiter="|"), {"delimiter": "pipe"}, ROWS_OF_TWO),
    ("another", "a.txt", lines_of(ROWS_OF_TWO, delimiter="^"), {"delimiter": "^"}, ROWS_OF_TWO),
    ("a format that is set", "a.txt", lines_of(ROWS_OF_TWO, delimiter=";"), {"format": "csv"}, ROWS_OF_TWO),
    ("semicolons and commas", "a.csv", b"text;label\ngut, sehr;pos\nnein;neg\n", {},
     [("gut, sehr", "pos"), ("nein", "neg")]),
    ("semicolons and decimal commas", "a.csv", b"text;stars;label\ngut;4,5;pos\nnein;1,5;neg\n", {},
     [("gut", "pos"), ("nein", "neg")]),
    ("a line of Excel", "a.csv", b"sep=;\r\ntext;label\r\ngood;pos\r\n", {}, [("good", "pos")]),
    ("a line of Excel, quoted", "a.csv", b'\xef\xbb\xbf"sep=\t"\ntext\tlabel\ngood\tpos\n', {}, [("good", "pos")]),
    ("a line of Excel, overruled", "a.csv", b"sep=;\ntext|label\ngood|pos\n", {"delimiter": "pipe"}, [("good", "pos")]),
    ("quotes are text", "a.tsv", lines_of(SHORT_MESSAGES, delimiter="\t"), {}, SHORT_MESSAGES),
    ("quotes are text, at the end", "a.tsv", b'text\tlabel\n"a" b\tx\nb\ty\n', {}, [('"a" b', "x"), ("b", "y")]),
    ("quotes are text, set", "a.csv", b'text,label\n"a,x\nb",y\n', {"quoting": "none"}, [('"a', "x"), ('b"', "y")]),
    ("quotes hold lines, set", "a.csv", b'text,label\n"a,x\nb",y\n', {"quoting": "quotes"}, [("a,x\nb", "y")]),
    ("quotes hold lines", "a.csv", b'text,label\n"c, d",x\n"a,x\nb",y\n', {}, [("c, d", "x"), ("a,x\nb", "y")]),
    ("Spark", "a.csv", b'text,label\n"a \\"b\\", c",x\n"27\\"",y\nd,x\n', {},
     [('a "b", c', "x"), ('27"', "y"), ("d", "x")]),
    ("Spark, with other backslashes", "a.csv", b'text,label\n"C:\\new \\"b\\"",x\n', {}, [('C:\\new "b"', "x")]),
    ("a path of Windows", "a.csv", b'text,label\n"C:\\",x\n"a, b",y\n', {}, [("C:\\", "x"), ("a, b", "y")]),
    ("MySQL", "a.tsv", b"text\tlabel\na\\\tb\\\tc\\\nd\tx\n\\\\N\ty\n", {}, [("a\tb\tc\nd", "x"), ("\\N", "y")]),
    ("PostgreSQL", "a.tsv", b"text\tlabel\na\\tb\\nc\\\\\tx\n", {"escape": "backslash"}, [("a\tb\nc\\", "x")]),
    ("Hive", "a.txt", b"a\x01x\nb\\\x01c\x01y\n",
     {"delimiter": "ctrl-a", "columns": ["text", "label"]}, [("a", "x"), ("b\x01c", "y")]),
    ("no header", "a.csv", b'good,pos\n"bad, bad",neg\n', {"columns": ["text", "label"]},
     [("good", "pos"), ("bad, bad", "neg")]),
    ("a header with the same names", "a.csv", b"text, label\ngood,pos\n", {"columns": ["text", "label"]},
     [("good", "pos")]),
    ("no header, other columns", "a.tsv", b"7\tpos\tgood\n", {"columns": ["id", "label", "text"]}, [("good", "pos")]),
    ("no header, semicolons", "a.csv", b"good;pos\nbad, bad;neg\n", {"columns": ["text", "label"]},
     [("good", "pos"), ("bad, bad", "neg")]),
    ("headers inside", "a.csv", b"text,label\ngood,pos\ntext,label\nbad,neg\n", {}, [("good", "pos"), ("bad", "neg")]),
    ("headers inside, with white space", "a.csv", b"text, label\ngood,pos\ntext, label\nbad,neg\n", {},
     [("good", "pos"), ("bad", "neg")]),
    ("Latin-1", "a.csv", "text,label\ncafé,é\n".encode("latin-1"), {"encoding": "latin-1"}, [("café", "é")]),
    ("cp1252", "a.tsv", "text\tlabel\n€\tx\n".encode("cp1252"), {"encoding": "cp1252"}, [("€", "x")]),
    ("UTF-16 by name", "a.csv", "text,label\n映画,x\n".encode("utf-16-le"), {"encoding": "utf-16-le"}, [("映画", "x")]),
    ("UTF-16 by name, marked", "a.csv", "\ufefftext,label\n映画,x\n".encode("utf-16-be"), {"encoding": "utf-16-be"},
     [("映画", "x")]),
    ("Shift JIS", "a.csv", "text,label\n表,x\n".encode("shift_jis"), {"encoding": "shift_jis"}, [("表", "x")]),
    ("jsonl in Latin-1", "a.jsonl", '{"text":"é","label":"x"}\n'.encode("latin-1"), {"encoding": "latin-1"},
     [("é", "x")]),
]


@pytest.mark.parametrize(
    ("name", "content", "options", "rows"), [case[1:] for case in FOUND], ids=[case[0] for case in FOUND]
)
def test_sources_dialects_of_files(
    name: str, content: bytes, options: dict[str, Any], rows: list[tuple[str, str]]
) -> None:
    used, rejected = read(content, name, **options)
    places = [place for _, _, place in used]
    assert ([(text, label) for text, label, _ in used], rejected) == (rows, [])
    assert places == sorted(places)
    files = MemoryFiles({name: content})
    settings = InputSettings(path=name, **options)
    texts = read_in_order(plan_texts(settings, files).tasks(), columns_of(settings, labelled=False), files)
    assert [row.text for row in texts] == [text.encode() for text, _ in rows]


REJECTED: list[tuple[str, bytes, dict[str, Any], list[Row], list[Rejected]]] = [
    # file, content, settings, used, rejected
    ("a.csv", b'text,label\n\\N,x\n"\\N",y\nb,\\N\n', {}, [("\\N", "y", 1)],
     [(0, "missing text"), (2, "missing label")]),
    ("a.csv", b"text,label\n\\N,x\n", {"escape": "none"}, [("\\N", "x", 0)], []),
    ("a.tsv", b"text\tlabel\n\\N\tx\n\\\\N\ty\n", {"escape": "backslash"}, [("\\N", "y", 1)], [(0, "missing text")]),
    ("a.csv", b"text,label\n\x81,x\nb,y\n", {"encoding": "cp1252"}, [("b", "y", 1)], [(0, "invalid UTF-8")]),
    ("a.csv", b"text,label\n\x81\n,x\nb,y\n", {"encoding": "shift_jis"},
     [("", "x", 1), ("b", "y", 2)], [(0, "wrong number of columns")]),
    # Rows after a header inside count on without it.
    ("a.csv", b"text,label\na,x\ntext,label\nb\nc,y\n", {}, [("a", "x", 0), ("c", "y", 3)],
     [(1, "wrong number of columns")]),
]


@pytest.mark.parametrize(("name", "content", "options", "used", "rejected"), REJECTED)
def test_sources_dialects_reject_rows(
    name: str, content: bytes, options: dict[str, Any], used: list[Row], rejected: list[Rejected]
) -> None:
    assert read(content, name, **options) == (used, rejected)


REFUSED: list[tuple[str, bytes, dict[str, Any], str]] = [
    # file, content, settings, the message
    ("a.csv", b'text,label\na,x\n"b,y\nc",x\n', {},
     "input.quoting: a.csv, row 2, begins with '\"b,y\\nc\",x\\n' and has 2 lines in quotes, of which 2 look like rows"
     "; set input.quoting to none if quotes are characters of the texts, or to quotes if it is one row"),
    ("a.csv", b'text,label\n"a, b",x\n"c" d,y\n', {},
     "input.quoting: a.csv, row 2: in '\"c\" d,y\\n' a quote ends a field, and text follows it; set "
     "input.quoting to none if quotes are characters of the texts, or to quotes to read the row all the same; set "
     "input.escape to backslash if a backslash makes a quote a character"),
    ("a.csv", b"text,label\na \\\\ b,x\n", {},
     "input.escape: the backslashes in a.csv may be characters of the texts, or take the meaning of the next character "
     "away; set input.escape to none or to backslash"),
    ("a.csv", b"text;|label\na;|x\n", {},
     "input.delimiter: the rows of a.csv can be split by semicolon and pipe; set one of them"),
    ("a.csv", b"text,label;x\na,b;c\n", {},
     "input.label_column: 'label' is not in a.csv; it has the columns text, label;x"),
    ("a.csv", b"id;text;label,long\n1;a;x,y\n", {"label_column": "label,long"},
     "input.text_column: 'text' is not a column of a.csv, split by ','; set input.delimiter to semicolon, "
     "by which it is"),
    ("a.csv", b"3,a title,a text\n", {},
     "input.text_column: 'text' is not in a.csv; it has the columns 3, a title, a text; "
     "set input.columns if its first row is no header"),
    ("a.tsv", lines_of([*SHORT_MESSAGES[:5], ("a broken row", ""), *SHORT_MESSAGES[5:]], delimiter="\t").replace(
        b"a broken row\t", b"a broken row"), {},
     "input.quoting: a.tsv, row 5, begins with '\"call a film\\tneg\\na broken row\\ncall a fil' and has 15 lines in "
     "quotes, of which 14 look like rows; set input.quoting to none if quotes are characters of the texts, or to "
     "quotes if it is one row"),
    ("a.csv", b"a,b,c\n", {"columns": ["text", "label"]},
     "input.columns: it names 2 columns, but the first row of a.csv has 3, separated by ','; "
     "name each of them, in order"),
    ("a.csv", b"good\x01pos\n", {"columns": ["text", "label"]},  # Hive's
     "input.columns: it names 2 columns, but the first row of a.csv has 1, separated by ','; "
     "set input.delimiter if another character separates them"),
    ("a.tsv", b'"text"\t"label"\n' + b'"1"\t"a"\t"x"\n' * 20, {},  # write.table of R
     "input.path: the first row of a.tsv names 2 columns, and all rows after it have 3; if R wrote names of rows, "
     "write it with row.names=FALSE, or make the first row 'row\\ttext\\tlabel'"),
    ("a.csv", b"text,label\n" + b"a,x,\n" * 20, {},
     "input.path: the first row of a.csv names 2 columns, and all rows after it have 3; "
     "make the first row 'text,label,rest'"),
    ("a.csv", b'"text,label"\n"a ""b"",x"\n"c,y"\n', {},
     "input.path: each row of a.csv is in quotes as a whole; take them away: "
     """sed 's/^"//; s/"\\r*$//; s/""/"/g' a.csv > rows.csv"""),
    ("a.csv", b"title,body,label\nb,c,x\n", {"text_column": "title, body"},
     "input.text_column: 'title, body' is not in a.csv; it has the columns title, body, label; "
     "set [title, body] for several"),
    ("a.csv", b"label,text\npos,good\n", {"columns": ["text", "label"]},  # all rows would be turned round
     "input.columns: the first row of a.csv is a header with these names, in another order or writing: label, text; "
     "leave the setting out, or name the columns so"),
    ("a.csv", b"Text, LABEL\ngood,pos\n", {"columns": ["text", "label"]},
     "input.columns: the first row of a.csv is a header with these names, in another order or writing: Text,  LABEL; "
     "leave the setting out, or name the columns so"),
    ("a.csv", "text,label\n".encode("utf-16-le"), {"encoding": "utf-16"},
     "input.encoding: a.csv has no byte order mark of utf-16; set utf-16-le or utf-16-be"),
]


@pytest.mark.parametrize(("name", "content", "options", "message"), REFUSED)
def test_sources_dialects_refuse(name: str, content: bytes, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        read(content, name, **options)
    assert str(error.value) == message


# fmt: on
def test_sources_dialects_after_the_first_mib_are_checked() -> None:
    plain = b"text,label\n" + b"a film,pos\n" * (HEAD_BYTES // 11 + 1)
    number = HEAD_BYTES // 11 + 2
    for row, setting in ((b'"a" b,x\n', "quoting"), (b'"a,x\nb",y\n', "quoting"), (b"a \\\\ b,y\n", "escape")):
        with pytest.raises(UserError) as error:
            read(plain + row, "a.csv")
        assert str(error.value).startswith(f"input.{setting}: ")
        assert setting == "escape" or f"a.csv, row {number}" in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "shift_jis", "gb18030"])
def test_sources_dialects_that_end_in_a_character_are_damaged(encoding: str) -> None:
    content = "text,label\na,x\nb,\u8868".encode(encoding)[:-1]
    found = read(content, "a.csv", encoding=encoding, damaged="use_what_is_whole")
    assert found == ([("a", "x", 0)], [(1, "damaged file")])


def test_sources_dialects_findings_are_counted() -> None:
    content = b'text,label\n"a\nb, c",x\n\ntext,label\n"d\r\ne",y\nf,z\n'
    files = MemoryFiles({"a.csv": content})
    batches = list(read_tasks(plan(files), COLUMNS, files, batch_rows=1))
    assert [batch.findings for batch in batches if any(batch.findings)] == [Findings(2, repeated_headers=1)]


def test_sources_dialects_some_longer_rows_are_rejected() -> None:
    for rows in (b"a,x,y\n" * 19, b"a,x,y\n" * 19 + b"b,x\n" + b"a,x,y\n"):
        used, rejected = read(b"text,label\n" + rows, "a.csv")
        assert (len(used), rejected[0], len(rejected)) == (
            rows.count(b"b"),
            (0, "wrong number of columns"),
            19 + len(used),
        )


# Files that were joined byte by byte, each with its own mark.
@pytest.mark.parametrize("header", ["\ufefftext,label", '\ufeff"text","label"', '\ufeff"text",label'])
@pytest.mark.parametrize("options", [{}, {"columns": ["text", "label"]}])
def test_sources_dialects_headers_inside_may_have_a_mark(header: str, options: dict[str, Any]) -> None:
    content = f"{header}\na,x\n{header}\nb,y\n".encode()
    assert read(content, "a.csv", **options) == ([("a", "x", 0), ("b", "y", 2)], [])


@settings(max_examples=150, deadline=None)
@given(
    rows=ROWS, dialect=st.sampled_from([*DIALECTS[:3], TEXT]), delimiter=st.sampled_from(list(",\t;|")),
    line_end=st.sampled_from(["\n", "\r\n"]), header=st.sampled_from([True, False]), excel=st.booleans(),
    range_bytes=st.integers(1, 60), is_set=st.booleans(),
)  # fmt: skip
def test_sources_dialects_are_the_same_in_ranges(
    rows: list[tuple[str, str]],
    dialect: Written,
    delimiter: str,
    line_end: str,
    header: bool,
    excel: bool,
    range_bytes: int,
    is_set: bool,
) -> None:
    if dialect is TEXT:
        gone = str.maketrans(dict.fromkeys(f"{delimiter}\r\n", " "))
        lines = [("text", "label")] * header + [(text.translate(gone), label.translate(gone)) for text, label in rows]
        content = "".join(f"{text}{delimiter}{label}{line_end}" for text, label in lines)
    else:
        content = written(rows, dialect, delimiter, line_end, header=header)
    content = f"sep={delimiter}{line_end}" * excel + content
    options: dict[str, Any] = {"columns": None if header else ["text", "label"]}
    if is_set:
        options |= {"delimiter": delimiter, **(dialect.settings or {"quoting": "none", "escape": "none"})}
    try:
        whole = read(content.encode(), "a.csv", damaged="use_what_is_whole", **options)
    except UserError:
        whole = None
    try:
        cut = read_in_ranges(content.encode(), "a.csv", range_bytes, **options)
    except UserError:
        cut = None
    assert cut == whole

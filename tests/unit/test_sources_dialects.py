"""csv and tsv in the dialects in which Python's csv writes them: read as written, or refused, and never wrong."""

import csv
import io
import re
from typing import Any, NamedTuple

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.config.input_settings import Damaged
from pipeline.errors import UserError
from pipeline.sources import read_tasks
from tests.support.memory_files import COLUMNS, MemoryFiles, Rejected, Row, plan, rejected_of, rows_of, sizes_of

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
    batches = list(read_tasks(tasks, COLUMNS, files, damaged=damaged, sizes=sizes_of(block)))
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

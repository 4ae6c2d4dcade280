"""JSON arrays of objects, and tables in one object as pandas writes them -> rows, damage or a refusal."""

import gzip
import io
import json
import random
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UserError
from pipeline.sources import check_columns, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import json_arrays, json_lines
from pipeline.sources.formats.json_arrays import element_ends
from tests.support.memory_files import (
    COLUMNS,
    MemoryFiles,
    Rejected,
    Row,
    batches_of,
    plan,
    read,
    rejected_of,
    rows_of,
    sizes_of,
)

DAMAGED, INVALID, NOT_OBJECT = "damaged file", "invalid UTF-8", "not a JSON object"
MISSING_TEXT, MISSING_LABEL, NOT_TEXT = "missing text", "missing label", "text is not a string"
ONE, TWO = '{"text":"a","label":1}', '{"text":"b","label":2}'

# fmt: off
TABLE: list[tuple[str, bytes, list[Row], list[Rejected]]] = [
    # name, the whole file, used (text, label, place), rejected (row, reason)
    ("two", f"[{ONE},{TWO}]".encode(), [("a", "1", 0), ("b", "2", 24)], []),
    ("lines", f"[\n{ONE},\n{TWO}\n]\n".encode(), [("a", "1", 0), ("b", "2", 25)], []),
    ("CRLF", f"[\r\n{ONE},\r\n{TWO}\r\n]\r\n".encode(), [("a", "1", 0), ("b", "2", 26)], []),
    ("indented", json.dumps([{"text": "a", "label": 1}], indent=4).encode(), [("a", "1", 0)], []),
    ("spaces before", f" \n\t[{ONE}]".encode(), [("a", "1", 0)], []),
    ("byte order mark", f"\ufeff[{ONE}]".encode(), [("a", "1", 0)], []),
    ("UTF-16", f'\ufeff[{{"text":"é","label":1}},{TWO}]'.encode("utf-16-le"), [("é", "1", 0), ("b", "2", 25)], []),
    ("nested", b'[{"x":[{"text":"no"},[1,2]],"text":"a, [b] {c}","label":1}]', [("a, [b] {c}", "1", 0)], []),
    ("escapes", b'[{"text":"a \\" \\\\","label":1},{"text":"\\\\\\"]","label":"}"}]',
     [('a " \\', "1", 0), ('\\"]', "}", 30)], []),
    ("other values", f'[{TWO}, 1, "x,[", null, [{ONE}], NaN]'.encode(), [("b", "2", 0)],
     [(1, NOT_OBJECT), (2, NOT_OBJECT), (3, NOT_OBJECT), (4, NOT_OBJECT), (5, NOT_OBJECT)]),
    ("rejected rows", b'[{"label":1},{"text":7,"label":1},{"text":"a"}]', [],
     [(0, MISSING_TEXT), (1, NOT_TEXT), (2, MISSING_LABEL)]),
    ("invalid UTF-8", b'[{"text":"\xff","label":1},' + TWO.encode() + b"]", [("b", "2", 24)], [(0, INVALID)]),
    ("half a surrogate pair", b'[{"text":"\\ud83d","label":1}]', [], [(0, INVALID)]),
    ("empty", b"[]", [], []),
    ("empty with spaces", b" [ \n ] ", [], []),
    # Damage: what is before it is used.
    ("no end", f"[{ONE},{TWO}".encode(), [("a", "1", 0)], [(1, DAMAGED)]),
    ("cut in a row", f"[{ONE},{TWO}"[:-3].encode(), [("a", "1", 0)], [(1, DAMAGED)]),
    ("cut after a comma", f"[{ONE},".encode(), [("a", "1", 0)], [(1, DAMAGED)]),
    ("cut at once", b"[", [], [(0, DAMAGED)]),
    ("comma at the end", f"[{ONE},]".encode(), [("a", "1", 0)], [(1, DAMAGED)]),
    ("two arrays", f"[{ONE}]\n[{TWO}]".encode(), [("a", "1", 0)], [(1, DAMAGED)]),
    ("objects after it", f"[{ONE}]\n{TWO}\n".encode(), [("a", "1", 0)], [(1, DAMAGED)]),
    ("no JSON", f'[{ONE},{{"text":"a" "label":1}},{TWO}]'.encode(), [("a", "1", 0)], [(1, DAMAGED)]),
    ("no JSON, nor UTF-8", b'[{"text":"\xff" "label":1},' + TWO.encode() + b"]", [], [(0, DAMAGED)]),
    # A quote that is missing turns strings inside out.
    ("an open quote", f'[{ONE},{{"text":"5" disk","label":1}},{TWO}]'.encode(), [("a", "1", 0)], [(1, DAMAGED)]),
    ("wrong bracket", f"[{ONE},[{TWO}}},{ONE}]".encode(), [("a", "1", 0)], [(1, DAMAGED)]),
]
# fmt: on


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize(("content", "used", "rejected"), [case[1:] for case in TABLE], ids=[case[0] for case in TABLE])
def test_sources_json_arrays(content: bytes, used: list[Row], rejected: list[Rejected], size: int) -> None:
    assert read(content, "a.json", sizes=sizes_of(size)) == (used, rejected)
    assert read(content, "a.jsonl", sizes=sizes_of(size), range_bytes=1) == (used, rejected)  # not cut


def test_sources_json_arrays_are_recognized_by_their_content() -> None:
    content = f"[{ONE},{TWO}]".encode()
    for name in ("a", "a.json.gz", "a.dat"):
        packed = gzip.compress(content, mtime=0) if name.endswith(".gz") else content
        assert read(packed, name) == ([("a", "1", 0), ("b", "2", 24)], [])


def test_sources_json_arrays_of_a_damaged_compression() -> None:
    content = gzip.compress(f"[{ONE},{TWO}]".encode(), mtime=0)
    assert read(content[:-1], "a.json.gz") == ([], [(0, DAMAGED)])


# fmt: off
WHY = [
    # content, what is said
    (f"[{ONE},{TWO}", "the file ends in an element"),
    (f"[{ONE},", "the file ends before its array does"),
    (f"[{ONE}]x", "other bytes follow the array"),
    ('[{"text":"a" "label":1}]', "an element of its array, '{\"text\":\"a\" \"label\":1}', is not JSON"),
]
# fmt: on


@pytest.mark.parametrize(("content", "why"), WHY)
def test_sources_json_arrays_what_is_said_of_damage(content: str, why: str) -> None:
    assert [lost.why for batch in batches_of(content.encode(), "a.json") for lost in batch.lost] == [why]


def test_sources_json_arrays_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_lines, "ROWS_PER_BATCH", 3)
    rows = [{"text": f"t{number}", "label": number % 2 or None} for number in range(10)]
    batches = batches_of(json.dumps(rows).encode(), "a.json")
    assert [row[:2] for row in rows_of(batches)] == [(f"t{number}", "1") for number in range(1, 10, 2)]
    assert rejected_of(batches) == [(number, MISSING_LABEL) for number in range(0, 10, 2)]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(st.sampled_from('",[]{}\\:a é'), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
LABELS = st.sampled_from("xy")


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries({"x": VALUES, "text": st.text(max_size=8), "label": st.sampled_from("xy")}), max_size=8
    ),
    indent=st.sampled_from([None, 0, 2]),
    ascii=st.booleans(),
    size=st.sampled_from([1, 2, 3, 7, 50, 1 << 20]),
    segment=st.sampled_from([1, 2, 3, 7, 1 << 18]),
)
def test_sources_json_arrays_are_read_as_written(
    rows: list[dict[str, object]], indent: int | None, ascii: bool, size: int, segment: int
) -> None:
    content = json.dumps(rows, indent=indent, ensure_ascii=ascii).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_arrays, "SEGMENT_BYTES", segment)
        used, rejected = read(content, "a.json", sizes=sizes_of(size))
    assert [row[:2] for row in used] == [(row["text"], row["label"]) for row in rows]
    assert rejected == []
    assert [place for _, _, place in used] == sorted({place for _, _, place in used})


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_sources_json_arrays_cut_or_changed_are_never_misread(data: st.DataObject) -> None:
    rows = [{"text": f"text, {number} [x]", "label": "xy"[number % 2]} for number in range(6)]
    right = [(row["text"], row["label"]) for row in rows]
    content = json.dumps(rows).encode()
    cut = content[: data.draw(st.integers(1, len(content) - 1))]
    used, rejected = read(cut, "a.json")
    assert ([row[:2] for row in used], rejected) == (right[: len(used)], [(len(used), DAMAGED)])
    # A quote, bracket or comma that is lost or put in leaves rows as they are, or damages the rest.
    at = data.draw(st.integers(1, len(content) - 1))
    wrong = content[:at] + data.draw(st.sampled_from([b'"', b"[", b"]", b"{", b"}", b","])) + content[at:]
    used, rejected = read(wrong, "a.json")
    assert len(used) + len(rejected) <= len(rows) + 1
    assert rejected or sum(row[:2] == other for row, other in zip(used, right, strict=True)) >= len(rows) - 1


def by_hand(data: bytes) -> tuple[list[int], int]:
    """What element_ends gives, a character after the other."""
    commas: list[int] = []
    depth, in_string, escaped = 0, False, False
    for at, character in enumerate(data.decode("latin-1")):
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
            if depth < 0:
                return commas, at
        elif character == "," and not depth:
            commas.append(at)
    return commas, -1


@pytest.mark.parametrize("segment", [1, 2, 3, 7, 1 << 18])
def test_sources_json_arrays_ends_of_elements(monkeypatch: pytest.MonkeyPatch, segment: int) -> None:
    monkeypatch.setattr(json_arrays, "SEGMENT_BYTES", segment)
    draw = random.Random(segment)
    ends = set()
    for _ in range(1000):
        parts = [
            '"' + "".join(draw.choices(["a", ",", "[", "}", "\\\\", '\\"', "\\n"], k=draw.randrange(6))) + '"'
            if draw.random() < 0.5
            else draw.choice("[]{},1 ")
            for _ in range(draw.randrange(12))
        ]
        data = "".join(parts).encode()
        assert tuple(element_ends(data)) == by_hand(data)
        ends.add(by_hand(data)[1])
    assert len(ends) > 20


FRAME = pd.DataFrame({"text": ["a", "b"], "label": ["01", "1.0"], "at": ["2024-01-01", "x"]})
ORIENTS = [
    # orient, how it is read
    ("columns", "orient='columns', dtype=False"),
    ("index", "orient='index', dtype=False"),
    ("split", "orient='split', dtype=False"),
    ("table", "orient='table'"),
]


@pytest.mark.parametrize(("orient", "how"), ORIENTS)
def test_sources_json_tables_of_pandas_are_refused_with_a_remedy_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orient: str, how: str
) -> None:
    remedy = f"pandas.read_json('a.json', {how}).to_json('a.jsonl', orient='records', lines=True)"
    monkeypatch.chdir(tmp_path)
    content = FRAME.to_json(orient=orient).encode()
    for end in (b"", b"\n"):
        files = MemoryFiles({"a.json": content + end})
        with pytest.raises(UserError) as error:
            check_columns(plan(files), COLUMNS, files)
        assert str(error.value) == (
            f"input.path: a.json is a table in one object, as pandas writes it with orient='{orient}'; "
            f"write it anew: {remedy}"
        )
        with pytest.raises(UserError) as error:  # a later file of an input is not looked at before
            list(read_tasks(plan(files), COLUMNS, files))
        assert "write it anew" in str(error.value)
    Path("a.json").write_bytes(content)
    eval(remedy, {"pandas": pd})
    used, rejected = read(Path("a.jsonl").read_bytes(), "a.jsonl")
    assert ([row[:2] for row in used], rejected) == ([("a", "01"), ("b", "1.0")], [])


def test_sources_json_tables_of_records_are_read() -> None:
    right = [("a", "01"), ("b", "1.0")]
    for lines in (False, True):
        content = FRAME.to_json(orient="records", lines=lines).encode()
        assert [row[:2] for row in read(content, "a.json")[0]] == right
    files = MemoryFiles({"a.json": FRAME.to_json(orient="values").encode()})
    with pytest.raises(UserError, match=r"^input\.path: a\.json holds no JSON object in its first lines; jsonl"):
        check_columns(plan(files), COLUMNS, files)


# fmt: off
OTHERS = [
    # content, message
    (b'{"version":1,"data":[{"text":"a","label":1}]}',
     "input.path: a.json holds its rows in a list under the key 'data'; write them anew: "
     "jq -c '.[$key][]' --arg key data a.json > a.jsonl"),
    (b'{\n  "text": "a",\n  "label": 1\n}\n',
     "input.path: a.json holds no JSON object in its first lines; jsonl is one JSON object a line; write it anew: "
     "jq -c . a.json > a.jsonl"),
    (b'[["a",1],["b",2]]',  # orient="values" of pandas
     "input.path: a.json holds no JSON object in its first lines; jsonl is one JSON object a line; write it anew: "
     """jq -c '.[] | {"text": .[0], "label": .[1]}' a.json > a.jsonl"""),
    (b'["a",1]\n["b",2]\n',
     "input.path: a.json holds no JSON object in its first lines; jsonl is one JSON object a line; write it anew: "
     """jq -c '{"text": .[0], "label": .[1]}' a.json > a.jsonl"""),
    (b'a b\n',
     "input.path: a.json holds no JSON object in its first lines; jsonl is one JSON object a line "
     "(or set input.format)"),
]
# fmt: on


@pytest.mark.parametrize(("content", "message"), OTHERS)
def test_sources_json_tables_of_others_are_refused_with_a_remedy(content: bytes, message: str) -> None:
    files = MemoryFiles({"a.json": content})
    with pytest.raises(UserError) as error:
        check_columns(plan(files), COLUMNS, files)
    assert str(error.value) == message


# fmt: off
ROWS = [
    # a line that is a row, columns, used
    (b'{"text":"a","label":1,"meta":{"text":{"0":"x"}}}', COLUMNS, [("a", "1", 0)]),
    (b'{"review":{"text":"a","label":1},"x":{"text":"b","label":2}}', ColumnNames("review.text", "x.label"),
     [("a", "2", 0)]),
    (b'{"text":"a","label":1,"data":[{"text":"b","label":2}]}', COLUMNS, [("a", "1", 0)]),
    (b'{"text":"a","label":1,"data":[1],"columns":{}}', COLUMNS, [("a", "1", 0)]),
]
# fmt: on


@pytest.mark.parametrize(("line", "columns", "used"), ROWS)
def test_sources_json_tables_are_no_rows_with_objects(line: bytes, columns: ColumnNames, used: list[Row]) -> None:
    files = MemoryFiles({"a.jsonl": line})
    check_columns(plan(files), columns, files)
    assert read(line, "a.jsonl", columns) == (used, [])


def test_sources_json_arrays_need_little_memory() -> None:
    # A gigabyte would not fit if an array were parsed as a whole: elements go through in blocks.
    files = MemoryFiles({})
    element = ONE.encode() + b","

    class Long(io.RawIOBase):
        def __init__(self) -> None:
            self.left = 3 << 20
            self.begun = False

        def read(self, _size: int = -1, /) -> bytes:
            if not self.begun:
                self.begun = True
                return b"["
            if self.left <= 0:
                return b""
            self.left -= len(element) * 1000
            return element * 1000 if self.left > 0 else element * 999 + ONE.encode() + b"]"

    files.open = lambda _path: Long()  # type: ignore[assignment,return-value,method-assign]
    files.contents["a.jsonl"] = b"[]"
    chunks = [batch.rows.num_rows for batch in read_tasks(plan(files), COLUMNS, files, sizes=sizes_of(1 << 16))]
    assert sum(chunks) % 1000 == 0
    assert len(chunks) > 10

"""input.several_labels, label_separator, no_labels and label_map: what becomes of values, and what auto decides."""

import io
import json
from typing import Any

import pyarrow as pa
import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.sources import check_columns, plan_all, plan_tasks, read_tasks
from pipeline.sources.columns import ColumnNames, columns_of
from pipeline.sources.formats.labels import labels
from pipeline.sources.formats.values import Values
from pipeline.sources.label_sets import labels_of
from pipeline.sources.mapped_labels import merged
from tests.support.memory_files import MemoryFiles, batches_of, parquet, read
from tests.support.tf_examples import Value, framed, serialized

MISSING, WRONG, INVALID = "missing label", "label is not a string, integer or boolean", "invalid UTF-8"
IS_LIST, IN_LIST = "label is a list; set input.several_labels", "a label of the list is missing"
STRINGS = pa.list_(pa.string())


def lists(values: list[Any], kind: pa.DataType = STRINGS) -> pa.Array:
    return pa.array(values, kind)


ABC = [["b", "a", "b"], None, [], ["c"]]
OF_ABC = ['["a", "b"]', MISSING, "[]", '["c"]']
# fmt: off
# Arrow 25 can't take all but the first out of a dictionary or runs.
VIEWS = [
    lists([["a"], ["b"]], kind)
    for kind in (pa.list_view(pa.binary_view()), pa.list_(pa.binary_view()), pa.list_(pa.string_view(), 1))
]
SEVERAL: list[tuple[Values, list[str]]] = [
    # column                                                          each row's labels, or why it is rejected
    (lists(ABC),                                                      OF_ABC),
    (lists(ABC, pa.large_list(pa.large_string())),                    OF_ABC),
    (lists(ABC, pa.list_view(pa.string_view())),                      OF_ABC),
    (lists(ABC, pa.large_list_view(pa.binary())),                     OF_ABC),
    (lists(ABC, pa.list_(pa.dictionary(pa.int32(), pa.string()))),    OF_ABC),
    (lists(ABC)[1:],                                                  OF_ABC[1:]),
    (lists(ABC, pa.list_view(pa.string()))[1:],                       OF_ABC[1:]),
    (lists([["b", "a"], None, ["c", "c"]], pa.list_(pa.string(), 2)), ['["a", "b"]', MISSING, '["c"]']),
    (lists([["b", "a"], None, ["c", "c"]], pa.list_(pa.string(), 2))[1:], [MISSING, '["c"]']),
    (pa.DictionaryArray.from_arrays(pa.array([1, 0, None]), lists([["a"], ["b"]])), ['["b"]', '["a"]', MISSING]),
    (pa.RunEndEncodedArray.from_arrays([1, 3], lists([["a"], []])),   ['["a"]', "[]", "[]"]),
    *[(pa.DictionaryArray.from_arrays(pa.array([1, 0, None]), views), ['["b"]', '["a"]', MISSING]) for views in VIEWS],
    *[(pa.RunEndEncodedArray.from_arrays([1, 3], views),              ['["a"]', '["b"]', '["b"]']) for views in VIEWS],
    (lists([[1, 10, 2]], pa.list_(pa.int8())),                        ['["1", "10", "2"]']),  # order of the bytes
    (lists([[True, False]], pa.list_(pa.bool_())),                    ['["false", "true"]']),
    (lists([[1.0, 2.0], [0.5]], pa.list_(pa.float32())),              ['["1", "2"]', WRONG]),
    (lists([["é", "z", "日"]]),                                        ['["z", "é", "日"]']),
    (lists([["a", None], [None]]),                                    [IN_LIST, IN_LIST]),
    (lists([["a", " "], [" a\n"]]),                                   [IN_LIST, '["a"]']),
    (lists([[b"\xff", b"a"], [b"a"]], pa.list_(pa.binary())),         [INVALID, '["a"]']),
    (lists([[float("nan")]], pa.list_(pa.float64())),                 [IN_LIST]),
    (pa.array(["a|b", None, "a"]),                                    ['["a|b"]', MISSING, '["a"]']),
    (pa.array(["", " "]),                                             [MISSING, MISSING]),
    (pa.array([1, None]),                                             ['["1"]', MISSING]),
    (pa.nulls(1),                                                     [MISSING]),
    (pa.nulls(1, STRINGS),                                            [MISSING]),
    ([["b", "a", "b"], None, [], "c"],                                OF_ABC),
    ([[b"b", b"a"], b"c", [b"\xff"]],                                 ['["a", "b"]', '["c"]', INVALID]),
    ([[1, 1.0, "1", True]],                                           ['["1", "true"]']),
    ([["a", None], ["a", ""], [["a"]], [{}], {"a": 1}, 0.5],          [IN_LIST, IN_LIST, WRONG, WRONG, WRONG, WRONG]),
    ([['a "quoted" \\ label']],                                       ['["a \\"quoted\\" \\\\ label"]']),
]
CUT: list[tuple[str, Values, list[str]]] = [
    # separator, column, each row's labels, or why it is rejected
    ("|", pa.array(["b|a", None, "", "|", "a", " b | c "]), ['["a", "b"]', MISSING, "[]", "[]", '["a"]', '["b", "c"]']),
    ("|", pa.array([b"b|a", b"\xff|a"]),                    ['["a", "b"]', INVALID]),
    ("|", pa.array(["b|a", "a"]).dictionary_encode(),       ['["a", "b"]', '["a"]']),
    (", ", ["b, a", "b,a"],                                 ['["a", "b"]', '["b,a"]']),
    ("|", ["b|a", 7, None, ["a|b"]],                        ['["a", "b"]', '["7"]', MISSING, '["a|b"]']),  # cut: texts
    ("|", lists([["a|b"]]),                                 ['["a|b"]']),
    ("|", pa.array([7]),                                    ['["7"]']),
]
# fmt: on


def outcome(values: Values, columns: ColumnNames) -> list[str]:
    array, problems = labels(values, columns)
    assert array.type == pa.string()
    return [problems.get(row, label) for row, label in enumerate(array.to_pylist())]


def kind_of(case: tuple[Any, ...]) -> str:
    return str(getattr(case[-2], "type", case[-2]))[:40]


@pytest.mark.parametrize(("values", "expected"), SEVERAL, ids=map(kind_of, SEVERAL))
def test_several_labels_of_a_column(values: Values, expected: list[str]) -> None:
    assert outcome(values, ColumnNames("text", "label", several_labels=True)) == expected


@pytest.mark.parametrize(("separator", "values", "expected"), CUT, ids=map(kind_of, CUT))
def test_several_labels_are_cut_at_the_separator(separator: str, values: Values, expected: list[str]) -> None:
    assert outcome(values, ColumnNames("text", "label", several_labels=True, label_separator=separator)) == expected


@pytest.mark.parametrize("values", [lists([[], ["a"]]), [[], ["a"]], pa.array(["|", "a"]), ["", "a"]])
def test_several_labels_of_an_empty_list_may_be_missing(values: Values) -> None:
    columns = ColumnNames("text", "label", several_labels=True, label_separator="|", no_labels_is_missing=True)
    assert outcome(values, columns) == [MISSING, '["a"]']


@pytest.mark.parametrize("values", [lists([["a"], [], None]), [["a"], [], None]])
def test_several_labels_are_a_problem_where_a_row_has_one(values: Values) -> None:
    assert outcome(values, ColumnNames("text", "label")) == [IS_LIST, IS_LIST, MISSING]


def lines(*values: Any) -> bytes:
    return "".join(json.dumps({"text": "a", "label": value}) + "\n" for value in values).encode()


def records(*values: Value) -> bytes:
    return framed(*(serialized({"text": b"a", "label": value}) for value in values))


def table(array: pa.Array) -> bytes:
    return parquet({"text": ["a"] * len(array), "label": array})


# fmt: off
AUTO: list[tuple[dict[str, bytes], dict[str, Any], bool]] = [
    # files, settings of the input, whether a row has several labels
    ({"a.jsonl": lines("a", ["a", "b"])}, {}, False),  # the first row that has a label decides
    ({"a.jsonl": lines(["a"], "a")}, {}, True),
    ({"a.jsonl": lines(None, "", [], "a")}, {}, True),
    ({"a.jsonl": b'broken\n{"label": ["a"]}\n' + lines(7)}, {}, False),  # a row that has no text decides nothing
    ({"a.jsonl": lines(None), "b.jsonl": lines(["a"]), "c.jsonl": lines("a")}, {}, True),
    ({"a.jsonl": lines(None)}, {}, False),
    ({"a.json": b'[{"text": "a", "label": ["a"]}]'}, {}, True),
    ({"a.tfrecord": records(b"a", [b"a", b"b"])}, {}, True),  # every feature is a list
    ({"a.tfrecord": records(b"a", [])}, {}, False),
    ({"a.parquet": table(lists([None]))}, {}, True),  # by its type
    ({"a.parquet": table(pa.nulls(1)), "b.parquet": table(lists([["a"]]))}, {}, True),
    ({"a.parquet": table(pa.array(["a"])), "b.parquet": table(lists([["a"]]))}, {}, False),
    ({"a.parquet": table(pa.array([{"x": 1}]))}, {}, False),
    ({"a.csv": b'text,label\na,"[""a""]"\n'}, {}, False),
    ({"a.csv": b"text,label\na,b\n"}, {"label_separator": "|"}, True),
    ({"a.csv": b"text,label\na,b\n"}, {"several_labels": True}, True),
    ({"a.jsonl": lines("a", ["a"])}, {"several_labels": False}, False),
    ({"label=a/a.jsonl": lines(["a"])}, {}, False),  # the folder's name is the label
    ({"a.jsonl": b"no JSON at all\n"}, {}, False),  # the mistake shows when the columns are checked
    ({"a.parquet": b"PAR1 and no footer"}, {}, False),
]
# fmt: on


@pytest.mark.parametrize(("files", "settings", "several"), AUTO)
@pytest.mark.parametrize("plan", [plan_all, plan_tasks])
def test_several_labels_are_decided_once(
    plan: Any, files: dict[str, bytes], settings: dict[str, Any], several: bool
) -> None:
    chosen = InputSettings(path=sorted({name.partition("/")[0] for name in files}), **settings)
    tasks = plan(chosen, MemoryFiles(files))
    assert tasks.several_labels is several
    assert columns_of(tasks.resolved(chosen)).several_labels is several


def test_several_labels_are_decided_for_all_files_by_the_first() -> None:
    files = MemoryFiles({"a.jsonl": lines(["b", "a"]), "b.csv": b"text,label\nx,c\n"})
    chosen = InputSettings(path="*")
    tasks = plan_tasks(chosen, files)
    batches = read_tasks(tasks.tasks(), columns_of(tasks.resolved(chosen)), files)
    assert [row["label"] for batch in batches for row in batch.rows.to_pylist()] == ['["a", "b"]', '["c"]']


def test_several_labels_in_a_later_file_are_refused_with_the_setting() -> None:
    files = MemoryFiles({"a.parquet": table(pa.array(["a"])), "b.parquet": table(lists([["a"]]))})
    chosen = InputSettings(path="*")
    tasks = plan_tasks(chosen, files)
    with pytest.raises(UserError) as caught:
        check_columns(tasks.tasks(), columns_of(tasks.resolved(chosen)), files)
    assert str(caught.value) == (
        "input.label_column: 'label' in b.parquet holds list<element: string>; set input.several_labels to true if a "
        "text has several labels"
    )


# fmt: off
REFUSED: list[tuple[dict[str, bytes], dict[str, Any], str]] = [
    # files, settings of the input, message
    ({"a.jsonl": lines([1])}, {"label_kind": "ordinal"},
     "input.label_kind is ordinal, but 'label' in a.jsonl holds lists of labels; set it to nominal"),
    ({"a.jsonl": lines([1])}, {"several_labels": False},
     "input.several_labels is false, but 'label' in a.jsonl holds lists of labels; set it to true"),
    ({"a.parquet": table(lists([["a"]]))}, {"several_labels": False},
     "input.several_labels is false, but 'label' in a.parquet holds lists of labels; set it to true"),
]
# fmt: on


@pytest.mark.parametrize(("files", "settings", "message"), REFUSED)
def test_several_labels_are_refused_where_a_setting_says_otherwise(
    files: dict[str, bytes], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        plan_tasks(InputSettings(path="*", **settings), MemoryFiles(files))
    assert str(caught.value) == message


def test_several_labels_of_a_rejected_row_are_shown() -> None:
    columns = ColumnNames("text", "label", several_labels=True)
    content = parquet({"text": [None, "a"], "label": lists([["b", "a", None], ["a", None]])})
    (batch,) = batches_of(content, "a.parquet", columns)
    assert [(row["reason"], row["content"]) for row in batch.rejected.to_pylist()] == [
        ("missing text", '{"text": null, "label": ["b", "a", null]}'),
        (IN_LIST, '{"text": "a", "label": ["a", null]}'),
    ]
    (batch,) = batches_of(records([b"a", b"\xff"]), "a.tfrecord", columns)
    assert batch.rejected["content"].to_pylist() == ['{"text": "a", "label": ["a", "\ufffd"]}']


# fmt: off
MAPPED: list[tuple[dict[Any, Any], dict[str, Any], list[str], list[tuple[int, str]], dict[str, int], int]] = [
    # label_map, other settings, labels of the used rows, rejected rows, rows by key, rows left out
    ({"a": "x"}, {}, ['["b", "x"]', "[]", '["x"]', '["c"]'], [(4, MISSING)], {"a": 2}, 0),
    ({"a": "b", "b": "a"}, {}, ['["a", "b"]', "[]", '["b"]', '["c"]'], [(4, MISSING)], {"a": 2, "b": 1}, 0),
    ({"a": "c", "b": "c"}, {}, ['["c"]', "[]", '["c"]', '["c"]'], [(4, MISSING)], {"a": 2, "b": 1}, 0),
    ({"a": None}, {}, ['["b"]', "[]", "[]", '["c"]'], [(4, MISSING)], {"a": 2}, 0),
    ({"a": None}, {"no_labels": "missing"}, ['["b"]', '["c"]'], [(1, MISSING), (4, MISSING)], {"a": 2}, 1),
    ({"": None}, {}, ['["a", "b"]', "[]", '["a"]', '["c"]'], [], {"": 1}, 1),
    ({"z": None}, {}, ['["a", "b"]', "[]", '["a"]', '["c"]'], [(4, MISSING)], {}, 0),
]
# fmt: on


@pytest.mark.parametrize(("label_map", "others", "used", "rejected", "mapped", "left_out"), MAPPED)
def test_several_labels_are_mapped_one_by_one(
    label_map: dict[Any, Any],
    others: dict[str, Any],
    used: list[str],
    rejected: list[tuple[int, str]],
    mapped: dict[str, int],
    left_out: int,
) -> None:
    files = MemoryFiles({"a.jsonl": lines(["b", "a"], [], "a", ["c"], None)})
    chosen = InputSettings(path="a.jsonl", several_labels=True, label_map=label_map, **others)
    batches = list(read_tasks(plan_tasks(chosen, files).tasks(), columns_of(chosen), files, batch_rows=2))
    assert [row["label"] for batch in batches for row in batch.rows.to_pylist()] == used
    found = [(row["row"], row["reason"]) for batch in batches for row in batch.rejected.to_pylist()]
    assert sorted(found) == rejected
    use = merged(batch.label_map for batch in batches)
    assert (dict(use.rows), sum(use.left_out.values())) == (mapped, left_out)
    assert sum(batch.count for batch in batches) == 5


AS_BINARY = {pa.large_string(): pa.large_binary(), pa.string_view(): pa.binary_view()}
KINDS = [
    pa.list_(pa.string()), pa.large_list(pa.large_string()), pa.list_view(pa.string()), pa.list_(pa.string_view()),
    pa.list_(pa.dictionary(pa.int32(), pa.string())), pa.large_list_view(pa.string_view()),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_several_labels_of_bytes_in_an_arrow_file_reject_their_row_alone(kind: pa.DataType) -> None:
    """A list of strings that are not UTF-8, as a writer that checks nothing leaves it."""
    strings = pa.array([b"b", b"a", b"\xff", b"c"], pa.binary()).view(pa.string())
    value = kind.value_type
    if pa.types.is_dictionary(value):
        values: pa.Array = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), strings)
    else:
        values = strings if value == pa.string() else strings.view(pa.binary()).cast(AS_BINARY[value]).view(value)
    edges = [0, 2, 3, 4]
    if pa.types.is_list(kind):
        lists: pa.Array = pa.ListArray.from_arrays(pa.array(edges, pa.int32()), values)
    elif pa.types.is_large_list(kind):
        lists = pa.LargeListArray.from_arrays(pa.array(edges, pa.int64()), values)
    elif pa.types.is_list_view(kind):
        sizes = pa.array([2, 1, 1], pa.int32())
        lists = pa.ListViewArray.from_arrays(pa.array(edges[:3], pa.int32()), sizes, values)
    else:
        sizes = pa.array([2, 1, 1], pa.int64())
        lists = pa.LargeListViewArray.from_arrays(pa.array(edges[:3], pa.int64()), sizes, values)
    rows = pa.record_batch([pa.array(["x", "y", "z"]), lists], ["text", "label"])
    file = io.BytesIO()
    with pa.ipc.new_stream(file, rows.schema) as writer:
        writer.write_batch(rows)
    found = read(file.getvalue(), "a.arrows", ColumnNames("text", "label", several_labels=True))
    assert found == ([("x", '["a", "b"]', 0), ("z", '["c"]', 2)], [(1, INVALID)])


def test_several_labels_of_long_lists_are_read_in_pieces() -> None:
    lists = [[f"label {number:04}" for number in range(start, start + 3000)] for start in range(300)]
    file = io.BytesIO()
    rows = pa.record_batch({"text": ["a"] * 300, "label": lists})
    with pa.ipc.new_stream(file, rows.schema) as writer:
        writer.write_batch(rows)
    batches = batches_of(file.getvalue(), "a.arrows", ColumnNames("text", "label", several_labels=True))
    assert [labels_of(row["label"]) for batch in batches for row in batch.rows.to_pylist()] == lists


def test_several_labels_of_folders() -> None:
    contents = {"x/a|b/1.txt": b"one", "x/b/2.txt": b"two"}
    chosen = InputSettings(path="x", label_separator="|")
    files = MemoryFiles(contents)
    tasks = plan_tasks(chosen, files)
    batches = read_tasks(tasks.tasks(), columns_of(tasks.resolved(chosen)), files)
    assert sorted(row["label"] for batch in batches for row in batch.rows.to_pylist()) == ['["a", "b"]', '["b"]']
    files = MemoryFiles({"label=a%7Cb/x.csv": b"text,y\none,1\n", "label=b/x.csv": b"text,y\ntwo,1\n"})
    chosen = InputSettings(path="*", label_separator="|")
    batches = read_tasks(plan_tasks(chosen, files).tasks(), columns_of(chosen), files)
    assert sorted(row["label"] for batch in batches for row in batch.rows.to_pylist()) == ['["a", "b"]', '["b"]']

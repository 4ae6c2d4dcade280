"""input.weight_column: which values are weights, from which formats, and what is said of columns that hold none."""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.sources import check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.formats.values import Values
from pipeline.sources.formats.weights import weights
from tests.support.memory_files import MemoryFiles, parquet
from tests.support.tf_examples import framed, serialized

MISSING, WRONG = "missing weight", "weight is not a number above 0"
NAN = float("nan")
# The nearest float32 to a tenth, and the smallest float32 above 0.
TENTH, SMALLEST = 0.10000000149011612, 1.401298464324817e-45
# fmt: off
TABLE: list[tuple[Values, list[float | str]]] = [
    # column                                                    each row's weight, or why it is rejected
    (pa.array([2.0, 0.1, None, NAN, 0.0, -1.0]),                [2, TENTH, MISSING, MISSING, WRONG, WRONG]),
    (pa.array([1e39, 3e-46, 1e-45, float("inf")]),              [WRONG, WRONG, SMALLEST, WRONG]),  # as a float32
    (pa.array([0.5, None], pa.float32()),                       [0.5, MISSING]),
    (pa.array(np.array([0.5, 0, np.nan], "float16")),           [0.5, WRONG, MISSING]),
    (pa.array([1, 0, -1, None], pa.int8()),                     [1, WRONG, WRONG, MISSING]),
    (pa.array([2**64 - 1], pa.uint64()),                        [1.8446744073709552e19]),
    (pa.array([16777217]),                                      [16777216]),  # no float32 has 2**24 + 1
    (pa.array([Decimal("0.10"), None], pa.decimal128(5, 2)),    [TENTH, MISSING]),
    (pa.array(["2", "0.1", "1e-3", ".5", "1.", None]),          [2, TENTH, 0.0010000000474974513, 0.5, 1, MISSING]),
    (pa.array(["2", "+2", " 3\t", "", " ", "-1", "1e400"]),     [2, 2, 3, MISSING, MISSING, WRONG, WRONG]),
    (pa.array(["2 kg", "1,5", "1_0", "0x1", "nan", "inf", "true", "١"]), [WRONG] * 8),
    (pa.array([b"2", b"\xff"]),                                 [2, WRONG]),
    (pa.array(["2", "x", None]).dictionary_encode(),            [2, WRONG, MISSING]),
    (pa.array(["2"], pa.string_view()),                         [2]),
    (pa.array([True, False, None]),                             [WRONG, WRONG, MISSING]),
    (pa.nulls(1),                                               [MISSING]),
    (pa.array([1], pa.date32()),                                [WRONG]),
    ([2, 0.1, "0.1", b"0.1", Decimal("0.1"), None, ""],         [2, TENTH, TENTH, TENTH, TENTH, MISSING, MISSING]),
    ([NAN, Decimal("NaN"), Decimal("sNaN"), True, [1], {}],     [MISSING, MISSING, MISSING, WRONG, WRONG, WRONG]),
    ([10**400, "9" * 400, 0, "0", "-0", 1e39],                  [WRONG] * 6),
    ([],                                                        []),
]
# fmt: on


@pytest.mark.parametrize(("values", "expected"), TABLE, ids=[str(getattr(v, "type", v))[:40] for v, _ in TABLE])
def test_weights_of_a_column(values: Values, expected: list[float | str]) -> None:
    array, problems = weights(values)
    assert array.type == pa.float32()
    assert [problems.get(row, weight) for row, weight in enumerate(array.to_pylist())] == expected


def read(files: dict[str, bytes]) -> tuple[list[tuple[str, float]], list[tuple[int, str]]]:
    opened, chosen = (
        MemoryFiles(files),
        InputSettings(path="x" if any(name.startswith("x/") for name in files) else "*", weight_column="w"),
    )
    tasks, columns = list(plan_tasks(chosen, opened).tasks()), columns_of(chosen)
    check_columns(tasks, columns, opened)
    batches = list(read_tasks(tasks, columns, opened))
    used = [(row["text"].decode(), row["weight"]) for batch in batches for row in batch.rows.to_pylist()]
    return used, [(row["row"], row["reason"]) for batch in batches for row in batch.rejected.to_pylist()]


FILES: dict[str, bytes] = {
    "a.csv": b"text,label,w\na,1,2\nb,1,0.5\nc,1,\nd,1,0\n",
    "a.tsv": b"text\tlabel\tw\na\t1\t2\nb\t1\t0.5\nc\t1\t\nd\t1\t0\n",
    "a.jsonl": b'{"text":"a","label":1,"w":2}\n{"text":"b","label":1,"w":"0.5"}\n{"text":"c","label":1}\n'
    b'{"text":"d","label":1,"w":0}\n',
    "a.parquet": parquet({"text": ["a", "b", "c", "d"], "label": [1] * 4, "w": [2, 0.5, None, 0]}),
    "floats.tfrecord": framed(
        *(serialized({"text": text, "label": 1, "w": w}) for text, w in ((b"a", 2.0), (b"b", 0.5), (b"c", []))),
        serialized({"text": b"d", "label": 1, "w": 0.0}),
    ),
    "any.tfrecord": framed(
        *(serialized({"text": text, "label": 1, "w": w}) for text, w in ((b"a", 2), (b"b", b"0.5"), (b"c", None))),
        serialized({"text": b"d", "label": 1, "w": [1.0, 2.0]}),  # several are no weight
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_weights_are_read_from_each_format(name: str) -> None:
    assert read({name: FILES[name]}) == ([("a", 2.0), ("b", 0.5)], [(2, MISSING), (3, WRONG)])


def test_weights_may_be_the_name_of_a_folder() -> None:
    content = b"text,label\na,1\n"
    used, rejected = read({"w=2/a.csv": content, "w=0.5/a.csv": content, "w=0/a.csv": content})
    assert (sorted(used), rejected) == ([("a", 0.5), ("a", 2.0)], [(0, WRONG)])
    used, _ = read({"x/w=2/pos/1.txt": b"a film", "x/w=0.5/neg/2.txt": b"b"})
    assert sorted(used) == [("a film", 2.0), ("b", 0.5)]


def test_weights_come_after_other_reasons() -> None:
    assert read({"a.csv": b"text,label,w\na,,0\n"}) == ([], [(0, "missing label")])


def test_weights_of_rejected_rows_are_shown_before_a_long_text() -> None:
    opened = MemoryFiles({"a.csv": f"text,label,w\n{'long ' * 500},1,0.0\n".encode()})
    chosen = InputSettings(path="a.csv", weight_column="w")
    (batch,) = read_tasks(plan_tasks(chosen, opened).tasks(), columns_of(chosen), opened)
    assert batch.rejected["content"].to_pylist()[0].startswith('{"w": "0.0", "text": "long long')


REFUSED = [
    # files, what the message begins with
    ({"a.csv": b"text,label\na,1\n"}, "input.weight_column: 'w' is not in a.csv; it has the columns text, label"),
    ({"a.jsonl": b'{"text":"a","label":1}\n'}, "input.weight_column: 'w' is not in a.jsonl; it has the columns text"),
    ({"x/pos/1.txt": b"a"}, "input.weight_column: 'w' is a column, and texts in folders have none; leave it null"),
    ({"a.parquet": parquet({"text": ["a"], "label": [1], "w": [True]})},
     "input.weight_column: 'w' in a.parquet holds bool; it must hold numbers, or texts that write numbers"),
    ({"a.parquet": parquet({"text": ["a"], "label": [1], "w": [[1.0]]})},
     "input.weight_column: 'w' in a.parquet holds list<element: double>; it must hold numbers, or"),
    ({"w=2/a.csv": b"text,label,w\na,1,3\n"},
     "input.weight_column: 'w' is a column of w=2/a.csv, with other values than the name of its folder, w=2"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "message"), REFUSED)
def test_weights_that_are_not_there_are_refused(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(files)
    assert str(caught.value).startswith(message)


def test_weights_of_a_column_that_a_folder_gives_too_may_agree() -> None:
    assert read({"w=2/a.csv": b"text,label,w\na,1,2.0\n"}) == ([("a", 2.0)], [])


def test_weights_are_not_read_without_the_setting() -> None:
    files: dict[str, Any] = {"a.csv": FILES["a.csv"]}
    opened, chosen = MemoryFiles(files), InputSettings(path="a.csv")
    (batch,) = read_tasks(plan_tasks(chosen, opened).tasks(), columns_of(chosen), opened)
    assert batch.rows["weight"].null_count == 4
    assert batch.rows["slices"].null_count == 4

"""input.label_map: how it is given, and what becomes of the rows of any source."""

import json
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.input_settings import InputSettings
from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.sources import check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from pipeline.sources.mapped_labels import merged
from pipeline.sources.preview import preview, preview_lines
from tests.support.memory_files import MemoryFiles, parquet
from tests.support.tf_examples import framed, serialized

# value of --input.label_map -> the setting
GIVEN: list[tuple[str, dict[str, str | None]]] = [
    ("{}", {}),
    ("{0: neg, 1: pos}", {"0": "neg", "1": "pos"}),
    ('{"-1": null, Positive: positive}', {"-1": None, "Positive": "positive"}),
    ("{2.0: 5, true: yes}", {"2": "5", "true": "true"}),  # YAML reads yes as true
    ("{null: null}", {"": None}),
    ('{"": ~, " a ": b}', {"": None, "a": "b"}),  # a label has no white space around it
    ("{a: b, b: c}", {"a": "b", "b": "c"}),
]
REFUSED = [
    # value, what is said of it
    ("{1: a, '1': b}", "label_map has '1' twice, as '1' is that label; give each label once"),
    (
        "{0.5: a}",
        "label_map has 0.5: label is not a string, integer or boolean; use a label, or null to leave rows out",
    ),
    (
        "{a: [b]}",
        "label_map has ['b']: label is not a string, integer or boolean; use a label, or null to leave rows out",
    ),
    ("{a: ' '}", "label_map has ' ': missing label; use a label, or null to leave rows out"),
    ("{a: b, a: c}", "a is given twice"),
    ("{'': a}", "label_map gives rows without a label 'a'; they can be left out alone: use null"),
    ("[a, b]", "label_map is a list of 2 items; give {label: new label, or null to leave its rows out}"),
    ("pos", "label_map is 'pos'; give {label: new label, or null to leave its rows out}"),
]


@pytest.mark.parametrize(("text", "expected"), GIVEN)
def test_label_map_is_given_as_yaml(text: str, expected: dict[str, str | None]) -> None:
    assert load(None, {"input.label_map": text}).input.label_map == expected


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_label_map_refuses_what_is_no_label(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        load(None, {"input.label_map": text})
    assert str(caught.value).removeprefix("--input.label_map").removeprefix(": ").strip() == message


def test_label_map_in_a_manifest_is_what_was_given() -> None:
    config = load(None, {"input.label_map": '{0: neg, "-1": null}'})
    assert type(config).model_validate(json.loads(json.dumps(config.model_dump()))) == config


Read = tuple[list[tuple[str, str, int]], list[tuple[int, str]], dict[str, int], dict[str, int]]


def read_all(files: MemoryFiles, label_map: dict[Any, Any], **others: Any) -> Read:
    """(text, label, row) of the used rows, (row, reason) of the rejected ones, rows by label, left out by file."""
    chosen = InputSettings(path="*", label_map=label_map, **others)
    tasks, columns = list(plan_tasks(chosen, files).tasks()), columns_of(chosen)
    check_columns(tasks, columns, files)
    batches = list(read_tasks(tasks, columns, files, batch_rows=2))
    used = [(row["text"].decode(), row["label"], row["row"]) for batch in batches for row in batch.rows.to_pylist()]
    rejected = [(row["row"], row["reason"]) for batch in batches for row in batch.rejected.to_pylist()]
    use = merged(batch.label_map for batch in batches)
    assert sum(batch.count for batch in batches) == len(used) + len(rejected) + sum(use.left_out.values())
    return used, rejected, dict(use.rows), dict(use.left_out)


MAP: dict[Any, Any] = {0: "neg", 1: "pos", "-1": None, "neg": "pos"}  # neg is not looked up again
ROWS: list[tuple[str | None, int | None]] = [("a", 0), ("b", -1), ("c", 1), (None, 1), ("e", None), ("f", 2)]
CSV = "text,label\n" + "".join(f'"{text or ""}",{"" if label is None else label}\n' for text, label in ROWS)
FILES: dict[str, bytes] = {
    "a.csv": CSV.encode(),
    "a.jsonl": "".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in ROWS).encode(),
    "a.parquet": parquet({"text": [text for text, _ in ROWS], "label": [label for _, label in ROWS]}),
    "b.parquet": parquet({"text": [text for text, _ in ROWS], "label": pa.array([r[1] for r in ROWS], pa.float64())}),
    "a.tfrecord": framed(*(
        serialized({"text": text.encode() if text else None, "label": label}) for text, label in ROWS
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_label_map_makes_the_same_labels_of_each_format(name: str) -> None:
    files = MemoryFiles({name: FILES[name]})
    used, rejected, mapped, left_out = read_all(files, MAP)
    empty = [("", "pos", 3)] if name == "a.csv" else []  # csv has no null
    assert used == [("a", "neg", 0), ("c", "pos", 2), *empty, ("f", "2", 5)]
    assert rejected == ([] if empty else [(3, "missing text")]) + [(4, "missing label")]
    assert mapped == {"0": 1, "-1": 1, "1": 1 + len(empty)}
    assert left_out == {name: 1}


def test_label_map_leaves_out_rows_without_a_label() -> None:
    files = MemoryFiles({"a.jsonl": FILES["a.jsonl"], "b.csv": FILES["a.csv"]})
    used, rejected, mapped, left_out = read_all(files, {"": None, "-1": None})
    assert len(used) == 7
    assert rejected == [(3, "missing text")]
    assert mapped == {"-1": 2, "": 2}
    assert left_out == {"a.jsonl": 2, "b.csv": 2}


def test_label_map_renames_labels_of_folders() -> None:
    files = MemoryFiles({f"x/{label}/{n}.txt": b"a film" for label in ("good", "bad", "so-so") for n in range(2)})
    used, rejected, mapped, left_out = read_all(files, {"good": "pos", "so-so": None}, format="folders")
    assert [label for _, label, _ in used] == ["bad", "bad", "pos", "pos"]
    assert rejected == []
    assert mapped == {"good": 2, "so-so": 2}
    assert left_out == {"x/so-so/0.txt": 1, "x/so-so/1.txt": 1}


def test_label_map_applies_to_what_is_shown_before_a_run() -> None:
    files = MemoryFiles({"a.jsonl": FILES["a.jsonl"]})
    chosen = InputSettings(path="a.jsonl", label_map=MAP)
    lines = list(preview_lines(preview(plan_tasks(chosen, files), columns_of(chosen), files), columns_of(chosen)))
    assert [line.strip() for line in lines if "row" in line] == [
        "row 1: neg | a", "row 2: pos | c", "row 3: 2 | f",
        "labels of the first 6 rows: neg (1), pos (1), 2 (1)",
        "left out of the first 6 rows: 1 (input.label_map)",
        "rejected of the first 6 rows: missing text (1)", "rejected of the first 6 rows: missing label (1)",
    ]  # fmt: skip


NAMES = st.sampled_from(["a", "b", "c", "", "A", "é", "-1"])


@settings(max_examples=150, deadline=None)
@given(
    labels=st.lists(NAMES | st.none(), min_size=1, max_size=12),
    label_map=st.dictionaries(NAMES.filter(bool), NAMES.filter(bool) | st.none(), max_size=5),
    without=st.booleans(),
)
def test_label_map_is_a_lookup_of_each_label(
    labels: list[str | None], label_map: dict[str, str | None], without: bool
) -> None:
    table = {"text": ["x"] * len(labels), "label": pa.array(labels, pa.string())}
    used, rejected, mapped, left_out = read_all(
        MemoryFiles({"a.parquet": parquet(table)}), {**label_map, **({"": None} if without else {})}
    )
    there = [(label, row) for row, label in enumerate(labels) if label]
    renamed = [(label_map.get(label, label), row) for label, row in there]
    assert [(label, row) for _, label, row in used] == [(label, row) for label, row in renamed if label is not None]
    missing = [] if without else [(row, "missing label") for row, label in enumerate(labels) if not label]
    assert rejected == missing
    expected = Counter(label for label, _ in there if label in label_map)
    expected.update({"": len(labels) - len(there)} if without else {})
    assert mapped == {label: rows for label, rows in expected.items() if rows}
    assert sum(left_out.values()) == len(labels) - len(used) - len(rejected)

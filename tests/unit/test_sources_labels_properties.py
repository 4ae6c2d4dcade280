"""The same rows with lists of labels, weights and slices in every format: the same used and rejected rows."""

import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.decision_settings import MetricsSettings
from pipeline.config.input_settings import InputSettings
from pipeline.sources import check_columns, plan_tasks, read_tasks
from pipeline.sources.columns import columns_of
from tests.support.labelled_files import SEPARATOR, WRITERS, LabelledRow
from tests.support.memory_files import MemoryFiles

# (text, label, weight, slices) of used rows, (row, reason) of rejected ones
Found = tuple[list[tuple[str, str, float, list[str]]], list[tuple[int, str]]]

LABELS = st.text(st.sampled_from("ab é日😀1.-_"), min_size=1, max_size=4).filter(lambda label: bool(label.strip(" ")))
WEIGHTS = st.none() | st.floats(allow_nan=False) | st.sampled_from([0.1, 1.0, 3.5e38, 1e-46, 1e-45])
ROWS = st.lists(
    st.builds(
        LabelledRow,
        st.sampled_from(["good", "bad", "a film"]),
        st.none() | st.lists(LABELS, max_size=4),
        WEIGHTS,
        st.none() | LABELS,
    ),
    min_size=1,
    max_size=8,
)


def as_float32(number: float) -> float | None:
    """The nearest float32, by Python's own struct; None: it is too large."""
    try:
        (rounded,) = struct.unpack("<f", struct.pack("<f", number))
    except OverflowError:
        return None
    return float(rounded)


def expected(rows: list[LabelledRow], *, missing: bool) -> Found:
    used, rejected = [], []
    for number, row in enumerate(rows):
        weight = None if row.weight is None else as_float32(row.weight)
        if row.labels is None or (missing and not row.labels):
            rejected.append((number, "missing label"))
        elif row.weight is None:
            rejected.append((number, "missing weight"))
        elif weight is None or not 0 < weight < float("inf"):
            rejected.append((number, "weight is not a number above 0"))
        else:
            labels = sorted({label.strip(" ") for label in row.labels}, key=lambda label: label.encode())
            name = json.dumps(labels, ensure_ascii=False)
            used.append((row.text, name, weight, [(row.part or "").strip(" "), row.text]))
    return used, rejected


def found(content: bytes, name: str, **others: Any) -> Found:
    files = MemoryFiles({name: content})
    separator = {"label_separator": SEPARATOR} if name == "a.csv" else {"several_labels": True}
    chosen = InputSettings(path=name, label_column="labels", weight_column="weight", **separator, **others)
    metrics = MetricsSettings(slices=["part", "text_length", "text"])
    tasks = plan_tasks(chosen, files, metrics=metrics)
    columns = columns_of(tasks.resolved(chosen), metrics=metrics)
    check_columns(tasks.tasks(), columns, files)
    used, rejected = [], []
    for batch in read_tasks(tasks.tasks(), columns, files):
        batch.rows.validate(full=True)
        used += [(row["text"].decode(), row["label"], row["weight"], row["slices"]) for row in batch.rows.to_pylist()]
        rejected += [(row["row"], row["reason"]) for row in batch.rejected.to_pylist()]
    return used, rejected


@pytest.mark.parametrize("name", [name for name in WRITERS if name != "a.orc"])
@settings(max_examples=40, deadline=None)
@given(rows=ROWS, no_labels=st.sampled_from(["none_of_them", "missing"]))
def test_sources_labels_weights_and_slices_are_the_same_of_each_format(
    name: str, rows: list[LabelledRow], no_labels: str
) -> None:
    assert found(WRITERS[name](rows), name, no_labels=no_labels) == expected(rows, missing=no_labels == "missing")

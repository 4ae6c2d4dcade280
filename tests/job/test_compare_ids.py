"""pipeline.job.compare_ids: each job holds the ids of its records against those of the graph that it saves."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from pipeline.job.compare_ids import check_graph, compared_rows
from pipeline.job.row_filter import LabelledRows
from pipeline.job.row_labels import IndexedLabels
from pipeline.records_folder.manifest import StoredFile
from pipeline.sources.schema import REJECTED_SCHEMA
from pipeline.support import arrow_ipc
from pipeline.text import fast_sequences
from tests.support.jobs import run_job, small_rows, write_jsonl

# The last four bytes of a key choose: these come first, in the middle and last.
FIRST, MIDDLE, LAST = 0, 1 << 31, (1 << 32) - 1


def labelled(rows: list[tuple[bytes | None, int]]) -> LabelledRows:
    """(text, what chooses) of each row."""
    texts = pa.array([text for text, _ in rows], pa.large_binary())
    keys = pa.array([bytes(8) + chooses.to_bytes(8, "big") for _, chooses in rows], pa.large_binary())
    zeros = np.zeros(len(rows), np.int64)
    return LabelledRows(
        pa.record_batch({"text": texts}), keys, zeros, IndexedLabels(zeros), zeros == 0, REJECTED_SCHEMA.empty_table()
    )


# (text, what chooses) of the rows, share -> places of the rows that are compared
CHOSEN = [
    ([(b"a", FIRST), (b"b", MIDDLE), (b"c", LAST)], 1.0, [0, 1, 2]),
    ([(b"a", LAST), (b"b", FIRST), (b"c", MIDDLE)], 0.75, [1, 2]),
    ([(b"a", LAST), (b"b", FIRST), (b"c", MIDDLE)], 0.25, [1]),
    ([(b"x" * (1 << 20), FIRST), (b"x" * ((1 << 20) + 1), FIRST)], 1.0, [0]),  # too long
    ([(None, FIRST), (b"", FIRST)], 1.0, [1]),  # stored without its text
]


@pytest.mark.parametrize(("rows", "share", "places"), CHOSEN)
def test_compare_ids_chooses_by_key(rows: list[tuple[bytes | None, int]], share: float, places: list[int]) -> None:
    ids = np.arange(3 * len(rows), dtype=np.int32).reshape(-1, 3)
    packed = compared_rows(labelled(rows), ids, share=share)
    assert packed is not None
    assert arrow_ipc.unpack(packed).to_pydict() == {
        "text": [rows[place][0] for place in places],
        "ids": [[3 * place, 3 * place + 1, 3 * place + 2] for place in places],
    }


def test_compare_ids_has_nothing_to_send_without_a_chosen_row() -> None:
    assert compared_rows(labelled([(b"a", LAST)]), np.zeros((1, 3), np.int32), share=0.5) is None


def packed(rows: int) -> bytes:
    """Texts "0", "1", ..., each with its number as its id."""
    ids = np.arange(rows).reshape(-1, 1)
    found = compared_rows(labelled([(str(row).encode(), FIRST) for row in range(rows)]), ids, share=1.0)
    assert found is not None
    return found


# rows of each packed table, the last id is wrong -> rows that the graph gets at once
SENT = [
    ([], False, []),
    ([3, 4], False, [7]),
    ([200, 56, 1], False, [256, 1]),
    ([600, 1], False, [256, 256, 88, 1]),
    ([300, 5], True, [256, 44, 5]),
]


@pytest.mark.parametrize(("tables", "is_wrong", "expected"), SENT)
def test_compare_ids_asks_for_some_hundred_rows_at_once(
    tables: list[int], is_wrong: bool, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def transform_fn(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        texts = inputs["text"].numpy().tolist()
        asked.append(len(texts))
        ids = [[int(text)] for text in texts]
        if is_wrong and len(texts) == 5:
            ids[-1] = [7]
        return {"ids": tf.constant(ids, tf.int64)}

    monkeypatch.setattr(tf.saved_model, "load", lambda _: SimpleNamespace(transform_fn=transform_fn))
    files = [StoredFile(path="a", bytes=1, sha256="0" * 64)]
    checked = check_graph("graph", files=files, compared=[packed(rows) for rows in tables])
    if is_wrong:
        with pytest.raises(RuntimeError, match=r"gives 1 of 5 texts other ids .* the first is '4'"):
            list(checked)
    else:
        assert list(checked) == files
    assert asked == expected


def test_compare_ids_a_job_whose_ids_differ_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pad = fast_sequences.pad

    def wrong(*arguments: Any, **named: Any) -> Any:
        ids = pad(*arguments, **named)
        ids[-1, -1] += 1
        return ids

    monkeypatch.setattr(fast_sequences, "pad", wrong)
    source = write_jsonl(tmp_path / "rows.jsonl", small_rows(60))
    with pytest.raises(RuntimeError, match=r"the transform graph gives 1 of 6\d texts other ids than their records"):
        run_job(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()

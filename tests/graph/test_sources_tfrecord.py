"""TFRecord files as TensorFlow writes them -> rows."""

from pathlib import Path

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.memory_files import batches_of, rejected_of
from tests.support.tf_examples import serialized

TEXTS = st.text(max_size=30)
LABELS = st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs", "Zs", "Cc"]), min_size=1)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(TEXTS, LABELS), max_size=8), compression=st.sampled_from(["", "GZIP"]))
def test_sources_tfrecord_is_read_as_tensorflow_writes_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int | str]], compression: str
) -> None:
    path: Path = tmp_path_factory.mktemp("written") / "a.tfrecord"
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for text, label in rows:
            value = label if isinstance(label, int) else label.encode()
            writer.write(serialized({"text": text.encode(), "label": value}))
    batches = batches_of(path.read_bytes(), "a.tfrecord")
    assert rejected_of(batches) == []
    found = [row for batch in batches for row in batch.rows.to_pylist()]
    assert [(row["text"].decode(), row["label"]) for row in found] == [(text, str(label)) for text, label in rows]

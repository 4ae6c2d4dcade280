"""pipeline.records: TensorFlow reads what is written, and what TensorFlow writes is read."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.contract import Compression
from pipeline.records import shards
from pipeline.records.encode import encode_examples
from pipeline.records.framing import frame
from pipeline.records.shards import write_shard
from tests.support.record_files import RECORDS, Example, examples, read_all
from tests.support.tf_examples import Value, serialized


def int64_feature(values: list[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def float_feature(values: list[float]) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def bytes_feature(values: list[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


@settings(max_examples=30, deadline=None)
@given(examples())
def test_encode_is_read_by_tensorflow(example: Example) -> None:
    ids, labels = example
    features = {
        "ids": tf.io.FixedLenFeature([ids.shape[1]], tf.int64),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }
    parsed = tf.io.parse_example(tf.constant(encode_examples(ids, labels), tf.string), features)
    np.testing.assert_array_equal(parsed["ids"], ids)
    np.testing.assert_array_equal(parsed["label"], labels)


@settings(max_examples=30, deadline=None)
@given(records=st.lists(st.binary(max_size=300), max_size=5))
def test_framing_gives_tensorflows_own_bytes(tmp_path_factory: pytest.TempPathFactory, records: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("framing") / "records"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    assert b"".join(frame(records).to_pylist()) == path.read_bytes()
    with path.open("rb") as file:
        assert read_all(file, "none") == records


FORMS: list[tuple[Compression, str]] = [("gzip", "GZIP"), ("none", "")]  # ours, TensorFlow's


@pytest.mark.parametrize(("compression", "tensorflows"), FORMS)
@pytest.mark.parametrize("chunk_bytes", [4 << 20, 37, 10])  # of which gzip makes members; records end at 37
@pytest.mark.parametrize("records", [[], RECORDS[:1], RECORDS])
def test_shards_are_read_by_tensorflow(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    compression: Compression,
    tensorflows: str,
    chunk_bytes: int,
    records: list[bytes],
) -> None:
    monkeypatch.setattr(shards, "_WRITE_BYTES", chunk_bytes)
    path = tmp_path / "shard"
    with path.open("wb") as file:
        summary = write_shard([frame(records)], file, compression=compression)
    dataset = tf.data.TFRecordDataset(str(path), compression_type=tensorflows)
    assert list(dataset.as_numpy_iterator()) == records
    content = path.read_bytes()
    assert (summary.bytes, summary.records) == (len(content), len(records))
    assert summary.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(("compression", "tensorflows"), FORMS)
@pytest.mark.parametrize("records", [[], RECORDS[:1], RECORDS])
def test_shards_of_tensorflow_are_read(
    tmp_path: Path, compression: Compression, tensorflows: str, records: list[bytes]
) -> None:
    path = Path(tmp_path, "shard")
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type=tensorflows)) as writer:
        for record in records:
            writer.write(record)
    with path.open("rb") as file:
        assert read_all(file, compression) == records


EXAMPLES: list[tuple[dict[str, Value], dict[str, tf.train.Feature]]] = [
    ({}, {}),
    ({"text": b"a", "label": 300}, {"text": bytes_feature([b"a"]), "label": int64_feature([300])}),
    ({"label": [0, -1, 2**40]}, {"label": int64_feature([0, -1, 2**40])}),
    ({"label": 0.5, "text": None}, {"label": float_feature([0.5]), "text": tf.train.Feature()}),
    ({"text": []}, {"text": bytes_feature([])}),
]


@pytest.mark.parametrize(("values", "features"), EXAMPLES)
def test_examples_of_these_tests_are_tensorflows_bytes(
    values: dict[str, Value], features: dict[str, tf.train.Feature]
) -> None:
    """What the unit tests hold the records and the source format against is TensorFlow's own."""
    example = tf.train.Example(features=tf.train.Features(feature=features))
    assert serialized(values) == example.SerializeToString(deterministic=True)

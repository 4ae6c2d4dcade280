"""Records with several labels, slices and weights: encode, decode and check, with protobuf as the oracle."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DamagedRecordsError
from pipeline.records import decode, encode
from pipeline.records.decode_features import decode_records
from pipeline.records.encode import encode_records
from pipeline.records.record_columns import RecordColumns, RecordFeatures
from tests.support.record_files import NUMBERS
from tests.support.tf_examples import int64_example

WEIGHTS = st.floats(min_value=2.0**-149, max_value=2.0**127, width=32)
VALUES = st.binary(max_size=200)


def binary(values: Iterable[bytes]) -> pa.LargeBinaryArray:
    return pa.array(list(values), pa.large_binary())


def lists(values: Any, kind: pa.DataType) -> pa.LargeListArray:
    return pa.array(values, pa.large_list(kind))


@st.composite
def columns(draw: st.DrawFn) -> tuple[RecordColumns, RecordFeatures]:
    rows, max_length = draw(st.integers(0, 5)), draw(st.sampled_from([1, 9, 130]))
    several, slices, weighted = draw(st.booleans()), draw(st.integers(0, 3)), draw(st.booleans())
    ids = np.array([draw(st.lists(NUMBERS, min_size=max_length, max_size=max_length)) for _ in range(rows)], np.int64)
    labels: Any = [draw(NUMBERS) for _ in range(rows)]
    if several:
        labels = lists([sorted(draw(st.sets(NUMBERS, max_size=4))) for _ in range(rows)], pa.int64())
    of_rows = [[draw(VALUES) for _ in range(slices)] for _ in range(rows)]
    weights = np.array([draw(WEIGHTS) for _ in range(rows)], np.float32)
    return (
        RecordColumns(
            ids.reshape(rows, max_length),
            labels if several else np.array(labels, np.int64),
            lists(of_rows, pa.large_binary()) if slices else None,
            weights if weighted else None,
        ),
        RecordFeatures(several, slices, weighted),
    )


def listed(values: Any) -> list[Any]:
    return values.to_pylist() if isinstance(values, pa.Array) else values.tolist()


def of_protobuf(given_columns: RecordColumns) -> list[bytes]:
    ids, labels, slices, weights = given_columns
    records = []
    for row, label in enumerate(listed(labels)):
        records.append(
            int64_example(
                {"ids": ids[row].tolist(), "label": label if isinstance(label, list) else [label]},
                floats={} if weights is None else {"weight": [float(weights[row])]},
                texts={} if slices is None else {"slices": slices[row].as_py()},
            )
        )
    return records


@settings(max_examples=100, deadline=None)
@given(columns())
def test_encode_gives_protobufs_own_bytes_of_all_features(drawn: tuple[RecordColumns, RecordFeatures]) -> None:
    assert encode_records(drawn[0]) == of_protobuf(drawn[0])


@settings(max_examples=100, deadline=None)
@given(columns(), st.integers(0, 2))
def test_decode_features_is_the_inverse_of_encode(drawn: tuple[RecordColumns, RecordFeatures], first: int) -> None:
    given_columns, features = drawn
    records = binary(encode_records(given_columns))[first:]
    decoded = decode_records(records, given_columns.ids.shape[1], features)
    for column, expected in zip(decoded, given_columns, strict=True):
        assert column is None if expected is None else listed(column) == listed(expected)[first:]
    if decoded.weights is not None:
        assert decoded.weights.dtype == np.float32


def test_records_with_features_are_made_and_read_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    made = RecordColumns(
        np.arange(350).reshape(50, 7),
        lists([list(range(row % 4)) for row in range(50)], pa.int64()),
        lists([[b"%d" % row] for row in range(50)], pa.large_binary()),
        np.arange(1, 51, dtype=np.float32),
    )
    whole = encode_records(made)
    monkeypatch.setattr(encode, "_SLICE_NUMBERS", 21)
    monkeypatch.setattr(decode, "_SLICE_NUMBERS", 21)
    assert encode_records(made) == whole
    decoded = decode_records(binary(whole), 7, RecordFeatures(True, 1, True))
    assert list(map(listed, decoded)) == list(map(listed, made))
    with pytest.raises(DamagedRecordsError, match=r"^record 49: "):
        decode_records(binary([*whole[:49], b"?"]), 7, RecordFeatures(True, 1, True))


def bad(**changes: Any) -> RecordColumns:
    good = RecordColumns(np.array([[1], [2]]), lists([[0], [1]], pa.int64()), None, np.ones(2, np.float32))
    return good._replace(**changes)


REFUSED = [
    # columns, part of the message
    (bad(labels=lists([[0]], pa.int64())), "ids (2, 1) and labels (1,) must be"),
    (bad(labels=lists([[0, 0], []], pa.int64())), "label: the labels of a row must rise"),
    (bad(labels=lists([[1, 0], []], pa.int64())), "label: the labels of a row must rise"),
    (bad(labels=lists([[], [-1]], pa.int64())), "label: -1 to -1 is not within 0 to 2"),
    (bad(weights=np.ones(1, np.float32)), "must be [rows, max_length] and [rows]"),
    (bad(weights=np.ones(2)), "weight must be float32"),
    (bad(weights=np.array([1, 0], np.float32)), "finite and above 0"),
    (bad(weights=np.array([1, np.nan], np.float32)), "finite and above 0"),
    (bad(weights=np.array([1, np.inf], np.float32)), "finite and above 0"),
]


@pytest.mark.parametrize(("given_columns", "message"), REFUSED)
def test_encode_refuses_features_it_cannot_write(given_columns: RecordColumns, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        encode_records(given_columns)


ALL = RecordFeatures(several_labels=True, slices=2, weighted=True)
SHAPE = "is not a tf.train.Example of ids, label, slices and weight as the pipeline writes it"


def record(
    ids: Any = (0, 1, 300), label: Any = (0, 2), slices: Any = (b"web", b""), weight: Any = (0.5,), **more: Any
) -> bytes:
    numbers = {"ids": ids, "label": label, **more}
    return int64_example(
        {name: values for name, values in numbers.items() if values is not None},
        floats={} if weight is None else {"weight": weight},
        texts={} if slices is None else {"slices": slices},
    )


GOOD = record()
FOREIGN = [
    # record, why it is refused
    (b"", SHAPE),
    (b"\x0a\x00", SHAPE),
    (GOOD[:-1], SHAPE),
    (GOOD + b"\x00", SHAPE),
    (GOOD + GOOD, SHAPE),
    (GOOD.replace(b"ids", b"idz"), SHAPE),
    (GOOD.replace(b"label", b"lobel"), SHAPE),
    (record(weight=None), SHAPE),
    (record(slices=None), SHAPE),
    (record(label=None), SHAPE),
    (record(more=[1]), SHAPE),
    (record(ids=None), SHAPE),
    (record(weight=[0.5, 0.5]), SHAPE),
    (record(weight=[]), SHAPE),
    (record(ids=[]), "ids: got 0 numbers, expected 3"),
    (record(ids=[0, 1]), "ids: got 2 numbers, expected 3"),
    (record(ids=[0, 1, -1]), "ids: a number is not within 0 and 2**31"),
    (record(label=[2, 0]), "label: got [2, 0], expected each once, in rising order"),
    (record(label=[2, 2]), "label: got [2, 2], expected each once, in rising order"),
    (record(label=[-1]), "label: a number is not within 0 and 2**31"),
    (record(slices=[b"web"]), "slices: got 1 values, expected 2"),
    (record(slices=[]), "slices: got 0 values, expected 2"),
    (record(weight=[0.0]), "weight: got 0.0, expected a finite number above 0"),
    (record(weight=[-1.5]), "weight: got -1.5, expected a finite number above 0"),
    (record(weight=[float("nan")]), "weight: got nan, expected a finite number above 0"),
    (record(weight=[float("inf")]), "weight: got inf, expected a finite number above 0"),
    (GOOD.replace(b"\x01\xac\x02", b"\x01\x81\x00"), "a number takes more bytes than it needs"),
    (GOOD.replace(b"\x01\xac\x02", b"\x01\x02\x82"), "ids: end within a number"),
]


@pytest.mark.parametrize(("foreign", "why"), FOREIGN)
def test_decode_features_names_the_record_that_is_not_ours(foreign: bytes, why: str) -> None:
    with pytest.raises(DamagedRecordsError, match=re.escape(f"record 1: {why}") + "$"):
        decode_records(binary([GOOD, foreign, GOOD]), 3, ALL)


ONE_LABEL = [
    # record of one label and a weight, why it is refused
    (record(label=[1, 2], slices=None), "label: got 2 numbers, expected 1"),
    (record(label=[], slices=None), "label: got 0 numbers, expected 1"),
    (record(label=[1]), "is not a tf.train.Example of ids, label and weight as the pipeline writes it"),
]


@pytest.mark.parametrize(("foreign", "why"), ONE_LABEL)
def test_decode_features_of_one_label_takes_no_list(foreign: bytes, why: str) -> None:
    with pytest.raises(DamagedRecordsError, match=re.escape(f"record 0: {why}") + "$"):
        decode_records(binary([foreign]), 3, RecordFeatures(weighted=True))


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_decode_features_takes_only_what_encode_writes(place: int, byte: int) -> None:
    changed = GOOD[:place] + bytes([byte]) + GOOD[place + 1 :]
    try:
        decoded = decode_records(binary([changed]), 3, ALL)
    except DamagedRecordsError:
        return
    assert of_protobuf(decoded) == [changed]

"""Padded ids and labels -> serialized tf.train.Example records: no loop over ids, always the same bytes.

A record is these bytes; `|` is a varint with the length of the rest of its message:

    0A | Example.features
        0A | Features.feature["ids"]
            0A 03 "ids"
            12 | Feature
                1A | int64_list
                    0A | packed varints, one an id
        0A | Features.feature["label"], in the same way; with several labels an index for each, or none
        0A | Features.feature["slices"], a bytes_list, if the rows have slices
        0A | Features.feature["weight"], a float_list, if the rows have weights

The features are in the order of their names, as in protobuf's own deterministic serialization. The record of a text
without a label ends after its ids.

Why it is fast: all ids of a slice of rows become varints at once, each in a number that is wide enough for the longest.
Then the used bytes are taken. The bytes before the ids depend on the sizes of both parts alone. Those after them depend
on the labels, slices and weight alone, and of these on few values. Both are cached (records/entries.py).
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from pipeline.contract import IDS, LABEL
from pipeline.records.entries import label_entry, label_set_entry, record_head, slices_entry, weight_entry
from pipeline.records.record_columns import Integers, RecordColumns
from pipeline.records.varints import HIGHEST_VALUE, varint
from pipeline.support.arrays import Flags, Float32s, Int64s

# Numbers that are encoded at a time; each takes about 20 bytes of temporary arrays, so a slice takes 10 MB. Records of
# 500 ids, ms a MB of reviews, with ids of up to two bytes / of up to three:
#   one thread    128 Ki 1.8 / 3.0    512 Ki 1.8 / 3.2    1 Mi 1.8 / 7.2
#   two threads   128 Ki 1.8 / 2.7    512 Ki 1.5 / 2.6
_SLICE_NUMBERS = 512 * 1024

# Bytes of a varint -> the number type that can contain it. Its first byte is the lowest, as on all machines that
# TensorFlow runs on.
_CELLS: dict[int, type[np.unsignedinteger]] = {1: np.uint8, 2: np.uint16, 3: np.uint32, 4: np.uint32, 5: np.uint64}
_UNSIGNED = {np.dtype(np.int32): np.uint32, np.dtype(np.int64): np.uint64}


def encode_examples(ids: Integers, labels: Integers | None) -> list[bytes]:
    """Each row as a serialized tf.train.Example {ids: int64 [max_length], label: int64 [1]}.

    Args:
      ids: int32 or int64 [rows, max_length], 0 to 2**31.
      labels: int32 or int64 [rows], 0 to 2**31; None: the records have ids alone.

    Raises:
      ValueError: the shapes don't agree, or a number is out of range.

    >>> encode_examples(np.array([[0, 1, 300]]), np.array([1]))[0].hex(" ")
    '0a 21 0a 0f 0a 03 69 64 73 12 08 1a 06 0a 04 00 01 ac 02 0a 0e 0a 05 6c 61 62 65 6c 12 05 1a 03 0a 01 01'
    >>> encode_examples(np.array([[0, 1, 300]]), None)[0].hex(" ")
    '0a 11 0a 0f 0a 03 69 64 73 12 08 1a 06 0a 04 00 01 ac 02'
    """
    return encode_records(RecordColumns(ids, labels))


def encode_records(columns: RecordColumns) -> list[bytes]:
    """Each row as a serialized tf.train.Example, with the features that the columns have.

    Raises:
      ValueError: the shapes don't agree, a number is out of range, or labels of a row don't ascend.

    >>> labels = pa.array([[0, 2]], pa.large_list(pa.int64()))
    >>> columns = RecordColumns(np.array([[1]]), labels, weights=np.array([0.5], np.float32))
    >>> encode_records(columns)[0][16:].hex(" ")
    '0a 0f 0a 05 6c 61 62 65 6c 12 06 1a 04 0a 02 00 02 0a 12 0a 06 77 65 69 67 68 74 12 08 12 06 0a 04 00 00 00 3f'
    """
    ids, labels = columns.ids, columns.labels
    if ids.ndim != 2 or ids.shape[1] == 0 or columns.has_other_rows():
        shape = "none" if labels is None else getattr(labels, "shape", (len(labels),))
        raise ValueError(f"ids {ids.shape} and labels {shape} must be [rows, max_length] and [rows]")
    _check_range(IDS, ids)
    if isinstance(labels, np.ndarray):
        _check_range(LABEL, labels)
    elif labels is not None:
        _check_sets(labels)
    if columns.weights is not None:
        _check_weights(columns.weights)
    rows, max_length = ids.shape
    step = max(1, _SLICE_NUMBERS // max_length)
    slices = (_encode_slice(columns.part(slice(i, i + step))) for i in range(0, rows, step))
    return [record for records in slices for record in records]


def _check_range(name: str, numbers: Integers) -> None:
    unsigned = _UNSIGNED.get(numbers.dtype)
    if unsigned is None:
        raise ValueError(f"{name} must be int32 or int64, not {numbers.dtype}")
    # As unsigned numbers, negative ones are the highest. So one pass checks both bounds.
    if numbers.size and numbers.view(unsigned).max() > min(HIGHEST_VALUE, np.iinfo(numbers.dtype).max):
        raise ValueError(f"{name}: {numbers.min()} to {numbers.max()} is not within 0 to 2**31")


def _check_sets(labels: pa.LargeListArray) -> None:
    """Checks labels, a list a row: each rises from its first label to its last."""
    flat, sizes = labels.flatten().to_numpy(zero_copy_only=False), labels.value_lengths().to_numpy(zero_copy_only=False)
    _check_range(LABEL, flat)
    is_first = np.zeros(len(flat) + 1, np.bool_)
    is_first[np.cumsum(sizes)] = True
    if not (is_first[1:-1] | (np.diff(flat) > 0)).all():
        raise ValueError(f"{LABEL}: the labels of a row must rise")


def _check_weights(weights: Float32s) -> None:
    if weights.dtype != np.float32 or not is_weight(weights).all():
        raise ValueError(f"weight must be float32, finite and above 0, not {weights.dtype}, {weights.min(initial=1)}")


def is_weight(weights: Float32s) -> Flags:
    """Whether each number can be a row's weight, bool [rows].

    >>> is_weight(np.array([0.5, 0, np.inf], np.float32)).tolist()
    [True, False, False]
    """
    return np.isfinite(weights) & (weights > 0)


def _encode_slice(columns: RecordColumns) -> list[bytes]:
    packed, sizes = _packed(columns.ids)
    records = []
    begin = 0
    for size, tail in zip(sizes.tolist(), _tails(columns), strict=True):
        records.append(record_head(size, len(tail)) + packed[begin : begin + size] + tail)
        begin += size
    return records


def _tails(columns: RecordColumns) -> Iterable[bytes]:
    """What each record has after its ids."""
    if columns.labels is None:
        return [b""] * len(columns.ids)
    if isinstance(columns.labels, np.ndarray):
        tails: Iterator[bytes] = map(label_entry, columns.labels.tolist())
    else:
        tails = map(label_set_entry, map(tuple, columns.labels.to_pylist()))
    if columns.slices is not None:
        entries = map(slices_entry, map(tuple, columns.slices.to_pylist()))
        tails = (tail + entry for tail, entry in zip(tails, entries, strict=True))
    if columns.weights is not None:
        content = columns.weights.astype("<f4").tobytes()
        weights = (weight_entry(content[at : at + 4]) for at in range(0, len(content), 4))
        tails = (tail + weight for tail, weight in zip(tails, weights, strict=True))
    return tails


def _packed(numbers: Integers) -> tuple[bytes, Int64s]:
    """Numbers [rows, count] -> their varints, one after the other, and the bytes of each row, int64 [rows]."""
    width = len(varint(int(numbers.max())))
    cell = _CELLS[width]
    left = numbers.astype(cell, order="C")
    places = left & cell(127)
    used = np.ones_like(places)  # a byte is 1 if the byte at the same place in `places` is used
    sizes = np.full(len(numbers), numbers.shape[1])
    for place in range(1, width):
        left >>= cell(7)
        is_longer = left > 0
        sizes += np.count_nonzero(is_longer, axis=1)
        longer = is_longer.astype(cell)
        places |= (longer << cell(8 * place - 1)) | ((left & cell(127)) << cell(8 * place))
        used |= longer << cell(8 * place)
    # Taking by index is twice as fast as by mask, because the runs of used bytes are short.
    taken = np.flatnonzero(used.view(np.bool_))
    return places.reshape(-1).view(np.uint8)[taken].tobytes(), sizes

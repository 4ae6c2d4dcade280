"""Records in, padded ids and labels out: the inverse of encode, strict to the byte, without TensorFlow.

Records of texts without labels give ids alone.

A record is decoded as if encode had written it, then encoded again. If that gives other bytes, the record is damaged or
foreign. So encode.py alone knows which bytes a record must have.
"""

import functools
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from pipeline.contract import IDS, LABEL
from pipeline.errors import DamagedRecordsError
from pipeline.records.encode import encode_examples
from pipeline.records.entries import entry_head, label_entry, record_head
from pipeline.records.varints import HIGHEST_VALUE, LONGEST_VARINT, fault_of_numbers, numbers
from pipeline.support.arrays import Int64s

# Ids that are decoded at a time. 25,000 records of 500 ids take 0.21 s with 64 Ki, 0.24 with 128 Ki, 0.35 with 512 Ki.
_SLICE_NUMBERS = 64 * 1024
_LONGEST_HEAD = 35  # bytes: ten of tags and name, and five lengths
# Bytes. If the numbers of a damaged label take more than two of protobuf's longest varints, the fault is not named.
_LONGEST_LABEL = 20


def decode_examples(records: pa.LargeBinaryArray, max_length: int) -> tuple[Int64s, Int64s]:
    """What encode_examples was given: ids int64 [rows, max_length] and labels int64 [rows].

    Args:
      records: large_binary [rows], of what encode_examples returns.
      max_length: ids in a record.

    Raises:
      DamagedRecordsError: a record isn't what encode_examples makes of max_length ids and a label.

    >>> record = bytes.fromhex("0a210a0f0a0369647312081a060a040001ac020a0e0a056c6162656c12051a030a0101")
    >>> decode_examples(pa.array([record], pa.large_binary()), 3)
    (array([[  0,   1, 300]]), array([1]))
    """
    ids = np.empty((len(records), max_length), np.int64)
    labels = np.empty(len(records), np.int64)
    for rows, some in record_slices(records, max_length):
        decoded = _decode(some, max_length)
        if decoded is None:
            place = next(place for place, record in enumerate(some) if _decode([record], max_length) is None)
            raise DamagedRecordsError(_fault(some[place], max_length), record=rows.start + place)
        ids[rows], labels[rows] = decoded
    return ids, labels


def decode_unlabelled(records: pa.LargeBinaryArray, max_length: int) -> Int64s:
    """As decode_examples, of records without a label: ids int64 [rows, max_length].

    Raises:
      DamagedRecordsError: a record isn't what encode_examples makes of max_length ids alone.

    >>> record = bytes.fromhex("0a110a0f0a0369647312081a060a040001ac02")
    >>> decode_unlabelled(pa.array([record], pa.large_binary()), 3)
    array([[  0,   1, 300]])
    """
    ids = np.empty((len(records), max_length), np.int64)
    for rows, some in record_slices(records, max_length):
        decoded = _decode_unlabelled(some, max_length)
        if decoded is None:
            place = next(place for place, record in enumerate(some) if _decode_unlabelled([record], max_length) is None)
            raise DamagedRecordsError(_fault_of_unlabelled(some[place], max_length), record=rows.start + place)
        ids[rows] = decoded
    return ids


def record_slices(records: pa.LargeBinaryArray, max_length: int) -> Iterator[tuple[slice, list[bytes]]]:
    """Records -> (which rows, the records), few enough at a time for the processor's cache."""
    step = max(1, _SLICE_NUMBERS // max_length)
    for begin in range(0, len(records), step):
        yield slice(begin, begin + step), records[begin : begin + step].to_pylist()


def _decode(records: list[bytes], max_length: int) -> tuple[Int64s, Int64s] | None:
    """The ids and labels of some records; None if encode writes at least one of them in another way."""
    layouts = [_layout(len(record), record[-1 - LONGEST_VARINT :]) for record in records]
    packed = [record[layout[0] : layout[1]] for record, layout in zip(records, layouts, strict=True)]
    decoded = numbers(b"".join(packed))
    labels = np.array([layout[2] for layout in layouts], np.int64)
    if decoded.size != len(records) * max_length or max(decoded.max(), labels.max()) > HIGHEST_VALUE:
        return None
    ids = decoded.reshape(-1, max_length)
    return (ids, labels) if encode_examples(ids, labels) == records else None


def _decode_unlabelled(records: list[bytes], max_length: int) -> Int64s | None:
    """The same for records without a label: their ids."""
    decoded = numbers(b"".join([record[_head_size(len(record), 0) :] for record in records]))
    if decoded.size != len(records) * max_length or decoded.max() > HIGHEST_VALUE:
        return None
    ids = decoded.reshape(-1, max_length)
    return ids if encode_examples(ids, None) == records else None


# Cached: 10,000 labels and 1,000 sizes have more pairs than this, but few of them are frequent.
@functools.lru_cache(maxsize=65536)
def _layout(size: int, end: bytes) -> tuple[int, int, int]:
    """The size of a record that encode wrote and its last six bytes -> where its packed ids begin and end; its label.

    Of another record, these are numbers without a meaning.
    """
    label, tail = _label_and_tail(end)
    rest = max(size - tail, 0)
    return _head_size(rest, tail), rest, label


@functools.lru_cache(maxsize=16384)
def _label_and_tail(end: bytes) -> tuple[int, int]:
    """The last six bytes of a record -> its label, and how many bytes the label's entry takes."""
    first = len(end) - 1
    while first > 1 and end[first - 1] > 127:
        first -= 1
    label = int(numbers(end[first:]).sum())
    return label, len(label_entry(label))


@functools.lru_cache(maxsize=4096)
def _head_size(rest: int, tail: int) -> int:
    """How many bytes come before the packed ids, if head and ids take `rest` bytes together."""
    sizes = range(min(rest, _LONGEST_HEAD) + 1)
    return next((size for size in sizes if len(record_head(rest - size, tail)) == size), 0)


def _fault(record: bytes, max_length: int) -> str:
    """What is wrong with a record that encode does not write."""
    ids, label = _packed_fields(record)
    for name, packed, expected in ((IDS, ids, max_length), (LABEL, label, 1)):
        if packed is not None and (fault := fault_of_numbers(name, packed, expected)):
            return fault
    return f"is not a tf.train.Example of {IDS} and {LABEL} as the pipeline writes it"


def _fault_of_unlabelled(record: bytes, max_length: int) -> str:
    """The same for a record without a label."""
    rest = len(record) - _head_size(len(record), 0)
    is_known = record.startswith(record_head(rest, 0))
    fault = fault_of_numbers(IDS, record[len(record) - rest :], max_length) if is_known else None
    return fault or f"is not a tf.train.Example of {IDS} alone as the pipeline writes it"


def _packed_fields(record: bytes) -> tuple[bytes, bytes] | tuple[None, None]:
    """The packed numbers of ids and of the label, of a record whose other bytes are as encode writes them."""
    for size in range(_LONGEST_LABEL + 1):
        label_head = entry_head(LABEL, size)
        tail = len(label_head) + size
        rest = max(len(record) - tail, 0)
        head_size = _head_size(rest, tail)
        if record.startswith(record_head(rest - head_size, tail)) and record.startswith(label_head, rest):
            return record[head_size:rest], record[len(record) - size :]
    return None, None

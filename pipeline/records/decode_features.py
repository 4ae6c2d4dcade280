"""Records with several labels, slices or weights -> their columns: strict to the byte, without TensorFlow.

As in decode.py, a record is taken apart as if encode had written it, and then encoded again. If that gives other bytes,
the record is damaged or foreign.
"""

import functools
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.contract import IDS, LABEL, SLICES, WEIGHT
from pipeline.errors import DamagedRecordsError
from pipeline.records.decode import decode_examples, record_slices
from pipeline.records.encode import encode_records, is_weight
from pipeline.records.entries import (
    entry_head,
    length_delimited,
    numbers_entry,
    slices_entry,
    weight_entry,
    weight_entry_size,
)
from pipeline.records.record_columns import RecordColumns, RecordFeatures
from pipeline.records.varints import HIGHEST_VALUE, fault_of_numbers, numbers
from pipeline.support.arrays import Float32s

# Bytes at the begin of a record in which the sizes of the record and of the ids' entry are: two tags, and two varints
# of up to four bytes.
_SIZES_BYTES: Final = 10
_LONGEST_HEAD: Final = 30  # bytes: nine of tags and name, and four lengths


class _Parts(NamedTuple):
    """What is between a record's tags and lengths: packed ids, packed labels, values of slices, bytes of the weight."""

    ids: bytes
    labels: bytes
    slices: tuple[bytes, ...]
    weight: bytes


def decode_records(records: pa.LargeBinaryArray, max_length: int, features: RecordFeatures) -> RecordColumns:
    """What encode_records was given for records of these features; ids and labels are int64.

    Raises:
      DamagedRecordsError: a record isn't what encode_records makes of max_length ids and these features.

    >>> columns = RecordColumns(np.array([[7]]), pa.array([[0, 2]], pa.large_list(pa.int64())))
    >>> record = encode_records(columns)
    >>> decode_records(pa.array(record, pa.large_binary()), 1, RecordFeatures(several_labels=True)).labels.to_pylist()
    [[0, 2]]
    """
    if features.are_plain:
        return RecordColumns(*decode_examples(records, max_length))
    decoded = []
    for rows, some in record_slices(records, max_length):
        columns = _decode(some, max_length, features)
        if columns is None:
            place = next(place for place, record in enumerate(some) if _decode([record], max_length, features) is None)
            raise DamagedRecordsError(_fault(some[place], max_length, features), record=rows.start + place)
        decoded.append(columns)
    return _joined(decoded, max_length, features)


def _joined(parts: Sequence[RecordColumns], max_length: int, features: RecordFeatures) -> RecordColumns:
    if not parts:
        labels = pa.array([], pa.large_list(pa.int64())) if features.several_labels else np.empty(0, np.int64)
        slices = pa.array([], pa.large_list(pa.large_binary())) if features.slices else None
        weights = np.empty(0, np.float32) if features.weighted else None
        return RecordColumns(np.empty((0, max_length), np.int64), labels, slices, weights)
    first = parts[0]

    def join(name: str) -> Any:
        columns = [getattr(part, name) for part in parts]
        if columns[0] is None:
            return None
        return np.concatenate(columns) if isinstance(columns[0], np.ndarray) else pa.concat_arrays(columns)

    return RecordColumns(*map(join, first._fields))


def _decode(records: list[bytes], max_length: int, features: RecordFeatures) -> RecordColumns | None:
    """The columns of some records; None if encode writes at least one of them in another way."""
    parts = [_parts(record, features) for record in records]
    known = [part for part in parts if part is not None and len(part.slices) == features.slices]
    ids = numbers(b"".join([part.ids for part in known]))
    if len(known) < len(parts) or ids.size != len(records) * max_length or ids.max() > HIGHEST_VALUE:
        return None
    labels = numbers(b"".join([part.labels for part in known]))
    sizes = [_count(part.labels) for part in known]
    if features.several_labels:
        of_rows: Any = pa.LargeListArray.from_arrays(pa.array(np.cumsum([0, *sizes])), pa.array(labels))
    elif sizes != [1] * len(records):
        return None
    else:
        of_rows = labels
    slices = pa.array([part.slices for part in known], pa.large_list(pa.large_binary())) if features.slices else None
    weights = _weights([part.weight for part in known]) if features.weighted else None
    columns = RecordColumns(ids.reshape(-1, max_length), of_rows, slices, weights)
    try:
        return columns if encode_records(columns) == records else None
    except ValueError:  # a number that no record has
        return None


def _weights(contents: Sequence[bytes]) -> Float32s:
    return np.frombuffer(b"".join(contents), "<f4").astype(np.float32)


def _parts(record: bytes, features: RecordFeatures) -> _Parts | None:
    """Takes a record apart; None if it has not these features, in this order.

    Tags and lengths are hardly looked at: encode writes them again.
    """
    begin, end = _ids_entry(record[:_SIZES_BYTES])
    tail_end = len(record) - weight_entry_size() if features.weighted else len(record)
    if not begin < end <= tail_end:
        return None
    others = _labels_and_slices(record[end:tail_end], features)
    if others is None:
        return None
    ids = record[begin + _head_size(end - begin) : end]
    return _Parts(ids, *others, record[-4:] if features.weighted else b"")


@functools.lru_cache(maxsize=4096)
def _ids_entry(sizes: bytes) -> tuple[int, int]:
    """The first bytes of a record -> where its first entry begins and ends."""
    begin = _varint_end(sizes, 1)
    first = _varint_end(sizes, begin + 1)
    return begin, first + int(numbers(sizes[begin + 1 : first]).sum())


@functools.lru_cache(maxsize=4096)
def _head_size(size: int) -> int:
    """How many bytes come before the packed ids in their entry, if it takes `size` bytes."""
    return next((head for head in range(min(size, _LONGEST_HEAD)) if len(entry_head(IDS, size - head)) == head), size)


@functools.lru_cache(maxsize=65536)
def _count(packed: bytes) -> int:
    """How many numbers these are."""
    return len(numbers(packed))


@functools.lru_cache(maxsize=65536)
def _labels_and_slices(entries: bytes, features: RecordFeatures) -> tuple[bytes, tuple[bytes, ...]] | None:
    """The entries after the ids -> the packed labels, and the values of slices."""
    found = [_content(entry, name) for entry, name in zip(_fields(entries), (LABEL, SLICES), strict=False)]
    contents = [content for content in found if content is not None]
    if len(contents) != 1 + (features.slices > 0):
        return None
    labels, *slices = contents
    return labels, tuple(_fields(slices[0])) if slices else ()


def _content(entry: bytes, name: str) -> bytes | None:
    """The content of an entry without its tag and length -> packed numbers, or the fields of values."""
    head = length_delimited(b"\x0a", len(name)) + name.encode()
    if not entry.startswith(head) or entry[len(head) : len(head) + 1] != b"\x12":
        return None
    content = entry[len(head) :]
    for _ in range(2):  # the feature, the list
        content = content[_varint_end(content, 1) :]
    if name == SLICES or not content:
        return content
    return content[_varint_end(content, 1) :]


def _fields(content: bytes) -> list[bytes]:
    """Fields of bytes, one after the other -> their contents."""
    found, begin = [], 0
    while begin < len(content):
        first = _varint_end(content, begin + 1)
        end = first + int(numbers(content[begin + 1 : first]).sum())
        found.append(content[first:end])
        begin = max(end, begin + 1)
    return found


def _varint_end(content: bytes, begin: int) -> int:
    end = begin
    while end < len(content) and content[end] > 127:
        end += 1
    return end + 1


def _fault(record: bytes, max_length: int, features: RecordFeatures) -> str:
    """What is wrong with a record that encode does not write."""
    parts = _parts(record, features)
    if parts is None or _put_together(parts, features) != record:
        names = [IDS, LABEL, *[SLICES] * (features.slices > 0), *[WEIGHT] * features.weighted]
        return f"is not a tf.train.Example of {', '.join(names[:-1])} and {names[-1]} as the pipeline writes it"
    labels = None if features.several_labels else 1
    if (
        fault := fault_of_numbers(IDS, parts.ids, max_length) or fault_of_numbers(LABEL, parts.labels, labels)
    ) is not None:
        return fault
    if len(parts.slices) != features.slices:
        return f"{SLICES}: got {len(parts.slices)} values, expected {features.slices}"
    if features.weighted and not is_weight(weight := _weights([parts.weight]))[0]:
        return f"{WEIGHT}: got {weight[0]}, expected a finite number above 0"
    if not (np.diff(numbers(parts.labels)) > 0).all():
        return f"{LABEL}: got {numbers(parts.labels).tolist()}, expected each once, in rising order"
    return "a number takes more bytes than it needs"


def _put_together(parts: _Parts, features: RecordFeatures) -> bytes:
    """The record that `_parts` took apart, if its tags and lengths are as encode writes them."""
    entries = [numbers_entry(IDS, parts.ids), numbers_entry(LABEL, parts.labels)]
    if features.slices:
        entries.append(slices_entry(parts.slices))
    if features.weighted:
        entries.append(weight_entry(parts.weight))
    content = b"".join(entries)
    return length_delimited(b"\x0a", len(content)) + content

"""Padded ids and labels -> serialized tf.train.Example records: no loop over ids, always the same bytes.

A record is these bytes; `|` is a varint with the length of the rest of its message:

    0A | Example.features
        0A | Features.feature["ids"]
            0A 03 "ids"
            12 | Feature
                1A | int64_list
                    0A | packed varints, one an id
        0A | Features.feature["label"], in the same way

ids come first, as in protobuf's own deterministic serialization, which sorts the keys of a map. The record of a text
without a label ends after them.

Why it is fast: all ids of a slice of rows become varints at once, each in a number that is wide enough for the longest.
Then the used bytes are taken. The bytes before the ids depend on the size of the ids alone, those after them on the
label alone; both are cached.
"""

import functools

import numpy as np
import numpy.typing as npt

from pipeline.contract import IDS, LABEL
from pipeline.support.arrays import Int64s

Integers = npt.NDArray[np.signedinteger]

HIGHEST_VALUE = 2**31

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
    if ids.ndim != 2 or ids.shape[1] == 0 or (labels is not None and labels.shape != ids.shape[:1]):
        shape = "none" if labels is None else labels.shape
        raise ValueError(f"ids {ids.shape} and labels {shape} must be [rows, max_length] and [rows]")
    _check_range(IDS, ids)
    if labels is not None:
        _check_range(LABEL, labels)
    rows, max_length = ids.shape
    step = max(1, _SLICE_NUMBERS // max_length)
    slices = (
        _encode_slice(ids[i : i + step], None if labels is None else labels[i : i + step]) for i in range(0, rows, step)
    )
    return [record for records in slices for record in records]


def _check_range(name: str, numbers: Integers) -> None:
    unsigned = _UNSIGNED.get(numbers.dtype)
    if unsigned is None:
        raise ValueError(f"{name} must be int32 or int64, not {numbers.dtype}")
    # As unsigned numbers, negative ones are the highest. So one pass checks both bounds.
    if numbers.size and numbers.view(unsigned).max() > min(HIGHEST_VALUE, np.iinfo(numbers.dtype).max):
        raise ValueError(f"{name}: {numbers.min()} to {numbers.max()} is not within 0 to 2**31")


def _encode_slice(ids: Integers, labels: Integers | None) -> list[bytes]:
    packed, sizes = _packed(ids)
    tails = [b""] * len(ids) if labels is None else map(label_entry, labels.tolist())
    records = []
    begin = 0
    for size, tail in zip(sizes.tolist(), tails, strict=True):
        records.append(record_head(size, len(tail)) + packed[begin : begin + size] + tail)
        begin += size
    return records


# Cached: 500 ids of up to three bytes have about 1,000 sizes; a job has at most 10,000 labels.
@functools.lru_cache(maxsize=4096)
def record_head(packed: int, tail: int) -> bytes:
    """What a record has before its packed ids. packed: how many bytes these are; tail: how many bytes follow them."""
    ids = entry_head(IDS, packed)
    return _length_delimited(b"\x0a", len(ids) + packed + tail) + ids


@functools.lru_cache(maxsize=16384)
def label_entry(label: int) -> bytes:
    """What a record has after its packed ids: the entry of its label."""
    packed = _varint(label)
    return entry_head(LABEL, len(packed)) + packed


def entry_head(name: str, packed: int) -> bytes:
    """An entry of the map Features.feature up to its packed numbers. packed: how many bytes these are."""
    head = b""
    for tag in (b"\x0a", b"\x1a", b"\x12"):
        head = _length_delimited(tag, len(head) + packed) + head
    head = _length_delimited(b"\x0a", len(name)) + name.encode() + head
    return _length_delimited(b"\x0a", len(head) + packed) + head


def _length_delimited(tag: bytes, size: int) -> bytes:
    """The bytes of a protobuf field before its content of that size."""
    return tag + _varint(size)


def _varint(number: int) -> bytes:
    """Base 128: the low seven bits first, the top bit set on all bytes but the last."""
    places = bytearray()
    while number > 127:
        places.append(number & 127 | 128)
        number >>= 7
    return bytes([*places, number])


def _packed(numbers: Integers) -> tuple[bytes, Int64s]:
    """Numbers [rows, count] -> their varints, one after the other, and the bytes of each row, int64 [rows]."""
    width = len(_varint(int(numbers.max())))
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

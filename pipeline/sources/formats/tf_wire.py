"""Bytes of a long tf.train.Example -> about how many values it holds, before protobuf parses it.

protobuf makes 8 bytes of a packed integer of one byte, and 16 of an empty string of two: a record of 200 MB, stored in
6 kB, took 4 GB. Only lengths and tags are read here.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_BYTES_LIST, _INT64_LIST = 1, 3  # fields of tf.train.Feature; values of a float list are as long as they are stored
_FEATURE_VALUES: Final = 8  # the memory of a feature, as a number of values


def count_values(example: bytes, *, most: int) -> int:
    """The number of values in a tf.train.Example; counting ends soon after `most`.

    Raises:
      ValueError: the bytes are not its fields.

    >>> count_values(bytes.fromhex("0a0f0a0d0a046e616d6512050a030a0161"), most=100)
    9
    """
    count = 0
    for features in _messages(memoryview(example), 1):
        for entry in _messages(features, 1):
            count += _FEATURE_VALUES
            for feature in _messages(entry, 2):
                for texts in _messages(feature, _BYTES_LIST):
                    for _ in _fields(texts):
                        count += 1
                        if count > most:
                            return count
                for numbers in _messages(feature, _INT64_LIST):
                    for _, packed in _fields(numbers):
                        # The last byte of each number is below 128.
                        count += int(np.count_nonzero(np.frombuffer(packed, np.uint8) < 128)) if packed else 1
                        if count > most:
                            return count
            if count > most:
                return count
    return count


def _messages(data: memoryview, number: int) -> Iterator[memoryview]:
    return (content for field, content in _fields(data) if field == number and content is not None)


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """The fields of a message: the number of each, and its bytes; None: it is a single number."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        content = None
        if kind == _VARINT:
            _, at = _varint(data, at)
        elif kind == _BYTES:
            size, at = _varint(data, at)
            content = data[at : at + size]
            at += size
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            at += 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"there is no field of type {kind}")
        if at > len(data):
            raise ValueError("a field ends after its message")
        yield tag >> 3, content


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    raise ValueError("a number does not end")

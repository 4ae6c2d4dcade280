"""The entries of a record's map, one a feature: names and values -> bytes. Each is made once and then cached.

    0A | Features.feature[name]
        0A | name
        12 | Feature
            0A | bytes_list     0A | value, for each value
            12 | float_list     0A | packed float32, little-endian
            1A | int64_list     0A | packed varints

`|` is a varint with the length of the rest of its message. A list without a value has no 0A.
"""

import functools
from typing import Final

from pipeline.contract import IDS, LABEL, SLICES, WEIGHT
from pipeline.records.varints import varint

_BYTES_LIST, _FLOAT_LIST, _INT64_LIST = b"\x0a", b"\x12", b"\x1a"
_FLOAT_BYTES: Final = 4


# Cached: 500 ids of up to three bytes have about 1,000 sizes; a job has at most 10,000 labels.
@functools.lru_cache(maxsize=4096)
def record_head(packed: int, tail: int) -> bytes:
    """What a record has before its packed ids. packed: how many bytes these are; tail: how many bytes follow them."""
    ids = entry_head(IDS, packed)
    return length_delimited(b"\x0a", len(ids) + packed + tail) + ids


@functools.lru_cache(maxsize=16384)
def label_entry(label: int) -> bytes:
    """The entry of a label."""
    packed = varint(label)
    return entry_head(LABEL, len(packed)) + packed


@functools.lru_cache(maxsize=16384)
def label_set_entry(labels: tuple[int, ...]) -> bytes:
    """The entry of several labels, perhaps of none.

    >>> label_set_entry((2, 300)).hex(" "), label_set_entry(()).hex(" ")
    ('0a 10 0a 05 6c 61 62 65 6c 12 07 1a 05 0a 03 02 ac 02', '0a 0b 0a 05 6c 61 62 65 6c 12 02 1a 00')
    """
    return numbers_entry(LABEL, b"".join(map(varint, labels)))


@functools.lru_cache(maxsize=16384)
def slices_entry(values: tuple[bytes, ...]) -> bytes:
    """The entry of the values of a row's slices, of which there is at least one.

    >>> slices_entry((b"web", b"")).hex(" ")
    '0a 13 0a 06 73 6c 69 63 65 73 12 09 0a 07 0a 03 77 65 62 0a 00'
    """
    return _entry(SLICES, _BYTES_LIST, b"".join(length_delimited(b"\x0a", len(value)) + value for value in values))


def weight_entry(weight: bytes) -> bytes:
    """The entry of a weight, which is given as the four bytes of a float32, the lowest first.

    >>> weight_entry(bytes.fromhex("0000803f")).hex(" ")
    '0a 12 0a 06 77 65 69 67 68 74 12 08 12 06 0a 04 00 00 80 3f'
    """
    return _weight_head() + weight


@functools.cache
def weight_entry_size() -> int:
    """How many bytes the entry of a weight takes."""
    return len(_weight_head()) + _FLOAT_BYTES


def numbers_entry(name: str, packed: bytes) -> bytes:
    """The entry of packed varints, perhaps of none."""
    return entry_head(name, len(packed)) + packed if packed else _entry(name, _INT64_LIST, b"")


def entry_head(name: str, packed: int) -> bytes:
    """The entry of numbers up to its packed varints. packed: how many bytes these are, at least one."""
    return _entry_head(name, _INT64_LIST, length_delimited(b"\x0a", packed), packed)


@functools.cache
def _weight_head() -> bytes:
    return _entry_head(WEIGHT, _FLOAT_LIST, length_delimited(b"\x0a", _FLOAT_BYTES), _FLOAT_BYTES)


def _entry(name: str, kind: bytes, content: bytes) -> bytes:
    return _entry_head(name, kind, content, 0)


def _entry_head(name: str, kind: bytes, begin: bytes, rest: int) -> bytes:
    """An entry up to `begin`, with which the list begins; `rest`: how many bytes follow."""
    head = begin
    for tag in (kind, b"\x12"):
        head = length_delimited(tag, len(head) + rest) + head
    head = length_delimited(b"\x0a", len(name)) + name.encode() + head
    return length_delimited(b"\x0a", len(head) + rest) + head


def length_delimited(tag: bytes, size: int) -> bytes:
    """The bytes of a protobuf field before its content of that size."""
    return tag + varint(size)

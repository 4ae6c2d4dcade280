"""Varints: whole numbers in base 128, the low seven bits first, the top bit set on all bytes but the last."""

from typing import Final

import numpy as np

from pipeline.support.arrays import Int64s

HIGHEST_VALUE: Final = 2**31
LONGEST_VARINT: Final = 5  # bytes; holds 35 bits


def varint(number: int) -> bytes:
    """One number.

    >>> varint(300).hex(" ")
    'ac 02'
    """
    places = bytearray()
    while number > 127:
        places.append(number & 127 | 128)
        number >>= 7
    return bytes([*places, number])


def numbers(packed: bytes) -> Int64s:
    """Varints -> int64 [numbers]; what takes more than five bytes comes out as HIGHEST_VALUE + 1.

    Read from the last byte of each number, its highest, towards the first.

    >>> numbers(bytes.fromhex("ac0207"))
    array([300,   7])
    """
    data = np.frombuffer(packed, np.uint8)
    last = np.flatnonzero(data < 128)
    decoded = data[last].astype(np.int64)
    longer = np.flatnonzero(np.diff(last, prepend=-1) > 1)
    for back in range(1, LONGEST_VARINT):
        place = last[longer] - back
        decoded[longer] = decoded[longer] << 7 | (data[place] & 127)
        longer = longer[data[place - 1] > 127]
    decoded[longer] = HIGHEST_VALUE + 1
    return decoded


def fault_of_numbers(name: str, packed: bytes, expected: int | None) -> str | None:
    """What is wrong with the packed numbers of a feature, or None; expected: how many, None: any number."""
    if packed and packed[-1] > 127:
        return f"{name}: end within a number"
    decoded = numbers(packed)
    if expected is not None and decoded.size != expected:
        return f"{name}: got {decoded.size} numbers, expected {expected}"
    return f"{name}: a number is not within 0 and 2**31" if decoded.max(initial=0) > HIGHEST_VALUE else None

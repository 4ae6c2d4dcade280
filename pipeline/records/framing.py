"""Records -> TFRecord frames, and back.

A frame is: length of the record, uint64 little-endian | checksum of those bytes | the record | its checksum.
A checksum is TFRecord's masked CRC-32C, uint32 little-endian.
"""

import functools
from collections.abc import Sequence
from itertools import chain

import google_crc32c
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import DamagedRecordsError

HEADER_BYTES = 12
FOOTER_BYTES = 4


def frame(records: Sequence[bytes]) -> pa.LargeBinaryArray:
    """Each record with its TFRecord frame around it, large_binary [rows].

    >>> frame([b"abc"])[0].as_py().hex(" ")
    '03 00 00 00 00 00 00 00 b0 99 49 0e 61 62 63 6e 57 f1 21'
    """
    sizes = np.fromiter(map(len, records), np.int64, len(records))
    distinct, which = np.unique(sizes, return_inverse=True)
    headers = [_header(int(size)) for size in distinct]
    crcs = np.fromiter(map(google_crc32c.value, records), np.uint32, len(records))
    footers = _masked(crcs).astype("<u4").tobytes()
    pieces = zip(
        map(headers.__getitem__, which.tolist()),
        records,
        (footers[i : i + FOOTER_BYTES] for i in range(0, len(footers), FOOTER_BYTES)),
        strict=True,
    )
    offsets = np.zeros(len(records) + 1, np.int64)
    np.cumsum(sizes + HEADER_BYTES + FOOTER_BYTES, out=offsets[1:])
    data = b"".join(chain.from_iterable(pieces))
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(records), [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )


def unframe(data: bytes) -> tuple[list[bytes], int]:
    """The records of all complete frames in `data`, and where the first incomplete frame begins.

    Raises:
      DamagedRecordsError: a checksum is wrong.

    >>> unframe(frame([b"abc"])[0].as_py() + b"rest")
    ([b'abc'], 19)
    """
    at = 0
    records: list[bytes] = []
    footers: list[bytes] = []
    sizes: dict[bytes, int] = {}  # of the headers that were checked; there are few different lengths
    while at + HEADER_BYTES <= len(data):
        header = data[at : at + HEADER_BYTES]
        size = sizes.get(header, -1)
        if size < 0:
            size = sizes[header] = _checked_size(header, record=len(records))
        begin = at + HEADER_BYTES
        end = begin + size
        if end + FOOTER_BYTES > len(data):
            break
        records.append(data[begin:end])
        footers.append(data[end : end + FOOTER_BYTES])
        at = end + FOOTER_BYTES
    _check_contents(records, footers)
    return records, at


def is_header(data: bytes) -> bool:
    """Whether HEADER_BYTES bytes are a length and its checksum.

    >>> is_header(bytes.fromhex("03 00 00 00 00 00 00 00 b0 99 49 0e")), is_header(bytes(12))
    (True, False)
    """
    return data == _header(int.from_bytes(data[:8], "little"))


@functools.lru_cache(maxsize=4096)
def _header(size: int) -> bytes:
    length = size.to_bytes(8, "little")
    return length + _masked(np.array([google_crc32c.value(length)], np.uint32)).astype("<u4").tobytes()


def _checked_size(header: bytes, *, record: int) -> int:
    size = int.from_bytes(header[:8], "little")
    if header != _header(size):
        raise DamagedRecordsError("the checksum of its length is wrong", record=record)
    return size


def _check_contents(records: list[bytes], footers: list[bytes]) -> None:
    stored = np.frombuffer(b"".join(footers), "<u4")
    actual = _masked(np.fromiter(map(google_crc32c.value, records), np.uint32, len(records)))
    wrong = np.flatnonzero(stored != actual)
    if wrong.size:
        raise DamagedRecordsError("the checksum of its content is wrong", record=int(wrong[0]))


def _masked(crcs: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """TFRecord's masking: a checksum stored among the data it covers would be a weak one."""
    rotated = (crcs >> np.uint32(15)) | (crcs << np.uint32(17))
    return rotated + np.uint32(0xA282EAD8)

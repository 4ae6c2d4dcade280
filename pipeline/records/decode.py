"""Records in, padded ids and labels out: the inverse of encode, strict to the byte, without TensorFlow.

All records of an array are read side by side: a cursor holds a place in each, and a step moves all of them.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.contract import IDS, LABEL
from pipeline.records.encode import HIGHEST_VALUE, Int64s
from pipeline.records.errors import DamagedRecordsError

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

# Temporary arrays take about 40 bytes a byte of records: 40 MB a slice.
_SLICE_BYTES = 1024 * 1024
_LONGEST_VARINT = 5  # bytes; holds 35 bits


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
    rows = len(records)
    ids = np.empty((rows, max_length), np.int64)
    labels = np.empty(rows, np.int64)
    # A record takes at least a byte for each id, so this many rows are never more than a slice.
    step = max(1, _SLICE_BYTES // max_length)
    for begin in range(0, rows, step):
        some = slice(begin, begin + step)
        try:
            ids[some], labels[some] = _decode_slice(records[some], max_length)
        except DamagedRecordsError as error:
            raise DamagedRecordsError(error.why, record=begin + error.record) from error
    return ids, labels


def _decode_slice(records: pa.LargeBinaryArray, max_length: int) -> tuple[Int64s, Int64s]:
    _, offsets_buffer, data_buffer = records.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[records.offset :][: len(records) + 1]
    data = np.frombuffer(data_buffer or b"", np.uint8)[offsets[0] : offsets[-1]]
    cursor = _Cursor(data, begin=offsets[:-1] - offsets[0], end=offsets[1:] - offsets[0])
    cursor.literal(b"\x0a")
    cursor.must_be_at(cursor.length(), of=cursor.end)
    ids_begin, ids_end = cursor.feature(IDS)
    label_begin, label_end = cursor.feature(LABEL)
    cursor.must_be_at(cursor.place, of=cursor.end)
    cursor.raise_if_astray()
    ids = _packed(data, ids_begin, ids_end, count=max_length, name=IDS)
    labels = _packed(data, label_begin, label_end, count=1, name=LABEL)
    return ids, labels[:, 0]


class _Cursor:
    """A place in each of many records that lie in one array of bytes.

    data: uint8 [bytes]; place, end: int64 [rows], into data; good: bool [rows], False where one went astray.
    """

    def __init__(self, data: Bytes, *, begin: Int64s, end: Int64s) -> None:
        self.data = data
        self.place = begin
        self.end = end
        self.good: Mask = np.ones(len(begin), np.bool_)

    def literal(self, expected: bytes) -> None:
        for byte in expected:
            self.good &= self._next() == byte

    def length(self) -> Int64s:
        """Reads a length and returns where what it measures ends."""
        length = np.zeros(len(self.place), np.int64)
        more = np.ones(len(self.place), np.bool_)
        for position in range(_LONGEST_VARINT):
            byte = np.where(more, self._next(advance=more), 0)
            length |= (byte & 127) << (7 * position)
            # A last byte of 0 says nothing: the same number has a shorter form.
            self.good &= ~(more & (byte == 0)) if position else True
            more &= byte > 127
        self.good &= ~more
        return self.place + length

    def feature(self, name: str) -> tuple[Int64s, Int64s]:
        """Reads an entry of Features.feature up to its packed numbers; where those begin and end."""
        self.literal(b"\x0a")
        end = self.length()
        self.literal(bytes([0x0A, len(name)]) + name.encode())
        for tag in (b"\x12", b"\x1a", b"\x0a"):
            self.literal(tag)
            self.must_be_at(self.length(), of=end)
        begin, self.place = self.place, end
        return begin, end

    def must_be_at(self, place: Int64s, *, of: Int64s) -> None:
        self.good &= place == of

    def raise_if_astray(self) -> None:
        if not self.good.all():
            raise DamagedRecordsError(
                f"is no tf.train.Example of {IDS} and {LABEL} as the pipeline writes it",
                record=int(np.argmin(self.good)),
            )

    def _next(self, *, advance: Mask | bool = True) -> Int64s:
        inside = self.place < self.end
        self.good &= inside | np.logical_not(advance)
        byte = self.data[np.minimum(self.place, self.data.size - 1)] if self.data.size else np.uint8(0)
        self.place = self.place + (inside & advance)
        return np.where(inside, byte, 0).astype(np.int64)


def _packed(data: Bytes, begin: Int64s, end: Int64s, *, count: int, name: str) -> Int64s:
    """int64 [rows, count]: the varints between begin and end, both int64 [rows].

    Read from the last byte of each number, its highest, towards the first: the byte before that ends another
    number, or a length, and so is below 128.
    """
    last = _last_bytes(data, begin, end, count=count, name=name)
    numbers = data[last].astype(np.int64)
    longer = np.flatnonzero(data[last - 1] > 127)
    too_long = longer[numbers[longer] == 0]  # as in lengths, a last byte of 0 is never needed
    for back in range(1, _LONGEST_VARINT):
        place = last[longer] - back
        numbers[longer] = numbers[longer] << 7 | (data[place] & 127)
        longer = longer[data[place - 1] > 127]
    wrong = np.concatenate([too_long, longer, np.flatnonzero(numbers > HIGHEST_VALUE)])
    if wrong.size:
        raise DamagedRecordsError(f"{name}: a number is not within 0 and 2**31", record=int(wrong.min()) // count)
    return numbers.reshape(-1, count)


def _last_bytes(data: Bytes, begin: Int64s, end: Int64s, *, count: int, name: str) -> Int64s:
    """int64 [rows * count]: where the last byte of each varint is."""
    edge = np.zeros(data.size + 1, np.int8)
    edge[begin] += 1
    edge[end] -= 1
    inside = np.cumsum(edge[:-1], dtype=np.int8).view(np.bool_)
    last = np.flatnonzero(inside & (data < 128))
    rows = len(begin)
    # Each row has its count if the last one of each falls on its end: they are in order and cover all rows.
    if last.size == rows * count and np.array_equal(last[count - 1 :: count], end - 1):
        return last
    found = np.array([np.count_nonzero(data[b:e] < 128) for b, e in zip(begin, end, strict=True)])
    unfinished = data[end - 1] > 127
    row = int(np.argmax((found != count) | unfinished))
    what = "end within a number" if unfinished[row] else f"got {found[row]} numbers, expected {count}"
    raise DamagedRecordsError(f"{name}: {what}", record=row)

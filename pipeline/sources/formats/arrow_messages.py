"""The messages of an Arrow IPC stream or file -> where each begins and ends, its rows and what it unpacks to.

pyarrow reads the messages themselves. It believes the sizes in them: a batch of 1 MB may unpack to gigabytes, and a
stream that is cut between two batches ends without a word. So each message is looked at on its way to pyarrow.

A file is a stream between a mark and a footer, which says where the batches are. A message is a prefix (a mark, the
length of its metadata), metadata (a flatbuffer) and a body (buffers, which may be compressed one by one).
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.text_stream import read_up_to

FILE_MARK: Final = b"ARROW1"
STREAM_MARK: Final = b"\xff\xff\xff\xff"
_PREFIX_BYTES: Final = 8
_FILE_MARK_BYTES: Final = 8  # with two zeros
_FILE_END_BYTES: Final = 4 + len(FILE_MARK)  # the length of the footer, and the mark again

# The largest batch, unpacked. pyarrow, pandas and datasets write 1,000 to 65,536 rows a batch, so a batch of 65,536
# texts of 16 kB fits. A table that is written as one batch may be larger.
BATCH_BYTES: Final = 1 << 30
# The largest metadata. Those of a batch need some 100 bytes a column; a schema may hold a data set's description.
METADATA_BYTES: Final = 64 << 20

# Types of messages, and numbers of fields of their flatbuffers.
SCHEMA, DICTIONARY, BATCH = 1, 2, 3
_KIND, _HEADER, _BODY_BYTES = 1, 2, 3
_ROWS, _BUFFERS, _COMPRESSION = 0, 2, 3
_OF_DICTIONARY: Final = 1
_BLOCKS_OF_FOOTER: Final = 3
_BLOCK_BYTES: Final = 24


class Message(NamedTuple):
    """A message. kind: of the types above. start, body, end: offsets in the file. rows: of a batch.

    buffers: offset in the body and length of each. compressed: whether each begins with its length, unpacked.
    """

    kind: int
    start: int
    body: int
    end: int
    rows: int
    buffers: list[tuple[int, int]]
    compressed: bool


@dataclass(frozen=True)
class Bounds:
    """Where the messages of a stream are: from `first` to `stop` at most. batches: offsets that a footer tells.

    batches None: a stream has no footer, and a file that is cut has none either.
    """

    first: int
    stop: int
    is_file: bool
    batches: list[int] | None = None


def bounds_of(file: BinaryIO) -> Bounds:
    """Looks at the first and the last bytes of a file."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if not read_up_to(file, len(FILE_MARK)).startswith(FILE_MARK):
        return Bounds(0, size, is_file=False)
    file.seek(max(_FILE_MARK_BYTES, size - _FILE_END_BYTES))
    end = read_up_to(file, _FILE_END_BYTES)
    footer = size - _FILE_END_BYTES - int.from_bytes(end[:4], "little")
    if not end.endswith(FILE_MARK) or len(end) < _FILE_END_BYTES or footer < _FILE_MARK_BYTES:
        return Bounds(_FILE_MARK_BYTES, size, is_file=True)
    file.seek(footer)
    data = read_up_to(file, size - _FILE_END_BYTES - footer)
    try:
        at, count = _vector(data, _root(data), _BLOCKS_OF_FOOTER, item=_BLOCK_BYTES)
        batches = [_long(data, at + number * _BLOCK_BYTES) for number in range(count)]
    except (struct.error, ValueError, IndexError):
        return Bounds(_FILE_MARK_BYTES, size, is_file=True)
    return Bounds(_FILE_MARK_BYTES, footer, is_file=True, batches=batches)


def messages(file: BinaryIO, bounds: Bounds, *, start: int) -> Iterator[tuple[Message, bytes]]:
    """The messages from an offset on, each with the bytes before its body; the last one has been read to its end mark.

    Raises:
      DamagedFileError: the bytes are not messages, or end before the end mark.
    """
    while (found := _message(file, start, bounds)) is not None:
        yield found
        start = found[0].end


def check_footer(seen: list[int], bounds: Bounds, *, start: int, stop: int | None) -> None:
    """Checks what a footer says of the batches of a range; seen: their offsets.

    Raises:
      DamagedFileError: it says something else, or is missing.
    """
    if not bounds.is_file:
        return
    if bounds.batches is None:
        raise DamagedFileError("the file has no footer")
    if seen != [at for at in bounds.batches if at >= start and (stop is None or at < stop)]:
        raise DamagedFileError("its batches are not where its footer says")


def unpacked_bytes(message: Message, body: bytes) -> int:
    """The bytes that a body unpacks to."""
    if not message.compressed:
        return len(body)
    return sum(
        max(size, int.from_bytes(body[at : at + 8], "little", signed=True)) for at, size in message.buffers if size
    )


def too_large(path: str, size: int) -> UserError:
    """The error for a batch that would take too much memory."""
    return UserError(
        f"input.path: {path} has a record batch of {size >> 20} MiB, and the largest that is read has "
        f"{BATCH_BYTES >> 20} MiB; write the file anew in smaller batches, for example with "
        "pyarrow.feather.write_feather(table, path, chunksize=10_000)"
    )


def _message(file: BinaryIO, start: int, bounds: Bounds) -> tuple[Message, bytes] | None:
    """The message at an offset, and the bytes before its body; None: the end mark."""
    if bounds.is_file and start == bounds.stop and bounds.batches is not None:
        return None  # a writer may leave out the end mark before the footer
    file.seek(start)
    prefix = read_up_to(file, _PREFIX_BYTES)
    length = int.from_bytes(prefix[4:], "little")
    after = start + _PREFIX_BYTES
    if not prefix or start == bounds.stop:
        raise DamagedFileError("the file ends without its end mark, between two batches")
    if not prefix.startswith(STREAM_MARK) or len(prefix) < _PREFIX_BYTES:
        raise DamagedFileError("a message does not begin with its mark")
    if length == 0:
        if after < bounds.stop:
            raise DamagedFileError("other bytes follow its end mark")
        return None
    if after + length > bounds.stop or length > METADATA_BYTES:
        raise DamagedFileError("the file ends within a message")
    metadata = read_up_to(file, length)
    try:
        message = _parsed(metadata, start, after + length)
    except (struct.error, ValueError, IndexError) as error:
        raise DamagedFileError(f"a message is not one of Arrow's ({error})") from error
    if message.end > bounds.stop:
        raise DamagedFileError("the file ends within a batch")
    return message, prefix + metadata


def _parsed(metadata: bytes, start: int, body: int) -> Message:
    root = _root(metadata)
    kind = metadata[at] if (at := _field(metadata, root, _KIND)) else 0
    size = _long(metadata, at) if (at := _field(metadata, root, _BODY_BYTES)) else 0
    if kind not in (SCHEMA, DICTIONARY, BATCH) or size < 0:
        raise ValueError(f"its type is {kind}, and its body has {size} bytes")
    if kind == SCHEMA:
        return Message(kind, start, body, body + size, 0, [], compressed=False)
    batch = _table(metadata, root, _HEADER)
    if kind == DICTIONARY:
        batch = _table(metadata, batch, _OF_DICTIONARY)
    rows = _long(metadata, at) if (at := _field(metadata, batch, _ROWS)) else 0
    at, count = _vector(metadata, batch, _BUFFERS, item=16)
    buffers = [(_long(metadata, at + 16 * n), _long(metadata, at + 16 * n + 8)) for n in range(count)]
    if rows < 0 or any(offset < 0 or length < 0 or offset + length > size for offset, length in buffers):
        raise ValueError("a buffer is not in its body")
    return Message(
        kind, start, body, body + size, rows, buffers, compressed=bool(_field(metadata, batch, _COMPRESSION))
    )


# A flatbuffer: a table begins with the distance back to its vtable, which has the offset of each field, 0 if it is
# absent. Tables and vectors in fields are offsets. All positions are checked, because negative ones mean something to
# Python.


def _root(data: bytes) -> int:
    return int(struct.unpack_from("<I", data)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a table is; 0: it is absent."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    if vtable < 0:
        raise ValueError("its table is outside of it")
    (size,) = struct.unpack_from("<H", data, vtable)
    if 4 + 2 * number + 2 > size:
        return 0
    offset = struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0]
    return table + offset if offset else 0


def _table(data: bytes, table: int, number: int) -> int:
    at = _field(data, table, number)
    if not at:
        raise ValueError("it lacks a field")
    return int(at + struct.unpack_from("<I", data, at)[0])


def _vector(data: bytes, table: int, number: int, *, item: int) -> tuple[int, int]:
    """Where the items of a vector begin, and their number."""
    if not _field(data, table, number):
        return 0, 0
    at = _table(data, table, number)
    (count,) = struct.unpack_from("<I", data, at)
    if at + 4 + count * item > len(data):
        raise ValueError("its list is longer than it")
    return at + 4, count


def _long(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<q", data, at)[0])

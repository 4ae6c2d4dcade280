"""Avro files -> their schema, and their blocks: where each is, how many rows it has, and its bytes, unpacked.

A file is a header (the schema, the codec and a mark) and blocks, each followed by the mark. fastavro reads these as
well, but unpacks a block however large it becomes.
"""

import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

import pyarrow as pa

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.gzip_members import BZIP2, XZ, ZSTD, read_members
from pipeline.files.text_stream import read_up_to

MAGIC: Final = b"Obj\x01"
_MARK_BYTES: Final = 16

# The header holds the schema. That of 10,000 columns has about 1 MB.
HEADER_BYTES: Final = 64 << 20
# The largest block, unpacked, and the most rows of one. Writers begin a new block after 16 KB to a few MB.
BLOCK_BYTES: Final = 256 << 20
BLOCK_ROWS: Final = 1 << 20
_PIECE_BYTES: Final = 8 << 20

_MEMBERS: Final = {"bzip2": BZIP2, "xz": XZ, "zstandard": ZSTD}
CODECS: Final = ("null", "deflate", "snappy", *_MEMBERS)


class Header(NamedTuple):
    """schema: as JSON. codec: of the blocks. mark: after each block. end: where the blocks begin."""

    schema: bytes
    codec: str
    mark: bytes
    end: int


class Block(NamedTuple):
    """A block. start, end: offsets in the file. rows: their number. stored: its bytes as stored, if they are read."""

    start: int
    end: int
    rows: int
    stored: bytes


def read_header(file: BinaryIO) -> Header:
    """The header of a file, from its beginning.

    Raises:
      DamagedFileError: it ends early, or is not one.
    """
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    _exactly(file, len(MAGIC), size)
    about: dict[bytes, bytes] = {}
    limit = min(size, HEADER_BYTES)
    while (count := _long(file)) != 0:
        if count < 0:
            count = -count
            _long(file)
        for _ in range(count):
            key = _exactly(file, _long(file), limit)
            about[key] = _exactly(file, _long(file), limit)
    mark = _exactly(file, _MARK_BYTES, size)
    codec = about.get(b"avro.codec", b"null").decode("ascii", "replace")
    return Header(about.get(b"avro.schema", b""), codec, mark, file.tell())


def blocks(
    file: BinaryIO, header: Header, path: str, *, start: int, stop: int | None, with_bytes: bool
) -> Iterator[Block]:
    """The blocks of a range of a file, up to its end if `stop` is None.

    Raises:
      DamagedFileError: after the last whole block.
      UserError: a block is too large to read its bytes.
    """
    size = file.seek(0, io.SEEK_END)
    at = start
    while at < (size if stop is None else stop):
        file.seek(at)
        rows, length = _long(file), _long(file)
        begin = file.tell()
        end = begin + length + _MARK_BYTES
        if rows < 0 or length < 0 or end > size:
            raise DamagedFileError("the file ends within a block" if end > size else "a block has a wrong size")
        if with_bytes and length > BLOCK_BYTES:
            raise _too_large(path, f"{length >> 20} MiB", f"{BLOCK_BYTES >> 20} MiB")
        stored = read_up_to(file, length) if with_bytes else b""
        file.seek(end - _MARK_BYTES)
        if read_up_to(file, _MARK_BYTES) != header.mark:
            raise DamagedFileError("the mark after a block is wrong")
        yield Block(at, end, rows, stored)
        at = end
    if stop is not None and at != stop:
        raise DamagedFileError("a block is not where it was when the job was planned")


def unpacked(block: Block, codec: str, path: str) -> bytes:
    """The content of a block.

    Raises:
      DamagedFileError: it can't be unpacked, or has a wrong checksum.
      UserError: it is too large.
    """
    if block.rows > BLOCK_ROWS:
        raise _too_large(path, f"{block.rows} rows", f"{BLOCK_ROWS}")
    if codec == "snappy":
        return _unsnappied(block.stored, path)
    if codec == "null":
        pieces = iter([block.stored])
    elif codec == "deflate":
        pieces = _inflated(block.stored)
    else:
        pieces = read_members([block.stored], _MEMBERS[codec], zeros_may_follow=False, largest_piece=_PIECE_BYTES)
    content = []
    size = 0
    for piece in pieces:
        content.append(piece)
        size += len(piece)
        if size > BLOCK_BYTES:
            raise _too_large(path, f"more than {BLOCK_BYTES >> 20} MiB", f"{BLOCK_BYTES >> 20} MiB")
    return content[0] if len(content) == 1 else b"".join(content)


def _inflated(stored: bytes) -> Iterator[bytes]:
    """fastavro leaves three bytes of zlib's checksum after the stream; others write the stream alone."""
    stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    checksum = 1
    while not stream.eof:
        try:
            piece = stream.decompress(stored, _PIECE_BYTES)
        except zlib.error as error:
            raise DamagedFileError(f"a block can't be unpacked ({error})") from error
        if not piece and not stream.eof:
            raise DamagedFileError("a block ends before its deflate stream does")
        checksum = zlib.adler32(piece, checksum)
        stored = stream.unconsumed_tail
        yield piece
    if not checksum.to_bytes(4, "big").startswith(stream.unused_data):
        raise DamagedFileError("the checksum of a block is wrong")


def _unsnappied(stored: bytes, path: str) -> bytes:
    """Snappy's bytes begin with the length of the content; the checksum of the content follows them."""
    data, checksum = stored[:-4], stored[-4:]
    size = _long(io.BytesIO(data), zigzag=False)
    if size > BLOCK_BYTES:
        raise _too_large(path, f"{size >> 20} MiB", f"{BLOCK_BYTES >> 20} MiB")
    try:
        content = pa.decompress(data, decompressed_size=size, codec="snappy", asbytes=True)
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(f"a block can't be unpacked ({error})") from error
    if zlib.crc32(content).to_bytes(4, "big") != checksum:
        raise DamagedFileError("the checksum of a block is wrong")
    return bytes(content)


def _too_large(path: str, has: str, most: str) -> UserError:
    return UserError(
        f"input.path: {path} has a block of {has}, and the largest that is read has {most}; write the file anew in "
        "smaller blocks"
    )


def _exactly(file: BinaryIO, size: int, limit: int) -> bytes:
    if size < 0 or file.tell() + size > limit:
        raise DamagedFileError("the file ends within its header")
    return read_up_to(file, size)


def _long(file: BinaryIO, *, zigzag: bool = True) -> int:
    """The next number: 7 bits a byte, the lowest first."""
    number = shift = 0
    while shift < 70:
        byte = file.read(1)
        if not byte:
            raise DamagedFileError("the file ends within a number")
        number |= (byte[0] & 127) << shift
        if byte[0] < 128:
            return number >> 1 ^ -(number & 1) if zigzag else number
        shift += 7
    raise DamagedFileError("a number does not end")

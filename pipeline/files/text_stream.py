"""A file as stored -> the bytes of its text: decompressed, and UTF-8 where a byte order mark says UTF-16.

A file that breaks off gives all bytes before its end, then raises DamagedError; so does one with wrong bytes,
but for the last 64 KiB stored before them. The first bytes tell the compression; a file that does not begin
as its name promises is damaged.
"""

import codecs
import itertools
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final, Protocol

import zstandard

from pipeline.errors import UserError

# Compressed bytes are taken in pieces of this size: deflate packs 1000 : 1 at best, so a piece gives 64 MiB at
# most. Where a piece is damaged, none of it can be had.
STORED_BLOCK: Final = 64 << 10
PLAIN_BLOCK: Final = 8 << 20

GZIP_MAGIC: Final = b"\x1f\x8b"
ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
MAGIC: Final = {"gz": GZIP_MAGIC, "zst": ZSTD_MAGIC}
# So many bytes tell what a file is.
HEAD: Final = 4
UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class DamagedError(Exception):
    """The bytes so far are good; those that follow cannot be had."""


class Decompressor(Protocol):
    """What zlib and zstandard have in common: one member (or frame) of a file."""

    @property
    def eof(self) -> bool:
        """Whether the member is complete."""

    @property
    def unused_data(self) -> bytes:
        """The stored bytes behind the member."""

    def decompress(self, data: bytes, /) -> bytes:
        """The bytes that come of the next stored ones."""


def text_blocks(file: BinaryIO, path: str) -> Iterator[bytes]:
    """The bytes of a text file, in blocks; UTF-16 is turned into UTF-8, a UTF-8 byte order mark stays as it is.

    Raises:
      DamagedError: after the last good block.
    """
    blocks = _beginning_with(stored_blocks(file, path), size=len(codecs.BOM_UTF8))
    first = next(blocks)
    blocks = itertools.chain([first], blocks)
    return _from_utf16(blocks) if first.startswith(UTF16_MARKS) else blocks


def without_mark(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """What text_blocks gives, without a UTF-8 byte order mark."""
    yield next(blocks).removeprefix(codecs.BOM_UTF8)
    yield from blocks


def read_head(file: BinaryIO) -> bytes:
    """The bytes that tell what a file is; fewer where it is shorter."""
    return read_up_to(file, HEAD)


def read_up_to(file: BinaryIO, size: int) -> bytes:
    """The next `size` bytes; fewer where the file ends before. Remote files may give fewer than asked for."""
    head = b""
    while len(head) < size and (more := file.read(size - len(head))):
        head += more
    return head


def is_plain(head: bytes) -> bool:
    """Whether a file that begins so is neither compressed nor UTF-16: it can be read from anywhere."""
    return not head.startswith((*MAGIC.values(), *UTF16_MARKS))


def compression_named(path: str) -> str | None:
    """The compression that a file's name promises.

    >>> compression_named("reviews.csv.GZ"), compression_named("reviews.csv")
    ('gz', None)
    """
    ending = path.rpartition(".")[2].lower()
    return ending if ending in MAGIC else None


def check_promise(file: BinaryIO, path: str) -> None:
    """Refuses a file that is named as compressed and begins as no such file does, not even one that was cut.

    Raises:
      UserError: the name promises what the content is not.
    """
    compression = compression_named(path)
    head = read_head(file)
    if compression and not head.startswith(MAGIC[compression][: len(head)]):
        raise UserError(f"input.path: {path} is not compressed as its name says; rename it without .{compression}")
    file.seek(0)


def _beginning_with(blocks: Iterator[bytes], *, size: int) -> Iterator[bytes]:
    """The same bytes; the first block (there is always one) holds `size` or more, where there are so many."""
    head = b""
    try:
        for block in blocks:
            head += block
            if len(head) >= size:
                break
    except DamagedError:
        yield head
        raise
    yield head
    yield from blocks


def stored_blocks(file: BinaryIO, path: str) -> Iterator[bytes]:
    """The bytes of a file, decompressed, in blocks.

    Raises:
      DamagedError: after the last good block.
    """
    head = read_head(file)
    compression = compression_named(path)
    if compression and not head.startswith(MAGIC[compression]):
        raise DamagedError(f"{path} is not compressed as its name says")
    if head.startswith(GZIP_MAGIC):
        yield from _members(head, file, lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS))
    elif head.startswith(ZSTD_MAGIC):
        # Without the limit lifted, what `zstd --long=31` wrote would pass for damaged.
        yield from _members(head, file, lambda: zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj())
    else:
        yield head
        while block := file.read(PLAIN_BLOCK):
            yield block


def _members(stored: bytes, file: BinaryIO, member: Callable[[], Decompressor]) -> Iterator[bytes]:
    """Decompresses one gzip member (zstd frame) after the other; both formats allow several in a file."""
    current = None
    while stored or (stored := file.read(STORED_BLOCK)):
        current = current or member()
        try:
            block = current.decompress(stored)
        except (zlib.error, zstandard.ZstdError) as error:
            raise DamagedError(str(error)) from error
        yield block
        stored = b""
        if current.eof:
            # Tapes and disks pad with zeros, as gzip itself allows.
            stored = current.unused_data.lstrip(b"\0")
            current = None
    if current is not None:
        raise DamagedError("the file breaks off")


def _from_utf16(blocks: Iterator[bytes]) -> Iterator[bytes]:
    # Lone surrogates pass as bytes that are no UTF-8, so that their rows alone are refused.
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    try:
        for block in blocks:
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise DamagedError("the file ends within a UTF-16 character") from error

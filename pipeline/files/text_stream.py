"""A file as it is stored -> the bytes of its text: decompressed, and in UTF-8 where a byte order mark says UTF-16.

The first bytes show the compression. A file whose name says another one is damaged. Of a file that ends too early all
bytes before its end are given, then DamagedFileError is raised. Of a file with wrong bytes up to 64 KiB of what is
stored before them are lost.
"""

import codecs
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.encodings import UTF8, check_mark, decoded
from pipeline.files.gzip_members import BZIP2, GZIP, XZ, ZSTD, MemberFormat, read_members


@dataclass(frozen=True)
class ReadSizes:
    """The bytes that are read and parsed at a time. Only `max_row_bytes` changes which rows there are.

    stored_block_bytes: a block of a compressed file, as it is stored. Of a block with wrong bytes nothing is given.
    plain_block_bytes: a block of a file that is not compressed; and the most that is unpacked at a time. Deflate packs
      1,000 : 1, zstd 30,000 : 1 and bzip2 1,000,000 : 1, so a small file may be a large one.
    chunk_bytes: rows are parsed once there are so many bytes of them. With 8 MiB the fixed costs of a chunk do not
      count; a chunk makes a few batches.
    max_row_bytes: the longest row. Without a limit, a file without line ends or with an open quote would fill the
      memory.
    """

    stored_block_bytes: int = 64 << 10
    plain_block_bytes: int = 8 << 20
    chunk_bytes: int = 8 << 20
    max_row_bytes: int = 256 << 20


READ_SIZES: Final = ReadSizes()

# The ending of a file's name -> what it says about the content.
COMPRESSIONS: Final[dict[str, MemberFormat]] = {"gz": GZIP, "zst": ZSTD, "bz2": BZIP2, "xz": XZ}
_MAGICS: Final = tuple(magic for known in COMPRESSIONS.values() for magic in known.magics)
UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CUT_UTF16: Final = "the file ends within a UTF-16 character"
# Enough to see every magic number and mark: bzip2 has the longest.
_HEAD_BYTES: Final = 10


def text_blocks(
    file: BinaryIO, path: str, *, sizes: ReadSizes = READ_SIZES, encoding: str | None = None
) -> Iterator[bytes]:
    """The bytes of a text file, in blocks, in UTF-8; a UTF-8 byte order mark stays.

    encoding: the name of its codec; None: UTF-16 if its mark says so, else UTF-8.

    Raises:
      DamagedFileError: after the last good block.
    """
    blocks = _with_long_first_block(content_blocks(file, path, sizes=sizes), size=_HEAD_BYTES)
    first = next(blocks)
    blocks = itertools.chain([first], blocks)
    if encoding is not None:
        check_mark(first, encoding, path=path)
        return blocks if encoding in UTF8 else decoded(blocks, encoding)
    return _from_utf16(blocks) if first.startswith(UTF16_MARKS) else blocks


def encoding_of(file: BinaryIO, path: str, *, encoding: str | None = None) -> str:
    """How a text file is encoded, for a person, as text_blocks reads it.

    Raises:
      DamagedFileError: it is damaged at its beginning.
    """
    if encoding is not None:
        return encoding
    head = next(_with_long_first_block(content_blocks(file, path), size=_HEAD_BYTES))
    if head.startswith(codecs.BOM_UTF8):
        return "UTF-8 with a byte order mark"
    return "UTF-16" if head.startswith(UTF16_MARKS) else "UTF-8"


def strip_mark(blocks: Iterator[bytes]) -> Iterator[bytes]:
    r"""The blocks of text_blocks without a UTF-8 byte order mark.

    >>> list(strip_mark(iter([b"\xef\xbb\xbftext", b"label"])))
    [b'text', b'label']
    """
    yield next(blocks).removeprefix(codecs.BOM_UTF8)
    yield from blocks


def read_head(file: BinaryIO) -> bytes:
    """The first 10 bytes of a file, which show what it is; fewer if the file is shorter."""
    return read_up_to(file, _HEAD_BYTES)


def read_up_to(file: BinaryIO, size: int) -> bytes:
    """The next `size` bytes; fewer if the file ends before. One read of a remote file may give fewer than asked for."""
    head = b""
    while len(head) < size and (more := file.read(size - len(head))):
        head += more
    return head


def is_plain(head: bytes) -> bool:
    r"""Whether a file that begins with these bytes is neither compressed nor UTF-16, so that it can be read anywhere.

    >>> is_plain(b"text"), is_plain(b"\x1f\x8b"), is_plain(b"\xff\xfet\0")
    (True, False, False)
    """
    return compression_of(head) is None and not head.startswith(UTF16_MARKS)


def compression_of(head: bytes) -> MemberFormat | None:
    r"""The compression of a file that begins with these bytes; None: it is not compressed.

    >>> compression_of(b"\x1f\x8b\x08\x00").name, compression_of(b"BZh91AY&SY").name, compression_of(b"BZh9 text")
    ('gzip', 'bzip2', None)
    """
    if not head.startswith(_MAGICS):  # as most files: each small file is asked
        return None
    return next((known for known in COMPRESSIONS.values() if head.startswith(known.magics)), None)


def compression_ending(path: str) -> str | None:
    """The ending of a file's name, if it names a compression.

    >>> compression_ending("reviews.csv.GZ"), compression_ending("reviews.csv")
    ('gz', None)
    """
    ending = path.rpartition(".")[2].lower()
    return ending if ending in COMPRESSIONS else None


def check_compression(file: BinaryIO, path: str) -> None:
    """Checks that a file whose name says that it is compressed begins like one, as far as its bytes reach.

    Raises:
      UserError: it begins otherwise.
    """
    ending = compression_ending(path)
    head = read_head(file)
    if ending and not head.startswith(tuple(magic[: len(head)] for magic in COMPRESSIONS[ending].magics)):
        raise UserError(f"input.path: {path} is not compressed as its name says; rename it without .{ending}")
    file.seek(0)


def content_blocks(file: BinaryIO, path: str, *, sizes: ReadSizes = READ_SIZES) -> Iterator[bytes]:
    """The bytes of a file, decompressed, in blocks.

    Raises:
      DamagedFileError: after the last good block.
    """
    head = read_head(file)
    ending = compression_ending(path)
    if ending and not head.startswith(COMPRESSIONS[ending].magics):
        raise DamagedFileError(f"{path} is not compressed as its name says" if head else "it is empty")
    if compression := compression_of(head):
        stored = itertools.chain([head], iter(lambda: file.read(sizes.stored_block_bytes), b""))
        yield from read_members(stored, compression, zeros_may_follow=True, largest_piece=sizes.plain_block_bytes)
        return
    yield head
    while block := file.read(sizes.plain_block_bytes):
        yield block


def _with_long_first_block(blocks: Iterator[bytes], *, size: int) -> Iterator[bytes]:
    """The same bytes, at least one block; the first block has at least `size` bytes, if the file has them."""
    head = b""
    try:
        for block in blocks:
            head += block
            if len(head) >= size:
                break
    except DamagedFileError:
        yield head
        raise
    yield head
    yield from blocks


def _from_utf16(blocks: Iterator[bytes]) -> Iterator[bytes]:
    # Lone surrogates pass as bytes that are not UTF-8, so that only their rows are rejected.
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    try:
        for block in blocks:
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
        rest = decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise DamagedFileError(_CUT_UTF16) from error
    if rest:  # the first half of a surrogate pair, for whose second half the decoder waits
        raise DamagedFileError(_CUT_UTF16)

"""The stored bytes of a bzip2 or xz stream -> its content, at most a few MiB at a time.

Python's decompressors of both keep the stored bytes that wait; zlib's gives them back. Here they have one shape.
"""

import bz2
import lzma
from typing import Final

from pipeline.errors import DamagedFileError

# `BZh9` alone may begin a text. A number of 6 bytes follows it: that of a block, or that of the end if there is none.
BZIP2_MAGICS: Final = tuple(
    b"BZh%d" % level + number for level in range(1, 10) for number in (b"1AY&SY", b"\x17rE8P\x90")
)
XZ_MAGIC: Final = b"\xfd7zXZ\0"
# The decompressor of xz holds the last bytes of the content, as many as the file asks for: 64 MiB with `xz -9`, up to
# 1.5 GiB with `xz --lzma2=dict=1536MiB`. A file of a few bytes may ask for them. Zstd has the same limit.
XZ_MEMORY_BYTES: Final = 512 << 20
_TOO_LARGE: Final = "Memory usage limit"  # in Python's message about a dictionary


class WholeStream:
    """The state of one stream's decompressor, with the attributes of zlib's."""

    unconsumed_tail: Final = b""  # the decompressor keeps what waits, see `waits`

    def __init__(self, decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor, name: str) -> None:
        self._decompressor = decompressor
        self._name = name

    @property
    def eof(self) -> bool:
        """Whether the stream is complete."""
        return self._decompressor.eof

    @property
    def unused_data(self) -> bytes:
        """The stored bytes after the stream."""
        return self._decompressor.unused_data

    @property
    def waits(self) -> bool:
        """Whether there may be more content of the bytes that were given."""
        return not (self._decompressor.needs_input or self._decompressor.eof)

    def decompress(self, stored: bytes, largest: int) -> bytes:
        """The next content, `largest` bytes at most (0: all that the stored bytes give).

        Raises:
          DamagedFileError: the bytes are not those of a stream, or it asks for too much memory.
        """
        try:
            return self._decompressor.decompress(stored, largest or -1)
        except (OSError, lzma.LZMAError) as error:
            if _TOO_LARGE in str(error):
                raise DamagedFileError(
                    f"its xz dictionary is above {XZ_MEMORY_BYTES >> 20} MiB; pack the file with a smaller one"
                ) from error
            raise DamagedFileError(f"the {self._name} stream is damaged ({error})") from error


def bzip2_stream() -> WholeStream:
    """A decompressor of one bzip2 stream."""
    return WholeStream(bz2.BZ2Decompressor(), "bzip2")


def xz_stream() -> WholeStream:
    """A decompressor of one xz stream."""
    return WholeStream(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES), "xz")

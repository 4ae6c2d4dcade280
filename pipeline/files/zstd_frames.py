"""The stored bytes of a zstd frame -> its content, at most a few MiB at a time.

zstandard unpacks all bytes that it is given at once, and 4 stored bytes may become 128 KiB: 100 kB became 6.4 GB. So
the bytes are cut between the blocks of the frame (RFC 8878, section 3.1.1). No block has more than 128 KiB of content.
"""

from typing import Final

import zstandard

from pipeline.errors import DamagedFileError

MAGIC: Final = b"\x28\xb5\x2f\xfd"
# A frame without content has a number from 0x184D2A50 to 0x184D2A5F. A file of pzstd begins with one.
_SKIPPED_MAGIC: Final = b"\x2a\x4d\x18"
MAGICS: Final = (MAGIC, *(bytes([0x50 + number]) + _SKIPPED_MAGIC for number in range(16)))
# The decompressor holds the last bytes of the content, as many as the frame asks for: 128 MiB with `zstd --long`, 2 GiB
# with `zstd --long=31`. A file of a few bytes may ask for them.
WINDOW_BYTES: Final = 512 << 20
_BLOCK_CONTENT_BYTES: Final = 128 << 10
_BLOCK_HEADER_BYTES: Final = 3
_REPEATED_BYTE: Final = 1  # the type of a block that is one byte, stored once
_TOO_LARGE: Final = "too much memory"  # in zstd's message about a window
# The bytes after the last block belong to the checksum, or to what follows the frame.
_REST: Final = 1 << 62


class ZstdFrame:
    """The state of one frame's decompressor, with the attributes of zlib's."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES).decompressobj()
        self._begin = b""  # of the frame's header, or of a block's header
        self._in_blocks = False
        self._passed = 0  # bytes up to the next header of a block
        self.unconsumed_tail = b""

    @property
    def eof(self) -> bool:
        """Whether the frame is complete."""
        return self._decompressor.eof

    @property
    def unused_data(self) -> bytes:
        """The stored bytes after the frame."""
        return self._decompressor.unused_data

    def decompress(self, stored: bytes, largest: int) -> bytes:
        """The content of the next stored bytes: of as many whole blocks as give `largest` bytes, but one at least.

        Raises:
          DamagedFileError: the frame asks for too much memory.
          zstandard.ZstdError: the bytes are not those of a zstd frame.
        """
        end = self._end(stored, blocks=max(1, largest // _BLOCK_CONTENT_BYTES))
        self.unconsumed_tail = stored[end:]
        try:
            return self._decompressor.decompress(stored[:end])
        except zstandard.ZstdError as error:
            if _TOO_LARGE not in str(error):
                raise
            raise DamagedFileError(
                f"its zstd window is above {WINDOW_BYTES >> 20} MiB; pack the file with --long=29 or less"
            ) from error

    def _end(self, stored: bytes, *, blocks: int) -> int:
        """Where to cut: after the header of the block that is one too many."""
        at = 0
        while True:
            step = min(self._passed, len(stored) - at)
            at += step
            self._passed -= step
            if at == len(stored):
                return at
            if not self._in_blocks:
                self._begin += stored[at : at + 1]
                at += 1
                self._read_frame_header()
                continue
            more = stored[at : at + _BLOCK_HEADER_BYTES - len(self._begin)]
            at += len(more)
            self._begin += more
            if len(self._begin) == _BLOCK_HEADER_BYTES:
                self._read_block_header()
                blocks -= 1
                if blocks < 0:
                    return at

    def _read_frame_header(self) -> None:
        """Reads the frame's first 5 bytes, once they are there; they tell the length of its header."""
        magic, flags = self._begin[: len(MAGIC)], self._begin[len(MAGIC) :]
        if flags:
            is_single = flags[0] >> 5 & 1
            dictionary_bytes = (0, 1, 2, 4)[flags[0] & 3]
            size_bytes = (is_single, 2, 4, 8)[flags[0] >> 6]
            self._passed = (0 if is_single else 1) + dictionary_bytes + size_bytes
            self._in_blocks, self._begin = True, b""
        elif magic[1:] == _SKIPPED_MAGIC and magic[0] >> 4 == 5:
            self._in_blocks, self._passed = True, _REST
        elif len(magic) == len(MAGIC) and magic != MAGIC:
            raise zstandard.ZstdError("other bytes are where a frame should begin")

    def _read_block_header(self) -> None:
        header = int.from_bytes(self._begin, "little")
        is_last, kind, size = header & 1, header >> 1 & 3, header >> 3
        self._passed = 1 if kind == _REPEATED_BYTE else size
        if is_last:
            self._passed = _REST
        self._begin = b""

"""A file of an archive that is too large to wait in memory -> a stream of its bytes that can seek.

The bytes come in order. Back to the beginning it starts anew. Any other move, as Parquet needs them, first puts the
whole file into a temporary one.
"""

import io
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import IO, Final

from pipeline.errors import UserError
from pipeline.files.forward import ForwardReader

# Up to this size a file that needs any move is put into memory, and above it on a disk.
MEMORY_BYTES: Final = 64 << 20
# What stays of the beginning, so that a look at it costs no second start.
_HEAD_BYTES: Final = 128 << 10


def free_bytes(folder: str) -> int:
    """The bytes that are free on a folder's disk."""
    return shutil.disk_usage(folder).free


class MemberStream(io.RawIOBase):
    """A stream; of BinaryIO it has what the formats need: read, seek, tell and close."""

    def __init__(self, start: Callable[[ExitStack], Iterator[bytes]], *, path: str, size: int) -> None:
        """`start` gives the blocks of the file from its beginning, and puts on the stack what to close after them."""
        self._start = start
        self._path = path
        self._size = size
        self._opened = ExitStack()
        self._reader: ForwardReader | None = None
        self._head = b""  # the first bytes, as long as no others were read
        self._at = 0
        self._copy: IO[bytes] | None = None

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes.

        Raises:
          DamagedFileError: as the blocks do.
        """
        wanted = max(0, self._size - self._at) if size is None or size < 0 else size
        if self._copy is not None:
            self._copy.seek(self._at)
            content = self._copy.read(wanted)
        else:
            content = self._opened_reader().read(wanted)
            if self._at == len(self._head) and self._at + len(content) <= _HEAD_BYTES:
                self._head += content
        self._at += len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Moves to a byte of the file."""
        before, self._at = self._at, offset + (0, self._at, self._size)[whence]
        if self._copy is None and self._at != before:
            if self._at == 0:
                self._rewind(before)
            else:
                self._copy_all()
        return self._at

    def close(self) -> None:
        """Closes the archive, and removes the temporary file."""
        self._opened.close()
        if self._copy is not None:
            self._copy.close()
        super().close()

    def _opened_reader(self) -> ForwardReader:
        if self._reader is None:
            self._reader = ForwardReader(self._start(self._opened))
        return self._reader

    def _rewind(self, before: int) -> None:
        if self._reader is not None and before == len(self._head):
            rest = iter(partial(self._reader.read, _HEAD_BYTES), b"")
            self._reader = ForwardReader(itertools.chain([self._head], rest))
        else:
            self._opened.close()
            self._reader = None
        self._head = b""

    def _copy_all(self) -> None:
        """Puts the file where any part of it can be read.

        Raises:
          DamagedFileError: as the blocks do.
          UserError: the disk of temporary files has no room for it.
        """
        folder = tempfile.gettempdir()
        if self._size > MEMORY_BYTES and (free := free_bytes(folder)) < self._size:
            raise UserError(
                f"TMPDIR: {folder} has {free:,} bytes free, and {self._path} needs {self._size:,} there to be read; "
                "free space, or unpack the archive and give the folder"
            )
        self._opened.close()
        self._copy = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115 (closed by `close`)
        try:
            for block in self._start(self._opened):
                self._copy.write(block)
        finally:
            self._opened.close()

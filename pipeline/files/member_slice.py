"""A file of a tar that is not compressed -> the part of the archive that it is, as a file that can seek."""

import io
from typing import BinaryIO

from pipeline.files.member import Member


class MemberSlice(io.RawIOBase):
    """A part of a file. Of BinaryIO it has what the formats need: read, seek, tell and close."""

    def __init__(self, file: BinaryIO, member: Member) -> None:
        self._file = file
        self._first = member.offset
        self._size = member.size
        self._at = 0

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
        """The next bytes."""
        left = max(0, self._size - self._at)
        self._file.seek(self._first + self._at)
        content = self._file.read(left if size is None or size < 0 else min(size, left))
        self._at += len(content)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Moves to a byte of the part."""
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        super().close()

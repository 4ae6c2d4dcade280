"""Bytes of a known number that can be read at any place -> a file that can be read and can seek."""

import io


class PlacedFile(io.RawIOBase):
    """A file of `size` bytes; of BinaryIO it has what readers of formats need: read, seek and tell.

    A subclass gives the bytes by `read_at`.

    >>> class Letters(PlacedFile):
    ...     def read_at(self, place: int, size: int) -> bytes:
    ...         return b"abcdef"[place : place + size]
    >>> file = Letters(6)
    >>> file.read(2), file.seek(-3, io.SEEK_END), file.read(), file.tell()
    (b'ab', 3, b'def', 6)
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._at = 0

    def read_at(self, place: int, size: int) -> bytes:
        """The bytes from a place on; all of them lie in the file, and there is at least one."""
        raise NotImplementedError

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Moves to a byte of the file."""
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes; none at the end."""
        left = max(0, self._size - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        content = self.read_at(self._at, wanted) if wanted else b""
        self._at += len(content)
        return content

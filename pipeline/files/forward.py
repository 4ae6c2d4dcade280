"""Blocks of bytes -> a file that can be read forward, and its place."""

from collections.abc import Iterator
from typing import Final

from pipeline.errors import DamagedFileError

# What is passed over at a time.
_PASSED_BYTES: Final = 8 << 20


class ForwardReader:
    """A file of which the bytes that were read are gone. It has what tarfile and the reading of archives need."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._block = memoryview(b"")
        self._at = 0
        self.damage: DamagedFileError | None = None  # after the last byte

    def tell(self) -> int:
        """The number of bytes that were read or passed over."""
        return self._at

    def read(self, size: int) -> bytes:
        """The next `size` bytes; fewer if the blocks end before.

        Raises:
          DamagedFileError: there is none, because the blocks ended with one.
        """
        if size <= len(self._block):  # most reads are of a header or a small file
            return bytes(self._taken(size))
        parts = [self._taken(size)]
        left = size - len(parts[0])
        while left and self._fill():
            parts.append(self._taken(left))
            left -= len(parts[-1])
        content = b"".join(parts)
        if size and not content and self.damage is not None:
            raise self.damage
        return content

    def seek(self, offset: int) -> int:
        """Passes over the bytes before `offset`, as far as there are some; gives the place that it reached."""
        assert offset >= self._at
        left = offset - self._at
        while left and (self._block or self._fill()):
            left -= len(self._taken(min(left, _PASSED_BYTES)))
        return self._at

    def _fill(self) -> bool:
        try:
            for block in self._blocks:
                if block:
                    self._block = memoryview(block)
                    return True
        except DamagedFileError as error:
            self.damage = error
        return False

    def _taken(self, size: int) -> memoryview:
        taken, self._block = self._block[:size], self._block[size:]
        self._at += len(taken)
        return taken

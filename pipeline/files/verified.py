"""A filesystem -> the same files, of which a damaged compressed file ends where its content is last verified.

Inflate gives garbage after a wrong bit, and the checksum that shows it comes only at the end of a gzip member or zstd
frame. So a compressed file is read twice: once to its end, to see up to which member every checksum is right; and then
to be used, up to there. The content never waits in memory or on disk. A zstd frame without a checksum counts as
verified when it is complete; nothing more can be known of it.
"""

import io
from typing import BinaryIO, Final, NamedTuple, cast

from pipeline.errors import DamagedFileError
from pipeline.files.gzip_members import read_members
from pipeline.files.local import FileInfo, Files
from pipeline.files.text_stream import READ_SIZES, compression_of, read_head

# The content that is unpacked at a time, and then let go.
_PIECE_BYTES: Final = 1 << 20


class Verified(NamedTuple):
    """What a file's checksums say: the bytes, as stored, of the members that are right; and the damage after them.

    damage: None, if the whole file is right.
    """

    end: int
    damage: str | None


def verify(file: BinaryIO) -> Verified | None:
    """Reads a file, from its beginning to its end; None: it is not compressed, and only its first bytes are read.

    >>> import gzip
    >>> verify(io.BytesIO(gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0)[:-1]))
    Verified(end=23, damage='the file ends before its gzip stream does')
    """
    try:
        compression = compression_of(read_head(file))
    except DamagedFileError as error:  # of a file of an archive, in its first bytes
        return Verified(0, str(error))
    file.seek(0)
    if compression is None:
        return None
    end = 0

    def ended(at: int) -> None:
        nonlocal end
        end = at

    stored = iter(lambda: file.read(READ_SIZES.stored_block_bytes), b"")
    try:
        for _ in read_members(stored, compression, zeros_may_follow=True, largest_piece=_PIECE_BYTES, ended=ended):
            pass
    except DamagedFileError as error:
        return Verified(end, str(error) if end else f"{error}, and its only checksum is at its end")
    return Verified(end, None)


class VerifiedFiles:
    """A filesystem over another one; see above."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that the other filesystem names."""
        return self._files.match(pattern)

    def stamp(self, path: str) -> bytes:
        """The stamp that the other filesystem gives."""
        return self._files.stamp(path)

    def open(self, path: str) -> BinaryIO:
        """The stored bytes; after the last verified one of a damaged file, reading raises a DamagedFileError."""
        file = self._files.open(path)
        try:
            verified = verify(file)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        if verified is None or verified.damage is None:
            return file
        return cast("BinaryIO", Beginning(file, verified.end, verified.damage))


class Beginning(io.RawIOBase):
    """The first bytes of a file. Of BinaryIO it has what reading a compressed file needs: read, seek and close."""

    def __init__(self, file: BinaryIO, end: int, damage: str) -> None:
        self._file = file
        self._end = end
        self._damage = damage

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, one at least.

        Raises:
          DamagedFileError: there is none.
        """
        left = self._end - self._file.tell()
        content = self._file.read(left if size < 0 else min(size, left))
        if not content:
            raise DamagedFileError(self._damage)
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Moves to a byte of the file."""
        return self._file.seek(offset, whence)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        super().close()

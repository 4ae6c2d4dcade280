"""A file of a tar that is not compressed -> the part of the archive that it is, as a file that can seek."""

from typing import BinaryIO

from pipeline.files.member import Member
from pipeline.support.placed_file import PlacedFile


class MemberSlice(PlacedFile):
    """A part of a file."""

    def __init__(self, file: BinaryIO, member: Member) -> None:
        super().__init__(member.size)
        self._file = file
        self._first = member.offset

    def read_at(self, place: int, size: int) -> bytes:
        """The bytes from a place of the part on."""
        self._file.seek(self._first + place)
        return self._file.read(size)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
        super().close()

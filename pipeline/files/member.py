"""Where a file of an archive lies in it: what a worker needs to read the file without listing the archive again."""

import struct
from enum import IntEnum
from typing import Final, NamedTuple


class Storage(IntEnum):
    """How an archive holds a file.

    TAR: as it is. TAR_STREAM: the same, and the tar itself is compressed, so it can only be read from its beginning.
    STORED, DEFLATED: a zip's two ways, both with a checksum. LOST: not a file, but what can't be read of the archive.
    """

    TAR = 0
    TAR_STREAM = 1
    STORED = 2
    DEFLATED = 3
    LOST = 4


class Member(NamedTuple):
    """A file of an archive.

    offset: of its first byte; in a zip, of the header before it; in a compressed tar, of what that unpacks to.
    stored, size: its bytes as they are stored, and unpacked. crc, name_crc: CRC-32 of its bytes and of its name, in a
    zip, which has the name twice; 0 in a tar.
    """

    storage: Storage
    offset: int
    stored: int
    size: int
    crc: int = 0
    name_crc: int = 0

    @property
    def can_seek(self) -> bool:
        """Whether any part of it can be read without the parts before it; such a file can be cut into ranges."""
        return self.storage == Storage.TAR

    def packed(self) -> bytes:
        """As MEMBER_BYTES bytes: a million files may be planned."""
        return _MEMBER.pack(*self)


_MEMBER: Final = struct.Struct("<BQQQII")
MEMBER_BYTES: Final = _MEMBER.size
LOST: Final = Member(Storage.LOST, 0, 0, 0)


def unpacked(packed: bytes, number: int) -> Member:
    """The member of a number among packed ones.

    >>> members = [Member(Storage.TAR, 512, 9, 9), Member(Storage.DEFLATED, 0, 70, 900, crc=7)]
    >>> unpacked(b"".join(member.packed() for member in members), 1)
    Member(storage=<Storage.DEFLATED: 3>, offset=0, stored=70, size=900, crc=7, name_crc=0)
    """
    storage, *rest = _MEMBER.unpack_from(packed, number * MEMBER_BYTES)
    return Member(Storage(storage), *rest)

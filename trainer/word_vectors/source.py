"""The path of a file -> its bytes, decompressed, in parts; afterwards the SHA-256 and the size of what is stored."""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO, Final, cast

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.text_stream import content_blocks
from pipeline.records_folder.reader import remedy_of
from trainer import files

SETTING: Final = "embedding.from"


class VectorsFile:
    """A file that is read once, from its first byte to its last. size: the stored bytes that were read so far."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = 0
        self._digest = hashlib.sha256()

    def blocks(self) -> Iterator[bytes]:
        """The content, decompressed, in parts of 8 MB at most, some of which may be empty.

        Raises:
          UserError: the file is missing, can't be read, or is damaged.
        """
        try:
            with files.opened(self.path) as file:
                yield from content_blocks(cast(BinaryIO, _Counted(file, self)), self.path)
        except DamagedFileError as error:
            raise self.refused(f"is damaged: {error}; get the file again") from error
        except OSError as error:
            remedy = remedy_of(error, otherwise="give a file that is there, and that this user may read")
            raise self.refused(f"can't be read: {files.reason_of(error)}; {remedy}") from error

    def refused(self, what: str) -> UserError:
        """The error that says what is wrong with the file."""
        return UserError(f"{SETTING}: {self.path} {what}")

    @property
    def sha256(self) -> str:
        """The SHA-256 of what was read so far, as it is stored."""
        return self._digest.hexdigest()

    def count(self, stored: bytes) -> None:
        """Adds bytes to what was read."""
        self.size += len(stored)
        self._digest.update(stored)


class _Counted:
    """What `content_blocks` needs of an open file. It counts what is read."""

    def __init__(self, file: BinaryIO, of: VectorsFile) -> None:
        self._file, self._of = file, of

    def read(self, size: int) -> bytes:
        """The next bytes; none at the end."""
        stored = self._file.read(size)
        self._of.count(stored)
        return stored


def sha256_of(path: str) -> str:
    """The SHA-256 of a file as it is stored.

    Raises:
      OSError: it can't be read.
    """
    digest = hashlib.sha256()
    for part in files.parts(path):
        digest.update(part)
    return digest.hexdigest()

"""A tar archive, compressed or not -> where its files lie, and their bytes.

Nothing but a header's checksum guards a tar. Two blocks of zeros mark its end; without them it is cut. A compressed tar
is unpacked from its beginning whenever it is read; its files count as far as the checksums of the compression reach.
"""

import io
import tarfile
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.archive_listing import Link, Listing, add_file, clean_name
from pipeline.files.forward import ForwardReader
from pipeline.files.gzip_members import read_members
from pipeline.files.member import Member, Storage
from pipeline.files.text_stream import READ_SIZES, compression_of, read_head

_NO_END: Final = "it ends without a tar's end mark, so it is cut"
# What is unpacked at a time.
_PIECE_BYTES: Final = 1 << 20
_ANY_END: Final = 1 << 62


class _Header(tarfile.TarInfo):
    """A header; where the library would end in silence at one that is wrong, this raises an error."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> "_Header":
        """The next header.

        Raises:
          DamagedFileError: there is none, and no end mark either.
        """
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except (tarfile.EmptyHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise DamagedFileError(_NO_END) from error
        except tarfile.HeaderError as error:
            raise DamagedFileError(f"a header in it is wrong ({error})") from error


def list_tar(file: BinaryIO, path: str) -> Listing:
    """The files of a tar: of one that is not compressed the headers are read, of another one all of it.

    Raises:
      UserError: it is no tar, or holds two files of one name.
    """
    content = _Content(file)
    if content.is_stream:
        reader: Any = ForwardReader(content.blocks())
    else:
        reader, content.verified = file, file.seek(0, io.SEEK_END)
        file.seek(0)
    files: dict[str, Member] = {}
    links: list[Link] = []
    others: list[str] = []
    damage = None
    try:
        for header in _headers(reader):
            _add(header, files, links, others, archive=path, is_stream=content.is_stream)
        if content.is_stream:
            reader.seek(_ANY_END)
    except (DamagedFileError, tarfile.ReadError) as error:
        damage = str(error) if isinstance(error, DamagedFileError) else _NO_END
        is_first = not (files or links or others)
        if is_first and isinstance(error.__cause__, tarfile.InvalidHeaderError):  # type: ignore[attr-defined]
            raise UserError(f"input.path: {path} is not a tar archive as its name says; rename it") from error
    damage = str(reader.damage) if content.is_stream and reader.damage else damage
    whole = {name: member for name, member in files.items() if member.offset + member.size <= content.verified}
    if len(whole) < len(files):
        damage = damage or _NO_END
    return Listing(whole, links, others, damage)


def tar_content(file: BinaryIO) -> ForwardReader:
    """What an opened archive unpacks to, from its beginning."""
    return ForwardReader(_Content(file).blocks())


def _headers(reader: Any) -> Iterator[tarfile.TarInfo]:
    with tarfile.open(fileobj=reader, mode="r:", tarinfo=_Header, errorlevel=0) as tar:
        while (header := tar.next()) is not None:
            yield header
            tar.members.clear()  # type: ignore[attr-defined]  # 1 KB for each file of the archive


def _add(
    header: tarfile.TarInfo,
    files: dict[str, Member],
    links: list[Link],
    others: list[str],
    *,
    archive: str,
    is_stream: bool,
) -> None:
    name = clean_name(header.name)
    if header.size < 0:  # older versions of the library let it through
        raise DamagedFileError("a header in it is wrong (a negative size)")
    if header.issym() or header.islnk():
        links.append(Link(name, header.linkname, is_relative=header.issym()))
    elif header.isreg() and not header.issparse():
        storage = Storage.TAR_STREAM if is_stream else Storage.TAR
        add_file(files, name, Member(storage, header.offset_data, header.size, header.size), archive=archive)
    elif not header.isdir():
        others.append(name)


class _Content:
    """The content of an opened archive; verified: how many bytes of it are right by the checksums read so far."""

    def __init__(self, file: BinaryIO) -> None:
        self.verified = 0
        self._file = file
        self._read = 0
        self._compression = compression_of(read_head(file))
        file.seek(0)

    @property
    def is_stream(self) -> bool:
        """Whether the tar is compressed."""
        return self._compression is not None

    def blocks(self) -> Iterator[bytes]:
        """The bytes of the tar, which is compressed.

        Raises:
          DamagedFileError: after the last good block.
        """
        assert self._compression is not None
        stored = iter(lambda: self._file.read(READ_SIZES.stored_block_bytes), b"")
        for piece in read_members(
            stored, self._compression, zeros_may_follow=True, largest_piece=_PIECE_BYTES, ended=self._ended
        ):
            self._read += len(piece)
            yield piece

    def _ended(self, _stored: int) -> None:
        self.verified = self._read

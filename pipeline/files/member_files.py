"""A filesystem -> the same one, in which files of archives can be opened too. Nothing is unpacked into a folder.

Small files of an archive are read several at a time, in the order in which they lie in it, into memory: files are
opened by sorted path, and a compressed tar can only be read from its beginning. Large ones are streams. So a compressed
tar whose files lie in the order of their names is unpacked once; another one once for each 64 MiB that are read of it.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import BinaryIO, Final, Protocol, cast

from pipeline.errors import DamagedFileError
from pipeline.files.archives import list_archive
from pipeline.files.forward import ForwardReader
from pipeline.files.local import FileInfo, Files
from pipeline.files.member import Member, Storage
from pipeline.files.member_slice import MemberSlice
from pipeline.files.member_stream import MemberStream
from pipeline.files.tar_archive import tar_content
from pipeline.files.verified import Beginning
from pipeline.files.zip_archive import zip_blocks

# A file above this size is a stream: to begin with it costs less than to read it.
SMALL_BYTES: Final = 8 << 20
# Small files that wait in memory together. A group of read tasks has as much.
LOADED_BYTES: Final = 64 << 20
_PIECE_BYTES: Final = 1 << 20


class Located(Protocol):
    """What says where a file is: a FileInfo, a ReadTask."""

    @property
    def path(self) -> str:
        """The file's path."""

    @property
    def archive(self) -> str:
        """The archive that holds it; empty: none."""

    @property
    def member(self) -> Member | None:
        """Where it is in the archive."""


@contextmanager
def member_files(located: Iterable[Located], files: Files, *, verified: bool = False) -> Iterator[Files]:
    """Within it, a filesystem for files that are opened in this order; `files` itself if no archive holds any.

    verified: whether a file of a zip is read to its end before it is used, so that nothing is used of one whose
    checksum is wrong.
    """
    listed = [file for file in located if file.archive]
    if not listed:
        yield files
        return
    with ExitStack() as opened:
        yield _MemberFiles(listed, files, opened, verified=verified)


class _MemberFiles:
    """A filesystem over another one; see above. Several threads may open files."""

    def __init__(self, located: Sequence[Located], files: Files, opened: ExitStack, *, verified: bool) -> None:
        self._located = located
        self._numbers = {file.path: number for number, file in enumerate(located)}
        self._files = files
        self._verified = verified
        self._loaded: dict[str, tuple[bytes, str]] = {}
        self._archives = _OpenArchives(files, opened)
        self._lock = Lock()

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that the other filesystem names."""
        return self._files.match(pattern)

    def stamp(self, path: str) -> bytes:
        """The stamp that the other filesystem gives; of a file of an archive that is the archive's."""
        number = self._numbers.get(path)
        return self._files.stamp(path if number is None else self._located[number].archive)

    def open(self, path: str) -> BinaryIO:
        """A file's bytes. After those of a damaged one, reading raises a DamagedFileError."""
        number = self._numbers.get(path)
        if number is None:
            return self._files.open(path)
        file = self._located[number]
        member = file.member
        assert member is not None
        if member.storage == Storage.LOST:
            return _ended(b"", list_archive(file.archive, self._files).damage or "")
        if member.size > SMALL_BYTES:
            return self._stream(file, member)
        with self._lock:
            if path not in self._loaded:
                self._load(number)
            content, damage = self._loaded[path]
        return _ended(b"" if self._verified else content, damage) if damage else io.BytesIO(content)

    def _load(self, first: int) -> None:
        """Reads a small file and those after it that have room, in the order in which they lie in the archive."""
        archive = self._located[first].archive
        self._loaded.clear()
        chosen: list[tuple[Member, str]] = []
        size = 0
        for file in self._located[first:]:
            member = file.member
            if file.archive != archive or member is None or size + member.size > LOADED_BYTES:
                break
            if member.size <= SMALL_BYTES and member.storage != Storage.LOST:
                chosen.append((member, file.path))
                size += member.size
        for member, path in sorted(chosen, key=lambda pair: pair[0].offset):
            self._loaded[path] = self._archives.content(archive, member)

    def _stream(self, file: Located, member: Member) -> BinaryIO:
        if member.can_seek:
            return cast("BinaryIO", MemberSlice(self._files.open(file.archive), member))
        if self._verified and member.storage != Storage.TAR_STREAM:
            with ExitStack() as opened:
                damage = _damage(_blocks(self._files, opened, file.archive, member))
            if damage:
                return _ended(b"", damage)
        return cast(
            "BinaryIO",
            MemberStream(
                lambda opened: _blocks(self._files, opened, file.archive, member), path=file.path, size=member.size
            ),
        )


class _OpenArchives:
    """The archive from which small files are read, open as long as they are of the same one."""

    def __init__(self, files: Files, opened: ExitStack) -> None:
        self._files = files
        self._opened = opened
        self._path = ""
        self._file: BinaryIO | None = None
        self._content: ForwardReader | None = None

    def content(self, path: str, member: Member) -> tuple[bytes, str]:
        """The bytes of a file, and what is wrong after them; empty: nothing."""
        file = self._file
        if file is None or path != self._path:
            self._opened.close()
            file = self._opened.enter_context(self._files.open(path))
            self._path, self._file, self._content = path, file, None
        content = b""
        try:
            if member.storage == Storage.TAR_STREAM:
                content = self._from_content(file, member)
            elif member.storage == Storage.TAR:
                content = b"".join(_tar_blocks(file, member))
            else:
                for block in zip_blocks(file, member):
                    content += block
        except DamagedFileError as error:
            return content, str(error)
        return content, ""

    def _from_content(self, file: BinaryIO, member: Member) -> bytes:
        if self._content is None or self._content.tell() > member.offset:
            file.seek(0)
            self._content = tar_content(file)
        return b"".join(_stream_blocks(self._content, member))


def _blocks(files: Files, opened: ExitStack, archive: str, member: Member) -> Iterator[bytes]:
    file = opened.enter_context(files.open(archive))
    if member.storage == Storage.TAR_STREAM:
        return _stream_blocks(tar_content(file), member)
    return zip_blocks(file, member)


def _stream_blocks(content: ForwardReader, member: Member) -> Iterator[bytes]:
    content.seek(member.offset)
    return _sized_blocks(content, member.size)


def _tar_blocks(file: BinaryIO, member: Member) -> Iterator[bytes]:
    file.seek(member.offset)
    return _sized_blocks(file, member.size)


def _sized_blocks(file: BinaryIO | ForwardReader, size: int) -> Iterator[bytes]:
    while size:
        block = file.read(min(size, _PIECE_BYTES))
        if not block:
            raise DamagedFileError("the archive ends before it")
        size -= len(block)
        yield block


def _damage(blocks: Iterator[bytes]) -> str:
    try:
        for _ in blocks:
            pass
    except DamagedFileError as error:
        return str(error)
    return ""


def _ended(content: bytes, damage: str) -> BinaryIO:
    return cast("BinaryIO", Beginning(io.BytesIO(content), len(content), damage))

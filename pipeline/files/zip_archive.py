"""A zip archive -> where its files lie, and their bytes, with their checksums compared.

The directory at a zip's end names its files; so it is read by seeking, and a zip that is cut has none. What a file
unpacks to is bounded by what the directory says of its size.
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.archive_listing import Listing, add_file, clean_name
from pipeline.files.gzip_members import MemberFormat, read_members
from pipeline.files.member import Member, Storage
from pipeline.files.text_stream import READ_SIZES, read_up_to

_STORAGES: Final = {zipfile.ZIP_STORED: Storage.STORED, zipfile.ZIP_DEFLATED: Storage.DEFLATED}
_BEGINS: Final = (b"PK\x03\x04", b"PK\x05\x06")
# A file's header in front of it: the signature, and after other numbers the lengths of its name and of what is added.
_HEADER_BYTES: Final = 30
# What ends the directory, without a comment of up to 65,535 bytes. It has 2 bytes for the number of entries; of more
# than fit, some programs write the rest modulo 65,536, and others 65,535.
_END_BYTES: Final = 22
_MANY: Final = 0xFFFF
_IS_ENCRYPTED: Final = 1
_IS_UTF8: Final = 0x800
_DEFLATE: Final = MemberFormat("deflate", (), new_member=lambda: zlib.decompressobj(wbits=-zlib.MAX_WBITS))
# Bytes of a file that are given at a time.
_PIECE_BYTES: Final = 1 << 20


def list_zip(file: BinaryIO, path: str) -> Listing:
    """The files of a zip.

    Raises:
      UserError: it is no zip; or a file in it is encrypted, packed in another way, or has the name of another one.
    """
    head = read_up_to(file, len(_BEGINS[0]))
    file.seek(0)
    files: dict[str, Member] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
        count = _count(file)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        if head and not head.startswith(_BEGINS):
            raise UserError(f"input.path: {path} is not a zip archive as its name says; rename it") from error
        return Listing({}, [], [], f"no directory of its files is at its end ({error})")
    if any(entry.header_offset < 0 for entry in entries):
        return Listing({}, [], [], "the directory at its end is of a longer archive")
    if count not in (_MANY, len(entries) & _MANY):
        return Listing({}, [], [], f"the directory at its end lists {len(entries)} files, and should list {count}")
    for entry in entries:
        if not entry.is_dir():
            _check(entry, path)
            name = entry.orig_filename.encode("utf-8" if entry.flag_bits & _IS_UTF8 else "cp437")
            member = Member(
                _STORAGES[entry.compress_type], entry.header_offset, entry.compress_size, entry.file_size, entry.CRC,
                zlib.crc32(name),
            )  # fmt: skip
            add_file(files, _name(entry), member, archive=path)
    return Listing(files, [], [], None)


def zip_blocks(file: BinaryIO, member: Member) -> Iterator[bytes]:
    """The bytes of a file of an opened archive.

    Raises:
      DamagedFileError: after the last block: its checksum is wrong, or it can't be unpacked.
    """
    file.seek(member.offset)
    header = read_up_to(file, _HEADER_BYTES)
    name = read_up_to(file, int.from_bytes(header[26:28], "little"))
    if not header.startswith(_BEGINS[0]) or zlib.crc32(name) != member.name_crc:
        raise DamagedFileError("its header in the zip archive is not what the directory says")
    file.seek(int.from_bytes(header[28:30], "little"), 1)
    pieces = _stored(file, member.stored)
    if member.storage == Storage.DEFLATED:
        pieces = read_members(pieces, _DEFLATE, zeros_may_follow=False, largest_piece=_PIECE_BYTES)
    size = crc = 0
    for piece in pieces:
        size += len(piece)
        crc = zlib.crc32(piece, crc)
        if size > member.size:
            raise DamagedFileError("it is longer than the zip archive's directory says")
        yield piece
    if (size, crc) != (member.size, member.crc):
        raise DamagedFileError("its checksum in the zip archive is wrong")


def _count(file: BinaryIO) -> int:
    """The number of entries by the end of the directory; the library reads entries as far as they seem to go."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_BYTES - _MANY))
    end = file.read()
    at = end.rfind(_BEGINS[1])
    return int.from_bytes(end[at + 10 : at + 12], "little") if at >= 0 else _MANY


def _stored(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size and (block := file.read(min(size, READ_SIZES.stored_block_bytes))):
        size -= len(block)
        yield block


def _check(entry: zipfile.ZipInfo, path: str) -> None:
    if entry.flag_bits & _IS_ENCRYPTED:
        raise UserError(
            f"input.path: {entry.filename} in {path} is encrypted; unpack the archive with its password and give the "
            "folder"
        )
    if entry.compress_type not in _STORAGES:
        kind = zipfile.compressor_names.get(entry.compress_type, entry.compress_type)  # type: ignore[attr-defined]
        raise UserError(
            f"input.path: {entry.filename} in {path} is packed in a way that is not read here ({kind}); unpack the "
            "archive and give the folder, or pack it with deflate"
        )


def _name(entry: zipfile.ZipInfo) -> str:
    """The name of an entry. Some programs write UTF-8 without saying so, and some of Windows write backslashes."""
    name = entry.filename
    if not entry.flag_bits & _IS_UTF8 and not name.isascii():
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return clean_name(name if "/" in name else name.replace("\\", "/"))

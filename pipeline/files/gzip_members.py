"""The stored bytes of a compressed file -> its content, one gzip member after the other.

zstd's frames and the streams of bzip2 and xz are members too. All four formats allow several of them in a file:
`cat a.gz b.gz` makes such a file, and so do bgzip and pbzip2. Our own shards have a member every 4 MB. One reader
serves users' files and shards. They differ in what may follow a member and in the size of the pieces that it gives out.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, Protocol

import zstandard

from pipeline.errors import DamagedFileError
from pipeline.files import whole_streams, zstd_frames

_GZIP_WBITS: Final = 16 + zlib.MAX_WBITS  # zlib's number for a gzip header and the largest window


class Member(Protocol):
    """The state of one member's decompressor: what all of them have in common."""

    @property
    def eof(self) -> bool:
        """Whether the member is complete."""

    @property
    def unused_data(self) -> bytes:
        """The stored bytes after the member."""

    @property
    def unconsumed_tail(self) -> bytes:
        """The stored bytes of the member that wait because the last piece was as large as it may be."""


class MemberFormat(NamedTuple):
    """A compression whose files are made of members.

    magics: how a member may begin. new_member: makes a decompressor. decompress(member, stored, largest): the
    content of the next stored bytes, at most `largest` bytes. Except for zstd 0 is no limit; zstd gives one block more.
    waits: whether a member has more content of the bytes that it was given, although they are not in unconsumed_tail.
    """

    name: str
    magics: tuple[bytes, ...]
    new_member: Callable[[], Member]
    decompress: Callable[[Any, bytes, int], bytes] = lambda member, stored, largest: member.decompress(stored, largest)
    waits: Callable[[Any], bool] = lambda _: False


GZIP: Final = MemberFormat("gzip", (b"\x1f\x8b",), new_member=lambda: zlib.decompressobj(wbits=_GZIP_WBITS))
# zlib has no mark: two bytes of its header, of which other files begin with some too. So only TFRecord looks for it.
ZLIB: Final = MemberFormat("zlib", (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"), new_member=zlib.decompressobj)
ZSTD: Final = MemberFormat("zstd", zstd_frames.MAGICS, new_member=zstd_frames.ZstdFrame)
BZIP2: Final = MemberFormat(
    "bzip2",
    whole_streams.BZIP2_MAGICS,
    new_member=whole_streams.bzip2_stream,
    waits=lambda member: member.waits,
)
XZ: Final = MemberFormat(
    "xz", (whole_streams.XZ_MAGIC,), new_member=whole_streams.xz_stream, waits=lambda member: member.waits
)


def read_members(
    stored: Iterable[bytes],
    compression: MemberFormat,
    *,
    zeros_may_follow: bool,
    largest_piece: int = 0,
    ended: Callable[[int], None] = lambda _: None,
) -> Iterator[bytes]:
    r"""The content of all members in order, in pieces, some of which may be empty.

    stored: the bytes of the file, in blocks cut anywhere.
    zeros_may_follow: zero bytes after a member are padding, which tapes and disks add and gzip itself allows. If false,
      bytes after a member that do not begin another one are damage.
    largest_piece: the most bytes of a piece, see MemberFormat. 0, not for zstd: a piece is all that a block of
      `stored` gives, which is up to 1000 times the block for gzip.
    ended: called at the end of each member, whose checksum is right, with the number of stored bytes up to there.

    Raises:
      DamagedFileError: after the last good piece.

    >>> import gzip
    >>> b"".join(read_members([gzip.compress(b"one "), gzip.compress(b"file") + b"\0"], GZIP, zeros_may_follow=True))
    b'one file'
    """
    member: Member | None = None
    members = read = 0
    for block in stored:
        rest = block
        read += len(block)
        while rest or (member is not None and compression.waits(member)):
            if member is None:
                if members and zeros_may_follow:
                    rest = rest.lstrip(b"\0")
                    if not rest:
                        break
                # The other bytes of the magic number may be in the next block; the decompressor checks them.
                elif members and not rest.startswith(tuple(magic[:1] for magic in compression.magics)):
                    raise DamagedFileError(f"other bytes follow the {compression.name} stream")
                member = compression.new_member()
                members += 1
            try:
                content = compression.decompress(member, rest, largest_piece)
            except (zlib.error, zstandard.ZstdError) as error:
                raise DamagedFileError(f"the {compression.name} stream is damaged ({error})") from error
            yield content
            rest = member.unconsumed_tail or member.unused_data
            if member.eof:
                member = None
                ended(read - len(rest))
    if member is not None or not members:
        raise DamagedFileError(f"the file ends before its {compression.name} stream does")

"""pipeline.files.gzip_members: the same content wherever stored bytes are cut, and each damage is named."""

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DamagedFileError
from pipeline.files import whole_streams
from pipeline.files.gzip_members import BZIP2, GZIP, XZ, ZSTD, MemberFormat, read_members

A, B = gzip.compress(b"one ", mtime=0), gzip.compress(b"file", mtime=0)
FRAMES = zstandard.compress(b"one ") + zstandard.compress(b"file")
# A frame that holds no content, as pzstd writes it.
SKIPPED = bytes.fromhex("532a4d18 05000000") + b"other"
CHECKED = zstandard.ZstdCompressor(write_checksum=True).compress(b"one ")
LONG = bytes(300_000) + bytes(range(256)) * 9
PACKER = zstandard.ZstdCompressor().compressobj()  # does not know the size of the content
STREAMED = PACKER.compress(LONG) + PACKER.flush()
# The header of `zstd --long=30`, and one block with one byte in it.
HUGE_WINDOW = bytes.fromhex("28b52ffd 00 a0 090000") + b"x"
OTHER_BYTES = "other bytes follow the gzip stream"
TOO_SHORT = "the file ends before its gzip stream does"
HEADER = "the gzip stream is damaged (Error -3 while decompressing data: incorrect header check)"

# stored bytes, compression, whether zeros may follow -> content, how the message of the damage begins
FILES = [
    (A, GZIP, False, b"one ", None),
    (A + B, GZIP, False, b"one file", None),
    (A + gzip.compress(b"") + B, GZIP, False, b"one file", None),
    (A + B + bytes(9), GZIP, True, b"one file", None),
    (A + bytes(9) + B, GZIP, True, b"one file", None),
    (A + B + bytes(9), GZIP, False, b"one file", OTHER_BYTES),
    (A + b"text", GZIP, False, b"one ", OTHER_BYTES),
    (A + b"text", GZIP, True, b"one ", HEADER),
    (A + B[:-1], GZIP, True, b"one file", TOO_SHORT),
    (A + B[:-1], GZIP, False, b"one file", TOO_SHORT),
    (A + b"\x1f", GZIP, False, b"one ", TOO_SHORT),
    (b"", GZIP, False, b"", TOO_SHORT),
    (b"text", GZIP, False, b"", HEADER),
    (FRAMES, ZSTD, True, b"one file", None),
    (FRAMES + bytes(9), ZSTD, True, b"one file", None),
    (FRAMES + SKIPPED + FRAMES, ZSTD, True, b"one fileone file", None),
    (CHECKED + STREAMED + CHECKED, ZSTD, False, b"one " + LONG + b"one ", None),
    (STREAMED[:-9] + b"\xff" * 9, ZSTD, True, None, "the zstd stream is damaged ("),
    (
        FRAMES + b"text",
        ZSTD,
        True,
        b"one file",
        "the zstd stream is damaged (",
    ),
    (HUGE_WINDOW, ZSTD, True, b"", "its zstd window is above 512 MiB; pack the file with --long=29 or less"),
    (FRAMES[:-1], ZSTD, True, None, "the file ends before its zstd stream does"),
    (bz2.compress(b"one ") + bz2.compress(b"file"), BZIP2, True, b"one file", None),
    (bz2.compress(b"") + bz2.compress(LONG) + bytes(7), BZIP2, True, LONG, None),
    (bz2.compress(b"one ") + b"text", BZIP2, False, b"one ", "other bytes follow the bzip2 stream"),
    (bz2.compress(b"one ")[:-1], BZIP2, True, b"one ", "the file ends before its bzip2 stream does"),
    (lzma.compress(b"one ") + bytes(4) + lzma.compress(b"file"), XZ, True, b"one file", None),
    (lzma.compress(LONG) + lzma.compress(LONG, check=lzma.CHECK_SHA256), XZ, False, LONG + LONG, None),
    (lzma.compress(b"one ")[:-1], XZ, True, b"one ", "the file ends before its xz stream does"),
    (lzma.compress(b"one ", format=lzma.FORMAT_ALONE), XZ, True, b"", "the xz stream is damaged (Input format not"),
]


def content_and_damage(pieces: Iterator[bytes]) -> tuple[bytes, str | None]:
    content = b""
    try:
        for piece in pieces:
            content += piece
    except DamagedFileError as damage:
        return content, str(damage)
    return content, None


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize(("stored", "compression", "zeros_may_follow", "content", "damage"), FILES)
def test_gzip_members_give_the_same_wherever_blocks_are_cut(
    stored: bytes,
    compression: MemberFormat,
    zeros_may_follow: bool,
    content: bytes | None,
    damage: str | None,
    size: int,
) -> None:
    blocks = [stored[at : at + size] for at in range(0, len(stored), size)]
    got, why = content_and_damage(read_members(blocks, compression, zeros_may_follow=zeros_may_follow))
    assert (why is None) == (damage is None)
    assert (why or "").startswith(damage or "")
    assert content is None or got == content


def test_gzip_members_of_a_wrong_checksum_are_damaged() -> None:
    wrong = A[:-8] + bytes(4) + A[-4:]
    for size in (1, 1000):
        blocks = [wrong[at : at + size] for at in range(0, len(wrong), size)]
        _, why = content_and_damage(read_members(blocks, GZIP, zeros_may_follow=False))
        assert why == "the gzip stream is damaged (Error -3 while decompressing data: incorrect data check)"


def test_gzip_members_give_no_piece_above_the_limit() -> None:
    stored = gzip.compress(bytes(1000)) + gzip.compress(b"x" * 950)
    pieces = list(read_members([stored], GZIP, zeros_may_follow=False, largest_piece=300))
    assert [len(piece) for piece in pieces if piece] == [300, 300, 300, 100, 300, 300, 300, 50]
    assert b"".join(pieces) == bytes(1000) + b"x" * 950


@pytest.mark.parametrize("size", [2_000, 1 << 20])
def test_gzip_members_unpack_a_bounded_piece_of_zstd(size: int) -> None:
    stored = bytes.fromhex("28b52ffd 00 58") + bytes.fromhex("020010 00") * 5000 + bytes.fromhex("030010 00")
    blocks = [stored[at : at + size] for at in range(0, len(stored), size)]  # of 131,072 zeros in 4 bytes each
    sizes = [len(piece) for piece in read_members(blocks, ZSTD, zeros_may_follow=True, largest_piece=1 << 20)]
    assert sum(sizes) == 5001 * 131_072
    assert max(sizes) <= (1 << 20) + 131_072


@settings(deadline=None)
@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), st.integers(1, 5000), st.integers(1, 4000))
@pytest.mark.parametrize(("compression", "compress"), [(BZIP2, bz2.compress), (XZ, lzma.compress)])
def test_gzip_members_of_bzip2_and_xz_give_what_was_packed(
    compression: MemberFormat, compress: Callable[[bytes], bytes], parts: list[bytes], size: int, largest: int
) -> None:
    stored = b"".join(map(compress, parts))
    blocks = [stored[at : at + size] for at in range(0, len(stored), size)]
    pieces = list(read_members(blocks, compression, zeros_may_follow=True, largest_piece=largest))
    assert b"".join(pieces) == b"".join(parts)
    assert max(map(len, pieces)) <= largest


@pytest.mark.parametrize(("compression", "compress"), [(BZIP2, bz2.compress), (XZ, lzma.compress)])
def test_gzip_members_unpack_a_bounded_piece_of_bzip2_and_xz(
    compression: MemberFormat, compress: Callable[[bytes], bytes]
) -> None:
    stored = compress(bytes(50_000_000))
    assert len(stored) < 10_000
    pieces = read_members([stored + stored], compression, zeros_may_follow=True, largest_piece=1 << 20)
    sizes = [len(piece) for piece in pieces]
    assert (sum(sizes), max(sizes)) == (100_000_000, 1 << 20)


def test_gzip_members_do_not_take_the_memory_that_a_small_xz_file_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_streams, "XZ_MEMORY_BYTES", 1 << 20)
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 16 << 20}]
    got = content_and_damage(read_members([lzma.compress(b"one", filters=filters)], XZ, zeros_may_follow=True))
    assert got == (b"", "its xz dictionary is above 1 MiB; pack the file with a smaller one")

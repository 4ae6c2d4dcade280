"""Blocks on their way between stages: records from where they are encoded to where their shard is written, and tokens
from the first pass to the second (job/token_store.py).

A block is in numbered pieces; one of records is what a bundle has together of one shard, and its pieces have the number
of their sub-range (records/shuffle.py). What crosses the shuffle is either the block itself, or, where blocks wait on
this machine's disk, a reference to it:

    pieces, uint8 | of each: number uint8, bytes uint64, CRC-32C uint32 | the pieces
    pieces, uint8 | the same                                            | offset uint64, name of the file

A bundle of records, or a group of read tasks, has one file, and its references are seen by nobody unless it ends well;
a runner may repeat it as it likes.
"""

import contextlib
import os
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import google_crc32c
import numpy as np

_ENTRY = np.dtype([("number", "u1"), ("bytes", "<u8"), ("crc", "<u4")])
_OFFSET_BYTES = 8


class Blocks:
    """The blocks of one bundle or group; folder: where they wait, None where they cross the shuffle themselves."""

    def __init__(self, folder: str | None) -> None:
        self._path = None if folder is None else f"{folder}/{uuid.uuid4().hex}"

    def put(self, pieces: Sequence[tuple[int, bytes]]) -> bytes:
        """(number, piece) of one block -> what crosses the shuffle for it.

        Raises:
          OSError: there is no room for it; names the file.

        >>> block = Blocks(None).put([(0, b"a"), (3, b"bc")])
        >>> list(Arrived([block], None).pieces(3))
        [b'bc']
        """
        entries = [(number, len(piece), google_crc32c.value(piece)) for number, piece in pieces]
        index = bytes([len(entries)]) + np.array(entries, _ENTRY).tobytes()
        content = b"".join(piece for _, piece in pieces)
        if self._path is None:
            return index + content
        # The folder is there already: the late thread of a run that was interrupted must not make it again.
        with _naming(self._path), open(self._path, "ab") as file:
            offset = file.tell()
            file.write(content)
        return index + offset.to_bytes(_OFFSET_BYTES, "little") + os.path.basename(self._path).encode()


class _Piece(NamedTuple):
    """Where a piece lies: in a block that arrived, or in a file."""

    place: bytes | str
    offset: int
    bytes: int
    crc: int


class Arrived:
    """Some blocks, all of a shard or one of tokens, as they come out of the shuffle."""

    def __init__(self, blocks: Iterable[bytes], folder: str | None) -> None:
        self._pieces: defaultdict[int, list[_Piece]] = defaultdict(list)
        for block in blocks:
            begin = 1 + block[0] * _ENTRY.itemsize
            place: bytes | str = block
            if folder is not None:
                place = f"{folder}/{block[begin + _OFFSET_BYTES :].decode()}"
                begin = int.from_bytes(block[begin : begin + _OFFSET_BYTES], "little")
            for number, size, crc in np.frombuffer(block, _ENTRY, block[0], 1).tolist():
                self._pieces[number].append(_Piece(place, begin, size, crc))
                begin += size

    def pieces(self, number: int) -> Iterator[bytes]:
        """The pieces of a number, once; each is given up as it is taken, and read as it is asked for.

        Raises:
          OSError: a piece is not what it was; names the file.
        """
        left = self._pieces.pop(number, [])[::-1]
        while left:
            piece = left.pop()
            content = _content(piece)
            if len(content) != piece.bytes or google_crc32c.value(content) != piece.crc:
                where = piece.place if isinstance(piece.place, str) else "what crossed the shuffle"
                raise OSError(
                    f"{where} is damaged: it does not hold at byte {piece.offset} the {piece.bytes} bytes that "
                    "were put there"
                )
            yield content


def _content(piece: _Piece) -> bytes:
    if isinstance(piece.place, bytes):
        return piece.place[piece.offset : piece.offset + piece.bytes]
    # Opened for each piece: a shard has pieces in as many files as there are bundles, too many to hold them open.
    with open(piece.place, "rb") as file:
        file.seek(piece.offset)
        return file.read(piece.bytes)


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Errors within it name the file, which those of writing don't."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error

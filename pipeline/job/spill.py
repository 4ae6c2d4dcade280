"""Blocks on their way from one stage to a later one: spilled to the local disk, or through the runner's shuffle.

A block holds records on their way from the encoder to the writer of their shard. It consists of numbered pieces, one
for each sort range (records/shuffle.py). What crosses the shuffle is the block itself, or, with a spill folder, a
reference to it:

    block      pieces, uint8 | of each piece: number uint8, bytes uint64, CRC-32C uint32 | the pieces
    reference  pieces, uint8 | of each piece: the same                                  | offset uint64, name of a file

Each bundle writes its own file. If it fails, its references are discarded, so a retry cannot mix with the first
attempt.
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


class BlockWriter:
    """Writes the blocks of one bundle; folder: where to spill them, None to send them themselves."""

    def __init__(self, folder: str | None) -> None:
        self._path = None if folder is None else f"{folder}/{uuid.uuid4().hex}"

    def write(self, pieces: Sequence[tuple[int, bytes]]) -> bytes:
        """(number, piece) of one block -> what crosses the shuffle for it.

        Raises:
          OSError: the disk is full; the error names the file.

        >>> block = BlockWriter(None).write([(0, b"a"), (3, b"bc")])
        >>> list(BlockReader([block], None).pieces(3))
        [b'bc']
        """
        entries = [(number, len(piece), google_crc32c.value(piece)) for number, piece in pieces]
        index = bytes([len(entries)]) + np.array(entries, _ENTRY).tobytes()
        content = b"".join(piece for _, piece in pieces)
        if self._path is None:
            return index + content
        # The folder exists already. A thread that is late in an interrupted run must not make it again.
        with naming(self._path), open(self._path, "ab") as file:
            offset = file.tell()
            file.write(content)
        return index + offset.to_bytes(_OFFSET_BYTES, "little") + os.path.basename(self._path).encode()


class _Piece(NamedTuple):
    """A piece that was not read yet; source: the block that holds it, or the path of a file."""

    source: bytes | str
    offset: int
    bytes: int
    crc: int


class BlockReader:
    """Reads all blocks of a shard; blocks: what crossed the shuffle for them.

    Raises:
      FileNotFoundError: the folder is gone. A worker thread that goes on after an interrupted run has removed it must
        fail before it writes, or it would make the staging folder again.
    """

    def __init__(self, blocks: Iterable[bytes], folder: str | None) -> None:
        if folder is not None:
            os.stat(folder)
        self._pieces: defaultdict[int, list[_Piece]] = defaultdict(list)
        for block in blocks:
            begin = 1 + block[0] * _ENTRY.itemsize
            source: bytes | str = block
            if folder is not None:
                source = f"{folder}/{block[begin + _OFFSET_BYTES :].decode()}"
                begin = int.from_bytes(block[begin : begin + _OFFSET_BYTES], "little")
            for number, size, crc in np.frombuffer(block, _ENTRY, block[0], 1).tolist():
                self._pieces[number].append(_Piece(source, begin, size, crc))
                begin += size

    def pieces(self, number: int) -> Iterator[bytes]:
        """The pieces with a number, of each block that has one. Each is read when it is asked for, and only once.

        Raises:
          OSError: a piece is damaged or its file is gone; the error names the file.
        """
        left = self._pieces.pop(number, [])[::-1]
        while left:
            piece = left.pop()
            content = _content(piece)
            if len(content) != piece.bytes or google_crc32c.value(content) != piece.crc:
                where = piece.source if isinstance(piece.source, str) else "what crossed the shuffle"
                raise OSError(
                    f"{where} is damaged: it does not hold at byte {piece.offset} the {piece.bytes} bytes that "
                    "were put there"
                )
            yield content


def _content(piece: _Piece) -> bytes:
    if isinstance(piece.source, bytes):
        return piece.source[piece.offset : piece.offset + piece.bytes]
    # Opened for each piece: a shard has pieces in as many files as there are bundles, too many to keep them open.
    with open(piece.source, "rb") as file:
        file.seek(piece.offset)
        return file.read(piece.bytes)


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Within it, errors name the file; those that a write raises do not by themselves.

    Errors of a store's client have no number, and say why in their text alone.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise OSError(f"{path}: {error}") from error
        raise OSError(error.errno, error.strerror, path) from error

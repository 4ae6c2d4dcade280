"""word2vec's binary format -> the vectors of the words that are looked for.

Each vector is the word, a space and little-endian float32 numbers. Mikolov's own tool writes a line feed after the
numbers, gensim none.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from pipeline.support.printable import quote_start
from trainer.word_vectors.found import Found
from trainer.word_vectors.layout import Layout
from trainer.word_vectors.text_lines import LineError

# A longer word is none: the vectors have another length than the header says.
_WORD_BYTES: Final = 1 << 16
_LINE_FEED: Final = ord("\n")


def read_binary(blocks: Iterator[bytes], layout: Layout, found: Found) -> None:
    """Reads all vectors. blocks: the content after the header.

    Raises:
      LineError: the file ends too early or too late, or a number is infinite or NaN.
    """
    vectors, dim, get = layout.vectors or 0, layout.dim, found.rows.get
    buffer, at = b"", 0
    rows: list[int] = []
    for number in range(vectors):
        space = buffer.find(b" ", at)
        while space < 0 or space + 1 + 4 * dim > len(buffer):
            if space < 0 and len(buffer) - at > _WORD_BYTES:
                raise LineError(f"has no word where vector {number + 1:,} begins; are its vectors of {dim:,} numbers?")
            block = next(blocks, None)
            if block is None:
                raise LineError(
                    f"ends within vector {number + 1:,} of the {vectors:,} vectors of {dim:,} numbers that its first "
                    "line says; get the file again"
                )
            buffer, at = buffer[at:] + block, 0
            space = buffer.find(b" ")
        if buffer[at] == _LINE_FEED:
            at += 1
        row = get(buffer[at:space])
        if row is not None and found.is_new(row, buffer[at:space]):
            found.table[row] = np.frombuffer(buffer, "<f4", dim, space + 1)
            rows.append(row)
        at = space + 1 + 4 * dim
    found.vectors = vectors
    rest = buffer[at:] + b"".join(blocks_up_to(blocks, 1 << 20))
    if rest.strip(b"\n"):
        raise LineError(
            f"has more bytes after the {vectors:,} vectors of {dim:,} numbers that its first line says; "
            "get the file again"
        )
    taken = np.array(rows, np.int64)
    if rows and (other := found.first_infinite(taken)) is not None:
        words = {row: word for word, row in found.rows.items()}
        word = quote_start(words[rows[other[0]]])
        raise LineError(f"has {other[1]} as a number of {word}; get the file again")


def blocks_up_to(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The blocks up to the one with which they have `size` bytes.

    >>> list(blocks_up_to(iter([b"ab", b"cd", b"ef"]), 3))
    [b'ab', b'cd']
    """
    for block in blocks:
        yield block
        size -= len(block)
        if size <= 0:
            return

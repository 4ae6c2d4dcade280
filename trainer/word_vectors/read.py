"""The path of a file of word vectors + words -> the vectors of these words that the file has.

The file is read once, in parts of 8 MB. Of 2 GB with 300 numbers a vector and a vocabulary of 30,000 words no more than
the 36 MB of the vocabulary's own vectors is kept.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainer.word_vectors.binary import read_binary
from trainer.word_vectors.found import Found
from trainer.word_vectors.layout import HEAD_BYTES, Layout, NotVectorsError, layout_of
from trainer.word_vectors.source import VectorsFile
from trainer.word_vectors.text_lines import LineError, read_text

_UTF8_MARK = b"\xef\xbb\xbf"


class ReadVectors(NamedTuple):
    """table: float32 [ids, dim], zeros where nothing was found. has_vector: bool [ids]. repeated: words that the file
    has more than once, of which the first vector counts. vectors: of the file. size, sha256: of what is stored.
    """

    table: npt.NDArray[np.float32]
    has_vector: npt.NDArray[np.bool_]
    layout: Layout
    vectors: int
    repeated: list[bytes]
    size: int
    sha256: str


def read_vectors(path: str, rows: Mapping[bytes, int], *, ids: int, dim: int) -> ReadVectors:
    """Reads a file once.

    rows: word, UTF-8 -> its id; ids: rows of the table; dim: the length that vectors must have (model.embedding_dim).

    Raises:
      UserError: it can't be read, is damaged or cut, is no file of word vectors, or its vectors have another length.
    """
    file = VectorsFile(path)
    try:
        head, blocks = _with_head(file.blocks())
        layout = layout_of(head)
        if layout.dim != dim:
            raise file.refused(
                f"has vectors of {layout.dim:,} numbers, but model.embedding_dim is {dim:,}; set model.embedding_dim "
                f"to {layout.dim}"
            )
        found = Found(rows, ids=ids, dim=dim)
        content = itertools.chain([head[layout.header_bytes :]], blocks)
        (read_binary if layout.format == "word2vec binary" else read_text)(content, layout, found)
    except (NotVectorsError, LineError) as error:
        raise file.refused(str(error)) from error
    return ReadVectors(
        found.table, found.has_vector, layout, found.vectors, found.repeated, size=file.size, sha256=file.sha256
    )


def _with_head(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, which have two lines or are HEAD_BYTES or are all there is; and the blocks after them."""
    head = b""
    for block in blocks:
        head += block
        if head.count(b"\n") >= 2 or len(head) >= HEAD_BYTES:
            break
    return head.removeprefix(_UTF8_MARK), blocks

r"""The first bytes of a file of word vectors -> its format, and the length of its vectors.

GloVe text        the 0.418 0.24968 ...\n          no header; a word may have spaces in it
word2vec text     400000 50\nthe 0.418 ...\n       number of vectors, their length; fastText's .vec is the same
word2vec binary   400000 50\nthe \x00\x12...       a word, a space and little-endian float32 numbers; perhaps \n
"""

import re
from typing import Final, Literal, NamedTuple

from pipeline.support.printable import quote_start

Format = Literal["GloVe text", "word2vec text", "word2vec binary"]

# The most bytes of a line that are looked at: 4,096 numbers of 20 characters have 80 KB.
HEAD_BYTES: Final = 1 << 20
_HEADER: Final = re.compile(rb"(\d{1,18})[ \t]+(\d{1,9})[ \t]*\r?")
_NUMBER: Final = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf|infinity)", re.IGNORECASE)
# What text of numbers is made of. 16 bytes of float32 numbers are never made of these bytes alone.
_NUMBER_BYTES: Final = frozenset(b"0123456789+-.eE \t\r\nnaifNAIF")
_LOOKED_AT_BYTES: Final = 16

# How files of other kinds begin, and what to do with them.
_OTHERS: Final = {
    b"PK\x03\x04": "is a zip; unpack it, and give the file in it",
    b"\x80": "is a pickle, which only the program that wrote it should load; in gensim, save it with "
    "`KeyedVectors.save_word2vec_format`",
    b"\xba\x16\x4f\x2f": "is a model of fastText, with vectors of parts of words; give the .vec that fastText writes "
    "beside it",
    b"\x93NUMPY": "is an array of NumPy, without words; give a file that has the words too",
}
_KINDS: Final = "give GloVe text, word2vec text or binary, or a fastText .vec"


class NotVectorsError(Exception):
    """The file is of another kind; the message says of which, and what to do, without naming the file."""


class Layout(NamedTuple):
    """What a file is. dim: numbers of a vector. vectors: how many its header says; None: it has no header.

    header_bytes: before the first vector.
    """

    format: Format
    dim: int
    vectors: int | None
    header_bytes: int


def layout_of(head: bytes) -> Layout:
    r"""The format of a file that begins with these bytes: its first two lines, or HEAD_BYTES of them, or all there is.

    Raises:
      NotVectorsError: it is no file of word vectors.

    >>> layout_of(b"the 0.5 -1e-3\nof 1 2\n")
    Layout(format='GloVe text', dim=2, vectors=None, header_bytes=0)
    >>> layout_of(b"2 3\nthe 0.5 -1e-3 0 \nof 1 2 3 \n")
    Layout(format='word2vec text', dim=3, vectors=2, header_bytes=4)
    >>> layout_of(b"1 1\nthe \x00\x00\x80\x3f").format
    'word2vec binary'
    """
    if not head:
        raise NotVectorsError(f"is empty; {_KINDS}")
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise NotVectorsError(what)
    line, _, rest = head.partition(b"\n")
    if header := _HEADER.fullmatch(line):
        vectors, dim = int(header[1]), int(header[2])
        if not dim or not vectors:
            raise NotVectorsError(f"has the header {quote_start(line)}, so it has no vectors; {_KINDS}")
        return Layout("word2vec text" if _is_text(rest, dim=dim) else "word2vec binary", dim, vectors, len(line) + 1)
    fields = line.rstrip(b" \t\r").split(b" ")
    dim = 0
    while dim < len(fields) - 1 and _NUMBER.fullmatch(fields[-1 - dim]):
        dim += 1
    if dim < 2:
        raise NotVectorsError(f"is not a file of word vectors: it begins with {quote_start(line)}; {_KINDS}")
    return Layout("GloVe text", dim, None, 0)


def is_number(field: bytes) -> bool:
    """Whether a field of a line is a number, as text.

    >>> is_number(b"-1.5e-05"), is_number(b"nan"), is_number(b"."), is_number(b"a@b.c")
    (True, True, False, False)
    """
    return _NUMBER.fullmatch(field) is not None


def _is_text(rest: bytes, *, dim: int) -> bool:
    """Whether what follows the header is text: the bytes after the first word of the line are those of numbers."""
    begin = rest.lstrip(b"\n").partition(b"\n")[0].partition(b" ")[2][:_LOOKED_AT_BYTES]
    shortest = min(_LOOKED_AT_BYTES, 2 * dim - 1)  # a line feed may be a byte of a binary number
    return len(begin) >= shortest and all(byte in _NUMBER_BYTES for byte in begin)

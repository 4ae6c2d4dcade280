"""Words and their vectors -> a file in word2vec's text or binary format, which `embedding.from` and gensim read."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

# Numbers of a float32 with so many digits are read as the same float32.
_DIGITS: Final = "%.9g"
_VECTORS_AT_ONCE: Final = 1000
# Both end a word in these formats.
_NOT_IN_WORDS: Final = (b" ", b"\n")


def can_hold(word: bytes) -> bool:
    """Whether these formats can hold a word.

    >>> can_hold(b"don't"), can_hold(b"a b"), can_hold(b"")
    (True, False, False)
    """
    return bool(word) and not any(character in word for character in _NOT_IN_WORDS)


def parts_of_text(words: Sequence[bytes], vectors: npt.NDArray[np.float32]) -> Iterator[bytes]:
    r"""The content of a text file, in parts. vectors: float32 [words, dim].

    >>> b"".join(parts_of_text([b"the", b"film"], np.array([[0.1, 2], [3, -0.5]], np.float32)))
    b'2 2\nthe 0.100000001 2\nfilm 3 -0.5\n'
    """
    yield b"%d %d\n" % vectors.shape
    form = " ".join([_DIGITS] * vectors.shape[1])
    for start in range(0, len(words), _VECTORS_AT_ONCE):
        rows = vectors[start : start + _VECTORS_AT_ONCE].tolist()
        lines = (
            b"%s %s\n" % (word, (form % tuple(row)).encode())
            for word, row in zip(words[start : start + _VECTORS_AT_ONCE], rows, strict=True)
        )
        yield b"".join(lines)


def parts_of_binary(words: Sequence[bytes], vectors: npt.NDArray[np.float32]) -> Iterator[bytes]:
    r"""The content of a binary file, in parts. vectors: float32 [words, dim].

    >>> b"".join(parts_of_binary([b"the"], np.array([[1]], np.float32)))
    b'1 1\nthe \x00\x00\x80?'
    """
    yield b"%d %d\n" % vectors.shape
    little = vectors.astype("<f4")
    for start in range(0, len(words), _VECTORS_AT_ONCE):
        rows = little[start : start + _VECTORS_AT_ONCE]
        yield b"".join(
            word + b" " + row.tobytes() for word, row in zip(words[start : start + _VECTORS_AT_ONCE], rows, strict=True)
        )

"""Lines of words and numbers -> the vectors of the words that are looked for.

The numbers of a line are parsed only if its word is looked for. So the time goes into finding line ends and words: a
dictionary is asked once a line, and NumPy parses the numbers of all found lines of a block at once.
"""

import warnings
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.support.printable import quote_start
from trainer.word_vectors.found import Found
from trainer.word_vectors.layout import HEAD_BYTES, Layout, is_number

_NUMBERS_REMEDY: Final = "get the file again, or take the line out"


class LineError(Exception):
    """A line is not a word and its numbers; the message says which line, and what to do, without naming the file."""


def read_text(blocks: Iterator[bytes], layout: Layout, found: Found) -> None:
    """Reads all lines. blocks: the content after the header.

    Raises:
      LineError: a line of a word that is looked for, or the last one, has other numbers than it should; or the header
        says another number of vectors.
    """
    lines = _Lines(layout, found)
    rest = last = b""
    for block in blocks:
        parts = (rest + block).split(b"\n")
        rest = parts.pop()
        if len(rest) > HEAD_BYTES:
            raise LineError(f"has a line of more than {HEAD_BYTES >> 20} MB, line {lines.number + len(parts) + 1}")
        last = next((line for line in reversed(parts) if not _is_blank(line)), last)
        lines.take(parts)
    if not _is_blank(rest):
        last = rest
        lines.take([rest])
    lines.finish(last)


class _Lines:
    """Takes lines in their order. number: of the last line that was taken, from 1."""

    def __init__(self, layout: Layout, found: Found) -> None:
        self.layout, self.found = layout, found
        self.number = 0 if layout.vectors is None else 1

    def take(self, lines: list[bytes]) -> None:
        """Looks for words at the beginning of the lines, and parses the numbers of those that are found."""
        found, get = self.found, self.found.rows.get
        hits = [(place, row) for place, line in enumerate(lines) if (row := get(line[: line.find(b" ")])) is not None]
        places, rows, numbers = [], [], []
        for place, row in hits:
            word, _, rest = lines[place].partition(b" ")
            rest = rest.rstrip(b" \t\r")
            if rest.count(b" ") != found.dim - 1 and not self._is_right(word, rest, place):
                continue
            if found.is_new(row, word):
                places.append(place)
                rows.append(row)
                numbers.append(rest)
        if rows:
            self._parse(lines, places, np.array(rows, np.int64), numbers)
        found.vectors += len(lines) - sum(map(_is_blank, lines))
        self.number += len(lines)

    def finish(self, last: bytes) -> None:
        """Checks what only the end of the file tells. last: the last line that is not blank."""
        word, _, rest = last.partition(b" ")
        self._is_right(word, rest.rstrip(b" \t\r"), -1)
        header, vectors = self.layout.vectors, self.found.vectors
        if header is not None and header != vectors:
            raise LineError(
                f"has {vectors:,} vectors, but its first line says {header:,}; get the file again, or if it was cut on "
                f"purpose, write {vectors} {self.layout.dim} there"
            )

    def _is_right(self, word: bytes, rest: bytes, place: int) -> bool:
        """Whether a line has as many numbers as it should; False if its word has spaces in it, so it is another word.

        rest: what follows the first space.
        """
        fields, dim = rest.split(), self.found.dim
        if len(fields) == dim:
            return True
        more = len(fields) - dim
        if more > 0 and not is_number(fields[more - 1]):
            return False
        numbers = len(fields) if rest else 0
        where = f"line {self.number + place + 1} ({quote_start(word)})"
        raise LineError(f"has {numbers:,} numbers in {where}, and {dim:,} in others; {_NUMBERS_REMEDY}")

    def _parse(self, lines: list[bytes], places: list[int], rows: npt.NDArray[np.int64], numbers: list[bytes]) -> None:
        table, dim = self.found.table, self.found.dim
        values = _numbers(b" ".join(numbers))
        if values.size != len(rows) * dim:
            wrong = next(place for place, text in zip(places, numbers, strict=True) if _numbers(text).size != dim)
            fields = lines[wrong].split()[1:]
            raise self._wrong(lines, wrong, quote_start(next((each for each in fields if not is_number(each)), b"")))
        table[rows] = values.reshape(len(rows), dim)
        if (other := self.found.first_infinite(rows)) is not None:
            raise self._wrong(lines, places[other[0]], str(other[1]))

    def _wrong(self, lines: list[bytes], place: int, what: str) -> LineError:
        word = quote_start(lines[place].partition(b" ")[0])
        return LineError(f"has {what} as a number in line {self.number + place + 1} ({word}); {_NUMBERS_REMEDY}")


def _numbers(text: bytes) -> npt.NDArray[np.float32]:
    """Numbers with spaces between them; none at all if something among them is no number.

    >>> _numbers(b"0.5 -1e-3").tolist(), _numbers(b"0.5 x 7").tolist()
    ([0.5, -0.0010000000474974513], [])
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # by which NumPy before 2.3 says so
        try:
            return np.fromstring(text.decode("latin-1"), np.float32, sep=" ")
        except (ValueError, DeprecationWarning):
            return np.zeros(0, np.float32)


def _is_blank(line: bytes) -> bool:
    return not line or line == b"\r"

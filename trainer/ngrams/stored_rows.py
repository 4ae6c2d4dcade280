"""Sets of whole numbers of many texts -> a file without a name, and back in blocks: memory stays bounded.

A block has about a million numbers, of whole texts. 20,000 IMDB reviews have 11 million 1- to 3-grams: 44 MB.
"""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.errors import UserError
from pipeline.support.arrays import Int64s

# Numbers of a block, or more if one text has more. 4 MB of 32 bits, with their row splits.
_BLOCK: Final = 1 << 20


class Block(NamedTuple):
    """Some texts: values [all], lengths int64 [texts]; first: the number of the first text."""

    values: npt.NDArray[Any]
    lengths: Int64s
    first: int


class StoredRows(AbstractContextManager["StoredRows"]):
    """Whole numbers of texts in a temporary file, which is gone when this is closed. dtype: of the numbers."""

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self._dtype = np.dtype(dtype)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  it is open as long as this is
        self._lengths: list[Int64s] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def append(self, values: npt.NDArray[Any], lengths: Int64s) -> None:
        """Adds texts: their values one after the other, and how many each has.

        Raises:
          UserError: the file can't be written.
        """
        try:
            self._file.write(values.astype(self._dtype).tobytes())
        except OSError as error:
            raise UserError(
                f"TMPDIR: the n-grams of the texts can't be written in {tempfile.gettempdir()} "
                f"({error.strerror or error}); free space there, or name another folder"
            ) from error
        self._lengths.append(np.asarray(lengths, np.int64))

    def blocks(self) -> Iterator[Block]:
        """All texts in their order. The values are views of the mapped file: the system may drop them from memory."""
        lengths = np.concatenate([np.zeros(0, np.int64), *self._lengths])
        ends = np.cumsum(lengths)
        values = self._mapped(int(ends[-1]) if len(ends) else 0)
        first, start = 0, 0
        while first < len(lengths):
            after = max(first + 1, int(np.searchsorted(ends, start + _BLOCK, side="right")))
            end = int(ends[after - 1])
            yield Block(values[start:end], lengths[first:after], first)
            first, start = after, end

    def _mapped(self, size: int) -> npt.NDArray[Any]:
        if not size:  # an empty file can't be mapped
            return np.zeros(0, self._dtype)
        self._file.flush()
        return np.memmap(self._file, self._dtype, mode="r", shape=(size,))

"""The vectors that were found so far, in the rows of their ids; and how many vectors the file has."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt


class Found:
    """Collects vectors while a file is read.

    rows: word, UTF-8 -> its row. table: float32 [ids, dim], zeros where nothing was found. has_vector: bool [ids].
    vectors: of the file so far. repeated: those among them whose word had one before; the first one counts.
    """

    def __init__(self, rows: Mapping[bytes, int], *, ids: int, dim: int) -> None:
        self.rows = rows
        self.dim = dim
        self.table = np.zeros([ids, dim], np.float32)
        self.has_vector = np.zeros(ids, np.bool_)
        self.vectors = 0
        self.repeated: list[bytes] = []

    def is_new(self, row: int, word: bytes) -> bool:
        """Whether a word's row has no vector yet; from now on it has one."""
        if self.has_vector[row]:
            self.repeated.append(word)
            return False
        self.has_vector[row] = True
        return True

    def first_infinite(self, rows: npt.NDArray[np.int64]) -> tuple[int, float] | None:
        """The place in `rows` of the first vector with a number that is infinite or NaN, and the number."""
        is_finite = np.isfinite(self.table[rows])
        if is_finite.all():
            return None
        place = int(np.flatnonzero(~is_finite.all(axis=1))[0])
        vector = self.table[rows[place]]
        return place, float(vector[~np.isfinite(vector)][0])

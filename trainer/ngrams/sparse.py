"""Rows of zeros and ones, and the minimum of a convex function: the two things that SciPy does for the n-grams.

SciPy is imported when it is needed: a training without n-grams does not load it (0.3 s, 40 MB).
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from pipeline.support.arrays import Float32s, Float64s
from trainer.ngrams.stored_rows import StoredRows

Function = Callable[[Float64s], tuple[float, Float64s]]

# Pairs of steps that L-BFGS keeps: 10 vectors of the length of the table.
_MEMORY: Final = 5


class BinaryMatrix:
    """A matrix of 0 and 1 [texts, columns]: rows int32, the columns of each text that are 1."""

    def __init__(self, rows: StoredRows, *, columns: int) -> None:
        from scipy.sparse import csr_matrix

        self.columns = columns
        blocks = list(rows.blocks())
        # All blocks share their ones. float32: the products take half the time of float64.
        ones = np.ones(max((len(block.values) for block in blocks), default=0), np.float32)
        self._parts: list[Any] = []
        for block in blocks:
            splits = np.concatenate([[0], np.cumsum(block.lengths)]).astype(np.int32)
            shape = (len(block.lengths), columns)
            self._parts.append(csr_matrix((ones[: len(block.values)], block.values, splits), shape=shape))
        self.texts = sum(part.shape[0] for part in self._parts)

    def dot(self, vector: Float64s) -> Float64s:
        """The sum of the numbers of each text's columns: float64 [columns] -> float64 [texts]."""
        narrow = vector.astype(np.float32)
        parts: list[Float32s] = [part @ narrow for part in self._parts]
        return np.concatenate([np.zeros(0, np.float32), *parts]).astype(np.float64)

    def transposed_dot(self, vector: Float64s) -> Float64s:
        """The sum of the numbers of the texts that have each column: float64 [texts] -> float64 [columns]."""
        total, first = np.zeros(self.columns, np.float64), 0
        for part in self._parts:
            after = first + part.shape[0]
            total += part.T @ vector[first:after].astype(np.float32)
            first = after
        return total


def minimize(
    function: Function,
    start: Float64s,
    *,
    tolerance: float,
    most_rounds: int,
    bounds: Sequence[tuple[float | None, float | None]] | None = None,
) -> Float64s:
    """Where a convex function is lowest, by L-BFGS-B (R. Byrd, P. Lu, J. Nocedal and C. Zhu, "A limited memory
    algorithm for bound constrained optimization", SIAM Journal on Scientific Computing 16, 1995).

    function: place -> value and gradient. tolerance: it ends when a round lowers the value by less than this share.
    bounds: of each number, None: no bound.

    >>> minimize(lambda x: (float((x - 3) @ (x - 3)), 2 * (x - 3)), np.zeros(1), tolerance=1e-9, most_rounds=9).round(6)
    array([3.])
    """
    from scipy.optimize import minimize as scipy_minimize

    options = {"maxcor": _MEMORY, "ftol": tolerance, "maxiter": most_rounds}
    found = scipy_minimize(function, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return np.asarray(found.x, np.float64)

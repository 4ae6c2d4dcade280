"""The vectors of some words -> a table for all ids, with which a training starts.

    padding          zeros: it says nothing, and with model.mask_zero nobody reads it
    unknown tokens   the file's `<unk>`, or the mean of the found vectors
    other words      drawn from a normal distribution with the mean and the standard deviation of the found vectors, in
                     each dimension for itself

So words without a vector are neither longer nor shorter than the others, as an LSTM expects them. (J. Pennington, the
author of GloVe, advises the mean for unknown words.)
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.contract import PADDING_ID

Floats = npt.NDArray[np.float32]

# The name of unknown tokens in files that GloVe's own tool and `trainer vectors` write.
UNKNOWN: Final = b"<unk>"
_ROWS_AT_ONCE: Final = 10_000
# A stream of its own for each purpose, so that no other draw of the training changes.
_STREAM: Final = 0x766563746F7273


def start_table(table: Floats, has_vector: npt.NDArray[np.bool_], *, oov_id: int | None, seed: int) -> Floats:
    """Fills the other rows of the table in place, and returns it.

    table: float32 [ids, dim], zeros in the rows without a vector; has_vector: bool [ids], one at least; oov_id: the id
    of unknown tokens. A row that is drawn depends on the seed, its id, and mean and spread. Beside the table only a
    few rows at a time are in memory.

    >>> given, has = np.array([[0, 0], [1, 4], [0, 0], [3, 4]], np.float32), np.array([False, True, False, True])
    >>> start_table(given, has, oov_id=2, seed=0).tolist()
    [[0.0, 0.0], [1.0, 4.0], [2.0, 4.0], [3.0, 4.0]]
    """
    parts = [slice(start, start + _ROWS_AT_ONCE) for start in range(0, len(table), _ROWS_AT_ONCE)]
    mean = sum(table[part].sum(axis=0, dtype=np.float64) for part in parts) / has_vector.sum()
    squares = sum(np.square(table[part][has_vector[part]] - mean).sum(axis=0) for part in parts)
    spread = np.sqrt(squares / has_vector.sum())
    draw = np.random.default_rng([_STREAM, seed])
    for part in parts:
        draws = draw.standard_normal(table[part].shape, dtype=np.float32)
        is_empty = ~has_vector[part]
        table[part][is_empty] = mean + spread * draws[is_empty]
    if oov_id is not None and not has_vector[oov_id]:
        table[oov_id] = mean
    table[PADDING_ID] = 0
    return table

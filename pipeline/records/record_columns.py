"""What records hold, as columns: encode makes records of them, and decode gives them back."""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.support.arrays import Float32s, Int64s

Integers = npt.NDArray[np.signedinteger]


class RecordFeatures(NamedTuple):
    """Which features records have, besides ids and labels.

    several_labels: `label` is a list of any length. slices: how many values `slices` has; 0: there is no such feature.
    weighted: there is a `weight`.
    """

    several_labels: bool = False
    slices: int = 0
    weighted: bool = False

    @property
    def are_plain(self) -> bool:
        """Whether records have ids and one label alone.

        >>> RecordFeatures().are_plain, RecordFeatures(weighted=True).are_plain
        (True, False)
        """
        return self == NO_FEATURES


NO_FEATURES: Final = RecordFeatures()


class RecordColumns(NamedTuple):
    """The features of records.

    ids: int32 or int64 [rows, max_length]. labels: int32 or int64 [rows]; with several labels large_list<int64> [rows],
    rising in each row; None: the records have ids alone. slices: large_list<large_binary> [rows], as many values in
    each row, or None. weights: float32 [rows], finite and above 0, or None.
    """

    ids: Integers
    labels: Integers | pa.LargeListArray | None
    slices: pa.LargeListArray | None = None
    weights: Float32s | None = None

    def has_other_rows(self) -> bool:
        """Whether a column has more or fewer rows than the ids."""
        rows = len(self.ids)
        others = (self.labels, self.slices, self.weights)
        return any(column is not None and (len(column), *column_shape(column)) != (rows,) for column in others)

    def part(self, rows: slice) -> "RecordColumns":
        """The columns of some rows."""
        parts: list[Any] = [None if column is None else column[rows] for column in self]
        return RecordColumns(*parts)


def column_shape(column: Integers | Float32s | pa.LargeListArray) -> tuple[int, ...]:
    """The dimensions of an array after the first.

    >>> column_shape(np.zeros((2, 3), np.float32)), column_shape(pa.array([[1]], pa.large_list(pa.int64())))
    ((3,), ())
    """
    return column.shape[1:] if isinstance(column, np.ndarray) else ()


def pairs_of(labels: Integers | pa.LargeListArray | None) -> tuple[Int64s, Int64s]:
    """The column of labels -> rows and labels, int64 [pairs] each: a pair for each label of each row.

    >>> pairs_of(pa.array([[0, 2], [], [1]], pa.large_list(pa.int64())))
    (array([0, 0, 2]), array([0, 2, 1]))
    """
    if labels is None:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    if isinstance(labels, np.ndarray):
        return np.arange(len(labels)), labels.astype(np.int64)
    sizes = labels.value_lengths().to_numpy(zero_copy_only=False)
    return np.repeat(np.arange(len(labels)), sizes), labels.flatten().to_numpy(zero_copy_only=False)

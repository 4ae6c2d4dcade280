"""The column of labels of a batch -> its single labels, whether they are known, and their indices.

With several labels a value of the column is a list of them in one spelling (sources/label_sets.py). Each distinct list
of a batch is taken apart once.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipeline.sources.label_sets import labels_of
from pipeline.support.arrays import Flags, Int64s


class IndexedLabels(NamedTuple):
    """The labels of rows as indices into the list of labels.

    numbers: int64 [rows], the index of each label; with several labels a hash of all of them, equal for equal ones. -1:
      a label is not in the list. sets: with several labels large_list<int64> [rows], the indices, rising; of a row with
      -1 empty. None: a row has one label.
    """

    numbers: Int64s
    sets: pa.LargeListArray | None = None

    def of(self, rows: Flags) -> "IndexedLabels":
        """The labels of the marked rows."""
        return IndexedLabels(self.numbers[rows], None if self.sets is None else self.sets.filter(pa.array(rows)))


def single_labels(column: pa.StringArray, *, several: bool) -> Iterable[str]:
    """The distinct labels of a column, [rows]; null: a text without a label.

    >>> sorted(single_labels(pa.array(['["a", "b"]', '["b"]', "[]", None]), several=True))
    ['a', 'b']
    """
    distinct: list[str] = pc.unique(column.drop_null()).to_pylist()
    return {label for name in distinct for label in _labels_of(name)} if several else distinct


def are_known(column: pa.StringArray, labels: set[str], *, several: bool) -> Flags:
    """Whether each label of each row is one of these, bool [rows].

    >>> are_known(pa.array(['["a", "b"]', '["a"]', "[]"]), {"a"}, several=True).tolist()
    [False, True, True]
    """
    if several:
        encoded = column.dictionary_encode()
        known = [labels.issuperset(_labels_of(name)) for name in encoded.dictionary.to_pylist()]
        return np.array([*known, False])[_places(encoded)]
    flags: Flags = pc.is_in(column, pa.array(labels, pa.string())).to_numpy(zero_copy_only=False)
    return flags


def index_labels(column: pa.StringArray, labels: pa.StringArray, *, several: bool) -> IndexedLabels:
    """The indices of a column's labels, [rows]; labels: the list of labels.

    >>> index_labels(pa.array(["b", "c"]), pa.array(["a", "b"]), several=False).numbers
    array([ 1, -1])
    >>> index_labels(pa.array(['["b"]', "[]", '["c"]']), pa.array(["a", "b"]), several=True).sets.to_pylist()
    [[1], [], []]
    """
    if not several:
        index = pc.fill_null(pc.index_in(column, labels), -1)
        return IndexedLabels(index.to_numpy(zero_copy_only=False).astype(np.int64))
    place = {label: index for index, label in enumerate(labels.to_pylist())}
    encoded = column.dictionary_encode()
    sets, numbers = [], []
    for name in encoded.dictionary.to_pylist():
        own = sorted(place.get(label, -1) for label in _labels_of(name))
        is_known = not own or own[0] >= 0
        sets.append(own if is_known else [])
        numbers.append(_number(own) if is_known else -1)
    rows = _places(encoded)
    column_of_sets = pa.array([*sets, []], pa.large_list(pa.int64())).take(pa.array(rows))
    return IndexedLabels(np.array([*numbers, -1], np.int64)[rows], column_of_sets)


def no_labels(rows: int, *, several: bool) -> IndexedLabels:
    """What rows without labels have in their place: index 0, which nothing reads."""
    empty = pa.array([[]] * rows, pa.large_list(pa.int64())) if several else None
    return IndexedLabels(np.zeros(rows, np.int64), empty)


def _number(indices: list[int]) -> int:
    """A hash of some indices, from 0 to 2**63 - 1: 10 million different lists meet once in 180,000 such inputs."""
    return xxhash.xxh3_64_intdigest(np.array(indices, "<i8").tobytes()) >> 1


def _places(encoded: pa.DictionaryArray) -> Int64s:
    """The place of each row's value in the dictionary; of null the place after it."""
    places: Int64s = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy().astype(np.int64)
    return places


@lru_cache(maxsize=65536)
def _labels_of(name: str) -> tuple[str, ...]:
    return tuple(labels_of(name))

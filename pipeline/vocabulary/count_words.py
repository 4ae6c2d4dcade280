"""A TokenBatch -> its count table (vocabulary/count_tables.py)."""

import numpy as np
import pyarrow as pa

from pipeline.text.hashing import token_fingerprints
from pipeline.text.token_batch import TokenBatch, string_tensor
from pipeline.vocabulary import count_tables


def count_words(batch: TokenBatch, *, rows: slice, position: int) -> pa.Table:
    """The count table of some rows of a batch that follow each other; position: that of the first of them in the input.

    >>> from pipeline.text.token_batch import split_rows
    >>> batch = split_rows([b"b a b", b"c", b"d a c a"])
    >>> columns = ["token", "count", "position", "place"]
    >>> count_words(batch, rows=slice(0, 2), position=7).select(columns).to_pydict()
    {'token': [b'b', b'a', b'c'], 'count': [2, 1, 1], 'position': [7, 7, 7], 'place': [0, 1, 2]}
    >>> count_words(batch, rows=slice(2, 3), position=9).select(columns).to_pydict()
    {'token': [b'd', b'a', b'c'], 'count': [1, 2, 1], 'position': [9, 9, 9], 'place': [0, 1, 2]}
    """
    indices = batch.indices[batch.row_splits[rows.start] : batch.row_splits[rows.stop]]
    if rows.start == 0:  # the distinct tokens of the batch are in the order of their first occurrence
        count = np.bincount(indices)
        tokens = batch.distinct[: len(count)]
    else:
        numbers, first, count = np.unique(indices, return_index=True, return_counts=True)
        order = np.argsort(first)
        tokens, count = batch.distinct.take(pa.array(numbers[order])), count[order]
    fingerprints = token_fingerprints(string_tensor(tokens)).numpy()
    columns = (tokens, count, np.full(len(tokens), position), np.arange(len(tokens)), fingerprints)
    return count_tables.count_table(columns)

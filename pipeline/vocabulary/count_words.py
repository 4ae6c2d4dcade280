"""A TokenBatch -> its count table (vocabulary/count_tables.py)."""

import numpy as np
import pyarrow as pa

from pipeline.text.hashing import token_fingerprints
from pipeline.text.token_batch import TokenBatch, string_tensor
from pipeline.vocabulary import count_tables


def count_words(batch: TokenBatch, *, rows: int, position: int) -> pa.Table:
    """The count table of the first `rows` rows of a batch; position: that of the first of them in the input.

    >>> from pipeline.text.token_batch import split_rows
    >>> table = count_words(split_rows([b"b a b", b"c"]), rows=1, position=7)
    >>> table.select(["token", "count", "position", "place"]).to_pydict()
    {'token': [b'b', b'a'], 'count': [2, 1], 'position': [7, 7], 'place': [0, 1]}
    """
    count = np.bincount(batch.indices[: batch.row_splits[rows]])
    tokens = batch.distinct[: len(count)]
    fingerprints = token_fingerprints(string_tensor(tokens)).numpy()
    columns = (tokens, count, np.full(len(tokens), position), np.arange(len(tokens)), fingerprints)
    return count_tables.count_table(columns)

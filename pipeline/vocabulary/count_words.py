"""A batch that was tokenized once -> its count table."""

import numpy as np
import pyarrow as pa

from pipeline.text.hashing import word_fingerprints
from pipeline.text.token_batch import Tokenized, strings
from pipeline.vocabulary import count_tables


def count_words(tokenized: Tokenized, *, rows: int, position: int) -> pa.Table:
    """The count table (vocabulary/count_tables.py) of the first rows; their first word stands at the position.

    >>> from pipeline.text.token_batch import numbered
    >>> table = count_words(numbered([b"b a b", b"c"]), rows=1, position=7)
    >>> table.select(["token", "count", "position", "place"]).to_pydict()
    {'token': [b'b', b'a'], 'count': [2, 1], 'position': [7, 7], 'place': [0, 1]}
    """
    count = np.bincount(tokenized.numbers[: tokenized.row_splits[rows]])
    words = tokenized.words[: len(count)]
    fingerprints = word_fingerprints(strings(words)).numpy()
    return count_tables.count_table((words, count, np.full(len(words), position), np.arange(len(words)), fingerprints))

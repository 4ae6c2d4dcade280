"""Random ids and labels, records that test the frames, and all records of a shard."""

from typing import BinaryIO

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from pipeline.contract import Compression
from pipeline.records.shards import read_shard

# Each length of a varint, at both its ends, and many zeros.
NUMBERS = st.sampled_from([0, 0, 0, 1, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**28 - 1, 2**28, 2**31 - 1, 2**31])
MAX_LENGTHS = st.sampled_from([1, 2, 9, 130])  # from 128 ids on, lengths take two bytes


Example = tuple[np.ndarray, np.ndarray]  # ids and labels


@st.composite
def examples(draw: st.DrawFn) -> Example:
    rows, max_length = draw(st.integers(0, 5)), draw(MAX_LENGTHS)
    ids = draw(numpy_strategies.arrays(np.int64, (rows, max_length), elements=NUMBERS))
    return ids, draw(numpy_strategies.arrays(np.int64, rows, elements=NUMBERS))


RECORDS = [b"first", b"", b"\x00" * 700]
RECORD_ENDS = [0, 21, 37, 753]  # 16 bytes of frame a record


def read_all(file: BinaryIO, compression: Compression) -> list[bytes]:
    return [record for some in read_shard(file, compression=compression) for record in some.to_pylist()]

"""Rows of a source -> the Arrow batches that TFT reads: every column a list of one, as its tensors want them.

    text      string  what the graph makes ids of
    position  int64   where the row stands in the input; orders words of equal counts
    label     int64   index into the labels; 0 in the analysis, which does not look at it
    key       bytes   passes by the graph: chooses split, shard and place
    split     int64   passes by the graph: index into SPLITS
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.contract import LABEL, POSITION, TEXT

KEY = "key"
SPLIT = "split"
PASSED_BY = frozenset({KEY, SPLIT})

TRANSFORM_SCHEMA = pa.schema(
    [
        (TEXT, pa.large_list(pa.large_binary())),
        (POSITION, pa.large_list(pa.int64())),
        (LABEL, pa.large_list(pa.int64())),
        (KEY, pa.large_list(pa.large_binary())),
        (SPLIT, pa.large_list(pa.int64())),
    ]
)


def transform_batch(
    rows: pa.RecordBatch,
    *,
    labels: npt.NDArray[np.int64],
    keys: pa.LargeBinaryArray,
    splits: npt.NDArray[np.int64],
) -> pa.RecordBatch:
    """Rows of a source, with what was found out about each -> a batch of TRANSFORM_SCHEMA.

    >>> rows = pa.record_batch({"text": pa.array([b"a"], pa.large_binary()), "position": [7]})
    >>> keys = pa.array([b"k"], pa.large_binary())
    >>> transform_batch(rows, labels=np.array([1]), keys=keys, splits=np.array([0])).to_pydict()
    {'text': [[b'a']], 'position': [[7]], 'label': [[1]], 'key': [[b'k']], 'split': [[0]]}
    """
    columns = [rows["text"], rows["position"], pa.array(labels), keys, pa.array(splits)]
    offsets = pa.array(np.arange(rows.num_rows + 1))
    return pa.RecordBatch.from_arrays(
        [pa.LargeListArray.from_arrays(offsets, column) for column in columns], schema=TRANSFORM_SCHEMA
    )


def tensor_representations() -> dict[str, schema_pb2.TensorRepresentation]:
    """How TFT makes tensors of a batch: each column that the graph takes as a tensor of shape [batch]."""
    return {name: _scalar(name) for name in TRANSFORM_SCHEMA.names if name not in PASSED_BY}


def _scalar(name: str) -> schema_pb2.TensorRepresentation:
    dense = schema_pb2.TensorRepresentation.DenseTensor
    return schema_pb2.TensorRepresentation(
        dense_tensor=dense(column_name=name, shape=schema_pb2.FixedShape())
    )

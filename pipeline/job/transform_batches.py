"""Rows of a source -> the Arrow batches that TFT reads: each column is a list of one item a row, as its tensors want.

text      string  from which the graph makes ids
position  int64   position of the row in the input; orders words of equal counts
label     int64   index into the list of labels; 0 in the first pass, which does not use it
key       bytes   row key: decides split, shard and order. Does not go through the graph
split     int64   index into SPLITS. Does not go through the graph
sample    string  the text again for the first rows of each split in shuffled order, an empty list for other rows;
                  the manifest's samples are chosen from these. Does not go through the graph

and, if records have them, columns that don't go through the graph either; their lists are empty for texts without
labels:

label_set int64   indices into the list of labels, rising; the column `label` is a hash of them
slices    bytes   the values of the columns of metrics.slices
weight    float   of the row
"""

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.contract import LABEL, POSITION, SLICES, SPLITS, TEXT, WEIGHT
from pipeline.job.row_labels import IndexedLabels
from pipeline.records.keys import key_halves
from pipeline.records.record_columns import NO_FEATURES, RecordFeatures
from pipeline.statistics.split_statistics import SAMPLES_OF_SPLIT

KEY = "key"
SPLIT = "split"
SAMPLE = "sample"
LABEL_SET = "label_set"
PASSED_BY = frozenset({KEY, SPLIT, SAMPLE, LABEL_SET, SLICES, WEIGHT})

# Bytes of the longest text in the manifest's samples; longer ones would swell it.
_SAMPLE_BYTES = 4000

TRANSFORM_SCHEMA = pa.schema(
    [
        (TEXT, pa.large_list(pa.large_binary())),
        (POSITION, pa.large_list(pa.int64())),
        (LABEL, pa.large_list(pa.int64())),
        (KEY, pa.large_list(pa.large_binary())),
        (SPLIT, pa.large_list(pa.int64())),
        (SAMPLE, pa.large_list(pa.large_binary())),
    ]
)
_SET_TYPE = pa.large_list(pa.int64())
_SLICES_TYPE = pa.large_list(pa.large_binary())
_WEIGHT_TYPE = pa.large_list(pa.float32())


def transform_schema(features: RecordFeatures) -> pa.Schema:
    """The schema of batches whose records have these features."""
    fields = [
        (LABEL_SET, _SET_TYPE, features.several_labels),
        (SLICES, _SLICES_TYPE, features.slices > 0),
        (WEIGHT, _WEIGHT_TYPE, features.weighted),
    ]
    return pa.schema([*TRANSFORM_SCHEMA, *(pa.field(name, kind) for name, kind, is_there in fields if is_there)])


def transform_batch(
    rows: pa.RecordBatch,
    *,
    labels: IndexedLabels,
    keys: pa.LargeBinaryArray,
    splits: npt.NDArray[np.int64],
    features: RecordFeatures = NO_FEATURES,
) -> pa.RecordBatch:
    """Rows of a source with their labels, row keys and splits, [rows] each -> a batch of transform_schema(features).

    >>> rows = pa.record_batch({"text": pa.array([b"a"], pa.large_binary()), "position": [7]})
    >>> keys = pa.array([b"sixteen bytes..."], pa.large_binary())
    >>> batch = transform_batch(rows, labels=IndexedLabels(np.array([1])), keys=keys, splits=np.array([0]))
    >>> batch.drop_columns("key").to_pydict()
    {'text': [[b'a']], 'position': [[7]], 'label': [[1]], 'split': [[0]], 'sample': [[b'a']]}
    """
    columns = [rows["text"], rows["position"], pa.array(labels.numbers), keys, pa.array(splits)]
    sample = sample_column(rows["text"], labels=labels.numbers, keys=keys, splits=splits)
    return pa.RecordBatch.from_arrays(
        [
            *(to_lists(column, rows=rows.num_rows) for column in columns),
            sample,
            *feature_columns(rows, labels, features).values(),
        ],
        schema=transform_schema(features),
    )


def feature_columns(
    rows: pa.RecordBatch, labels: IndexedLabels, features: RecordFeatures
) -> dict[str, pa.LargeListArray]:
    """The columns of rows of a source that don't go through the graph, by the features that records have.

    >>> rows = pa.record_batch({"weight": pa.array([0.5, None], pa.float32())})
    >>> feature_columns(rows, IndexedLabels(np.array([0, 0])), RecordFeatures(weighted=True))["weight"].to_pylist()
    [[0.5], []]
    """
    columns = {}
    if features.several_labels:
        columns[LABEL_SET] = labels.sets
    if features.slices:
        slices = rows["slices"]
        columns[SLICES] = _lists(slices.value_lengths().fill_null(0), slices.flatten().cast(pa.large_binary()))
    if features.weighted:
        weights = rows["weight"]
        columns[WEIGHT] = _lists(weights.is_valid().cast(pa.int64()), weights.drop_null())
    return columns


def _lists(sizes: pa.Array, values: pa.Array) -> pa.LargeListArray:
    """Values one after the other, and how many each row has -> a list a row."""
    return pa.LargeListArray.from_arrays(pa.array(np.cumsum([0, *sizes.to_numpy(zero_copy_only=False)])), values)


def to_lists(values: pa.Array, *, rows: int) -> pa.LargeListArray:
    """Values of rows, the same number for each row -> a list a row.

    >>> to_lists(pa.array([1, 2, 3, 4]), rows=2).to_pylist()
    [[1, 2], [3, 4]]
    """
    return pa.LargeListArray.from_arrays(_offsets(rows, len(values) // max(rows, 1)), values)


@functools.lru_cache(maxsize=8)  # most columns of a batch share them
def _offsets(rows: int, size: int) -> pa.Int64Array:
    return pa.array(np.arange(rows + 1) * size)


def sample_column(
    texts: pa.LargeBinaryArray,
    *,
    labels: npt.NDArray[np.int64],
    keys: pa.LargeBinaryArray,
    splits: npt.NDArray[np.int64],
) -> pa.LargeListArray:
    """The column SAMPLE of rows; the texts that `samples` does not mark may be null."""
    is_sample = samples(texts, labels=labels, keys=keys, splits=splits)
    offsets = np.concatenate([[0], np.cumsum(is_sample)])
    return pa.LargeListArray.from_arrays(pa.array(offsets), texts.filter(pa.array(is_sample)))


def samples(
    texts: pa.LargeBinaryArray,
    *,
    labels: npt.NDArray[np.integer],
    keys: pa.LargeBinaryArray,
    splits: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Marks the rows of each split with the smallest keys; of rows with equal text and label one.

    So the samples are the same however rows are batched. labels: any numbers, different for different labels.
    """
    halves = key_halves(keys)
    is_short = pc.fill_null(pc.less_equal(pc.binary_length(texts), _SAMPLE_BYTES), False)
    order = np.lexsort((labels, halves[:, 0], halves[:, 1], splits))
    order = order[is_short.to_numpy(zero_copy_only=False)[order]]
    is_new_key = _differs(splits[order], halves[order, 0], halves[order, 1])
    is_new = is_new_key | _differs(labels[order])
    number = np.cumsum(is_new_key)
    is_sample = np.zeros(len(texts), np.bool_)
    for split in range(len(SPLITS)):
        in_split = splits[order] == split
        first = number[in_split].min(initial=len(texts))
        is_sample[order[in_split & is_new & (number < first + SAMPLES_OF_SPLIT)]] = True
    return is_sample


def _differs(*columns: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Marks the first row, and each row that differs from the one before in any column."""
    changes = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return np.concatenate([[True], changes])[: len(columns[0])]


def tensor_representations() -> dict[str, schema_pb2.TensorRepresentation]:
    """How TFT makes tensors from a batch: one of shape [batch] for each column that goes through the graph."""
    return {name: _scalar(name) for name in TRANSFORM_SCHEMA.names if name not in PASSED_BY}


def _scalar(name: str) -> schema_pb2.TensorRepresentation:
    dense = schema_pb2.TensorRepresentation.DenseTensor
    return schema_pb2.TensorRepresentation(dense_tensor=dense(column_name=name, shape=schema_pb2.FixedShape()))

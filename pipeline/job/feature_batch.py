"""Labelled rows and the record features of their texts -> a FeatureBatch, of which records and statistics are made.

A batch goes from one function to the next within a worker; it crosses no stage.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import IDS, KNOWN_COUNT, SPLITS, TOKEN_COUNT, UNKNOWN_HASH
from pipeline.job.row_filter import LabelledRows
from pipeline.records.keys import key_halves
from pipeline.records.record_columns import NO_FEATURES, RecordFeatures
from pipeline.statistics.split_statistics import SAMPLES_OF_SPLIT, BatchColumns
from pipeline.support.arrays import Flags, Float32s

# Bytes of the longest text in the manifest's samples; longer ones would swell it.
_SAMPLE_BYTES = 4000


class FeatureBatch(NamedTuple):
    """Rows that become records.

    columns: what is counted of them. keys: large_binary [rows] of 16 bytes, the row keys. slices:
    large_list<large_binary> [rows], the values of the columns of metrics.slices, if records have some; empty lists for
    texts without labels.
    """

    columns: BatchColumns
    keys: pa.LargeBinaryArray
    slices: pa.LargeListArray | None = None


def feature_batch(
    labelled: LabelledRows, of_texts: dict[str, Any], features: RecordFeatures = NO_FEATURES
) -> FeatureBatch:
    """Rows, and the record features of their texts as text/fast_sequences.py gives them -> a FeatureBatch.

    features: what records have besides ids and a label.
    """
    rows = labelled.rows
    columns = BatchColumns(
        of_texts[IDS],
        labelled.labels.numbers,
        labelled.splits,
        of_texts[TOKEN_COUNT],
        of_texts[KNOWN_COUNT],
        of_texts[UNKNOWN_HASH],
        _sampled_rows(labelled),
        sets=labelled.labels.sets if features.several_labels else None,
        weights=_weights(rows["weight"]) if features.weighted else None,
    )
    return FeatureBatch(columns, labelled.keys, _slices(rows["slices"]) if features.slices else None)


def _sampled_rows(labelled: LabelledRows) -> list[tuple[int, bytes, bytes]]:
    """(row, key, text) of the rows from which the manifest's samples are chosen."""
    texts = labelled.rows["text"]
    is_sample = samples(texts, labels=labelled.labels.numbers, keys=labelled.keys, splits=labelled.splits)
    rows = np.flatnonzero(is_sample)
    chosen = pa.array(rows)
    columns = (rows.tolist(), labelled.keys.take(chosen).to_pylist(), texts.take(chosen).to_pylist())
    return list(zip(*columns, strict=True))


def _slices(values: pa.ListArray) -> pa.LargeListArray:
    sizes = values.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    return pa.LargeListArray.from_arrays(pa.array(np.cumsum([0, *sizes])), values.flatten().cast(pa.large_binary()))


def _weights(weights: pa.FloatArray) -> Float32s:
    """The weights, [rows]; 1 for texts without labels, which have none."""
    found: Float32s = weights.drop_null().to_numpy(zero_copy_only=False)
    # All rows of a batch have a weight, or none has. Any other number of weights is refused where records are made.
    return found if len(found) else np.ones(len(weights), np.float32)


def samples(
    texts: pa.LargeBinaryArray,
    *,
    labels: npt.NDArray[np.integer],
    keys: pa.LargeBinaryArray,
    splits: npt.NDArray[np.int64],
) -> Flags:
    """Marks the rows of each split with the smallest keys; of rows with equal text and label one.

    So the samples are the same however rows are batched. labels: any numbers, different for different labels. texts:
    those of rows that are not marked may be null.
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

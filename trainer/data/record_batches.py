"""All records of a split, in order, as arrays of what a check looks at."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.contract import PADDING_ID, Split
from trainer.data.parsed_records import parse_records, serialized_records
from trainer.data.records_folder import RecordsFolder

# Most rows of a batch, and most ids: 64 MiB of int64.
_ROWS: Final = 4096
_IDS: Final = 1 << 23


class RecordBatch(NamedTuple):
    """What a batch of records holds.

    rows: how many. labels: int64 [labels], of all rows; label_rows: int64 [labels], the row of each, from 0. weights:
    float32 [rows], or None. has_inner_padding: padding is not at its side alone.
    """

    rows: int
    labels: npt.NDArray[np.int64]
    label_rows: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32] | None
    lowest_id: int
    highest_id: int
    has_inner_padding: bool


def record_batches(records: RecordsFolder, split: Split) -> Iterator[RecordBatch]:
    """All records of a split, in order, some thousand in a batch.

    Raises:
      tf.errors.OpError: a record can't be read, or has another number of ids.
    """
    pads_at_start = records.sequence.padding == "pre"
    several = records.scheme.several

    def summarize(serialized: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
        parsed = parse_records(serialized, records, with_slices=True)
        is_padding = tf.equal(parsed.ids, PADDING_ID)
        before, after = is_padding[:, :-1], is_padding[:, 1:]
        inner = tf.logical_and(~before, after) if pads_at_start else tf.logical_and(before, ~after)
        rows = tf.shape(parsed.ids, tf.int64)[0]
        labels = parsed.labels.values if several else parsed.labels
        label_rows = parsed.labels.value_rowids() if several else tf.range(rows)
        lowest, highest = tf.reduce_min(parsed.ids), tf.reduce_max(parsed.ids)
        return rows, labels, label_rows, parsed.weights, lowest, highest, tf.reduce_any(inner)

    rows = max(1, min(_ROWS, _IDS // records.sequence.max_length))
    batches = serialized_records(records.shard_paths(split)).batch(rows).map(summarize).prefetch(1)
    for batch in batches.as_numpy_iterator():
        yield RecordBatch(*batch)

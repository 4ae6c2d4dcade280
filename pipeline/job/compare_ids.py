"""Some hundred texts of the records -> the proof that the transform graph gives them the ids that their records have.

Records are made by the fast route, models are served by TFT's graph. The tests hold both equal; this does so in each
job, for its own settings, vocabulary and texts. The rows are chosen by their keys: the same in every run.

    rows of a batch -> compared_rows -> packed tables -> check_graph, with the graph that TFT saved
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from apache_beam.metrics import Metrics

from pipeline.contract import IDS, LABEL, POSITION, TEXT
from pipeline.job.row_filter import LabelledRows
from pipeline.records.keys import is_sampled
from pipeline.records_folder.manifest import StoredFile
from pipeline.support import arrow_ipc
from pipeline.support.counters import COMPARED_ROWS, NAMESPACE
from pipeline.support.printable import quote_start
from pipeline.text.token_batch import string_tensor

_SCHEMA: Final = pa.schema([("text", pa.large_binary()), ("ids", pa.large_list(pa.int64()))])
# The longest text that is compared: all of them come to one worker.
_TEXT_BYTES: Final = 1 << 20
# Texts that the graph gets at once.
_BATCH_ROWS: Final = 256


def compared_rows(labelled: LabelledRows, ids: npt.NDArray[np.signedinteger], *, share: float) -> bytes | None:
    """The rows of a batch that are compared, packed; None if there is none.

    ids: [rows, max_length]. share: of all rows; not above the share whose texts are there (token_store.py).
    """
    texts = labelled.rows["text"]
    is_short = pc.fill_null(pc.less_equal(pc.binary_length(texts), _TEXT_BYTES), False)
    chosen = np.flatnonzero(is_sampled(labelled.keys, share) & is_short.to_numpy(zero_copy_only=False))
    if not len(chosen):
        return None
    width = ids.shape[1]
    lists = pa.LargeListArray.from_arrays(
        pa.array(np.arange(len(chosen) + 1) * width), pa.array(ids[chosen].astype(np.int64).reshape(-1))
    )
    return arrow_ipc.pack(pa.table([texts.take(pa.array(chosen)), lists], schema=_SCHEMA))


def check_graph(graph: str, *, files: Iterable[StoredFile], compared: Collection[bytes]) -> Iterator[StoredFile]:
    """Compares all rows with what the graph gives their texts. graph: its path. files: of the graph; gives them on.

    Raises:
      RuntimeError: a record has other ids. That is a fault of ours, not of the user's.
    """
    rows = 0
    transform = None
    for batch in _batches(compared):
        transform = transform or tf.saved_model.load(graph).transform_fn
        rows += batch.num_rows
        zeros = tf.zeros([batch.num_rows], tf.int64)
        given = transform({TEXT: string_tensor(batch["text"]), POSITION: zeros, LABEL: zeros})[IDS].numpy()
        written = batch["ids"].flatten().to_numpy().reshape(given.shape)
        different = np.flatnonzero((given != written).any(axis=1))
        if len(different):
            text = batch["text"][int(different[0])].as_py()
            raise RuntimeError(
                f"the transform graph gives {len(different)} of {len(given)} texts other ids than their records "
                f"have, the first is {quote_start(text)}; nothing is published. Please report this"
            )
    Metrics.counter(NAMESPACE, COMPARED_ROWS).inc(rows)
    yield from files


def _batches(compared: Collection[bytes]) -> Iterator[pa.RecordBatch]:
    """The packed rows, 256 at a time: 20,000 rows of two words, packed 0.9 MB, take 80 MB with 500 ids each."""
    waiting: list[pa.Table] = []
    for number, packed in enumerate(compared, 1):
        waiting.append(arrow_ipc.unpack(packed))
        if sum(map(len, waiting)) >= _BATCH_ROWS or number == len(compared):
            yield from pa.concat_tables(waiting).combine_chunks().to_batches(max_chunksize=_BATCH_ROWS)
            waiting = []

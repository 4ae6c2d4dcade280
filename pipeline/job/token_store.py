"""Between the passes: a batch that was read, split and tokenized waits on disk (job/spill.py) for its ids.

    label, position, row   as its source gave them, see sources/schema.py
    text     large_binary  of the few rows that are to be looked at or shown; null for all others
    key      large_binary  of Sorted, as is
    split    int64
    tokens   large_list    of each text, dictionary-encoded: a token is a number, and the batch's words stand there once

Packed, a byte of English text is half a byte of these.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.contract import SPLITS
from pipeline.job import spill, transform_batches
from pipeline.job.read import Sorted
from pipeline.job.transform_batches import KEY, SPLIT
from pipeline.records.keys import is_sampled
from pipeline.sources.schema import REJECTED_SCHEMA
from pipeline.support import arrow_ipc
from pipeline.text.token_batch import Tokenized

_TRAIN = SPLITS.index("train")
_AS_READ = ("text", "label", "position", "row")
_TOKENS = "tokens"
_ROWS, _REJECTED = 0, 1


def train_first(found: Sorted) -> tuple[Sorted, int]:
    """The rows of a batch, those of the train split before all others, and how many these are.

    So the words of the train rows are the first of the batch's, in the order in which the train rows have them.
    """
    is_train = found.splits == _TRAIN
    trains = int(np.count_nonzero(is_train))
    if is_train[:trains].all():
        return found, trains
    order = np.argsort(~is_train, kind="stable")
    indices = pa.array(order)
    return Sorted(found.rows.take(indices), found.keys.take(indices), found.splits[order], found.rejected), trains


def with_needed_texts(found: Sorted, *, labels: set[str], share: float) -> Sorted:
    """A batch with the texts that will be asked for: those whose qualities are looked at, possible samples, and those
    that may be rejected, as their label is not among those that train rows are known to have."""
    rows = found.rows
    is_certain = pc.is_in(rows["label"], pa.array(labels, pa.string())).to_numpy(zero_copy_only=False)
    certain = pa.array(is_certain)
    is_needed = ~is_certain | is_sampled(found.keys, share)
    is_needed[is_certain] |= transform_batches.samples(
        rows["text"].filter(certain),
        labels=rows["label"].filter(certain).dictionary_encode().indices.to_numpy(),
        keys=found.keys.filter(certain),
        splits=found.splits[is_certain],
    )
    texts = rows["text"].take(pa.array(np.arange(len(is_needed)), mask=~is_needed))
    columns = [texts, *(rows[name] for name in _AS_READ[1:])]
    return found._replace(rows=pa.RecordBatch.from_arrays(columns, names=list(_AS_READ)))


def put(out: spill.Blocks, found: Sorted, tokenized: Tokenized) -> bytes:
    """Lays a batch and its tokens down, and gives the reference by which `take` finds them."""
    numbers = tokenized.numbers.astype(np.uint16) if len(tokenized.words) <= 1 << 16 else tokenized.numbers
    tokens = pa.LargeListArray.from_arrays(
        pa.array(tokenized.row_splits), pa.DictionaryArray.from_arrays(numbers, tokenized.words, safe=False)
    )
    columns = {name: found.rows[name] for name in _AS_READ}
    rows = pa.table({**columns, KEY: found.keys, SPLIT: found.splits, _TOKENS: tokens})
    rejected = pa.Table.from_batches(found.rejected, REJECTED_SCHEMA)
    return out.put([(_ROWS, arrow_ipc.pack(rows)), (_REJECTED, arrow_ipc.pack(rejected))])


def take(reference: bytes, folder: str | None) -> tuple[Sorted, pa.LargeListArray]:
    """The batch that was put down, and the column of its tokens.

    Raises:
      OSError: it is not what it was; names the file.
    """
    arrived = spill.Arrived([reference], folder)
    (rows,), (rejected,) = (map(arrow_ipc.unpack, arrived.pieces(number)) for number in (_ROWS, _REJECTED))
    if rows.num_rows:
        (batch,) = rows.to_batches()
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    else:  # then none was packed
        columns = {field.name: pa.array([], field.type) for field in rows.schema}
    as_read = pa.RecordBatch.from_arrays([columns[name] for name in _AS_READ], names=list(_AS_READ))
    return Sorted(as_read, columns[KEY], columns[SPLIT].to_numpy(), rejected.to_batches()), columns[_TOKENS]


def of_column(tokens: pa.LargeListArray) -> Tokenized:
    """The column of tokens, or some rows of it -> Tokenized; words that these rows do not have may be among its."""
    values = tokens.flatten()
    row_splits = np.concatenate([[0], np.cumsum(tokens.value_lengths().to_numpy())])
    return Tokenized(values.dictionary, values.indices.to_numpy().astype(np.int32), row_splits)

"""TokenBatch batches between the two passes: written to disk by the first (job/spill.py), read by the second.

A batch has the columns

    label, position, row   as its source gives them, see sources/schema.py
    weight, slices         the same, if a row has one
    text     large_binary  null, but for the few texts that are examined, shown as samples or may be rejected
    key      large_binary  the row key
    split    int64         index into SPLITS, or UNLABELLED_INDEX
    tokens   large_list    the tokens of each text, dictionary-encoded: a number for each token, each word once a batch

and beside it the rejected rows of the batch. Packed, it takes half as many bytes as English text.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.job import spill, transform_batches
from pipeline.job.row_filter import KeyedRows
from pipeline.job.transform_batches import KEY, SPLIT
from pipeline.records.keys import is_sampled
from pipeline.sources.schema import REJECTED_SCHEMA, ROWS_SCHEMA
from pipeline.support import arrow_ipc
from pipeline.text.token_batch import TokenBatch

_SOURCE_COLUMNS = ("text", "label", "position", "row", "weight", "slices")
# Most jobs have none of them; then they are not written.
_OPTIONAL = ("weight", "slices")
_TOKENS = "tokens"
# Numbers of the two pieces of a block.
_ROWS_PIECE, _REJECTED_PIECE = 0, 1


def counted_first(keyed: KeyedRows, *, is_counted: npt.NDArray[np.bool_]) -> tuple[KeyedRows, int]:
    """The rows with those first that the vocabulary counts, otherwise in their order; and the number of these.

    So the words of the counted rows have the first numbers of the batch, in the order of their first occurrence.
    """
    counted = int(np.count_nonzero(is_counted))
    if is_counted[:counted].all():
        return keyed, counted
    order = np.argsort(~is_counted, kind="stable")
    indices = pa.array(order)
    return (
        keyed._replace(rows=keyed.rows.take(indices), keys=keyed.keys.take(indices), splits=keyed.splits[order]),
        counted,
    )


def without_texts(keyed: KeyedRows) -> KeyedRows:
    """Rows without labels, with null for each text: none of them is examined, shown or rejected."""
    return _with_texts(keyed, pa.nulls(keyed.rows.num_rows, pa.large_binary()))


def with_needed_texts(keyed: KeyedRows, *, is_known: npt.NDArray[np.bool_], share: float) -> KeyedRows:
    """The rows, with null for each text that the second pass does not need.

    Needed are the texts to examine (`share` of them), possible samples, and texts that may be rejected. is_known: bool
    [rows], whether train rows are known that have the labels of the row; if not, it may be rejected.
    """
    rows = keyed.rows
    known = pa.array(is_known)
    is_needed = ~is_known | is_sampled(keyed.keys, share)
    is_needed[is_known] |= transform_batches.samples(
        rows["text"].filter(known),
        labels=rows["label"].filter(known).dictionary_encode().indices.to_numpy(),
        keys=keyed.keys.filter(known),
        splits=keyed.splits[is_known],
    )
    texts = rows["text"].take(pa.array(np.arange(len(is_needed)), mask=~is_needed))
    return _with_texts(keyed, texts)


def _with_texts(keyed: KeyedRows, texts: pa.LargeBinaryArray) -> KeyedRows:
    columns = {name: texts if name == "text" else keyed.rows[name] for name in _SOURCE_COLUMNS}
    return keyed._replace(rows=pa.RecordBatch.from_pydict(columns))


def write_batch(writer: spill.BlockWriter, keyed: KeyedRows, tokenized: TokenBatch) -> bytes:
    """Writes a batch with its tokens; gives the reference by which `read_batch` finds it."""
    indices = tokenized.indices.astype(np.uint16) if len(tokenized.distinct) <= 1 << 16 else tokenized.indices
    tokens = pa.LargeListArray.from_arrays(
        pa.array(tokenized.row_splits), pa.DictionaryArray.from_arrays(indices, tokenized.distinct, safe=False)
    )
    columns = {name: column for name in _SOURCE_COLUMNS if _is_written(name, column := keyed.rows[name])}
    rows = pa.table({**columns, KEY: keyed.keys, SPLIT: keyed.splits, _TOKENS: tokens})
    rejected = pa.Table.from_batches(keyed.rejected, REJECTED_SCHEMA)
    return writer.write([(_ROWS_PIECE, arrow_ipc.pack(rows)), (_REJECTED_PIECE, arrow_ipc.pack(rejected))])


def read_batch(reference: bytes, folder: str | None) -> tuple[KeyedRows, pa.LargeListArray]:
    """The batch that `write_batch` wrote into the folder, and the column of its tokens.

    Raises:
      OSError: the file is damaged or gone; the message names it.
    """
    reader = spill.BlockReader([reference], folder)
    (rows,), (rejected,) = (map(arrow_ipc.unpack, reader.pieces(number)) for number in (_ROWS_PIECE, _REJECTED_PIECE))
    if rows.num_rows:
        (batch,) = rows.to_batches()
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    else:  # a table without rows has no batch
        columns = {field.name: pa.array([], field.type) for field in rows.schema}
    source = pa.RecordBatch.from_pydict(
        {
            name: columns[name] if name in columns else pa.nulls(rows.num_rows, ROWS_SCHEMA.field(name).type)
            for name in _SOURCE_COLUMNS
        }
    )
    return KeyedRows(source, columns[KEY], columns[SPLIT].to_numpy(), rejected.to_batches()), columns[_TOKENS]


def _is_written(name: str, column: pa.Array) -> bool:
    return name not in _OPTIONAL or column.null_count < len(column)


def to_token_batch(tokens: pa.LargeListArray) -> TokenBatch:
    """The column of tokens, or some of its rows -> TokenBatch; `distinct` may have tokens that these rows have not."""
    values = tokens.flatten()
    row_splits = np.concatenate([[0], np.cumsum(tokens.value_lengths().to_numpy())])
    return TokenBatch(values.dictionary, values.indices.to_numpy().astype(np.int32), row_splits)

"""TokenBatch batches between the two passes: the first writes those of a task group into a file, the second reads them.

The file lies on this machine if all workers are here, else where all workers can read it: on a disk that they mount or
on an object store. So neither tokens nor texts cross the runner's shuffle. A batch has the columns

    label, position, row   as its source gives them, see sources/schema.py
    weight, slices         the same, if a row has one
    text     large_binary  null, but for the few texts that are examined, shown as samples or may be rejected
    key      large_binary  the row key
    split    int64         index into SPLITS, or UNLABELLED_INDEX
    tokens   large_list    the tokens of each text, dictionary-encoded: a number for each token, each word once a batch

and beside it the rejected rows of the batch. Packed, it takes half as many bytes as English text, with zstd a third.
"""

import uuid
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import google_crc32c
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.files.beam import BeamFiles, is_local
from pipeline.job import spill
from pipeline.job.feature_batch import samples
from pipeline.job.row_filter import KeyedRows
from pipeline.records.keys import is_sampled
from pipeline.sources.schema import REJECTED_SCHEMA, ROWS_SCHEMA
from pipeline.support import arrow_ipc
from pipeline.text.token_batch import TokenBatch

_SOURCE_COLUMNS = ("text", "label", "position", "row", "weight", "slices")
# Most jobs have none of them; then they are not written.
_OPTIONAL = ("weight", "slices")
_KEY, _SPLIT, _TOKENS = "key", "split", "tokens"


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
    is_needed[is_known] |= samples(
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


class TokenPlace(NamedTuple):
    """Where tokens wait. folder: a path of this machine, or of any filesystem of Beam's. codec: how they are packed."""

    folder: str
    codec: arrow_ipc.Codec


class StoredTokens(NamedTuple):
    """The batches of a task group: the name of their file; of each batch the bytes and the CRC-32C of its rows, then
    those of its rejected rows."""

    name: str
    blocks: list[tuple[int, int]]

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return sum(size for size, _ in self.blocks)


class TokenWriter:
    """Writes the batches of one task group into a file of its own, as a context manager.

    If that fails, nobody learns the file's name; so a retry can't mix with the first attempt.
    """

    def __init__(self, place: TokenPlace) -> None:
        self.stored = StoredTokens(uuid.uuid4().hex, [])
        self._codec = place.codec
        self._path = f"{place.folder}/{self.stored.name}"
        self._file: BinaryIO | None = None

    def __enter__(self) -> "TokenWriter":
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            with spill.naming(self._path):
                self._file.close()

    def write(self, keyed: KeyedRows, tokenized: TokenBatch) -> None:
        """Writes a batch with its tokens.

        Raises:
          OSError: the disk is full; the error names the file.
        """
        rows = arrow_ipc.pack(_rows_table(keyed, tokenized), codec=self._codec)
        rejected = arrow_ipc.pack(pa.Table.from_batches(keyed.rejected, REJECTED_SCHEMA), codec=self._codec)
        with spill.naming(self._path):
            if self._file is None:
                self._file = _create(self._path)
            self._file.write(rows)
            self._file.write(rejected)
        self.stored.blocks.extend((len(part), google_crc32c.value(part)) for part in (rows, rejected))


def _create(path: str) -> BinaryIO:
    # A folder of this machine exists already. A thread that is late in an interrupted run must not make it again.
    return open(path, "xb") if is_local(path) else BeamFiles().create(path)


def _rows_table(keyed: KeyedRows, tokenized: TokenBatch) -> pa.Table:
    indices = tokenized.indices.astype(np.uint16) if len(tokenized.distinct) <= 1 << 16 else tokenized.indices
    tokens = pa.LargeListArray.from_arrays(
        pa.array(tokenized.row_splits), pa.DictionaryArray.from_arrays(indices, tokenized.distinct, safe=False)
    )
    columns = {name: column for name in _SOURCE_COLUMNS if _is_written(name, column := keyed.rows[name])}
    return pa.table({**columns, _KEY: keyed.keys, _SPLIT: keyed.splits, _TOKENS: tokens})


def _is_written(name: str, column: pa.Array) -> bool:
    return name not in _OPTIONAL or column.null_count < len(column)


def read_batches(stored: StoredTokens, folder: str) -> Iterator[tuple[KeyedRows, pa.LargeListArray]]:
    """The batches that a TokenWriter wrote into a file of the folder, each with the column of its tokens.

    Raises:
      OSError: the file is damaged or gone; the message names it.
    """
    if not stored.blocks:
        return
    path = f"{folder}/{stored.name}"
    with BeamFiles().open(path) as file:
        parts = (_read(file, path, size=size, crc=crc) for size, crc in stored.blocks)
        for rows, rejected in zip(parts, parts, strict=True):
            yield _batch(arrow_ipc.unpack(rows), arrow_ipc.unpack(rejected))


def _read(file: BinaryIO, path: str, *, size: int, crc: int) -> bytes:
    content = file.read(size)
    if len(content) != size or google_crc32c.value(content) != crc:
        raise OSError(f"{path} is damaged: the tokens that were put there are not in it")
    return content


def _batch(rows: pa.Table, rejected: pa.Table) -> tuple[KeyedRows, pa.LargeListArray]:
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
    return KeyedRows(source, columns[_KEY], columns[_SPLIT].to_numpy(), rejected.to_batches()), columns[_TOKENS]


def to_token_batch(tokens: pa.LargeListArray) -> TokenBatch:
    """The column of tokens, or some of its rows -> TokenBatch; `distinct` may have tokens that these rows have not."""
    values = tokens.flatten()
    row_splits = np.concatenate([[0], np.cumsum(tokens.value_lengths().to_numpy())])
    return TokenBatch(values.dictionary, values.indices.to_numpy().astype(np.int32), row_splits)

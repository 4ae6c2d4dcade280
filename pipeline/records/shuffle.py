"""Framed records in the shuffle: batches -> pieces; pieces -> the records of a sort range in their final order.

A piece is a batch of SCHEMA as bytes, with records of one sort range of a shard. The key of a record alone decides its
shard, its sort range and its place there (records/keys.py). So the bytes of a shard depend neither on which worker read
which rows nor on the order in which pieces arrive. A shard is its sort ranges, each sorted, one after the other.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.records.keys import KEY_BYTES, key_halves
from pipeline.support import arrow_ipc
from pipeline.support.arrays import Flags, Int32s, Int64s

# Pieces of this size or more are packed with zstd, smaller ones with lz4. A record of 650 bytes:
#   in pieces of 200 kB   zstd 290 bytes, 1.9 us to pack, 0.9 to unpack;   lz4 366 bytes, 1.1 and 0.3 us
#   in pieces of 65 kB    zstd 311 bytes, 2.3 and 1.5 us
#   alone                 zstd 100 us;   lz4 19 us
_ZSTD_BYTES = 128 * 1024

# Unused memory is returned to the system before a table larger than this is sorted. That takes some 40 ms, which is not
# worth it for the memory of a sort range.
_RELEASED_BYTES = 64 << 20

SCHEMA = pa.schema(
    [
        pa.field("key", pa.binary(KEY_BYTES), nullable=False),
        pa.field("frame", pa.large_binary(), nullable=False),
        pa.field("label", pa.int32(), nullable=False),
    ]
)


class DuplicateCounts(NamedTuple):
    """Texts that occur more than once in a shard or in a sort range. Equal texts are always in the same one.

    texts: distinct texts that occur more than once.
    rows: rows beyond the first of each.
    conflicting: how many of those texts carry different labels.
    """

    texts: int
    rows: int
    conflicting: int


def partition(batch: pa.RecordBatch, groups: npt.NDArray[np.integer]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of a batch by group. Only groups with rows are given, in rising order. Their rows keep their order.

    Args:
      batch: any columns, [rows].
      groups: [rows], the group of each row, such as its split and shard in one number.

    >>> batch = pa.record_batch({"text": ["a", "b", "c"]})
    >>> [(group, some["text"].to_pylist()) for group, some in partition(batch, np.array([7, 2, 7]))]
    [(2, ['b']), (7, ['a', 'c'])]
    """
    order = np.argsort(groups, kind="stable")
    distinct, begin = np.unique(groups[order], return_index=True)
    for group, first, stop in zip(distinct, begin, np.append(begin, len(order))[1:], strict=True):
        # A copy, not a slice: while a block is filled, a slice would hold the whole batch in memory.
        yield int(group), batch.take(pa.array(order[first:stop]))


def pack_piece(batch: pa.RecordBatch) -> bytes:
    """A batch of SCHEMA as bytes.

    >>> batch = pa.RecordBatch.from_pydict({"key": [bytes(16)], "frame": [b"abc"], "label": [1]}, SCHEMA)
    >>> order_records([pack_piece(batch)])["frame"].to_pylist()
    [b'abc']
    """
    codec: arrow_ipc.Codec = "zstd" if batch.nbytes >= _ZSTD_BYTES else "lz4"
    return arrow_ipc.pack(pa.Table.from_batches([batch], SCHEMA), codec=codec)


def order_records(pieces: Iterable[bytes]) -> pa.Table:
    """All records of some pieces in their final order: SCHEMA, one chunk in each column.

    Sorted by keys.sort_key, then label, then frame; so the order of the pieces plays no part. Takes twice the memory of
    the frames.
    """
    arrived = pa.concat_tables([SCHEMA.empty_table(), *map(arrow_ipc.unpack, pieces)]).combine_chunks()
    if arrived.nbytes > _RELEASED_BYTES:
        # Memory of the pieces: the peak is 2.1 times the frames instead of 3.0.
        pa.default_memory_pool().release_unused()
    keys, labels = _keys_and_labels(arrived)
    order = np.lexsort((labels, keys[:, 0], keys[:, 1]))
    table = arrived.take(pa.array(order)).combine_chunks()
    del arrived
    return _order_ties(table)


def duplicate_counts(table: pa.Table) -> DuplicateCounts:
    """Counts the equal texts of a table that order_records returned; texts are equal if their keys are.

    >>> keys = [bytes(16), bytes(16), bytes(15) + b"z"]
    >>> ordered = pa.Table.from_pydict({"key": keys, "frame": [b"", b"", b""], "label": [0, 1, 0]}, SCHEMA)
    >>> duplicate_counts(ordered)
    DuplicateCounts(texts=1, rows=1, conflicting=1)
    """
    keys, labels = _keys_and_labels(table)
    begin, end = _runs(_equals_next(keys))
    return DuplicateCounts(
        texts=len(begin),
        rows=int((end - begin - 1).sum()),
        conflicting=int((labels[begin] != labels[end - 1]).sum()),  # labels rise within a run
    )


def add_counts(counts: Iterable[DuplicateCounts]) -> DuplicateCounts:
    """The counts of all sort ranges of a shard together.

    >>> add_counts([DuplicateCounts(1, 2, 0), DuplicateCounts(1, 1, 1)])
    DuplicateCounts(texts=2, rows=3, conflicting=1)
    """
    return DuplicateCounts(*np.sum([DuplicateCounts(0, 0, 0), *counts], axis=0).tolist())


def _order_ties(table: pa.Table) -> pa.Table:
    """Sorts records of equal key and label by their bytes. These are mostly equal too, and then nothing is sorted."""
    keys, labels = _keys_and_labels(table)
    tied = _equals_next(keys) & (labels[:-1] == labels[1:])
    frames = table["frame"]
    before = np.flatnonzero(tied)
    if pc.all(pc.equal(frames.take(pa.array(before)), frames.take(pa.array(before + 1)))).as_py():
        return table
    order = np.arange(len(table))
    for begin, end in zip(*_runs(tied), strict=True):
        contents = frames[begin:end].to_pylist()
        order[begin:end] = begin + np.array(sorted(range(end - begin), key=contents.__getitem__))
    return table.take(pa.array(order)).combine_chunks()


def _keys_and_labels(table: pa.Table) -> tuple[npt.NDArray[np.uint64], Int32s]:
    if not len(table):
        return np.empty((0, 2), np.uint64), np.empty(0, np.int32)
    return key_halves(table["key"].chunk(0)), table["label"].chunk(0).to_numpy()


def _equals_next(keys: npt.NDArray[np.uint64]) -> Flags:
    """bool [rows - 1]: whether a key of uint64 [rows, 2] equals the next one."""
    return (keys[:-1] == keys[1:]).all(axis=1)


def _runs(equals_next: Flags) -> tuple[Int64s, Int64s]:
    """The first row of each run of two or more equal rows, and the row after its last."""
    padded = np.concatenate([[False], equals_next, [False]])
    begin = np.flatnonzero(~padded[:-1] & padded[1:])
    end = np.flatnonzero(padded[:-1] & ~padded[1:]) + 1
    return begin, end

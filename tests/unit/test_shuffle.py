"""pipeline.records.shuffle: blocks, shards, order, duplicates."""

import itertools
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.records.keys import range_of, shard_of
from pipeline.records.shuffle import (
    SCHEMA,
    DuplicateCounts,
    add_counts,
    duplicate_counts,
    order_records,
    pack_piece,
    partition,
)


def key(split: int = 0, place: int = 0) -> bytes:
    return split.to_bytes(8, "big") + place.to_bytes(8, "big")


def as_batch(rows: list[tuple[bytes, bytes, int]]) -> pa.RecordBatch:
    """Rows of key, frame, label."""
    columns = zip(SCHEMA, zip(*rows, strict=True), strict=True)
    return pa.RecordBatch.from_arrays([pa.array(values, f.type) for f, values in columns], schema=SCHEMA)


def block(rows: list[tuple[bytes, bytes, int]]) -> bytes:
    return pack_piece(as_batch(rows))


def rows_of(table: pa.Table) -> list[tuple[bytes, bytes, int]]:
    return [(row["key"], row["frame"], row["label"]) for row in table.to_pylist()]


PARTITIONS = [
    # groups, rows of each group
    ([], []),
    ([3], [(3, [0])]),
    ([1, 0, 1, 0], [(0, [1, 3]), (1, [0, 2])]),
    ([5, 5, 5], [(5, [0, 1, 2])]),
    ([2, 9, 2, 0], [(0, [3]), (2, [0, 2]), (9, [1])]),
]


@pytest.mark.parametrize(("groups", "expected"), PARTITIONS)
def test_shuffle_partition_keeps_every_row_once(groups: list[int], expected: list[tuple[int, list[int]]]) -> None:
    batch = pa.record_batch({"row": pa.array(range(len(groups)), pa.int64())})
    parts = partition(batch, np.array(groups, np.int32))
    assert [(group, part["row"].to_pylist()) for group, part in parts] == expected


def test_shuffle_block_holds_only_the_rows_of_its_slice() -> None:
    batch = pa.RecordBatch.from_pydict(
        {"key": [key(0, place) for place in range(100)], "frame": [b"x" * 50] * 100, "label": [1] * 100},
        SCHEMA,
    )
    packed = pack_piece(batch.slice(40, 2))
    assert rows_of(order_records([packed])) == [(key(0, 40), b"x" * 50, 1), (key(0, 41), b"x" * 50, 1)]
    assert len(packed) < len(pack_piece(batch))


# Few keys, labels and frames, so that there are ties at every step of the order.
ROWS = st.lists(
    st.tuples(
        st.sampled_from([key(a, b) for a in (0, 1, 2**64 - 1) for b in (0, 255, 256, 2**53, 2**53 + 1, 2**64 - 1)]),
        st.sampled_from([b"", b"a", b"ab", b"\xff"]),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_shuffle_order_does_not_depend_on_arrival(
    rows: list[tuple[bytes, bytes, int]], random: Random, block_rows: int
) -> None:
    expected = sorted(rows, key=lambda row: (row[0][8:], row[0][:8], row[2], row[1]))
    random.shuffle(rows)
    blocks = [block(list(rows[i : i + block_rows])) for i in range(0, len(rows), block_rows)]
    ordered = order_records(blocks)
    assert ordered.schema == SCHEMA
    assert rows_of(ordered) == expected


def test_shuffle_order_of_the_shards_is_that_of_the_whole() -> None:
    random = np.random.default_rng(0)
    keys = pa.array([random.bytes(16) for _ in range(200)], pa.binary(16))
    columns = [keys, pa.array([b""] * 200, pa.large_binary()), pa.array([0] * 200, pa.int32())]
    batch = pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
    whole = rows_of(order_records([pack_piece(batch)]))
    shards = [rows_of(order_records([pack_piece(part)])) for _, part in partition(batch, shard_of(keys, 7))]
    assert len(shards) == 7
    assert list(itertools.chain(*shards)) == whole


# Places at and beside the bounds of any number of ranges of any shard, and equal ones.
PLACES = st.one_of(
    st.integers(0, 2**64 - 1),
    st.builds(
        lambda part, parts, beside: max(0, min(2**64 - 1, 2**64 * part // parts + beside)),
        st.integers(0, 200), st.integers(1, 200), st.integers(-1, 1),
    ),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), PLACES, st.integers(0, 1)), min_size=1, max_size=60),
    st.sampled_from([1, 2, 3, 7, 99_999]),
    st.sampled_from([1, 2, 5, 64]),
)
def test_shuffle_sub_ranges_one_behind_the_other_are_the_order_of_the_shard(
    places: list[tuple[int, int, int]], shards: int, ranges: int
) -> None:
    rows = [(key(split, place), place.to_bytes(8, "big"), label) for split, place, label in places]
    batch = as_batch(rows)
    ordered, counts = [], []
    for _, shard in partition(batch, shard_of(batch["key"], shards)):
        for number in range(ranges):
            in_range = range_of(shard["key"], shards=shards, ranges=ranges) == number
            part = order_records([pack_piece(some) for some in [shard.filter(pa.array(in_range))] if some.num_rows])
            ordered += rows_of(part)
            counts.append(duplicate_counts(part))
    assert ordered == sorted(rows, key=lambda row: (row[0][8:], row[0][:8], row[2], row[1]))
    assert add_counts(counts) == duplicate_counts(order_records([pack_piece(batch)]))


def test_shuffle_large_pieces_are_the_smaller_ones_for_it() -> None:
    random = np.random.default_rng(0)
    words = random.integers(1, 5000, (1000, 230)).astype("<u2")
    rows = [(random.bytes(16), words[row].tobytes() + bytes(270), 1) for row in range(1000)]
    whole, part = (len(pack_piece(as_batch(rows[:number]))) / number for number in (1000, 100))
    assert whole < part


def test_shuffle_order_of_nothing() -> None:
    ordered = order_records([])
    assert ordered.schema == SCHEMA
    assert ordered.num_rows == 0
    assert duplicate_counts(ordered) == DuplicateCounts(0, 0, 0)


DUPLICATES = [
    # (key, label) of each row, (texts, rows, conflicting)
    ([(key(1, 1), 0)], (0, 0, 0)),
    ([(key(1, 1), 0), (key(2, 1), 0), (key(1, 2), 0)], (0, 0, 0)),  # half a key in common is no equal text
    ([(key(1, 1), 0), (key(1, 1), 0)], (1, 1, 0)),
    ([(key(1, 1), 1), (key(1, 1), 0)], (1, 1, 1)),
    ([(key(1, 1), 0), (key(1, 1), 1), (key(1, 1), 0), (key(1, 1), 2)], (1, 3, 1)),
    (
        [(key(1, 1), 0), (key(3, 3), 0), (key(2, 2), 1), (key(1, 1), 0), (key(2, 2), 0), (key(2, 2), 1)],
        (2, 3, 1),
    ),
]


@pytest.mark.parametrize(("rows", "expected"), DUPLICATES)
def test_shuffle_counts_duplicates(rows: list[tuple[bytes, int]], expected: tuple[int, int, int]) -> None:
    ordered = order_records([block([(text, b"", label)]) for text, label in rows])
    assert duplicate_counts(ordered) == DuplicateCounts(*expected)

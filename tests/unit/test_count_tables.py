"""Count tables against a count in plain Python: any cut into batches, any order and depth of merging."""

import random
from collections import Counter
from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.support import arrow_ipc
from pipeline.vocabulary import count_tables
from pipeline.vocabulary.count_tables import CountSummary, Merger

# The rows of an input, each a text of tokens; few different tokens, so that they repeat.
INPUTS = st.lists(
    st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b"\xff", b"", "日".encode()]), max_size=6), max_size=12
)


def fingerprint(token: bytes) -> int:
    return sum(token) % 3  # many tokens share one


def table_of(rows: list[tuple[int, list[bytes]]]) -> pa.Table:
    """The count table of rows with their positions, counted here in plain Python."""
    count: Counter[bytes] = Counter()
    first: dict[bytes, tuple[int, int]] = {}
    for position, tokens in rows:
        for place, token in enumerate(tokens):
            count[token] += 1
            first[token] = min(first.get(token, (position, place)), (position, place))
    positions, places = zip(*first.values(), strict=True) if first else ((), ())
    return count_tables.count_table(
        (list(count), list(count.values()), positions, places, [fingerprint(one) for one in count])
    )


def contents(table: pa.Table) -> dict[bytes, tuple[int, int, int, int]]:
    columns = [table[name].to_pylist() for name in ("count", "position", "place", "hash")]
    found = dict(zip(table["token"].to_pylist(), zip(*columns, strict=True), strict=True))
    assert len(found) == table.num_rows  # no token twice
    return found


def in_python(rows: list[list[bytes]]) -> list[tuple[bytes, int]]:
    """(token, count) by falling count, then by first occurrence; Python's sort keeps the order of equals."""
    count = Counter(token for row in rows for token in row)
    return sorted(count.items(), key=lambda item: -item[1])


def cut(rows: list[list[bytes]], draw: random.Random) -> list[pa.Table]:
    """Count tables of batches, whose rows may come from anywhere in the input, in any order."""
    numbered = list(enumerate(rows))
    draw.shuffle(numbered)
    parts = draw.randrange(1, 5)
    tables = [table_of(numbered[part::parts]) for part in range(parts)]
    draw.shuffle(tables)
    return tables


@settings(max_examples=200, deadline=None)
@given(INPUTS, st.integers(1, 8), st.integers(1, 3), st.randoms(use_true_random=False))
def test_counts_any_batches_in_any_order_make_keras_order(
    rows: list[list[bytes]], words: int, min_count: int, draw: random.Random
) -> None:
    with mock.patch.object(count_tables, "_PENDING_ROWS", draw.randrange(0, 9)):
        merger = Merger()
        for table in cut(rows, draw):
            merger.add(table)
    found = count_tables.top(merger.result(), words=words, min_count=min_count)
    expected = [item for item in in_python(rows) if item[1] >= min_count][:words]
    assert list(zip(found["token"].to_pylist(), found["count"].to_pylist(), strict=True)) == expected


@settings(max_examples=200, deadline=None)
@given(INPUTS, st.integers(1, 5), st.randoms(use_true_random=False))
def test_counts_in_buckets_are_the_counts_in_one_table(
    rows: list[list[bytes]], number: int, draw: random.Random
) -> None:
    """Each batch is cut into buckets, each bucket merged by itself, as on different workers."""
    mergers = {bucket: Merger() for bucket in range(number)}
    for table in cut(rows, draw):
        for bucket, part in count_tables.buckets(table, number):
            mergers[bucket].add(arrow_ipc.unpack(arrow_ipc.pack(part)))
    tables = [merger.result() for merger in mergers.values()]
    found: dict[bytes, tuple[int, int, int, int]] = {}
    for bucket, table in enumerate(tables):
        assert {fingerprint(token) % number for token in contents(table)} <= {bucket}
        found |= contents(table)
    assert found == contents(table_of(list(enumerate(rows))))
    summary = count_tables.merge_summaries(count_tables.summarize(table) for table in tables)
    assert summary == count_tables.summarize(table_of(list(enumerate(rows))))


@settings(max_examples=100, deadline=None)
@given(INPUTS, st.randoms(use_true_random=False))
def test_counts_merge_is_the_table_of_all_rows(rows: list[list[bytes]], draw: random.Random) -> None:
    assert contents(count_tables.merge(cut(rows, draw))) == contents(table_of(list(enumerate(rows))))


@settings(max_examples=100, deadline=None)
@given(INPUTS)
def test_counts_coverage_is_the_share_of_the_tokens(rows: list[list[bytes]]) -> None:
    ordered = in_python(rows)
    total = sum(count for _, count in ordered)
    summary = count_tables.summarize(table_of(list(enumerate(rows))))
    found = count_tables.coverage(summary, range(len(ordered) + 2))
    expected = [sum(count for _, count in ordered[:kept]) / max(total, 1) for kept in range(len(ordered) + 2)]
    assert found == pytest.approx(expected)
    assert (summary.total, summary.distinct) == (total, len(ordered))


def test_counts_of_nothing() -> None:
    nothing = Merger().result()
    assert nothing.schema == count_tables.SCHEMA
    assert count_tables.merge([nothing, nothing]).num_rows == 0
    assert count_tables.top(nothing, words=3, min_count=1).num_rows == 0
    assert list(count_tables.buckets(nothing, 4)) == []
    assert count_tables.summarize(nothing) == CountSummary([], [])
    assert count_tables.coverage(CountSummary([], []), [0, 9]) == [0.0, 0.0]


def test_counts_are_exact_beyond_32_bits() -> None:
    tables = [count_tables.count_table(([b"the"], [2**40 + part], [2**50 - part], [part], [1])) for part in (0, 1)]
    assert contents(count_tables.merge(tables)) == {b"the": (2**41 + 1, 2**50 - 1, 1, 1)}


def test_counts_merger_holds_no_more_than_twice_the_distinct_tokens() -> None:
    merger = Merger()
    with mock.patch.object(count_tables, "_PENDING_ROWS", 10):
        for position in range(100):
            merger.add(table_of([(position, [b"%d" % token for token in range(20)])]))
            held = sum(table.num_rows for table in [*merger._merged, *merger._pending])
            assert held <= 20 + max(10, 20) + 20  # merged, pending, and the table just added
    assert set(merger.result()["count"].to_pylist()) == {100}

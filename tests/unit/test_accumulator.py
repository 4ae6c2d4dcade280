"""Statistics of a bundle: by hand, however its batches are cut and however much waits."""

import itertools

import numpy as np
import pyarrow as pa
import pytest

from pipeline.records.weight_sums import numbers
from pipeline.statistics import accumulator, distinctive_words
from pipeline.statistics.accumulator import BundleStatistics
from pipeline.statistics.split_statistics import BatchColumns, Sample, SplitStatistics

# ids of two, label, split, tokens, known tokens, whether words are counted of it
ROWS = [
    ([0, 1], 0, 0, 2, 1, True),
    ([2, 1], 1, 0, 3, 3, True),
    ([0, 0], 1, 2, 0, 0, False),
    ([1, 1], 1, 0, 2, 2, False),
    ([0, 2], 0, 2, 4, 1, False),
]
# A sample's place is its key, the second half first.
SAMPLES = {1: (b"b" * 8 + b"a" * 8, b"one"), 3: (b"a" * 8 + b"b" * 8, b"three"), 4: (b"c" * 16, b"four")}


def columns(rows: range) -> BatchColumns:
    ids, labels, splits, tokens, known, _ = zip(*(ROWS[row] for row in rows), strict=True)
    samples = [(row - rows.start, *SAMPLES[row]) for row in rows if row in SAMPLES]
    label, split, token_count, known_count = (np.array(column) for column in (labels, splits, tokens, known))
    unknown = np.zeros(len(rows), np.int64)
    return BatchColumns(np.array(ids, np.int32), label, split, token_count, known_count, unknown, samples)


def statistics_of(cuts: tuple[int, ...], *, unknown_has_id: bool = False) -> dict[int, SplitStatistics]:
    statistics = BundleStatistics(unknown_has_id=unknown_has_id, first_id=1)
    for start, stop in itertools.pairwise([0, *cuts, len(ROWS)]):
        is_counted = np.array([ROWS[row][5] for row in range(start, stop)])
        statistics.add(columns(range(start, stop)), is_counted=is_counted)
    return dict(statistics.result())


@pytest.mark.parametrize("waiting", [0, 1, 3, 10**6])
@pytest.mark.parametrize("cuts", [(), (2,), (1, 2, 3, 4)])
def test_bundle_statistics_by_hand(waiting: int, cuts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accumulator, "_BUFFERED_ROWS", waiting)
    monkeypatch.setattr(accumulator, "_BUFFERED_RECORDS", waiting)
    train, test = (statistics := statistics_of(cuts))[0], statistics[2]
    assert sorted(statistics) == [0, 2]
    assert (train.rows, train.tokens, train.unknown_tokens) == (3, 7, 1)
    assert (train.truncated_texts, train.empty_texts, train.wordless_texts) == (1, 0, 0)
    assert (dict(train.labels), dict(train.lengths)) == ({0: 1, 1: 2}, {1: 1, 2: 1, 3: 1})
    assert train.samples == (
        Sample(b"a" * 8 + b"b" * 8, b"one", 1, (2, 1)),
        Sample(b"b" * 8 + b"a" * 8, b"three", 1, (1, 1)),
    )
    assert train.words.rows == 2
    counted = zip(train.words.codes.tolist(), train.words.counts.tolist(), strict=True)
    assert list(counted) == [(1, 1), ((1 << 32) + 1, 1), ((1 << 32) + 2, 1)]  # label << 32 | id
    assert (test.rows, test.tokens, test.unknown_tokens) == (2, 4, 3)
    assert (test.truncated_texts, test.empty_texts, test.wordless_texts) == (0, 1, 1)
    assert test.samples == (Sample(b"c" * 16, b"four", 0, (0, 2)),)
    assert test.words.rows == 0


# labels and weight of each of ROWS, and a hash of the labels
LABELS, WEIGHTS, HASHES = [[0], [0, 2], [], [0, 2], []], [0.5, 2.0, 1.0, 0.25, 4.0], [7, 9, 5, 9, 5]


@pytest.mark.parametrize("waiting", [0, 1, 3, 10**6])
@pytest.mark.parametrize("cuts", [(), (2,), (1, 2, 3, 4)])
def test_bundle_statistics_of_several_labels_and_weights(
    waiting: int, cuts: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accumulator, "_BUFFERED_ROWS", waiting)
    monkeypatch.setattr(accumulator, "_BUFFERED_RECORDS", waiting)
    made = BundleStatistics(unknown_has_id=False, first_id=1)
    for start, stop in itertools.pairwise([0, *cuts, len(ROWS)]):
        batch = columns(range(start, stop))._replace(
            labels=np.array(HASHES[start:stop]),
            sets=pa.array(LABELS[start:stop], pa.large_list(pa.int64())),
            weights=np.array(WEIGHTS[start:stop], np.float32),
        )
        made.add(batch, is_counted=batch.splits == 0)
    train, test = (statistics := dict(made.result()))[0], statistics[2]
    assert (dict(train.labels), train.no_labels) == ({0: 3, 2: 2}, 0)
    assert (dict(test.labels), test.no_labels) == ({}, 2)
    assert numbers(train.weights) == (2.75, 4.3125, {0: 2.75, 2: 2.25})
    assert numbers(test.weights) == (5.0, 17.0, {})
    assert (train.sets, test.sets) == ({(0,): 1, (0, 2): 2}, {})
    assert [sample.labels for sample in train.samples] == [(0, 2), (0, 2)]
    assert test.samples[0].labels == ()
    # rows 0, 1 and 3 have the words 1; 2, 1; 1, 1. All of them count for label 0, the last two for label 2.
    every = distinctive_words.ALL_RECORDS << 32
    counted = dict(zip(train.words.codes.tolist(), train.words.counts.tolist(), strict=True))
    assert counted == {1: 4, 2: 1, (2 << 32) + 1: 3, (2 << 32) + 2: 1, every + 1: 4, every + 2: 1}
    assert train.words.rows == 3


def test_bundle_statistics_where_unknown_tokens_have_an_id() -> None:
    statistics = statistics_of((), unknown_has_id=True)
    assert dict(statistics[0].lengths) == {2: 2, 3: 1}
    assert statistics[2].truncated_texts == 1


def test_bundle_statistics_of_no_batch() -> None:
    assert dict(BundleStatistics(unknown_has_id=False, first_id=1).result()) == {0: SplitStatistics()}


def test_bundle_statistics_keep_the_samples_of_the_smallest_places() -> None:
    statistics = BundleStatistics(unknown_has_id=False, first_id=1)
    order = np.random.default_rng(0).permutation(40).tolist()
    for number in order:
        key = bytes(8) + bytes([0] * 7 + [number])
        zero = np.array([0])
        batch = BatchColumns(np.array([[1, 2]]), zero, zero, zero, zero, zero, [(0, key, b"text")])
        statistics.add(batch, is_counted=np.array([False]))
    samples = dict(statistics.result())[0].samples
    assert [sample.sort_key[7] for sample in samples] == list(range(16))

"""Batches hold every row once, in an order that depends on seed and epoch alone, without padding that rows share."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipeline.errors import UserError
from tests.support.toy_records import Row, example, write_folder, write_shard
from trainer.data.dataset import batch_count, evaluation_batches, iterate_batches, training_batches
from trainer.data.records_folder import RecordsFolder

# In batches of 1 a window has 100 rows, so 230 rows are two whole windows and a part of one.
ROWS = [([1 + index % 19] * (1 + index * 7 % 12), index) for index in range(230)]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> RecordsFolder:
    """230 rows, each with a label of its own, in three shards and an empty one."""
    shards = [ROWS[:100], [], ROWS[100:170], ROWS[170:]]
    return write_folder(tmp_path_factory.mktemp("records"), train=shards, evaluation=ROWS, test=[])


@pytest.fixture(scope="module")
def whole_epoch(records: RecordsFolder) -> list[list[int]]:
    return order(records)


def labels_of(batches: tf.data.Dataset) -> list[list[int]]:
    return [batch.labels.numpy().tolist() for batch in batches]


def order(
    records: RecordsFolder, *, seed: int = 1, epoch: int = 0, skip: int = 0, batch_size: int = 1
) -> list[list[int]]:
    batches = training_batches(records, batch_size=batch_size, trim=True, seed=seed, epoch=epoch, skip=skip)
    return labels_of(batches)


def test_dataset_gives_every_row_once_with_its_own_label(records: RecordsFolder) -> None:
    seen = {}
    for ids, labels, *_ in training_batches(records, batch_size=8, trim=True, seed=1, epoch=0):
        for row, label in zip(ids.numpy().tolist(), labels.numpy().tolist(), strict=True):
            assert label not in seen
            seen[label] = [word for word in row if word]
    assert seen == {label: words for words, label in ROWS}


def test_dataset_order_is_a_pure_function_of_seed_and_epoch(
    records: RecordsFolder, whole_epoch: list[list[int]]
) -> None:
    tf.random.set_seed(99)  # tf.data's own shuffle depends on it
    assert order(records) == whole_epoch
    assert order(records, seed=2) != whole_epoch
    second = order(records, epoch=1)
    assert second != whole_epoch
    assert sorted(second) == sorted(whole_epoch)


def test_dataset_moves_rows_between_windows_from_epoch_to_epoch(tmp_path: Path) -> None:
    records = write_folder(tmp_path, train=[ROWS])  # one shard, so the order of shards can't move rows
    windows = [{label for (label,) in order(records, epoch=epoch)[:100]} for epoch in (0, 1)]
    assert windows[0] != windows[1]


@pytest.mark.parametrize(
    # skip; a window has 100 batches
    "skip",
    [99, 100, 101, 230],
)
def test_dataset_skip_is_the_tail_of_the_epoch(records: RecordsFolder, whole_epoch: list[list[int]], skip: int) -> None:
    assert order(records, skip=skip) == whole_epoch[skip:]


@pytest.mark.parametrize(
    # place in the epoch of a record that can't be parsed, whether an epoch without its first 100 batches reads it
    ("place", "is_read"),
    [(99, False), (100, True)],
)
def test_dataset_skips_windows_without_parsing_them(tmp_path: Path, place: int, is_read: bool) -> None:
    rows = [([1], index) for index in range(200)]
    records = write_folder(tmp_path, train=[rows], max_length=1)
    (damaged,) = order(records)[place]
    examples = [b"no example" if index == damaged else example([1], index) for index in range(200)]
    write_shard(tmp_path / "records" / "train-00000-of-00001.tfrecord.gz", examples)
    try:
        assert len(order(records, skip=100)) == 100
        assert not is_read
    except tf.errors.InvalidArgumentError:
        assert is_read


@pytest.mark.parametrize("padding", ["pre", "post"])
def test_dataset_trims_to_the_longest_text_of_the_batch(tmp_path: Path, padding: str) -> None:
    records = write_folder(tmp_path, train=[ROWS], padding=padding)
    whole = training_batches(records, batch_size=4, trim=False, seed=1, epoch=0)
    trimmed = training_batches(records, batch_size=4, trim=True, seed=1, epoch=0)
    widths = set()
    for (all_ids, all_labels, *_), (ids, labels, *_) in zip(whole, trimmed, strict=True):
        assert all_ids.shape[1] == 12
        assert labels.numpy().tolist() == all_labels.numpy().tolist()
        longest = int(np.count_nonzero(all_ids, axis=1).max())
        expected = all_ids[:, 12 - longest :] if padding == "pre" else all_ids[:, :longest]
        assert ids.numpy().tolist() == expected.numpy().tolist()
        widths.add(longest)
    assert len(widths) > 6


def test_dataset_batches_rows_of_about_the_same_length(records: RecordsFolder) -> None:
    batches = training_batches(records, batch_size=8, trim=True, seed=1, epoch=0)
    lengths = [np.count_nonzero(batch.ids, axis=1) for batch in batches]
    assert max(int(batch.max() - batch.min()) for batch in lengths) <= 2  # the texts have 1 to 12 words
    assert all((np.diff(batch) >= 0).all() for batch in lengths)


def test_dataset_batch_without_words_has_one_column(tmp_path: Path) -> None:
    records = write_folder(tmp_path, train=[[([], 0), ([], 1)]])
    ((ids, *_),) = training_batches(records, batch_size=2, trim=True, seed=1, epoch=0)
    assert ids.numpy().tolist() == [[0], [0]]


def test_dataset_reads_plain_shards(tmp_path: Path) -> None:
    records = write_folder(tmp_path, train=[ROWS[:3], ROWS[3:5]], ending="tfrecord")
    assert sorted(order(records)) == [[0], [1], [2], [3], [4]]


def test_dataset_evaluation_order_is_fixed_and_by_length(records: RecordsFolder) -> None:
    first, second = (evaluation_batches(records, "eval", batch_size=8, trim=True) for _ in range(2))
    labels = labels_of(first)
    assert labels == labels_of(second)
    assert sorted(label for batch in labels for label in batch) == list(range(230))
    widths = [batch.ids.shape[1] for batch in first]
    assert widths == sorted(widths)


def test_dataset_of_an_empty_split_is_empty(records: RecordsFolder) -> None:
    assert labels_of(evaluation_batches(records, "test", batch_size=8, trim=True)) == []


@pytest.mark.parametrize(
    # batch_size, batches of 230 rows
    ("batch_size", "batches"),
    [(8, 29), (10, 23), (231, 1)],
)
def test_dataset_number_of_batches(records: RecordsFolder, batch_size: int, batches: int) -> None:
    assert batch_count(records, "train", batch_size=batch_size) == batches
    dataset = training_batches(records, batch_size=batch_size, trim=True, seed=1, epoch=0)
    assert dataset.cardinality().numpy() == batches
    assert len(labels_of(dataset)) == batches


@pytest.mark.parametrize(
    # records that replace a shard of five records
    "content",
    [
        pytest.param([example([1] * 12, 0)] * 4, id="too few"),
        pytest.param([example([1] * 12, 0)] * 6, id="too many"),
        pytest.param([example([1] * 11, 0)] * 5, id="another length"),
        pytest.param([b"no example"] * 5, id="no examples"),
    ],
)
def test_dataset_refuses_records_that_have_changed(tmp_path: Path, content: list[bytes]) -> None:
    records = write_folder(tmp_path, train=[ROWS[:5]])
    write_shard(tmp_path / "records" / "train-00000-of-00001.tfrecord.gz", content)
    batches = training_batches(records, batch_size=1, trim=True, seed=1, epoch=0)
    with pytest.raises(UserError, match="its records can't be read"):
        list(iterate_batches(batches, records))


def test_dataset_refuses_a_damaged_shard(tmp_path: Path) -> None:
    records = write_folder(tmp_path, train=[ROWS[:5]])
    path = tmp_path / "records" / "train-00000-of-00001.tfrecord.gz"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    batches = training_batches(records, batch_size=1, trim=True, seed=1, epoch=0)
    with pytest.raises(UserError, match="its records can't be read"):
        list(iterate_batches(batches, records))


# Words, labels, weight, slices. The weights are floats of 32 bits.
SEVERAL = [
    ([1], [0, 2], 0.5, ["mobile", "de"]),
    ([2, 3], [], 2.0, ["web", ""]),
    ([4, 5, 6], [1], 0.25, ["", "größer"]),
]


def several_folder(folder: Path) -> RecordsFolder:
    rows: list[Row] = [(words, labels, weight, slices) for words, labels, weight, slices in SEVERAL]
    return write_folder(
        folder, train=[rows], evaluation=rows, labels=("a", "b", "c"), several=True, slices=("device", "language")
    )


def test_dataset_gives_labels_weights_and_slices_of_each_row(tmp_path: Path) -> None:
    batches = evaluation_batches(several_folder(tmp_path), "eval", batch_size=2, trim=True)
    first, second = batches
    assert first.ids.numpy().tolist() == [[0, 1], [2, 3]]
    assert first.labels.numpy().tolist() == [[1, 0, 1], [0, 0, 0]]
    assert first.labels.dtype == tf.float32
    assert first.weights.numpy().tolist() == [0.5, 2]
    assert [[text.decode() for text in row] for row in first.slices.numpy()] == [["mobile", "de"], ["web", ""]]
    assert second.labels.numpy().tolist() == [[0, 1, 0]]
    assert [[text.decode() for text in row] for row in second.slices.numpy()] == [["", "größer"]]


def test_dataset_for_training_has_the_same_rows_without_slices(tmp_path: Path) -> None:
    seen = {}
    for batch in training_batches(several_folder(tmp_path), batch_size=2, trim=False, seed=1, epoch=0):
        assert batch.slices is None
        for ids, labels, weight in zip(batch.ids.numpy(), batch.labels.numpy(), batch.weights.numpy(), strict=True):
            seen[tuple(ids[ids > 0].tolist())] = (labels.tolist(), weight)
    assert seen == {(1,): ([1, 0, 1], 0.5), (2, 3): ([0, 0, 0], 2), (4, 5, 6): ([0, 1, 0], 0.25)}


def test_dataset_without_weights_and_slices_has_no_tensors_of_them(records: RecordsFolder) -> None:
    batches = evaluation_batches(records, "eval", batch_size=8, trim=True)
    assert [spec.dtype for spec in tf.nest.flatten(batches.element_spec)[:2]] == [tf.int64, tf.int64]
    assert batches.element_spec.weights == batches.element_spec.slices == tf.NoneTensorSpec()

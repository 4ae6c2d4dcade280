"""Records of a split -> labelled batches, in an order that is a pure function of seed and epoch.

    ids      int64 [batch, length]    rows of about the same length; the padding that all of them share is cut off
    labels   int64 [batch]            index into the manifest's labels; with several labels a text float32
                                      [batch, classes], 1 for those that it has and 0 for others
    weights  float32 [batch]          None unless the records have weights
    slices   string [batch, columns]  None unless the records have slices, and in training

    shards in seeded order -> rows in a seeded shuffle buffer -> windows of 100 batches -> one parse a window
      -> rows of the window sorted by word count, with jitter -> rows of each batch sorted by word count
      -> batches of the window in seeded order -> gathered and trimmed

The word count of a row is its number of ids that are not padding.

Why windows: parsing a window in one call and slicing it gives 66,000 rows of 500 ids a CPU second; parsing row by row
gives 26,000 to 34,000. Why trimming: it halves the steps of the LSTM (the mean width on IMDB is 217 of 500). Why each
batch is sorted: training in groups of 16 rows (`trainer.model.lstm_training`) then takes 207 steps a row instead of
214; the texts themselves have 204 words.

A window has a number, and its random draws depend on that number. So a resumed epoch skips whole windows without
parsing them. `skip=n` gives the tail of the same epoch, and no iterator has to be saved.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.contract import Split
from pipeline.errors import UserError
from trainer import files
from trainer.data.parsed_records import ParsedRecords, multi_hot, parse_records, serialized_records
from trainer.data.records_folder import RecordsFolder

# Batches of a window. 100 batches of 64 rows sort well: the mean width on IMDB is 217, and 204 with all rows in one
# window. Larger windows only cost memory.
_WINDOW_BATCHES: Final = 100
# Most ids of a window, 64 MiB of int64: windows of long sequences have fewer batches.
_WINDOW_IDS: Final = 1 << 23
# Size of the shuffle buffer in windows. It moves rows between windows. A small one is enough, because the pipeline has
# shuffled the records across all shards.
_BUFFER_WINDOWS: Final = 4
# Largest jitter on the word count, as a share of max_length. With 0 the same rows would share a batch in each epoch.
# 0.05 makes batches 4 % wider.
_JITTER: Final = 0.05

# The purpose of a random draw. It is a part of the draw's seed, so that no two draws use the same random bits.
_SHARD_ORDER, _ROW_ORDER, _JITTER_DRAW, _BATCH_ORDER = range(4)


class LabelledBatch(NamedTuple):
    """A batch of the model; see the module for shapes. None: the records, or this kind of batches, have no such part.

    A dataset of such batches has no tensor in place of a None, so what is not there costs nothing.
    """

    ids: tf.Tensor
    labels: tf.Tensor
    weights: tf.Tensor | None = None
    slices: tf.Tensor | None = None


def batch_count(records: RecordsFolder, split: Split, *, batch_size: int) -> int:
    """Batches of one epoch over a split; the last rows make a smaller batch.

    For example, 230 rows in batches of 8 are 29 batches: 28 of 8 rows and one of 6.
    """
    return -(-records.splits[split].rows // batch_size)


def training_batches(
    records: RecordsFolder, *, batch_size: int, trim: bool, seed: int, epoch: int, skip: int = 0
) -> tf.data.Dataset:
    """The train split in the order of an epoch (counted from 0), without its first `skip` batches.

    trim: cut off the padding that all rows of a batch share. Only for masked models: their results don't change. A
      model that reads the padding would get another result for the same text in another batch.

    Damaged records raise a tf.errors.OpError during the iteration; `iterate_batches` makes a UserError of it.
    """
    order = _Order(seed, epoch)
    paths = records.shard_paths("train")
    window = _window_batches(records, batch_size=batch_size)
    rows = serialized_records([paths[index] for index in order.permutation(len(paths))])
    rows = order.shuffle(rows, buffer=_BUFFER_WINDOWS * window * batch_size)
    windows = rows.batch(window * batch_size).enumerate().skip(skip // window)

    def parse_window(index: tf.Tensor, serialized: tf.Tensor) -> _Window:
        parsed = parse_records(serialized, records)
        word_counts = parsed.word_counts
        jitter = order.jitter(tf.shape(word_counts), window=index) * (_JITTER * records.sequence.max_length)
        by_count = tf.argsort(tf.cast(word_counts, tf.float32) + jitter, stable=True)
        by_count = _sort_within_batches(by_count, word_counts, batch_size=batch_size)
        count = _ceil_divide(tf.size(word_counts), batch_size)
        return _Window(parsed, by_count, order.batches(count, window=index))

    batches = windows.map(parse_window).prefetch(1).flat_map(_batch_maker(records, batch_size=batch_size, trim=trim))
    count = batch_count(records, "train", batch_size=batch_size) - skip
    return _assert_count(batches.skip(skip % window), count)


def evaluation_batches(records: RecordsFolder, split: Split, *, batch_size: int, trim: bool) -> tf.data.Dataset:
    """A split in a fixed order: the order of the records, sorted by word count within each window."""
    window = _window_batches(records, batch_size=batch_size)

    def parse_window(serialized: tf.Tensor) -> _Window:
        parsed = parse_records(serialized, records, with_slices=True)
        by_count = tf.argsort(parsed.word_counts, stable=True)
        return _Window(parsed, by_count, tf.range(_ceil_divide(tf.size(parsed.word_counts), batch_size)))

    windows = serialized_records(records.shard_paths(split)).batch(window * batch_size).map(parse_window).prefetch(1)
    batches = windows.flat_map(_batch_maker(records, batch_size=batch_size, trim=trim))
    return _assert_count(batches, batch_count(records, split, batch_size=batch_size))


def iterate_batches(batches: tf.data.Dataset, records: RecordsFolder) -> Iterator[LabelledBatch]:
    """The batches; a read error becomes a UserError.

    After the last one the shards are compared with what they were when the training began.

    Raises:
      UserError: a record file is damaged, has changed since the folder was checked, or holds other features.
    """
    try:
        yield from batches
    except tf.errors.OpError as error:
        records.refuse_changes()
        reason = files.reason_of(error)
        raise UserError(
            f"{records.path}: its records can't be read ({reason}); `python -m pipeline verify` on it tells more"
        ) from error
    records.refuse_changes()


class _Order:
    """All random draws of an epoch. They depend on seed and epoch alone, not on TensorFlow's global seed."""

    def __init__(self, seed: int, epoch: int) -> None:
        self._seed, self._epoch = seed, epoch

    def permutation(self, size: int) -> list[int]:
        """The numbers 0 .. size - 1 in random order."""
        return [int(place) for place in np.random.default_rng(self._seed_words(_SHARD_ORDER)).permutation(size)]

    def shuffle(self, rows: tf.data.Dataset, *, buffer: int) -> tf.data.Dataset:
        """The rows in random order: each is drawn from a buffer of `buffer` rows."""
        graph_seed, seed = (int(word) for word in self._seed_words(_ROW_ORDER))

        # Dataset.shuffle also uses the seed of the graph that it is built in. Here that would be the global seed of the
        # process. The function below has a graph of its own, whose seed we set.
        def seeded(_: tf.Tensor) -> tf.data.Dataset:
            tf.random.set_seed(graph_seed)
            return rows.shuffle(buffer, seed=seed, reshuffle_each_iteration=False)

        return tf.data.Dataset.from_tensors(0).flat_map(seeded)

    def jitter(self, shape: tf.Tensor, *, window: tf.Tensor) -> tf.Tensor:
        """float32 in [0, 1), of the given shape."""
        return tf.random.stateless_uniform(shape, self._window_seed(_JITTER_DRAW, window))

    def batches(self, count: tf.Tensor, *, window: tf.Tensor) -> tf.Tensor:
        """The numbers 0 .. count - 1 of a window's batches in random order, int32 [count]."""
        return tf.random.experimental.stateless_shuffle(tf.range(count), self._window_seed(_BATCH_ORDER, window))

    def _window_seed(self, draw: int, window: tf.Tensor) -> tf.Tensor:
        """A seed for `tf.random.stateless_*`, int64 [2]."""
        return tf.random.fold_in(tf.constant(self._seed_words(draw)), window)

    def _seed_words(self, draw: int) -> np.ndarray:
        """int64 [2], each a random 32-bit number."""
        words = np.random.SeedSequence([self._seed, self._epoch, draw]).generate_state(2, np.uint32)
        return words.astype(np.int64)


def _sort_within_batches(rows: tf.Tensor, word_counts: tf.Tensor, *, batch_size: int) -> tf.Tensor:
    """Sorts the rows of each batch by word count; the rows of a batch stay together.

    rows: row numbers, int32 [rows], the first `batch_size` are the first batch; word_counts: int64 [rows], by row
      number. Returns row numbers, int32 [rows].

    >>> counts = tf.constant([5, 2, 9, 1], tf.int64)
    >>> _sort_within_batches(tf.constant([0, 1, 2, 3]), counts, batch_size=2).numpy().tolist()
    [1, 0, 3, 2]
    """
    batch = tf.range(tf.size(rows, out_type=tf.int64), dtype=tf.int64) // batch_size
    longest = tf.reduce_max(word_counts)
    return tf.gather(rows, tf.argsort(batch * (longest + 1) + tf.gather(word_counts, rows), stable=True))


def _window_batches(records: RecordsFolder, *, batch_size: int) -> int:
    return max(1, min(_WINDOW_BATCHES, _WINDOW_IDS // (batch_size * records.sequence.max_length)))


class _Window(NamedTuple):
    """The records of a window; rows: their order, int32 [rows]; batches: the order of its batches, int32 [batches]."""

    parsed: ParsedRecords
    rows: tf.Tensor
    batches: tf.Tensor


def _batch_maker(records: RecordsFolder, *, batch_size: int, trim: bool) -> Callable[[_Window], tf.data.Dataset]:
    """A function that makes a dataset of the batches of a window."""
    max_length = records.sequence.max_length
    pads_at_start = records.sequence.padding == "pre"
    scheme = records.scheme

    def batches(window: _Window) -> tf.data.Dataset:
        parsed = window.parsed

        def batch(number: tf.Tensor) -> LabelledBatch:
            own_rows = window.rows[number * batch_size : (number + 1) * batch_size]
            batch_ids = tf.gather(parsed.ids, own_rows)
            if trim:
                length = tf.maximum(tf.reduce_max(tf.gather(parsed.word_counts, own_rows)), 1)
                batch_ids = batch_ids[:, max_length - length :] if pads_at_start else batch_ids[:, :length]
            labels = tf.gather(parsed.labels, own_rows)
            return LabelledBatch(
                batch_ids,
                multi_hot(labels, classes=len(scheme.names)) if scheme.several else labels,
                *(None if part is None else tf.gather(part, own_rows) for part in (parsed.weights, parsed.slices)),
            )

        return tf.data.Dataset.from_tensor_slices(window.batches).map(batch)

    return batches


def _assert_count(batches: tf.data.Dataset, count: int) -> tf.data.Dataset:
    """The batches; another number of them than the manifest promises is a tf.errors.OpError at the end."""
    return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def _ceil_divide(size: tf.Tensor, divisor: int) -> tf.Tensor:
    """int32 [] -> int32 [], rounded up.

    >>> int(_ceil_divide(tf.constant(7), 3))
    3
    """
    return -(-size // divisor)

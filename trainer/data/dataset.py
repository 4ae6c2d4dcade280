"""Records of a split -> batches of (ids, labels), in an order that is a pure function of seed and epoch.

    ids     int64 [batch, length]   a batch's rows have about the same length; the padding that they share is cut off
    labels  int64 [batch]           index into the manifest's labels

    files in seeded order -> rows in a seeded shuffle buffer -> windows of 100 batches -> one parse a window
      -> rows of the window sorted by real length, with jitter -> each batch's rows sorted by real length
      -> its batches in seeded order -> gathered and trimmed

The real length of a row is its number of ids that are not padding. Parsing a window in one call and slicing it gives
66,000 rows of 500 ids a CPU second, where a parse a row gives 26,000 to 34,000; trimming halves what the LSTM has to
step through (a mean width of 217 of 500 on IMDB). What reads a batch in groups of 16 rows, see `block_reader`, steps
through 207 words a row of a batch that is in order, and 214 otherwise; the texts themselves have 204. A window is named
by its number, so a resumed epoch skips whole windows without parsing them: `skip=n` is the tail of the same epoch, and
no iterator has to be saved.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import tensorflow as tf

from pipeline.contract import IDS, LABEL, PADDING_ID, Split
from pipeline.errors import UserError
from trainer.data.records_folder import Manifest

# 100 batches of 64 sort well (IMDB: mean width 217, all rows at once 204); larger windows only cost memory.
_WINDOW_BATCHES: Final = 100
# A window of long sequences is smaller: 2^23 ids are 64 MiB.
_WINDOW_IDS: Final = 1 << 23
# What moves rows between windows. Little will do: the pipeline has shuffled the records across all shards already.
_BUFFER_WINDOWS: Final = 4
# Jitter on the length, as a share of max_length. 0 makes the same rows meet in each epoch; 0.05 costs 4 % of width.
_JITTER: Final = 0.05

# What a random draw is for; a part of its seed, so that no two draws share their bits.
_FILES, _ROWS, _LENGTHS, _BATCHES = range(4)


def batch_count(manifest: Manifest, split: Split, *, batch_size: int) -> int:
    """Batches that an epoch over a split has; the smallest one holds the rows that are left over."""
    return -(-manifest.splits[split].rows // batch_size)


def training_batches(
    manifest: Manifest, *, batch_size: int, trim: bool, seed: int, epoch: int, skip: int = 0
) -> tf.data.Dataset:
    """The train split in the order of an epoch (counted from 0), without its first `skip` batches.

    trim: cut off the padding that a batch's rows share. For masked models, whose numbers it leaves as they are; a model
      that reads the padding would see each text differently from batch to batch.

    Damaged records show while iterating, as a tf.errors.OpError; `checked` turns it into a UserError.
    """
    order = _Order(seed, epoch)
    paths = manifest.shard_paths("train")
    window = _window_batches(manifest, batch_size=batch_size)
    rows = _rows([paths[index] for index in order.permutation(len(paths))])
    rows = order.shuffled(rows, buffer=_BUFFER_WINDOWS * window * batch_size)
    windows = rows.batch(window * batch_size).enumerate().skip(skip // window)

    def parsed(index: tf.Tensor, serialized: tf.Tensor) -> tuple[tf.Tensor, ...]:
        ids, labels, lengths = _parse(serialized, max_length=manifest.sequence.max_length)
        jitter = order.jitter(tf.shape(lengths), window=index) * (_JITTER * manifest.sequence.max_length)
        by_length = tf.argsort(tf.cast(lengths, tf.float32) + jitter, stable=True)
        by_length = _in_order_within_batches(by_length, lengths, batch_size=batch_size)
        count = _ceil_divide(tf.size(lengths), batch_size)
        return ids, labels, lengths, by_length, order.batches(count, window=index)

    batches = windows.map(parsed).prefetch(1).flat_map(_slicer(manifest, batch_size=batch_size, trim=trim))
    count = batch_count(manifest, "train", batch_size=batch_size) - skip
    return _counted(batches.skip(skip % window), count)


def evaluation_batches(manifest: Manifest, split: Split, *, batch_size: int, trim: bool) -> tf.data.Dataset:
    """A split in a fixed order: that of the records, sorted by length within a window."""
    window = _window_batches(manifest, batch_size=batch_size)

    def parsed(serialized: tf.Tensor) -> tuple[tf.Tensor, ...]:
        ids, labels, lengths = _parse(serialized, max_length=manifest.sequence.max_length)
        by_length = tf.argsort(lengths, stable=True)
        return ids, labels, lengths, by_length, tf.range(_ceil_divide(tf.size(lengths), batch_size))

    windows = _rows(manifest.shard_paths(split)).batch(window * batch_size).map(parsed).prefetch(1)
    batches = windows.flat_map(_slicer(manifest, batch_size=batch_size, trim=trim))
    return _counted(batches, batch_count(manifest, split, batch_size=batch_size))


def checked(batches: tf.data.Dataset, manifest: Manifest) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """The batches; records that can't be read are the folder's fault and not the trainer's.

    Raises:
      UserError: a record file is damaged or changed since the folder was checked, or holds other features.
    """
    try:
        yield from batches
    except tf.errors.OpError as error:
        reason = str(error.message).splitlines()[0]
        raise UserError(
            f"{manifest.folder}: its records can't be read ({reason}); `python -m pipeline verify` on it tells more"
        ) from error


class _Order:
    """All random draws of an epoch: of seed and epoch alone, whatever TensorFlow's global seed is."""

    def __init__(self, seed: int, epoch: int) -> None:
        self._seed, self._epoch = seed, epoch

    def permutation(self, size: int) -> list[int]:
        """The places 0 .. size - 1, shuffled."""
        return [int(place) for place in np.random.default_rng(self._words(_FILES)).permutation(size)]

    def shuffled(self, rows: tf.data.Dataset, *, buffer: int) -> tf.data.Dataset:
        """The rows, each taken at random from the next `buffer` ones."""
        graph_seed, seed = (int(word) for word in self._words(_ROWS))

        # Dataset.shuffle mixes in the seed of the graph that it is built in. Out here that is the process's global one,
        # which is not ours to know or set; in this function's own graph it is what we say.
        def seeded(_: tf.Tensor) -> tf.data.Dataset:
            tf.random.set_seed(graph_seed)
            return rows.shuffle(buffer, seed=seed, reshuffle_each_iteration=False)

        return tf.data.Dataset.from_tensors(0).flat_map(seeded)

    def jitter(self, shape: tf.Tensor, *, window: tf.Tensor) -> tf.Tensor:
        """float32 in [0, 1)."""
        return tf.random.stateless_uniform(shape, self._in_window(_LENGTHS, window))

    def batches(self, count: tf.Tensor, *, window: tf.Tensor) -> tf.Tensor:
        """The batches 0 .. count - 1 of a window, shuffled."""
        return _shuffle(tf.range(count), self._in_window(_BATCHES, window))

    def _in_window(self, draw: int, window: tf.Tensor) -> tf.Tensor:
        return tf.random.fold_in(tf.constant(self._words(draw)), window)

    def _words(self, draw: int) -> np.ndarray:
        words = np.random.SeedSequence([self._seed, self._epoch, draw]).generate_state(2, np.uint32)
        return words.astype(np.int64)


def _shuffle(values: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return tf.random.experimental.stateless_shuffle(values, seed)


def _in_order_within_batches(rows: tf.Tensor, lengths: tf.Tensor, *, batch_size: int) -> tf.Tensor:
    """The rows of a window, batch behind batch, each batch's own by their real length; int32 [rows]."""
    batch = tf.range(tf.size(rows, out_type=tf.int64), dtype=tf.int64) // batch_size
    longest = tf.reduce_max(lengths)
    return tf.gather(rows, tf.argsort(batch * (longest + 1) + tf.gather(lengths, rows), stable=True))


def _window_batches(manifest: Manifest, *, batch_size: int) -> int:
    return max(1, min(_WINDOW_BATCHES, _WINDOW_IDS // (batch_size * manifest.sequence.max_length)))


def _rows(paths: list[str]) -> tf.data.Dataset:
    """Serialized records, string []. A file is gzip exactly if its name ends in .gz."""

    def records(path: tf.Tensor, compression: tf.Tensor) -> tf.data.Dataset:
        return tf.data.TFRecordDataset(path, compression_type=compression, buffer_size=1 << 20)

    compressions = ["GZIP" if path.endswith(".gz") else "" for path in paths]
    listed = (tf.constant(paths, tf.string), tf.constant(compressions, tf.string))
    return tf.data.Dataset.from_tensor_slices(listed).flat_map(records)


def _parse(serialized: tf.Tensor, *, max_length: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """String [rows] -> ids int64 [rows, max_length], labels int64 [rows], real lengths int64 [rows]."""
    features = {IDS: tf.io.FixedLenFeature([max_length], tf.int64), LABEL: tf.io.FixedLenFeature([], tf.int64)}
    parsed = tf.io.parse_example(serialized, features)
    lengths = tf.math.count_nonzero(tf.not_equal(parsed[IDS], PADDING_ID), axis=1)
    return parsed[IDS], parsed[LABEL], lengths


def _slicer(manifest: Manifest, *, batch_size: int, trim: bool) -> Callable[..., tf.data.Dataset]:
    """A window's ids, labels, real lengths, order of rows and order of batches -> the dataset of its batches."""
    max_length = manifest.sequence.max_length
    at_front = manifest.sequence.padding == "pre"

    def batches(
        ids: tf.Tensor, labels: tf.Tensor, lengths: tf.Tensor, rows: tf.Tensor, order: tf.Tensor
    ) -> tf.data.Dataset:
        def batch(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            chosen = rows[number * batch_size : (number + 1) * batch_size]
            padded = tf.gather(ids, chosen)
            if trim:
                length = tf.maximum(tf.reduce_max(tf.gather(lengths, chosen)), 1)
                padded = padded[:, max_length - length :] if at_front else padded[:, :length]
            return padded, tf.gather(labels, chosen)

        return tf.data.Dataset.from_tensor_slices(order).map(batch)

    return batches


def _counted(batches: tf.data.Dataset, count: int) -> tf.data.Dataset:
    # Without it Keras and the loop's own end rest on trust in the manifest; with it a foreign row is an error.
    return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def _ceil_divide(size: tf.Tensor, divisor: int) -> tf.Tensor:
    return -(-size // divisor)

"""A records folder -> the test accuracy of a bag of words: a Dense layer that never sees the order of the words.

    python -m benchmarks.baseline.bag_of_words out/records [--json]

What a trained model scores above this number it has learnt from the order of the words. Each text becomes the
logarithm of its word counts, scaled to length 1. Training ends when the loss on the eval split rises. If rows have
weights, the loss counts them; the accuracy counts each row once, as that of metrics.json does.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.contract import SPLITS, Split
from pipeline.files.local import LocalFiles
from pipeline.records.decode_features import decode_records
from pipeline.records.record_columns import RecordFeatures
from pipeline.records.shards import read_shard
from pipeline.records_folder.manifest import Manifest
from pipeline.records_folder.reader import read_manifest
from pipeline.support.process import quick_imports
from pipeline.support.tensorflow_startup import import_tensorflow

with quick_imports():
    import_tensorflow()
    import keras
    import tensorflow as tf

Ints = npt.NDArray[np.int64]

# Test accuracy with these: 0.726 on the sample (9 epochs), 0.886 on IMDB (11 epochs). Half of both moves it by 0.003.
BATCH_SIZE = 256
LEARNING_RATE = 0.03
MOST_EPOCHS = 50


@dataclass(frozen=True)
class Bags:
    """Texts as sparse rows: entry e has the value `value[e]` in row `row[e]` and in the column of word `word[e]`."""

    row: Ints
    word: Ints
    value: npt.NDArray[np.float32]
    labels: Ints  # [texts]
    weights: npt.NDArray[np.float32] | None = None  # [texts]

    def batches(self, *, words: int) -> tf.data.Dataset:
        """(float32 [batch, words], sparse; labels [batch]; weights [batch], 1 on average, if rows have any) in the
        order of the texts, the same in each epoch."""
        indices = np.stack([self.row, self.word], axis=1)
        texts = tf.sparse.SparseTensor(indices, self.value, [len(self.labels), words])
        weights = [] if self.weights is None else [self.weights / self.weights.mean()]
        return tf.data.Dataset.from_tensor_slices((texts, self.labels, *weights)).batch(BATCH_SIZE).cache()


def bags(ids: Ints, labels: Ints, weights: npt.NDArray[np.float32] | None = None) -> Bags:
    """Padded ids [texts, max_length], labels [texts] and perhaps weights [texts] -> bags; id 0 is padding.

    >>> bag = bags(np.array([[0, 2, 2], [0, 0, 3]]), np.array([0, 1]))
    >>> bag.row.tolist(), bag.word.tolist(), bag.value.tolist()
    ([0, 1], [2, 3], [1.0, 1.0])
    """
    texts, words = len(ids), int(ids.max(initial=0)) + 1
    at = np.flatnonzero(ids.ravel())
    pairs, counts = np.unique(at // ids.shape[1] * words + ids.ravel()[at], return_counts=True)
    row, value = pairs // words, np.log1p(counts)
    lengths = np.sqrt(np.bincount(row, value**2, minlength=texts))
    scaled = (value / lengths[row]).astype(np.float32)
    return Bags(row=row, word=pairs % words, value=scaled, labels=labels, weights=weights)


def compare(splits: Mapping[Split, Bags], *, words: int) -> dict[str, float]:
    """Trains on the train split until the loss on the eval split rises; the accuracy on the test split and more.

    The result is the same each time: weights begin at 0, and the batches keep their order.
    """
    train, evaluation, test = (splits[split].batches(words=words) for split in SPLITS)
    score = keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros")
    model = keras.Sequential([keras.Input([words], sparse=True), score])
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss="binary_crossentropy", metrics=["accuracy"])
    stopping = keras.callbacks.EarlyStopping(monitor="val_loss", restore_best_weights=True)
    history = model.fit(
        train, validation_data=evaluation, epochs=MOST_EPOCHS, shuffle=False, callbacks=[stopping], verbose=0
    )
    labels = splits["test"].labels
    return {
        "test_accuracy": model.evaluate(test, return_dict=True, verbose=0)["accuracy"],
        "eval_accuracy": model.evaluate(evaluation, return_dict=True, verbose=0)["accuracy"],
        "epochs": len(history.epoch),
        "majority": max(float(np.mean(labels)), 1 - float(np.mean(labels))),
        "test_texts": len(labels),
    }


def read_split(manifest: Manifest, folder: Path, split: Split) -> tuple[Ints, Ints, npt.NDArray[np.float32] | None]:
    """All records of a split, of one label each -> ids int64 [texts, max_length], labels int64 [texts], and weights
    float32 [texts] if they have any."""
    length, form = manifest.config.sequence.max_length, manifest.record
    features = RecordFeatures(slices=len(form.slices), weighted=form.weighted)
    ids, labels, weights = [np.zeros((0, length), np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for shard in manifest.splits[split].shards:
        with (folder / shard.path).open("rb") as file:
            for records in read_shard(file, compression=manifest.config.output.compression):
                decoded = decode_records(records, length, features)
                ids.append(decoded.ids)
                labels.append(np.asarray(decoded.labels))
                weights.extend([] if decoded.weights is None else [decoded.weights])
    return np.concatenate(ids), np.concatenate(labels), np.concatenate(weights) if form.weighted else None


def main(arguments: list[str] | None = None) -> None:
    """Prints the accuracy of the bag of words on the test split of a records folder with two labels."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.baseline.bag_of_words", description=__doc__.split("\n")[0]
    )
    parser.add_argument("records", type=Path, help="a folder that `python -m pipeline run` wrote")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    _, manifest = read_manifest(str(options.records), LocalFiles())
    if manifest.record.several_labels:
        parser.error(
            f"{options.records}: its texts have several labels each (input.several_labels); a bag of words needs one"
        )
    rows = {split: manifest.splits[split].rows for split in SPLITS}
    if len(manifest.labels) != 2 or not all(rows.values()):
        parser.error(
            f"{options.records}: got {len(manifest.labels)} labels and {rows} rows; a bag of words needs two labels "
            "and rows in each split"
        )
    splits = {split: read_split(manifest, options.records, split) for split in SPLITS}
    words = 1 + max(int(ids.max(initial=0)) for ids, *_ in splits.values())
    result = compare({split: bags(*columns) for split, columns in splits.items()}, words=words)
    if options.json:
        json.dump(result, sys.stdout)
        print()
    else:
        print(f"bag of words: {result['test_accuracy']:.4f} accuracy on {result['test_texts']} test texts")


if __name__ == "__main__":
    main()

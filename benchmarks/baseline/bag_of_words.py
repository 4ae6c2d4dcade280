"""A records folder -> the test accuracy of a bag of words, a logistic regression that never sees the words' order.

    python -m benchmarks.baseline.bag_of_words out/records [--json]

What a trained model scores above this number is what it learned from word order. Each text becomes the logarithm of
its word counts, scaled to length 1; the strength of the L2 penalty is the one that does best on the eval split.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.contract import SPLITS, Split
from pipeline.files.local import LocalFiles
from pipeline.records.decode import decode_examples
from pipeline.records.shards import read_shard
from pipeline.records_folder.manifest import Manifest
from pipeline.records_folder.reader import read_manifest

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PENALTIES = (1e-3, 3e-4, 1e-4, 3e-5)  # times half the squared weights, beside the mean loss of a text
NEWTON_STEPS, CONJUGATE_STEPS = 12, 25  # more of either moves no accuracy on the sample by 0.001


@dataclass(frozen=True)
class Bags:
    """Texts as sparse rows: entry e of row `row[e]` has the value `value[e]` in the column of word `word[e]`."""

    row: Ints
    word: Ints
    value: Floats
    labels: Ints  # [texts]

    def scores(self, weights: Floats) -> Floats:
        """Weighted sum of each text's words, [texts]."""
        return np.asarray(
            np.bincount(self.row, self.value * weights[self.word], minlength=len(self.labels)), np.float64
        )

    def gradient(self, residuals: Floats, *, words: int) -> Floats:
        """Sum over the texts of residual times words, [words]."""
        return np.asarray(np.bincount(self.word, self.value * residuals[self.row], minlength=words), np.float64)


def bags(ids: Ints, labels: Ints) -> Bags:
    """Padded ids [texts, max_length] and labels [texts] -> bags; id 0 is padding and no word.

    Column 0, which padding leaves free, is 1 for every text: the weight of it is the intercept.

    >>> bag = bags(np.array([[0, 2, 2], [0, 0, 3]]), np.array([0, 1]))
    >>> bag.row.tolist(), bag.word.tolist(), bag.value.round(2).tolist()
    ([0, 0, 1, 1], [0, 2, 0, 3], [1.0, 1.0, 1.0, 1.0])
    """
    texts, words = len(ids), int(ids.max(initial=0)) + 1
    at = np.flatnonzero(ids.ravel())
    pairs, counts = np.unique(at // ids.shape[1] * words + ids.ravel()[at], return_counts=True)
    row, value = pairs // words, np.log1p(counts)
    value = value / np.sqrt(np.bincount(row, value**2, minlength=texts))[row]
    everywhere = np.arange(texts)
    order = np.argsort(np.append(everywhere, row), kind="stable")
    return Bags(
        row=np.append(everywhere, row)[order],
        word=np.append(np.zeros_like(everywhere), pairs % words)[order],
        value=np.append(np.ones(texts), value)[order],
        labels=labels,
    )


def fit(train: Bags, *, words: int, penalty: float, start: Floats | None = None) -> Floats:
    """Weights [words] of the binary logistic regression, by Newton's method with conjugate gradients."""
    weights = np.zeros(words) if start is None else start.copy()
    texts = len(train.labels)
    ridge = np.full(words, penalty)
    ridge[0] = 1e-9  # the intercept goes free
    for _ in range(NEWTON_STEPS):
        probability = _sigmoid(train.scores(weights))
        gradient = train.gradient(probability - train.labels, words=words) / texts + ridge * weights
        weights -= _solve(train, curvature=probability * (1 - probability) / texts, ridge=ridge, target=gradient)
    return weights


def _solve(train: Bags, *, curvature: Floats, ridge: Floats, target: Floats) -> Floats:
    """The Newton step: conjugate gradients on (X' diag(curvature) X + diag(ridge)) step = target."""
    step = np.zeros_like(target)
    residual = target.copy()
    direction = residual.copy()
    squared = residual @ residual
    for _ in range(CONJUGATE_STEPS):
        if squared < 1e-18:
            break
        image = train.gradient(curvature * train.scores(direction), words=len(ridge)) + ridge * direction
        length = squared / (direction @ image)
        step += length * direction
        residual -= length * image
        squared, before = residual @ residual, squared
        direction = residual + squared / before * direction
    return step


def _sigmoid(scores: Floats) -> Floats:
    half: Floats = 0.5 * (1.0 + np.tanh(0.5 * scores))
    return half


def accuracy(texts: Bags, weights: Floats) -> float:
    """Share of the texts whose label the weights get right."""
    return float(np.mean((texts.scores(weights) > 0) == (texts.labels == 1)))


def compare(train: Bags, evaluation: Bags, test: Bags, *, words: int) -> dict[str, float]:
    """Fit with each penalty, keep the one that is best on `evaluation`, report its accuracy on `test`."""
    best: dict[str, float] = {"eval_accuracy": -1.0}
    weights: Floats | None = None
    for penalty in PENALTIES:
        weights = fit(train, words=words, penalty=penalty, start=weights)
        score = accuracy(evaluation, weights)
        if score > best["eval_accuracy"]:
            best = {"penalty": penalty, "eval_accuracy": score, "test_accuracy": accuracy(test, weights)}
    majority = max(float(np.mean(test.labels)), 1 - float(np.mean(test.labels)))
    return {**best, "majority": majority, "test_texts": len(test.labels)}


def read_split(manifest: Manifest, folder: Path, split: Split) -> tuple[Ints, Ints]:
    """All records of a split -> ids int64 [texts, max_length] and labels int64 [texts]."""
    length = manifest.config.sequence.max_length
    ids, labels = [np.zeros((0, length), np.int64)], [np.zeros(0, np.int64)]
    for shard in manifest.splits[split].shards:
        with (folder / shard.path).open("rb") as file:
            for records in read_shard(file, compression=manifest.config.output.compression):
                decoded = decode_examples(records, length)
                ids.append(decoded[0])
                labels.append(decoded[1])
    return np.concatenate(ids), np.concatenate(labels)


def main(arguments: list[str] | None = None) -> None:
    """Print the accuracy of the bag of words on the test split of a records folder with two labels."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.baseline.bag_of_words", description=__doc__.split("\n")[0]
    )
    parser.add_argument("records", type=Path, help="a folder that `python -m pipeline run` wrote")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    _, manifest = read_manifest(str(options.records), LocalFiles())
    splits = {split: read_split(manifest, options.records, split) for split in SPLITS}
    words = 1 + max(int(ids.max(initial=0)) for ids, _ in splits.values())
    result = compare(*(bags(ids, labels) for ids, labels in splits.values()), words=words)
    if options.json:
        json.dump(result, sys.stdout)
        print()
    else:
        print(f"bag of words: {result['test_accuracy']:.4f} accuracy on {result['test_texts']} test texts")


if __name__ == "__main__":
    main()

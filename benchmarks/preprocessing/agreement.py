"""What a competitor wrote -> a summary that can be compared: how many records, which ids, which words.

Records are read by TensorFlow, which has no code in common with how we write them. Each becomes one number, so that the
records of two competitors are compared whatever their order.
"""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.peers.rule import MAX_LENGTH
from pipeline.files.local import LocalFiles
from pipeline.records_folder.vocabulary_tsv import read_words
from pipeline.support.tensorflow_startup import import_tensorflow

import_tensorflow()

import tensorflow as tf  # noqa: E402

_BATCH = 4096
_LABEL = np.uint64(0x9E3779B97F4A7C15)


class Written(NamedTuple):
    """records: uint64 [rows], a sorted fingerprint each; words: in the order of their ids."""

    records: npt.NDArray[np.uint64]
    words: list[str]


class OurVocabulary(NamedTuple):
    """Our words with their counts; with ties at the end, others may keep other words."""

    counts: dict[str, int]

    def shared(self, words: list[str]) -> float:
        """The share of the words that everybody must keep, those more frequent than our last, which `words` has."""
        last = min(self.counts.values())
        sure = {word for word, count in self.counts.items() if count > last}
        return len(sure & set(words)) / max(1, len(sure))


def read_ours(folder: Path) -> tuple[Written, OurVocabulary]:
    """What a records folder of ours holds; its labels are integers as text."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    labels = np.array([int(label) for label in manifest["labels"]], np.int64)
    counts = {word.token: word.count for word in read_words(str(folder), LocalFiles())}
    return Written(_records(folder, labels), list(counts)), OurVocabulary(counts)


def read_peer(folder: Path, vocabulary: str) -> Written:
    """What a peer wrote; `vocabulary` is the path of its word list below the folder."""
    return Written(_records(folder, None), (folder / vocabulary).read_text().splitlines())


def equal_records(one: Written, other: Written) -> float:
    """The share of the records that both have, by ids and label."""
    common = Counter(one.records.tolist()) & Counter(other.records.tolist())
    return common.total() / max(1, len(one.records), len(other.records))


def _records(folder: Path, labels: npt.NDArray[np.int64] | None) -> npt.NDArray[np.uint64]:
    files = [str(path) for path in sorted(folder.rglob("*.tfrecord.gz"))]
    features = {"ids": tf.io.FixedLenFeature([MAX_LENGTH], tf.int64), "label": tf.io.FixedLenFeature([], tf.int64)}
    weights = np.random.default_rng(0).integers(1, 2**63, MAX_LENGTH, dtype=np.uint64)
    found = [np.zeros(0, np.uint64)]
    for batch in tf.data.TFRecordDataset(files, "GZIP").batch(_BATCH):
        parsed = tf.io.parse_example(batch, features)
        label = parsed["label"].numpy()
        numbers = label if labels is None else labels[label]
        found.append(parsed["ids"].numpy().astype(np.uint64) @ weights + numbers.astype(np.uint64) * _LABEL)
    return np.sort(np.concatenate(found))

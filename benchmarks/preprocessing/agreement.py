"""The output of a competitor -> a summary to compare: a fingerprint of each record, and the words.

TensorFlow reads the records; it shares no code with our writer. Each record becomes one number, so that the records of
two competitors can be compared in any order.
"""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.peers.rule import MAX_LENGTH
from pipeline.files.local import LocalFiles
from pipeline.records_folder.vocabulary_tsv import read_columns
from pipeline.support.tensorflow_startup import import_tensorflow

import_tensorflow()

import tensorflow as tf  # noqa: E402

_BATCH = 4096
_LABEL = np.uint64(0x9E3779B97F4A7C15)


class Output(NamedTuple):
    """records: the sorted fingerprints, uint64 [rows]; words: by rising id."""

    records: npt.NDArray[np.uint64]
    words: list[str]


class OurVocabulary(NamedTuple):
    """Our words with their counts. Of the words with the lowest count others may choose different ones."""

    counts: dict[str, int]

    def shared(self, words: list[str]) -> float:
        """The share that `words` has of the words more frequent than our last: every competitor must have them."""
        last = min(self.counts.values())
        sure = {word for word, count in self.counts.items() if count > last}
        return len(sure & set(words)) / max(1, len(sure))


def read_ours(folder: Path) -> tuple[Output, OurVocabulary]:
    """The output of a run of ours. Its labels are integers as text."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    labels = np.array([int(label) for label in manifest["labels"]], np.int64)
    words = read_columns(str(folder), LocalFiles(), sha256=manifest["vocabulary"]["sha256"])
    counts = dict(zip(words.tokens, words.counts, strict=True))
    return Output(_records(folder, labels), list(counts)), OurVocabulary(counts)


def read_peer(folder: Path, vocabulary: str) -> Output:
    """The output of a peer. vocabulary: the path of its word list below the folder."""
    return Output(_records(folder, None), (folder / vocabulary).read_text().splitlines())


def equal_records(one: Output, other: Output) -> float:
    """The share of records, ids and label, that both have."""
    common = Counter(one.records.tolist()) & Counter(other.records.tolist())
    return common.total() / max(1, len(one.records), len(other.records))


def _records(folder: Path, labels: npt.NDArray[np.int64] | None) -> npt.NDArray[np.uint64]:
    files = [str(path) for path in sorted(folder.rglob("*.tfrecord.gz"))]
    features = {"ids": tf.io.FixedLenFeature([MAX_LENGTH], tf.int64), "label": tf.io.FixedLenFeature([], tf.int64)}
    weights = np.random.default_rng(0).integers(1, 2**63, MAX_LENGTH, dtype=np.uint64)
    fingerprints = [np.zeros(0, np.uint64)]
    for batch in tf.data.TFRecordDataset(files, "GZIP").batch(_BATCH):
        parsed = tf.io.parse_example(batch, features)
        label = parsed["label"].numpy()
        numbers = label if labels is None else labels[label]
        fingerprints.append(parsed["ids"].numpy().astype(np.uint64) @ weights + numbers.astype(np.uint64) * _LABEL)
    return np.sort(np.concatenate(fingerprints))

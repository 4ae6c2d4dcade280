"""Toy records folders for the trainer's tests, written with TensorFlow's own writer."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.config.input_settings import LabelKind
from pipeline.config.settings import Config, OutputSettings, SequenceSettings, TextSettings, VocabularySettings
from trainer.data.records_folder import RecordsFolder, open_records_folder
from trainer.training.fit import TrainedModel

Label = int | Sequence[int]
# Ids of its words, label; in records of such folders also its weight, and its values of the slices.
Row = tuple[list[int], Label] | tuple[list[int], Label, float] | tuple[list[int], Label, float | None, Sequence[str]]


def example(ids: Sequence[int], label: Label | None, weight: float | None = None, slices: Sequence[str] = ()) -> bytes:
    """A record; ids with their padding; label: an index, or several, perhaps none; None: of a text without labels."""
    features = {"ids": tf.train.Feature(int64_list=tf.train.Int64List(value=ids))}
    if label is not None:
        labels = [label] if isinstance(label, int) else list(label)
        features["label"] = tf.train.Feature(int64_list=tf.train.Int64List(value=labels))
    if weight is not None:
        features["weight"] = tf.train.Feature(float_list=tf.train.FloatList(value=[weight]))
    if slices:
        values = [text.encode() for text in slices]
        features["slices"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    made = tf.train.Example(features=tf.train.Features(feature=features))
    content: bytes = made.SerializeToString(deterministic=True)
    return content


def padded(words: Sequence[int], *, max_length: int, padding: str) -> list[int]:
    zeros = [0] * (max_length - len(words))
    return [*zeros, *words] if padding == "pre" else [*words, *zeros]


def write_shard(path: Path, records: Sequence[bytes]) -> dict[str, Any]:
    """Writes a shard, gzip if its name says so; returns its entry in the manifest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = tf.io.TFRecordOptions("GZIP" if path.suffix == ".gz" else "")
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for record in records:
            writer.write(record)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"path": f"records/{path.name}", "bytes": len(content), "records": len(records), "sha256": digest}


def write_folder(
    folder: Path,
    *,
    train: Sequence[Sequence[Row]],
    evaluation: Sequence[Row] = (),
    test: Sequence[Row] = (),
    max_length: int = 12,
    padding: str = "pre",
    labels: Sequence[str] = ("neg", "pos"),
    top_words: int = 20,
    ending: str = "tfrecord.gz",
    several: bool = False,
    label_kind: LabelKind = "nominal",
    slices: Sequence[str] = (),
    unlabelled: Sequence[Sequence[int]] = (),
) -> RecordsFolder:
    """A records folder; `train` is a list of shards. It is weighted if the first train row has a weight.

    unlabelled: the words of texts without labels.
    """
    first = next((row for rows in train for row in rows), ([], 0))
    weighted = len(first) > 2 and first[2] is not None
    splits = {}
    for split, shards in {"train": train, "eval": [evaluation], "test": [test]}.items():
        entries = []
        for index, rows in enumerate(shards):
            records = [example(padded(row[0], max_length=max_length, padding=padding), *row[1:]) for row in rows]
            name = f"{split}-{index:05d}-of-{len(shards):05d}.{ending}"
            entries.append(write_shard(folder / "records" / name, records))
        count = sum(entry["records"] for entry in entries)
        splits[split] = {
            "rows": count,
            "shards": entries,
            **_label_sums([row for rows in shards for row in rows], labels),
        }
        if not weighted:
            del splits[split]["weights"]
    config = {
        "text": TextSettings().model_dump(),
        "vocabulary": VocabularySettings(top_words=top_words).model_dump(),
        "sequence": {**SequenceSettings(max_length=max_length).model_dump(), "padding": padding},
        "output": OutputSettings(compression="gzip" if ending.endswith(".gz") else "none").model_dump(),
    }
    vocabulary = {"size": top_words - 1, "tokens": 100, "sha256": "0" * 64}
    manifest = {
        "format_version": 1,
        "config": config,
        "labels": list(labels),
        "record": {
            "several_labels": several,
            "label_kind": label_kind,
            "weighted": weighted,
            "slices": list(slices),
        },
        "vocabulary": vocabulary,
        "splits": splits,
    }
    if unlabelled:
        texts = [example(padded(words, max_length=max_length, padding=padding), None) for words in unlabelled]
        entry = write_shard(folder / "records" / f"unlabelled-00000-of-00001.{ending}", texts)
        config["input"] = {"unlabelled": "more.csv"}
        manifest["unlabelled"] = {"files": 1, "rows": len(texts), "shards": [entry]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return open_records_folder(str(folder))


def _label_sums(rows: Sequence[Row], labels: Sequence[str]) -> dict[str, Any]:
    """What the manifest says of the labels of a split."""
    counts, sums = dict.fromkeys(labels, 0), dict.fromkeys(labels, 0.0)
    weights = [float(np.float32(row[2])) if len(row) > 2 and row[2] is not None else 1.0 for row in rows]
    of_rows = [[row[1]] if isinstance(row[1], int) else list(row[1]) for row in rows]
    for of_row, weight in zip(of_rows, weights, strict=True):
        for label in of_row:
            # Labels without a name, by which some tests know the rows again, count for the last one.
            name = labels[min(label, len(labels) - 1)]
            counts[name] += 1
            sums[name] += weight
    return {
        "labels": counts,
        "no_labels": of_rows.count([]),
        "weights": {"total": sum(weights), "squares": sum(weight**2 for weight in weights), "labels": sums},
    }


def toy_rows(count: int, *, classes: int = 2, seed: int = 0, longest: int = 12) -> list[Row]:
    """Texts of 1 .. `longest` words; the word 1 + label gives the label away, words from 10 on are random."""
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for label in rng.integers(0, classes, count):
        words = rng.integers(10, 20, rng.integers(1, longest + 1))
        words[rng.integers(0, len(words))] = 1 + label
        rows.append((words.tolist(), int(label)))
    return rows


def toy_folder(folder: Path, **settings: Any) -> RecordsFolder:
    """Two shards of 30 + 13 train rows, 20 eval rows, 20 test rows: 6 steps an epoch of batches of 8."""
    classes = len(settings.get("labels", "ab"))
    train = toy_rows(43, classes=classes)
    evaluation, test = (toy_rows(20, classes=classes, seed=seed) for seed in (1, 2))
    return write_folder(folder, train=[train[:30], train[30:]], evaluation=evaluation, test=test, **settings)


def toy_config(training_path: Path, *, model: dict[str, Any] | None = None, **training: Any) -> Config:
    """Settings of a model that trains in a second."""
    small = {"embedding_dim": 4, "lstm_units": 5, **(model or {})}
    quick = {"epochs": 3, "batch_size": 8, "learning_rate": 0.05, "checkpoint_steps": 4, "path": str(training_path)}
    return Config.model_validate({"model": small, "training": {**quick, **training}})


def weights(trained: TrainedModel) -> list[bytes]:
    """The bytes of each variable, to compare two models to the last bit."""
    return [variable.numpy().tobytes() for variable in trained.model.variables]

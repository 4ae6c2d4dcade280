"""Toy records folders for the trainer's tests, written with TensorFlow's own writer."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.config.settings import Config, OutputSettings, SequenceSettings, TextSettings, VocabularySettings
from tests.support.tf_examples import int64_example
from trainer.data.records_folder import RecordsFolder, open_records_folder
from trainer.training.fit import TrainedModel

Row = tuple[list[int], int]


def example(ids: Sequence[int], label: int) -> bytes:
    """A record; ids with their padding."""
    return int64_example({"ids": ids, "label": [label]})


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
) -> RecordsFolder:
    """A records folder; `train` is a list of shards, a row is its words' ids and its label."""
    splits = {}
    for split, shards in {"train": train, "eval": [evaluation], "test": [test]}.items():
        entries = []
        for index, rows in enumerate(shards):
            records = [example(padded(words, max_length=max_length, padding=padding), label) for words, label in rows]
            name = f"{split}-{index:05d}-of-{len(shards):05d}.{ending}"
            entries.append(write_shard(folder / "records" / name, records))
        count = sum(entry["records"] for entry in entries)
        # Labels without a name, by which some tests know the rows again, count for the last one.
        every = [min(label, len(labels) - 1) for rows in shards for _, label in rows]
        splits[split] = {
            "rows": count,
            "shards": entries,
            "labels": {name: every.count(label) for label, name in enumerate(labels)},
        }
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
        "vocabulary": vocabulary,
        "splits": splits,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return open_records_folder(str(folder))


def toy_rows(count: int, *, classes: int = 2, seed: int = 0, longest: int = 12) -> list[Row]:
    """Texts of 1 .. `longest` words; the word 1 + label gives the label away, words from 10 on are random."""
    rng = np.random.default_rng(seed)
    rows = []
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

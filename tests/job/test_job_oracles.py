"""The whole job against others: Keras fitted on the train split, counts in plain Python, the same job run elsewhere."""

import base64
import bz2
import gzip
import json
import os
import pickletools
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from apache_beam.portability.api import beam_runner_api_pb2
from tf_keras.preprocessing.sequence import pad_sequences
from tf_keras.preprocessing.text import Tokenizer

from pipeline.config.load import load
from pipeline.contract import SPLITS
from pipeline.files.local import LocalFiles
from pipeline.job.build import build
from pipeline.job.plan import Plan
from pipeline.sources import plan_tasks
from tests.support.jobs import (
    SMALL_SETTINGS,
    config_of,
    manifest_of,
    record_bytes,
    records_of,
    run_job,
    small_rows,
    write_csv,
    write_jsonl,
    write_parquet,
)
from tests.support.paths import REPOSITORY

SplitRow = tuple[str, str, str]

# Rows that become no records: the label occurs in the test split alone, the split is none.
UNUSABLE: list[SplitRow] = [("word1", "rare", "test"), ("word1", "positive", "holdout")]


def with_splits(rows: Iterable[tuple[str, str]]) -> list[SplitRow]:
    """(text, label, split): so that it is known what Keras has to be fitted on."""
    names = ["train", "train", "eval", "train", "test"]
    return [(text, label, names[number % len(names)]) for number, (text, label) in enumerate(rows)]


def write(path: Path, rows: list[SplitRow]) -> Path:
    texts, labels, splits = zip(*rows, strict=True)
    pq.write_table(pa.table({"text": texts, "label": labels, "part": splits}), path, row_group_size=50)
    return path


def keras_words(text: str, keras: Tokenizer) -> list[str]:
    """What Keras would split at any Unicode white space: Python does."""
    return text.lower().translate(str.maketrans(keras.filters, " " * len(keras.filters))).split()


def check_against_keras(folder: Path, rows: list[SplitRow], *, oov_token: str | None = None) -> None:
    """Every record of every split, its place in the split aside."""
    config = config_of(folder)
    keras = Tokenizer(num_words=config.vocabulary.top_words, oov_token=oov_token)
    if config.text.split == "whitespace":
        keras.analyzer = lambda text: keras_words(text, keras)
    keras.fit_on_texts([text for text, _, split in rows if split == "train"])
    labels = manifest_of(folder)["labels"]
    for split in SPLITS:
        chosen = [(text, label) for text, label, part in rows if part == split]
        padded = pad_sequences(
            keras.texts_to_sequences([text for text, _ in chosen]),
            config.sequence.max_length,
            padding=config.sequence.padding,
            truncating=config.sequence.truncating,
        )
        expected = [(tuple(ids), labels.index(label)) for ids, (_, label) in zip(padded.tolist(), chosen, strict=True)]
        assert Counter(records_of(folder, split)) == Counter(expected), split


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[SplitRow], Path]:
    """Rows with a split each, and the records folder made of them (and of UNUSABLE) with settings that are not the
    defaults."""
    folder = tmp_path_factory.mktemp("divided")
    rows = with_splits(small_rows())
    settings = {
        "split.column": "part",
        "text.split": "space",
        "vocabulary.top_words": "60",
        "vocabulary.oov": "token",
        "sequence.padding": "post",
        "sequence.truncating": "post",
    }
    return rows, run_job(write(folder / "rows.parquet", rows + UNUSABLE), folder / "out", settings)


def test_job_ids_are_those_of_keras_fitted_on_the_train_split(divided: tuple[list[SplitRow], Path]) -> None:
    rows, folder = divided
    check_against_keras(folder, rows, oov_token="un known")


def test_job_ids_are_those_of_keras_on_real_reviews(imdb: Path, tmp_path: Path) -> None:
    """test_imported_ids_keras_ids_of_real_reviews has them cut at spaces alone."""
    table = pq.read_table(imdb).to_pylist()[::10]
    rows = with_splits((row["text"], str(row["label"])) for row in table)
    settings = {
        "split.column": "part",
        "text.split": "whitespace",
        "vocabulary.top_words": "5000",
        "sequence.max_length": "500",
    }
    folder = run_job(write(tmp_path / "rows.parquet", rows), tmp_path / "out", settings)
    check_against_keras(folder, rows)


def test_job_manifest_counts_as_python_does(divided: tuple[list[SplitRow], Path]) -> None:
    rows, folder = divided
    manifest = manifest_of(folder)
    config = config_of(folder)
    words = {row: keras_words(row[0], Tokenizer()) for row in rows}
    train = Counter(word for row in rows if row[2] == "train" for word in words[row])
    vocabulary = [word for word, _ in sorted(train.items(), key=lambda item: -item[1])][
        : config.vocabulary.top_words - 2
    ]
    for split in SPLITS:
        chosen = [words[row] for row in rows if row[2] == split]
        lengths = Counter(map(len, chosen))
        part = manifest["splits"][split]
        assert {name: part[name] for name in part if name != "shards"} == {
            "rows": len(chosen),
            "labels": {label: sum(row[1:] == (label, split) for row in rows) for label in ("negative", "positive")},
            "tokens": sum(map(len, chosen)),
            "unknown_tokens": sum(word not in vocabulary for text in chosen for word in text),
            "truncated_texts": sum(len(text) > config.sequence.max_length for text in chosen),
            "empty_texts": sum(not text for text in chosen),
            "wordless_texts": sum(not text for text in chosen),
            "lengths": [[length, lengths[length]] for length in sorted(lengths)],
            "no_labels": 0,
            "weights": None,
        }
        assert sum(shard["records"] for shard in part["shards"]) == len(chosen)
    assert manifest["vocabulary"]["size"] == len(vocabulary)
    assert manifest["vocabulary"]["tokens"] == train.total()
    assert manifest["vocabulary"]["distinct_tokens"] == len(train)
    coverage = dict(map(tuple, manifest["coverage"]))
    kept = sum(train[word] for word in vocabulary)
    assert coverage[len(vocabulary)] == pytest.approx(kept / train.total(), abs=1e-6)
    assert coverage[len(train)] == 1
    assert (folder / "vocabulary.tsv").read_text() == "".join(
        f"{number}\t{word}\t{train[word]}\n" for number, word in enumerate(vocabulary, 2)
    )


def test_job_rejects_labels_and_splits_that_it_does_not_know(divided: tuple[list[SplitRow], Path]) -> None:
    manifest = manifest_of(divided[1])
    assert manifest["labels"] == ["negative", "positive"]
    assert manifest["rejected"]["by_reason"] == {
        "label does not occur in the train split": 1,
        "split is not train, eval or test": 1,
    }


def test_job_samples_are_rows_with_their_ids(divided: tuple[list[SplitRow], Path]) -> None:
    rows, folder = divided
    samples = manifest_of(folder)["samples"]
    assert Counter(sample["split"] for sample in samples) == {"train": 16, "eval": 16, "test": 16}
    labels = manifest_of(folder)["labels"]
    stored = {split: Counter(records_of(folder, split)) for split in SPLITS}
    for sample in samples:
        assert (sample["text"], sample["label"], sample["split"]) in rows
        assert stored[sample["split"]][tuple(sample["ids"]), labels.index(sample["label"])]


def test_job_elsewhere_writes_the_same_bytes(small_records: Path, tmp_path: Path) -> None:
    """Another process with another hash seed, workers that are processes, and several files of several formats."""
    rows = small_rows()
    write_jsonl(tmp_path / "1.jsonl", rows[:100])
    (tmp_path / "1.jsonl.gz").write_bytes(gzip.compress((tmp_path / "1.jsonl").read_bytes()))
    (tmp_path / "1.jsonl").unlink()
    write_csv(tmp_path / "2.csv", rows[100:101])
    (tmp_path / "3").mkdir()
    write_parquet(tmp_path / "3" / "a.parquet", rows[101:300])
    write_jsonl(tmp_path / "4.ndjson", rows[300:])
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "run",
        "--direct_num_workers=2",
        "--direct_running_mode=multi_processing",
    ]
    for name, value in {**SMALL_SETTINGS, "input.path": str(tmp_path), "output.path": str(tmp_path / "out")}.items():
        command += [f"--{name}", value]
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"}
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=REPOSITORY / "pipeline" / "..")
    assert record_bytes(tmp_path / "out") == record_bytes(small_records)


def test_job_pickles_nothing_that_a_worker_lacks(tmp_path: Path) -> None:
    """Workers that did `pip install` of the package and nothing more have no __main__ of ours, and no tests."""
    source = write_jsonl(tmp_path / "rows.jsonl", small_rows(20))
    config = load(None, {"input.path": str(source), "output.path": str(tmp_path / "out")})
    groups = len(plan_tasks(config.input, LocalFiles()).groups)
    pipeline = beam.Pipeline()
    build(
        pipeline, Plan(config=config, task_groups=groups, input_files=1, input_bytes=1, staging=str(tmp_path / "work"))
    )
    payloads = list(_pickles(pipeline.to_runner_api()))
    assert len(payloads) > 50
    strings = {value for payload in payloads for _, value, _ in pickletools.genops(payload) if isinstance(value, str)}
    assert "pipeline.job.read" in strings  # by reference
    modules = {value for value in strings if value.partition(".")[0] in {"__main__", "tests", "conftest", "pytest"}}
    assert modules == set()
    assert {value for value in strings if value.startswith(("test_", "tests"))} == {"test_from"}  # a setting


def _pickles(graph: beam_runner_api_pb2.Pipeline) -> Iterable[bytes]:
    """Every DoFn of a graph, unpacked."""
    for transform in graph.components.transforms.values():
        if transform.spec.urn == "beam:transform:pardo:v1":
            payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
            if payload.do_fn.payload:
                yield bz2.decompress(base64.b64decode(payload.do_fn.payload))


def test_job_manifest_is_json_for_anybody(small_records: Path) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    json.loads((small_records / "manifest.json").read_bytes(), parse_constant=refuse)

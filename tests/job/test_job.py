"""The whole job on small corpora: what is in the folder, and that its bytes depend on input and settings alone."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tf_keras.preprocessing.sequence import pad_sequences
from tf_keras.preprocessing.text import Tokenizer

from pipeline.config.load import load
from pipeline.files.local import LocalFiles
from pipeline.job.limits import DEFAULT_LIMITS, Limits
from pipeline.job.read import read_batches
from pipeline.job.row_filter import key_rows
from pipeline.job.run import make_plan
from pipeline.records.keys import content_keys
from pipeline.sources import plan_tasks
from tests.support.jobs import manifest_of, record_bytes, records_of, run_job

WORDS = ["the", "a", "film", "good", "bad", "not", "and", "plot", "actor", "I", "It's", "long;short", "Δ", "é"]
IN_MEMORY = ("--direct_running_mode=in_memory",)


def corpus(rows: int = 400) -> list[dict[str, str]]:
    """Rows with many ties, some duplicates (two with another label) and an empty text; the others begin with a tag."""
    random = np.random.default_rng(7)
    texts = [f"<br />{' '.join(random.choice(WORDS, random.integers(1, 12)))} w{row % 90}" for row in range(rows)]
    texts[50], texts[51], texts[60] = texts[0], texts[1], ""
    labels = ["positive" if row % 3 else "negative" for row in range(rows)]
    labels[50], labels[51] = labels[0], "negative" if labels[1] == "positive" else "positive"
    return [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["label", "text"])
        writer.writeheader()
        writer.writerows(rows)


def write_jsonl(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def write_parquet(path: Path, rows: list[dict[str, str]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=37)


def records_folder(
    path: Path,
    output: Path,
    *arguments: str,
    limits: Limits = DEFAULT_LIMITS,
    spills: bool | None = None,
    **settings: str,
) -> Path:
    """A job of the default vocabulary and shards, in records of 8 ids."""
    named = {name.replace("__", "."): value for name, value in settings.items()}
    overrides = {"vocabulary.top_words": "5000", "output.shards": "auto", "sequence.max_length": "8", **named}
    return run_job(path, output, overrides, beam_arguments=arguments or IN_MEMORY, limits=limits, spills=spills)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A jsonl file and the records folder made of it; a quarter of the rows is looked at for estimates."""
    folder = tmp_path_factory.mktemp("small")
    source = folder / "rows.jsonl"
    write_jsonl(source, corpus())
    quarter = Limits(sampled_bytes=source.stat().st_size // 4)
    return source, records_folder(source, folder / "out", limits=quarter, output__shards="2")


def test_job_gives_the_ids_of_kerass_tokenizer(small: tuple[Path, Path]) -> None:
    rows, folder = corpus(), small[1]
    schema = tft.TFTransformOutput(str(folder / "transform")).transformed_feature_spec()
    assert schema == {"ids": tf.io.FixedLenFeature([8], tf.int64), "label": tf.io.FixedLenFeature([], tf.int64)}
    stored = {split: Counter(records_of(folder, split)) for split in ("train", "eval", "test")}
    # Which texts are in the train split is read off the records themselves: by trying every text's own ids.
    keras = Tokenizer(num_words=5000)
    in_train = [sample["text"] for sample in manifest_of(folder)["samples"] if sample["split"] == "train"]
    assert len(in_train) == 16
    vocabulary = [line.split("\t") for line in (folder / "vocabulary.tsv").read_text().splitlines()]
    keras.word_index = {token: int(number) for number, token, _ in vocabulary}
    sequences = keras.texts_to_sequences([row["text"] for row in rows])
    index = {"negative": 0, "positive": 1}
    expected = Counter(
        (tuple(ids.tolist()), index[row["label"]]) for ids, row in zip(pad_sequences(sequences, 8), rows, strict=True)
    )
    assert stored["train"] + stored["eval"] + stored["test"] == expected


# How the work is cut -> limits, whether blocks are spilled
CUTS = {
    "ranges": (Limits(task_bytes=4000, batch_rows=13), None),  # many batches a read task
    "ranges, remote": (Limits(task_bytes=4000, batch_rows=13), False),  # tokens wait as for workers elsewhere
}

# Each of these changes how the work is cut, and not the result: (name, format, cut, arguments for Beam).
# test_job_elsewhere_writes_the_same_bytes has processes, test_faults.py has bundles that run several times.
WAYS = [
    ("csv_threads", "csv", "ranges", ("--direct_running_mode=multi_threading", "--direct_num_workers=3")),  # over gRPC
    ("parquet_threads", "parquet", "ranges", ("--direct_running_mode=in_memory", "--direct_num_workers=3")),
    ("remote", "jsonl", "ranges, remote", IN_MEMORY),
]
# Keys of the manifest that do not depend on how the work is cut.
FIGURES = ("splits", "coverage", "duplicates", "quality", "telling_words", "advice", "samples")


@pytest.mark.parametrize(("name", "format", "cut", "arguments"), WAYS, ids=[way[0] for way in WAYS])
def test_job_writes_the_same_bytes(
    small: tuple[Path, Path],
    tmp_path: Path,
    name: str,
    format: str,
    cut: str,
    arguments: tuple[str, ...],
) -> None:
    source = tmp_path / f"{name}.{format}"
    {"csv": write_csv, "parquet": write_parquet, "jsonl": write_jsonl}[format](source, corpus())
    limits, spills = CUTS[cut]
    limits = replace(limits, sampled_bytes=source.stat().st_size // 4)
    folder = records_folder(source, tmp_path / "out", *arguments, limits=limits, spills=spills, output__shards="2")
    assert record_bytes(folder) == record_bytes(small[1])
    found, expected = manifest_of(folder), manifest_of(small[1])
    assert {name: found[name] for name in FIGURES} == {name: expected[name] for name in FIGURES}


def test_job_estimates_from_a_share_of_the_rows(small: tuple[Path, Path]) -> None:
    found = manifest_of(small[1])
    looked_at = found["quality"]["sampled_rows"]
    assert 70 < looked_at < 130  # 100 with a standard deviation of 9
    assert found["quality"]["findings"]["html"] | {"examples": []} == {
        "count": looked_at, "of": looked_at, "share": 1.0, "exact": False, "examples": [],
    }  # fmt: skip
    assert not found["telling_words"]["exact"]
    assert 0 < found["telling_words"]["sampled_rows"] < looked_at


@pytest.mark.parametrize("seed", [0, 1])
def test_job_takes_the_seed_into_every_key(seed: int, small: tuple[Path, Path], tmp_path: Path) -> None:
    config = load(None, {"input.path": str(small[0]), "output.path": str(tmp_path), "output.seed": str(seed)})
    tasks = plan_tasks(config.input, LocalFiles())
    plan = make_plan(config, tasks, staging=str(tmp_path), spills=True)
    (group,) = tasks.groups
    read_tasks = list(group.tasks())
    batches = read_batches(read_tasks, plan.read_options)
    keys = [key for batch in batches for key in key_rows(batch, plan.read_options, tasks=read_tasks).keys.to_pylist()]
    texts = [row["text"].encode() for row in corpus()]
    assert keys == content_keys(texts, seed=seed).to_pylist()


def test_job_writes_counts_into_the_manifest(small: tuple[Path, Path]) -> None:
    rows, found = corpus(), manifest_of(small[1])
    assert found["input"]["rows"] == 400
    assert found["labels"] == ["negative", "positive"]
    labels = Counter(row["label"] for row in rows)
    for label in found["labels"]:
        assert sum(part["labels"][label] for part in found["splits"].values()) == labels[label]
    texts = Counter(row["text"] for row in rows)
    seen_twice = {text for text, count in texts.items() if count > 1}
    labels_of = {text: {row["label"] for row in rows if row["text"] == text} for text in seen_twice}
    assert {name: found["duplicates"][name] for name in ("texts", "rows", "conflicting")} == {
        "texts": len(seen_twice),
        "rows": sum(texts[text] - 1 for text in seen_twice),
        "conflicting": sum(len(labels) > 1 for labels in labels_of.values()),
    }
    assert len(found["splits"]["train"]["shards"]) == 2
    assert sum(part["empty_texts"] for part in found["splits"].values()) == 1
    for part in found["splits"].values():
        assert sum(count for _, count in part["lengths"]) == part["rows"]


def test_job_keeps_equal_texts_in_one_split_and_orders_number_labels_by_value(tmp_path: Path) -> None:
    rows = [{"text": f"text number {row % 40}", "label": (10, 9, 2)[row % 3]} for row in range(200)]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    folder = records_folder(
        tmp_path / "rows.jsonl", tmp_path / "out", split__train="0.5", split__eval="0.5", split__test="0",
        output__compression="none",
    )  # fmt: skip
    train, evaluation = records_of(folder, "train"), records_of(folder, "eval")
    # A text in both would have the same ids in both; one in eval alone lacks the id of its number.
    assert {ids for ids, _ in train}.isdisjoint({ids for ids, _ in evaluation})
    assert {ids for ids, _ in evaluation} == {(0, 0, 0, 0, 0, 0, 1, 2)}
    assert len(train) % 5 == 0
    assert manifest_of(folder)["labels"] == ["2", "9", "10"]
    assert Counter(label for _, label in train + evaluation) == {0: 66, 1: 67, 2: 67}
    # A split without rows has a file as well.
    assert [file.name for file in sorted((folder / "records").glob("test*"))] == ["test-00000-of-00001.tfrecord"]


def test_job_describes_the_texts(tmp_path: Path) -> None:
    rows = [
        {"text": f"{'good' if row % 2 else 'bad'} film number {row % 60}", "label": str(row % 2), "part": "train"}
        for row in range(120)
    ]
    rows += [
        {"text": "good film number 1", "label": "1", "part": "test"},
        {"text": "GOOD film, number 1!", "label": "0", "part": "test"},
        {"text": "new words <br />\u00a0here", "label": "0", "part": "eval"},
        {"text": " ?!", "label": "0", "part": "eval"},
        {"text": "...", "label": "1", "part": "eval"},
    ]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    found = manifest_of(records_folder(tmp_path / "rows.jsonl", tmp_path / "out", split__column="part"))
    exact, normalised = found["duplicates"]["exact"], found["duplicates"]["normalised"]
    assert (exact["texts"], exact["rows"], exact["conflicting"]) == (60, 61, 0)
    assert (normalised["texts"], normalised["rows"], normalised["conflicting"]) == (60, 62, 1)
    assert exact["across"][1] == {"splits": ["train", "test"], "texts": 1, "rows": [2, 1], "conflicting": 0}
    assert normalised["across"][1] == {"splits": ["train", "test"], "texts": 1, "rows": [2, 2], "conflicting": 1}
    findings = found["quality"]["findings"]
    assert {name: finding["count"] for name, finding in findings.items()} == {
        "html": 1, "mojibake": 0, "non_latin": 0, "glued_white_space": 1, "invisible": 0, "empty_after_cleaning": 2,
    }  # fmt: skip
    assert findings["html"]["examples"] == ["new words <br />\u00a0here"]
    telling = found["telling_words"]
    assert (telling["sampled_rows"], telling["exact"]) == (120, True)
    assert [telling["labels"][label][0]["token"] for label in "01"] == ["bad", "good"]
    assert telling["labels"]["1"][0]["count"] == 60
    assert [item["setting"] for item in found["advice"]][:2] == ["split.column", "split.column"]

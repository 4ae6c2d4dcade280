"""The whole job with texts without labels: their records, their words in the vocabulary, and what stays as it is."""

import contextlib
import gzip
import json
import shutil
import sqlite3
import tarfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tf_keras.preprocessing.sequence import pad_sequences
from tf_keras.preprocessing.text import Tokenizer

from pipeline.errors import UserError
from pipeline.files.local import LocalFiles
from pipeline.inspection.verify import verify_folder
from pipeline.job.limits import Limits
from tests.support.jobs import (
    ONE_THREAD,
    config_of,
    facts_of,
    manifest_of,
    record_bytes,
    records_of,
    run_job,
    vocabulary_of,
    write_texts,
)

# Words are plain, so that a Tokenizer of Keras's and `split` see the same ones.
LABELLED = [
    (
        f"call {'good' if row % 2 else 'bad'} film w{row % 7} number {row}",
        str(row % 2),
        ("train", "eval", "test")[row % 3],
    )
    for row in range(90)
]
FIRST = [f"more film than {row % 5} call x{row % 3}" for row in range(40)] + ["", "only strange words here"]
SECOND = [f"late y{row} w{row % 7} film" for row in range(30)] + ["call bad film w0 number 0", "late late late late"]
# Small ranges, so that each file is read in several groups, in batches of a few rows.
LIMITS = Limits(task_bytes=600, batch_rows=7)
# What a row of text counts does not depend on how the input is read.
WAYS: dict[str, dict[str, Any]] = {
    "local": {"spills": True, "limits": LIMITS},
    "remote": {"spills": False, "limits": LIMITS},
    "two threads": {"spills": True, "beam_arguments": ["--direct_num_workers=2"]},
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """rows.jsonl with labels and splits; more/ with two files without labels, one with a column of them."""
    folder = tmp_path_factory.mktemp("input")
    lines = [json.dumps({"text": text, "label": label, "part": part}) + "\n" for text, label, part in LABELLED]
    (folder / "rows.jsonl").write_text("".join(lines))
    (folder / "more").mkdir()
    (folder / "more" / "a.csv").write_text("text,label\n" + "".join(f"{text},7\n" for text in FIRST))
    (folder / "more" / "b.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in SECOND))
    return folder


def job(source: Path, output: Path, settings: dict[str, str] | None = None, **options: Any) -> Path:
    defaults = {"split.column": "part", "input.unlabelled": str(source / "more"), "sequence.max_length": "5"}
    return run_job(source / "rows.jsonl", output, {**defaults, **(settings or {})}, **options)


def unlabelled_records(folder: Path) -> list[tuple[int, ...]]:
    """The ids of the records without a label, parsed by TensorFlow; each record holds nothing else."""
    config = manifest_of(folder)["config"]
    feature = {"ids": tf.io.FixedLenFeature([config["sequence"]["max_length"]], tf.int64)}
    found = []
    for shard in manifest_of(folder)["unlabelled"]["shards"]:
        compression = "GZIP" if shard["path"].endswith(".gz") else ""
        for record in tf.data.TFRecordDataset(str(folder / shard["path"]), compression):
            assert set(tf.train.Example.FromString(record.numpy()).features.feature) == {"ids"}
            found.append(tuple(tf.io.parse_single_example(record, feature)["ids"].numpy().tolist()))
    return found


def counted(texts: Sequence[str]) -> list[tuple[str, int]]:
    """(word, count) by falling count, then by first occurrence, in plain Python: dicts keep their order."""
    counts = Counter(word for text in texts for word in text.lower().split())
    return sorted(counts.items(), key=lambda item: -item[1])


@pytest.fixture(scope="module")
def folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The records without the unlabelled words in the vocabulary."""
    return job(source, tmp_path_factory.mktemp("records") / "out", **WAYS["local"])


def test_job_unlabelled_ids_are_those_of_keras(folder: Path) -> None:
    keras = Tokenizer(num_words=200)
    keras.fit_on_texts([text for text, _, part in LABELLED if part == "train"])
    texts = [*FIRST, *SECOND]
    expected = pad_sequences(keras.texts_to_sequences(texts), maxlen=5)
    found = unlabelled_records(folder)
    assert sorted(found) == sorted(map(tuple, expected.tolist()))
    assert found != [tuple(row) for row in expected.tolist()]  # they are shuffled

    part = manifest_of(folder)["unlabelled"]
    words = [text.split() for text in texts]
    known = [[word for word in text if word in keras.word_index] for text in words]
    assert (part["files"], part["rows"], part["rejected"]) == (2, len(texts), 0)
    assert part["tokens"] == sum(map(len, words))
    assert part["unknown_tokens"] == sum(map(len, words)) - sum(map(len, known))
    assert part["truncated_texts"] == sum(len(text) > 5 for text in known)
    assert part["empty_texts"] == sum(not text for text in known)
    assert part["wordless_texts"] == 1
    assert part["lengths"] == [list(item) for item in sorted(Counter(map(len, known)).items())]
    assert [shard["records"] for shard in part["shards"]] == [
        len(list(tf.data.TFRecordDataset(str(folder / shard["path"]), "GZIP"))) for shard in part["shards"]
    ]
    assert [shard["path"] for shard in part["shards"]] == [
        "records/unlabelled-00000-of-00002.tfrecord.gz",
        "records/unlabelled-00001-of-00002.tfrecord.gz",
    ]


def test_job_unlabelled_texts_that_are_in_a_split_are_counted(folder: Path) -> None:
    in_splits = Counter(part for text, _, part in LABELLED if text in {*FIRST, *SECOND})
    repeated = len([*FIRST, *SECOND]) - len({*FIRST, *SECOND})
    duplicates = manifest_of(folder)["unlabelled"]["duplicates"]
    assert repeated > 20
    assert duplicates == {"rows": repeated, "in_splits": {"train": 1, "eval": 0, "test": 0}}
    assert in_splits == {"train": 1}


@pytest.mark.parametrize("counts", ["false", "true"])
def test_job_unlabelled_bytes_are_the_same_in_every_way(source: Path, tmp_path: Path, counts: str) -> None:
    settings = {"vocabulary.count_unlabelled": counts}
    ways = [job(source, tmp_path / name, settings, **options) for name, options in WAYS.items()]
    cached = {**settings, "vocabulary.cache": str(tmp_path / "cache")}
    ways += [job(source, tmp_path / f"cached {number}", cached, limits=LIMITS) for number in range(2)]
    for other in ways[1:]:
        assert record_bytes(other) == record_bytes(ways[0])
        for key in ("splits", "unlabelled", "coverage", "labels", "duplicates", "rejected", "quality", "input"):
            assert facts_of(other)[key] == facts_of(ways[0])[key], key
    files = {"false": 1, "true": 3}[counts]  # texts that do not count are not looked up
    assert manifest_of(ways[-2])["vocabulary"]["cache"] == {"reused_files": 0, "counted_files": files}
    assert manifest_of(ways[-1])["vocabulary"]["cache"] == {"reused_files": files, "counted_files": 0}


@pytest.mark.parametrize("way", ["local", "remote"])  # the bytes of two threads are compared above
def test_job_unlabelled_words_count_after_those_with_labels(source: Path, tmp_path: Path, way: str) -> None:
    settings = {"vocabulary.count_unlabelled": "true", "vocabulary.min_count": "2", "vocabulary.top_words": "60"}
    found = job(source, tmp_path / "out", settings, **WAYS[way])
    train = [text for text, _, part in LABELLED if part == "train"]
    expected = counted([*train, *FIRST, *SECOND])
    assert [(word, count) for _, word, count in vocabulary_of(found)] == [
        (word, count) for word, count in expected[:59] if count >= 2
    ]
    manifest = manifest_of(found)
    assert manifest["vocabulary"]["tokens"] == sum(count for _, count in expected)
    assert manifest["vocabulary"]["distinct_tokens"] == len(expected)
    alone = job(source, tmp_path / "alone", {**settings, "vocabulary.count_unlabelled": "false"}, **WAYS[way])
    assert [(word, count) for _, word, count in vocabulary_of(alone)] == [
        (word, count) for word, count in counted(train)[:59] if count >= 2
    ]
    assert manifest_of(alone)["vocabulary"]["tokens"] == sum(len(text.split()) for text in train)


def test_job_unlabelled_words_grow_an_imported_vocabulary(source: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("film\nstrange\n")
    settings = {"vocabulary.from": str(tmp_path / "words.txt"), "vocabulary.grow": "true"}
    found = job(source, tmp_path / "out", {**settings, "vocabulary.count_unlabelled": "true"})
    expected = counted([*(text for text, _, part in LABELLED if part == "train"), *FIRST, *SECOND])
    counts = dict(expected)
    others = [(word, count) for word, count in expected if word not in ("film", "strange")]
    assert [(word, count) for _, word, count in vocabulary_of(found)] == [
        ("film", counts["film"]),
        ("strange", counts["strange"]),
        *others,
    ]


def test_job_unlabelled_texts_leave_the_rest_as_it_is(source: Path, folder: Path, tmp_path: Path) -> None:
    without = job(source, tmp_path / "without", {"input.unlabelled": "null"})
    mine, others = record_bytes(folder), record_bytes(without)
    assert {name: content for name, content in mine.items() if not name.startswith("unlabelled")} == others
    for key in ("splits", "coverage", "labels", "duplicates", "quality", "telling_words", "samples", "rejected"):
        assert facts_of(folder)[key] == facts_of(without)[key], key
    assert manifest_of(without)["unlabelled"] is None
    assert verify_folder(str(folder), LocalFiles()).problems == ()


def test_job_unlabelled_texts_are_not_surveyed(source: Path, tmp_path: Path) -> None:
    """`split.stratify` and `split.duplicates` need all rows with labels at once, and no others."""
    settings = {"split.column": "null", "split.stratify": "true", "split.duplicates": "first"}
    found = [job(source, tmp_path / name, settings, **WAYS[name]) for name in ("local", "remote")]
    assert record_bytes(found[0]) == record_bytes(found[1])
    without = job(source, tmp_path / "without", {**settings, "input.unlabelled": "null"})
    assert facts_of(found[0])["splits"] == facts_of(without)["splits"]
    assert manifest_of(found[0])["unlabelled"]["rows"] == len(FIRST) + len(SECOND)


def test_job_unlabelled_folder_of_aclimdb_is_given_to_both(tmp_path: Path) -> None:
    texts = {f"train/{label}/{n}.txt": f"a {label} film {n}" for n in range(60) for label in ("neg", "pos")}
    texts |= {f"test/{label}/{n}.txt": f"a {label} test {n}" for n in range(9) for label in ("neg", "pos")}
    texts |= {f"train/unsup/{n}.txt": f"who knows film {n}" for n in range(20)} | {"imdb.vocab": "x"}
    data = write_texts(tmp_path / "imdb", texts)
    found = run_job(data, tmp_path / "out", {"input.unlabelled": str(data)})
    manifest = manifest_of(found)
    assert manifest["labels"] == ["neg", "pos"]
    assert manifest["input"]["files"] == 158
    assert manifest["input"]["left_out"] == {"other": 1}
    assert sum(part["rows"] for part in manifest["splits"].values()) == 138
    assert manifest["unlabelled"]["rows"] == 20
    named = run_job(data, tmp_path / "named", {"input.unlabelled": str(data / "train" / "unsup")})
    assert record_bytes(named) == record_bytes(found)
    with tarfile.open(tmp_path / "imdb.tar.gz", "w:gz") as archive:
        archive.add(data, "imdb")
    packed = str(tmp_path / "imdb.tar.gz")
    shutil.move(data, tmp_path / "elsewhere")  # beside its archive, either might be meant
    assert record_bytes(run_job(packed, tmp_path / "packed", {"input.unlabelled": packed})) == record_bytes(found)


def test_job_unlabelled_texts_beside_a_database(source: Path, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "rows.db")) as database, database:
        database.execute("CREATE TABLE rows (text TEXT, label TEXT, part TEXT)")
        database.executemany("INSERT INTO rows VALUES (?, ?, ?)", LABELLED)
    settings = {"split.column": "part", "input.table": "rows", "input.unlabelled": str(source / "more")}
    ways = [
        run_job(f"sqlite:///{tmp_path}/rows.db", tmp_path / str(spills), settings, spills=spills)
        for spills in (True, False)
    ]
    assert record_bytes(ways[0]) == record_bytes(ways[1])
    manifest = manifest_of(ways[0])
    assert (manifest["unlabelled"]["files"], manifest["unlabelled"]["rows"]) == (2, len(FIRST) + len(SECOND))
    assert sum(part["rows"] for part in manifest["splits"].values()) == len(LABELLED)


def test_job_unlabelled_rows_are_rejected_with_their_reason(source: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "fine"}\nbroken\n{"text": null}\n' + '{"text": "more"}\n' * 7)
    settings = {"input.unlabelled": str(bad), "output.max_rejected": "0.19"}
    with pytest.raises(UserError) as error:
        job(source, tmp_path / "out", settings)
    assert str(error.value) == (
        "output.max_rejected is 0.19, but 2 of 10 rows of input.unlabelled can't be used: broken JSON (1), "
        f"missing text (1); mend them or raise output.max_rejected; rejected rows are listed in {tmp_path}/out/failed"
    )
    found = job(source, tmp_path / "out", {**settings, "output.max_rejected": "0.2"})
    lines = [json.loads(line) for file in (found / "rejected").iterdir() for line in file.read_text().splitlines()]
    assert [(line["file"], line["row"], line["reason"]) for line in lines] == [
        (str(bad), 2, "broken JSON"),
        (str(bad), 3, "missing text"),
    ]
    manifest = manifest_of(found)
    assert manifest["unlabelled"]["rejected"] == manifest["rejected"]["rows"] == 2
    assert manifest["unlabelled"]["rows"] == 8
    assert manifest["input"]["rows"] == 100


def test_job_unlabelled_damage_names_the_setting(source: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv.gz"
    bad.write_bytes(gzip.compress(b"text\nfine words\n", mtime=0) + gzip.compress(b"more\n", mtime=0)[:-1])
    with pytest.raises(UserError, match=r"^input\.unlabelled: .*bad\.csv\.gz: damaged file"):
        job(source, tmp_path / "out", {"input.unlabelled": str(bad)}, spills=False)
    found = job(source, tmp_path / "out", {"input.unlabelled": str(bad), "input.damaged": "use_what_is_whole"})
    manifest = manifest_of(found)
    assert manifest["unlabelled"]["rows"] == 1
    assert [file["file"] for file in manifest["input"]["damaged_files"]] == [str(bad)]


def test_job_unlabelled_beside_the_built_in_corpus(tmp_path: Path) -> None:
    (tmp_path / "more.jsonl").write_text('{"text": "a film"}\n{"text": "the story"}\n')
    found = run_job("sample", tmp_path / "out", {"input.unlabelled": str(tmp_path / "more.jsonl")})
    assert manifest_of(found)["unlabelled"]["rows"] == 2
    assert config_of(found).input.path == "sample"
    assert len(unlabelled_records(found)) == 2
    assert records_of(found, "test")


def test_job_unlabelled_rows_alone_make_no_records(source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    settings = {"input.unlabelled": str(tmp_path / "empty.jsonl")}
    with pytest.raises(UserError, match=r"^input\.unlabelled: no rows in .*empty\.jsonl"):
        job(source, tmp_path / "out", settings, beam_arguments=ONE_THREAD)

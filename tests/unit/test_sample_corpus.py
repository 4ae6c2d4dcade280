"""The built-in corpus: any range of it, in any format, is the same rows; and it is what reviews are like."""

import csv
import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipeline.errors import UserError
from pipeline.sample_corpus import corpus as sample_corpus
from pipeline.sample_corpus import sample_batch, write_sample


@pytest.fixture(scope="module")
def corpus() -> pa.RecordBatch:
    return sample_batch(0, 8192, seed=0)


def test_sample_ranges_are_parts_of_one_corpus(corpus: pa.RecordBatch) -> None:
    for start, count in [(0, 1), (1023, 2), (1024, 1024), (3000, 2500), (8191, 1), (5, 0)]:
        assert sample_batch(start, count, seed=0).equals(corpus.slice(start, count))
    assert not sample_batch(0, 100, seed=1).equals(corpus.slice(0, 100))


def test_sample_formats_hold_the_same_rows(corpus: pa.RecordBatch, tmp_path: Path) -> None:
    expected = corpus.slice(0, 1500).to_pylist()
    for ending in ("csv", "tsv", "jsonl", "parquet"):
        write_sample(str(tmp_path / f"s.{ending}"), 1500, seed=0)
    assert pq.read_table(tmp_path / "s.parquet").to_pylist() == expected
    with (tmp_path / "s.jsonl").open() as file:
        assert [json.loads(line) for line in file] == expected
    for ending, delimiter in (("csv", ","), ("tsv", "\t")):
        with (tmp_path / f"s.{ending}").open(newline="") as file:
            assert list(csv.DictReader(file, delimiter=delimiter)) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.csv", "s.jsonl", "s.parquet", "s.tsv"]


def test_sample_compressed_files_hold_the_same_bytes(tmp_path: Path) -> None:
    for ending in ("csv", "tsv", "jsonl"):
        for compression in ("", ".gz", ".zst"):
            write_sample(str(tmp_path / f"s.{ending}{compression}"), 200, seed=3)
        plain = (tmp_path / f"s.{ending}").read_bytes()
        assert gzip.decompress((tmp_path / f"s.{ending}.gz").read_bytes()) == plain
        packed = (tmp_path / f"s.{ending}.zst").read_bytes()
        assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == plain


def test_sample_unfinished_file_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def second_batch_fails(start: int, count: int, *, seed: int) -> pa.RecordBatch:
        if start:
            raise OSError("the disk is full")
        return sample_batch(start, count, seed=seed)

    monkeypatch.setattr(sample_corpus, "sample_batch", second_batch_fails)
    path = tmp_path / "s.csv"
    path.write_text("an earlier file")
    with pytest.raises(UserError, match=r"--output: .*s\.csv can't be written: the disk is full"):
        write_sample(str(path), 10_000, seed=0)
    assert [found.name for found in tmp_path.iterdir()] == ["s.csv"]
    assert path.read_text() == "an earlier file"


@pytest.mark.parametrize("name", ["s.doc", "s.parquet.gz", "s"])
def test_sample_refuses_other_endings(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"--output: .*{name} must end in .csv"):
        write_sample(str(tmp_path / name), 10, seed=0)


def test_sample_is_what_reviews_are_like(corpus: pa.RecordBatch) -> None:
    texts, labels = corpus["text"].to_pylist(), Counter(corpus["label"].to_pylist())
    assert set(labels) == {"positive", "negative"}
    assert 0.47 < labels["positive"] / len(texts) < 0.53
    words = Counter(word for text in texts for word in text.lower().split())
    assert len(words) > 20_000
    counts = [count for _, count in words.most_common()]
    # As in a language the hundredth word is much rarer than the first and much commoner than the thousandth.
    assert counts[0] > 8 * counts[99] > 30 * counts[999]
    lengths = sorted(len(text.split()) for text in texts)
    assert 50 < lengths[len(lengths) // 2] < 110
    assert lengths[-1] > 500
    assert sum(text == "" or text.isspace() for text in texts) > 0
    assert len(set(texts)) < len(texts)
    assert any("<br" in text for text in texts)
    assert any(ord(character) > 0xFFFF for text in texts for character in text)


# text that a review holds, least and greatest share of positive ones among the reviews that hold it
ORDER = [
    (r"it was good[.!]", 0.80, 1.00),
    (r"it was bad[.!]", 0.00, 0.20),
    (r"it was not good at all", 0.00, 0.20),  # the same words, but for one, as in "it was good"
    (r"it was not bad at all", 0.80, 1.00),
    (r"good in places, but bad as a whole", 0.00, 0.20),
    (r"bad in places, but good as a whole", 0.80, 1.00),
    (r"\bnot\b", 0.45, 0.55),  # the word alone says nothing
    (r"\bbut\b", 0.45, 0.55),
    (r"as I had feared", 0.40, 0.60),
    (r"as I had hoped", 0.40, 0.60),
]


def test_sample_labels_depend_on_the_order_of_words() -> None:
    batch = sample_batch(0, 30_000, seed=0)
    texts = batch["text"].to_pylist()
    positive = [label == "positive" for label in batch["label"].to_pylist()]
    for pattern, least, greatest in ORDER:
        found = [mark for text, mark in zip(texts, positive, strict=True) if re.search(pattern, text)]
        assert len(found) > 15, pattern
        assert least <= sum(found) / len(found) <= greatest, pattern


def test_sample_some_labels_of_equal_texts_differ(corpus: pa.RecordBatch) -> None:
    labels: dict[str, list[str]] = {}
    for text, label in zip(corpus["text"].to_pylist(), corpus["label"].to_pylist(), strict=True):
        labels.setdefault(text, []).append(label)
    repeated = [marks for text, marks in labels.items() if len(marks) > 1 and len(text) > 40]
    assert 0.005 < len(repeated) / corpus.num_rows < 0.02
    assert any(len(set(marks)) == 2 for marks in repeated)
    assert sum(len(set(marks)) == 2 for marks in repeated) < len(repeated) / 4

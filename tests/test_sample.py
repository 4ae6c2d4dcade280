"""The built-in corpus: any range of it, in any format, is the same rows; and it is what reviews are like."""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import UserError
from pipeline.sample import sample_batch, write_sample


@pytest.fixture(scope="module")
def corpus() -> pa.RecordBatch:
    return sample_batch(0, 8192, seed=0)


def test_sample_ranges_are_parts_of_one_corpus(corpus: pa.RecordBatch) -> None:
    for start, count in [(0, 1), (1023, 2), (1024, 1024), (3000, 2500), (8191, 1), (5, 0)]:
        assert sample_batch(start, count, seed=0).equals(corpus.slice(start, count))
    assert not sample_batch(0, 100, seed=1).equals(corpus.slice(0, 100))


def test_sample_is_the_same_in_every_process(corpus: pa.RecordBatch) -> None:
    program = "from pipeline.sample import sample_batch\nprint(ascii(sample_batch(2000, 3, seed=0).to_pylist()))"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        )
        assert done.stdout == f"{corpus.slice(2000, 3).to_pylist()!a}\n"


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

"""The bag of words that trained models are compared with: it learns words, and it cannot learn their order."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.baseline import bag_of_words
from benchmarks.baseline.bag_of_words import Bags, bags, compare
from pipeline.contract import Split


def split_of(texts: list[list[int]], labels: list[int]) -> Bags:
    padded = [[0] * (4 - len(text)) + text for text in texts]
    return bags(np.array(padded, np.int64), np.array(labels, np.int64))


def with_test(learnt: Bags, test: Bags) -> dict[Split, Bags]:
    return {"train": learnt, "eval": learnt, "test": test}


def test_bag_of_words_counts_words_and_scales_each_text() -> None:
    found = split_of([[3, 2, 3], [1], []], [1, 0, 1])
    assert found.row.tolist() == [0, 0, 1]
    assert found.word.tolist() == [2, 3, 1]
    # log 2 and log 3 divided by the root of the sum of their squares; the empty text has no entry
    assert found.value.tolist() == pytest.approx([0.533600, 0.845737, 1], abs=1e-6)


def test_bag_of_words_batches_hold_a_text_a_row() -> None:
    import tensorflow as tf

    texts, labels = next(iter(split_of([[3, 2, 3], [1], []], [1, 0, 1]).batches(words=4)))
    np.testing.assert_allclose(
        tf.sparse.to_dense(texts).numpy(), [[0, 0, 0.533600, 0.845737], [0, 1, 0, 0], [0, 0, 0, 0]], atol=1e-6
    )
    assert labels.numpy().tolist() == [1, 0, 1]


def test_bag_of_words_learns_words() -> None:
    texts = [[1, 2], [1, 3], [2], [3], [1, 1, 2], [1, 1, 3]] * 5
    result = compare(
        with_test(split_of(texts, [1, 0, 1, 0, 1, 0] * 5), split_of([[2, 1], [3, 1, 1], [3]], [1, 0, 0])), words=4
    )
    assert result["test_accuracy"] == result["eval_accuracy"] == 1.0
    assert result["test_texts"] == 3
    assert result["majority"] == pytest.approx(2 / 3)


def test_bag_of_words_does_not_learn_order() -> None:
    texts = [[1, 2, 3], [3, 2, 1]] * 20  # the same bag each time
    found = split_of(texts, [1, 0] * 20)
    assert compare(with_test(found, found), words=4)["test_accuracy"] == 0.5


def test_bag_of_words_gives_the_same_each_time() -> None:
    draw = np.random.default_rng(5)
    found = bags(draw.integers(0, 9, (600, 4)), draw.integers(0, 2, 600))
    first = compare(with_test(found, found), words=9)
    assert first == compare(with_test(found, found), words=9)
    assert first["epochs"] < bag_of_words.MOST_EPOCHS


def test_bag_of_words_reads_a_records_folder(small_records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag_of_words.main([str(small_records), "--json"])
    result = json.loads(capsys.readouterr().out)
    manifest = json.loads((small_records / "manifest.json").read_text())
    assert result["test_texts"] == manifest["splits"]["test"]["rows"]
    assert 0 <= result["test_accuracy"] <= 1
    bag_of_words.main([str(small_records)])
    assert capsys.readouterr().out.startswith("bag of words: 0.")


def test_bag_of_words_says_what_it_needs(
    small_records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((small_records / "manifest.json").read_text())
    manifest["labels"].append("third")
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SystemExit) as ended:
        bag_of_words.main([str(tmp_path)])
    assert ended.value.code == 2
    assert "got 3 labels" in capsys.readouterr().err

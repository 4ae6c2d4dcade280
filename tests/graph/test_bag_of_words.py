"""The bag of words that trained models are compared with: it learns words, and it cannot learn their order."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.baseline import bag_of_words
from benchmarks.baseline.bag_of_words import Bags, bags, compare
from pipeline.contract import Split

# A model and its losses of each epoch.
Trained = tuple[keras.Model, dict[str, list[float]]]


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
    texts, labels = next(iter(split_of([[3, 2, 3], [1], []], [1, 0, 1]).batches(words=4)))
    np.testing.assert_allclose(
        tf.sparse.to_dense(texts).numpy(), [[0.0, 0.0, 0.533600, 0.845737], [0.0, 1.0, 0.0, 0.0], [0.0] * 4], atol=1e-6
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


def test_bag_of_words_counts_the_weights_of_rows() -> None:
    """Of equal texts two are negative, and one that weighs as much as four is positive: the loss is on its side."""
    learnt = bags(np.array([[1], [1], [1]] * 200), np.array([0, 0, 1] * 200), np.array([1, 1, 4] * 200, np.float32))
    held_out = split_of([[1]], [1])
    assert compare(with_test(learnt, held_out), words=2)["test_accuracy"] == 1.0
    plain = bags(np.array([[1], [1], [1]] * 200), np.array([0, 0, 1] * 200))
    assert compare(with_test(plain, held_out), words=2)["test_accuracy"] == 0.0


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Trained]:
    """What `compare` trained: the model, with the weights that it has in the end, and its losses of each epoch."""
    models = []
    fit = keras.Sequential.fit

    def recorded(model: keras.Model, *arguments: Any, **options: Any) -> Any:
        history = fit(model, *arguments, **options)
        models.append((model, history.history))
        return history

    monkeypatch.setattr(keras.Sequential, "fit", recorded)
    return models


def test_bag_of_words_finds_the_least_loss(trained: list[Trained]) -> None:
    """Of words 1 and 2 three of four texts have one label, of word 3 half of them: no weights can do better."""
    texts, labels = [[1]] * 4 + [[2]] * 4 + [[3]] * 8, [1, 1, 1, 0, 1, 0, 0, 0] + [1, 0] * 4
    found = split_of(texts * 64, labels * 64)
    compare(with_test(found, found), words=4)
    ((model, _),) = trained
    # Half of the texts: -3/4 log(3/4) - 1/4 log(1/4) = 0.562335; the others: log 2 = 0.693147.
    assert model.evaluate(found.batches(words=4), return_dict=True, verbose=0)["loss"] == pytest.approx(
        0.627741, abs=0.0005
    )


def test_bag_of_words_has_the_weights_of_the_best_epoch(
    trained: list[Trained],
) -> None:
    """The train split knows no doubt, and a quarter of the eval split contradicts it: its loss falls, then rises."""
    learnt = split_of([[1], [2]] * 512, [1, 0] * 512)
    held_out = split_of([[1], [1], [1], [1]], [1, 1, 1, 0])
    compare({"train": learnt, "eval": held_out, "test": held_out}, words=4)
    ((model, history),) = trained
    losses = history["val_loss"]
    assert 2 < len(losses) < bag_of_words.MOST_EPOCHS
    assert losses[-1] > min(losses) + 0.0001
    loss = model.evaluate(held_out.batches(words=4), return_dict=True, verbose=0)["loss"]
    assert loss == pytest.approx(min(losses), abs=1e-6)


def test_bag_of_words_gives_the_same_each_time() -> None:
    draw = np.random.default_rng(5)
    found = bags(draw.integers(0, 9, (600, 4)), draw.integers(0, 2, 600))
    first = compare(with_test(found, found), words=9)
    assert first == compare(with_test(found, found), words=9)
    assert first["epochs"] < bag_of_words.MOST_EPOCHS

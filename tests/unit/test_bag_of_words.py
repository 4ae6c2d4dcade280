"""The bag of words that the trained model is compared with: it learns from words, and from their order it does not."""

import numpy as np
import pytest

from benchmarks.baseline.bag_of_words import Bags, bags, compare, fit


def padded(texts: list[list[int]]) -> np.ndarray:
    return np.array([[0] * (4 - len(text)) + text for text in texts], np.int64)


def split_of(texts: list[list[int]], labels: list[int]) -> Bags:
    return bags(padded(texts), np.array(labels, np.int64))


def test_bag_of_words_counts_words_and_scales_each_text() -> None:
    found = split_of([[3, 2, 3], [1], []], [1, 0, 1])
    assert found.row.tolist() == [0, 0, 0, 1, 1, 2]
    assert found.word.tolist() == [0, 2, 3, 0, 1, 0]  # 0 is the intercept
    # log 2 and log 3 divided by the root of the sum of their squares; the empty text has the intercept alone
    assert found.value.tolist() == pytest.approx([1, 0.533600, 0.845737, 1, 1, 1], abs=1e-6)


def test_bag_of_words_learns_words() -> None:
    texts = [[1, 2], [1, 3], [2], [3], [1, 1, 2], [1, 1, 3]] * 5
    found = split_of(texts, [1, 0, 1, 0, 1, 0] * 5)
    result = compare(found, found, split_of([[2, 1], [3, 1, 1], [3]], [1, 0, 0]), words=4)
    assert result["test_accuracy"] == 1.0
    assert result["test_texts"] == 3
    assert result["majority"] == pytest.approx(2 / 3)


def test_bag_of_words_does_not_learn_order() -> None:
    texts = [[1, 2, 3], [3, 2, 1]] * 20  # the same bag each time
    found = split_of(texts, [1, 0] * 20)
    assert compare(found, found, found, words=4)["test_accuracy"] == 0.5


def test_bag_of_words_finds_the_least_loss() -> None:
    draw = np.random.default_rng(5)
    train = bags(draw.integers(0, 9, (200, 4)), draw.integers(0, 2, 200))
    weights = fit(train, words=9, penalty=1e-2)

    def loss(tried: np.ndarray) -> float:
        signs = 2 * train.labels - 1
        fitted = float(np.mean(np.logaddexp(0, -signs * train.scores(tried))))
        return fitted + 0.5e-2 * float(np.sum(tried[1:] ** 2))

    least = loss(weights)
    for step in (1e-2, -1e-2):
        for word in range(9):
            other = weights.copy()
            other[word] += step
            assert loss(other) > least, word

"""A model of word counts alone: scikit-learn's TF-IDF and logistic regression are the oracle."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from tests.support.toy_records import Row, write_folder
from trainer.data.records_folder import RecordsFolder
from trainer.evaluation import logistic_regression, word_counts
from trainer.evaluation.logistic_regression import fit, minimize
from trainer.evaluation.word_counts import (
    TextWords,
    count_words,
    inverse_document_frequencies,
    measure_word_counts,
    read_words,
    tf_idf,
)

TOP_WORDS = 30
LENGTH = 12


def rows_of(count: int, *, seed: int, kind: str) -> list[Row]:
    """Texts of 0 to 12 words; a text of label k has word 1 + k often, and others too, so no model is always right."""
    draw = np.random.default_rng(seed)
    rows: list[Row] = []
    for _ in range(count):
        labels = draw.integers(0, 2 if kind == "two" else 3, 1 if kind != "several" else draw.integers(0, 4))
        words = draw.integers(1, TOP_WORDS, draw.integers(0, LENGTH - 2)).tolist()
        words += [1 + int(label) for label in labels if draw.random() < 0.6]
        unique = sorted({int(label) for label in labels})
        label: Any = unique if kind == "several" else unique[0]
        rows.append((words, label, float(draw.choice([0.5, 1.0, 4.0]))) if kind == "weighted" else (words, label))
    return rows


def folder_of(path: Path, kind: str) -> RecordsFolder:
    train, test = rows_of(300, seed=1, kind=kind), rows_of(200, seed=2, kind=kind)
    names = ("a", "b") if kind == "two" else ("a", "b", "c")
    return write_folder(
        path, train=[train[:170], train[170:]], test=test, labels=names, several=kind == "several",
        top_words=TOP_WORDS, max_length=LENGTH,
    )  # fmt: skip


def texts_of(rows: list[Row]) -> list[str]:
    return [" ".join(f"w{word}" for word in row[0]) for row in rows]


def oracle(kind: str) -> dict[str, float]:
    """What scikit-learn gets on the same rows."""
    train: list[Any] = rows_of(300, seed=1, kind=kind)
    test: list[Any] = rows_of(200, seed=2, kind=kind)
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\S+").fit(texts_of(train))
    learnt, asked = vectorizer.transform(texts_of(train)), vectorizer.transform(texts_of(test))
    if kind == "several":
        sets = [[[label in row[1] for label in range(3)] for row in rows] for rows in (train, test)]
        decided = OneVsRestClassifier(LogisticRegression(tol=1e-8, max_iter=1000)).fit(learnt, np.array(sets[0]))
        found = decided.predict(asked)
        exact = float((found == np.array(sets[1])).all(axis=1).mean())
        return {"subset_accuracy": exact, "micro_f1": f1_score(np.array(sets[1]), found, average="micro")}
    weights = np.array([row[2] for row in train]) if kind == "weighted" else np.ones(300)
    model = LogisticRegression(tol=1e-8, max_iter=1000)
    model.fit(learnt, [row[1] for row in train], sample_weight=weights / weights.mean())
    return {"accuracy": float(model.score(asked, [row[1] for row in test]))}


@pytest.mark.parametrize("kind", ["two", "three", "several", "weighted"])
def test_word_counts_are_those_of_scikit_learn(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic_regression, "_TOLERANCE", 1e-6)
    figures = measure_word_counts(folder_of(tmp_path, kind), "test")
    assert figures == {"train_texts": 300, "learnt_from": 300, **{k: pytest.approx(v) for k, v in oracle(kind).items()}}
    assert 0.4 < min(oracle(kind).values()) < 0.95  # neither guessing nor always right


def test_word_counts_have_the_weights_of_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(3)
    dense = draw.normal(size=[80, 6]).astype(np.float32) * (draw.random([80, 6]) < 0.5)
    labels, weights = draw.integers(0, 3, 80), draw.uniform(0.2, 3, 80)
    monkeypatch.setattr(logistic_regression, "_TOLERANCE", 1e-6)
    for given, outputs in ((labels, 3), (labels % 2, 1)):
        found = fit(tf.sparse.from_dense(dense), given, outputs=outputs, weights=weights)
        expected = LogisticRegression(tol=1e-10, max_iter=10_000).fit(dense, given, sample_weight=weights)
        np.testing.assert_allclose(found.weights.T, expected.coef_, atol=5e-4)
        shift = 0 if outputs == 1 else found.biases.mean() - expected.intercept_.mean()  # of softmax without effect
        np.testing.assert_allclose(found.biases - shift, expected.intercept_, atol=5e-4)


def test_word_counts_of_the_default_tolerance_are_near() -> None:
    draw = np.random.default_rng(4)
    dense = draw.normal(size=[500, 20]).astype(np.float32)
    labels = (dense[:, 0] + draw.normal(size=500) > 0).astype(np.int64)
    found = fit(tf.sparse.from_dense(dense), labels, outputs=1).logits(tf.sparse.from_dense(dense))
    expected = LogisticRegression().fit(dense, labels).decision_function(dense)
    assert np.corrcoef(found[:, 0], expected)[0, 1] > 0.999


def test_word_counts_minimum_of_a_function_whose_first_steps_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rosenbrock's function: its valley is curved, and its minimum is at (1, 1)."""

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        x, y = point
        return (1 - x) ** 2 + 100 * (y - x * x) ** 2, np.array([2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)])

    monkeypatch.setattr(logistic_regression, "_TOLERANCE", 1e-6)
    assert minimize(loss, np.array([-1.2, 1.0])).tolist() == pytest.approx([1, 1], abs=1e-3)


def test_word_counts_count_and_scale() -> None:
    found = count_words(np.array([[3, 2, 3, 0], [0, 0, 0, 0], [9, 4, 1, 1]], np.int32), words=5)
    assert found.row.tolist() == [0, 0, 2, 2]
    assert found.word.tolist() == [2, 3, 1, 4]
    assert found.times.tolist() == [1, 2, 2, 1]
    assert found.texts == 3
    importance = inverse_document_frequencies(found, words=5)
    # ln(4/2) + 1 for a word of one text, ln(4/1) + 1 for none
    assert importance.tolist() == pytest.approx([2.386294, 1.693147, 1.693147, 1.693147, 1.693147])
    table = tf.sparse.to_dense(tf_idf(found, importance)).numpy()
    # (1, 1 + ln 2) = (1, 1.693147), of length 1.966404
    assert table[0].tolist() == pytest.approx([0, 0, 0.508542, 0.861037, 0], abs=1e-6)
    assert not table[1].any()


def test_word_counts_learn_from_the_first_texts_of_a_large_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = folder_of(tmp_path, "two")
    monkeypatch.setattr(word_counts, "_BATCH", 50)
    monkeypatch.setattr(word_counts, "_MOST_ENTRIES", 400)  # about five a text
    figures = measure_word_counts(records, "test")
    assert figures is not None
    assert (figures["train_texts"], figures["learnt_from"]) == (300, 100)
    whole = read_words(records, "train", words=TOP_WORDS)
    assert (whole.words.texts, whole.words.word.max()) == (300, TOP_WORDS - 1)
    monkeypatch.setattr(word_counts, "_MOST_WEIGHTS", 7)  # only the commonest words: ids 1 to 6
    seen: list[int] = []

    def recorded(texts: TextWords, importance: word_counts.Floats) -> tf.SparseTensor:
        seen.append(len(importance))
        return tf_idf(texts, importance)

    monkeypatch.setattr(word_counts, "tf_idf", recorded)
    assert measure_word_counts(records, "test") is not None
    assert seen == [7, 7]


def test_word_counts_of_very_many_labels_are_left_out(tmp_path: Path) -> None:
    names = [f"{number:03d}" for number in range(201)]
    records = write_folder(tmp_path, train=[[([1], 0), ([2], 1)]], test=[([1], 0)], labels=names)
    assert measure_word_counts(records, "test") is None


def test_word_counts_of_texts_without_words(tmp_path: Path) -> None:
    records = write_folder(tmp_path, train=[[([], 0), ([], 0), ([], 1)]], test=[([], 0), ([3], 1)])
    figures = measure_word_counts(records, "test")
    assert figures == {"train_texts": 3, "learnt_from": 3, "accuracy": 0.5}  # always the commoner label

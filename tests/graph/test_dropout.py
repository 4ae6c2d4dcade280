"""Dropout of words: which words go, in which share, and that a hidden word is what an unknown one is."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.settings import ModelSettings
from pipeline.contract import Oov
from tests.support.label_schemes import scheme_of
from trainer.model.classifier import TextClassifier, build_model
from trainer.model.dropout import EmbeddingDropout, WordDropout, hide_words

TEXT = [[0, 0, 2, 3, 4, 5], [6, 7, 8, 9, 8, 7], [0, 0, 0, 0, 0, 0]]
# X: hidden
HIDDEN = [[*"-X-X-X"], [*"X----X"], [*"XXXXXX"]]


def model_of(*, oov: Oov = "drop", **values: Any) -> TextClassifier:
    keras.utils.set_random_seed(1)
    settings = ModelSettings.model_validate({"embedding_dim": 3, "lstm_units": 4, **values})
    return build_model(30, settings, scheme=scheme_of(), padding="pre", oov=oov)


# unknown id, padding    what is left
@pytest.mark.parametrize(("unknown_id", "padding", "expected"), [
    (None,        "pre",  [[0, 0, 0, 0, 2, 4], [0, 0, 7, 8, 9, 8], [0] * 6]),
    (None,        "post", [[2, 4, 0, 0, 0, 0], [7, 8, 9, 8, 0, 0], [0] * 6]),
    (1,           "pre",  [[0, 0, 2, 1, 4, 1], [1, 7, 8, 9, 8, 1], [0] * 6]),  # padding is no word, so never hidden
    (1,           "post", [[0, 0, 2, 1, 4, 1], [1, 7, 8, 9, 8, 1], [0] * 6]),
])  # fmt: skip
def test_dropout_hides_words_as_unknown_ones(unknown_id: int | None, padding: Any, expected: list[list[int]]) -> None:
    for dtype in (tf.int32, tf.int64):
        ids = tf.constant(TEXT, dtype)
        hidden = hide_words(ids, tf.equal(tf.constant(HIDDEN), "X"), unknown_id=unknown_id, padding=padding)
        assert (hidden.dtype, hidden.numpy().tolist()) == (dtype, expected)


def test_dropout_hides_nothing_of_an_empty_batch() -> None:
    ids, is_hidden = tf.zeros([0, 4], tf.int64), tf.zeros([0, 4], tf.bool)
    assert hide_words(ids, is_hidden, unknown_id=None, padding="pre").shape == (0, 4)
    assert hide_words(ids, is_hidden, unknown_id=1, padding="pre").shape == (0, 4)


def test_dropout_of_words_hides_each_occurrence_by_itself() -> None:
    """Of 20,000 words 0.25, within five standard errors of 0.003; and not all or none of the one word of a row."""
    keras.utils.set_random_seed(2)
    dropout = WordDropout(0.25, unknown_id=1, padding="pre")
    ids = tf.fill([100, 200], tf.constant(7, tf.int64))
    first, second = dropout(ids).numpy(), dropout(ids).numpy()
    assert (first == 1).mean() == pytest.approx(0.25, abs=0.016)
    assert (first == 1).sum(axis=1).min() > 0
    assert (first == 1).sum(axis=1).max() < 100
    assert first.tolist() != second.tolist()


def test_dropout_of_vectors_takes_all_occurrences_of_a_word_in_a_batch() -> None:
    keras.utils.set_random_seed(3)
    dropout = EmbeddingDropout(0.25, vocabulary_size=20_000)
    words = np.arange(20_000).reshape(2, 10_000)
    ids = tf.constant(np.concatenate([words, words[:, ::-1]]), tf.int64)
    kept = dropout(tf.ones([4, 10_000, 2]), ids).numpy()
    assert kept[0, 0].tolist() == [1, 1]  # padding
    values = kept[:2, 1:]
    assert np.unique(values).tolist() == pytest.approx([0, 4 / 3])
    assert (values == 0).mean() == pytest.approx(0.25, abs=0.016)
    assert values[..., 0].tolist() == values[..., 1].tolist()
    assert kept[2:].tolist() == kept[:2, ::-1].tolist()
    assert (dropout(tf.ones([4, 10_000, 2]), ids).numpy() == kept).mean() < 0.8


@pytest.mark.parametrize("mask_zero", [True, False])
@pytest.mark.parametrize(("oov", "same_as"), [("drop", [[0, 0, 0]]), ("token", [[1, 1, 1]])])
def test_dropout_of_almost_all_words_gives_what_a_text_of_unknown_words_has(
    oov: Oov, same_as: list[list[int]], mask_zero: bool
) -> None:
    model = model_of(oov=oov, word_dropout=1 - 1e-9, mask_zero=mask_zero)
    hidden = model.logits(tf.constant([[7, 8, 9]], tf.int64), training=True)
    assert hidden.numpy().tolist() == model.logits(tf.constant(same_as, tf.int64)).numpy().tolist()


@pytest.mark.parametrize("oov", ["drop", "token"])
def test_dropout_gives_hidden_words_no_gradient(oov: Oov) -> None:
    """Each word stands once, so its row of the gradient says whether it was there."""
    model = model_of(oov=oov, word_dropout=0.5, embedding_dropout=0.5)
    ids = tf.reshape(tf.range(2, 30, dtype=tf.int64), [4, 7])
    with tf.GradientTape() as tape:
        logits = model.logits(ids, training=True)
    gradient = tf.convert_to_tensor(tape.gradient(logits, model.embedding.embeddings.value)).numpy()
    moved = gradient.any(axis=1)
    assert not moved[0]
    assert moved[1] in (False, oov == "token")  # its own vector may be dropped too
    assert 1 <= moved[2:].sum() <= 20  # about a quarter of 28


def test_dropout_leaves_the_first_weights_as_they_are() -> None:
    plain, dropping = model_of(), model_of(word_dropout=0.1, embedding_dropout=0.1)
    assert [value.tolist() for value in dropping.get_weights()] == [value.tolist() for value in plain.get_weights()]
    assert len(dropping.variables) == len(plain.variables) + 2  # the states of two seed generators

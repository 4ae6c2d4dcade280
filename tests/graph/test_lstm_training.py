"""Training in groups gives the losses and gradients of Keras's loop, for each kind of model that settings allow."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.settings import ModelSettings
from tests.support.label_schemes import scheme_of
from trainer.model.classifier import RunLstm, TextClassifier, build_model, keras_lstms, run_with_keras
from trainer.model.lstm_choice import choose_for_training
from trainer.model.lstm_kernel import GROUP_ROWS

LENGTH = 9
BATCH_SIZE = 2 * GROUP_ROWS + 3  # three groups

# Loss, and a gradient for each weight.
Step = Callable[[np.ndarray], list[np.ndarray]]


def model_of(classes: int = 2, **values: Any) -> TextClassifier:
    """A model with large weights, so that each word changes the state. Its biases are not 0 or 1."""
    keras.utils.set_random_seed(4)
    settings = ModelSettings.model_validate({"embedding_dim": 4, "lstm_units": 5, **values})
    model = build_model(30, settings, scheme=scheme_of(classes), padding="pre")
    for variable in model.trainable_variables:
        variable.assign(variable * 3 + 0.1)
    return model


def step_of(model: TextClassifier, run_lstm: RunLstm) -> Step:
    """ids -> [loss, gradients...]. A row's label is its number modulo 2. Dropout is the same in each call."""
    seeds = model.non_trainable_variables
    weights = [variable.value for variable in model.trainable_variables]
    before = [seed.numpy() for seed in seeds]

    def step(ids: tf.Tensor) -> list[tf.Tensor]:
        labels = tf.range(tf.shape(ids)[0]) % 2
        with tf.GradientTape() as tape:
            logits = model.logits(ids, training=True, run_lstm=run_lstm)
            both = logits if logits.shape[1] != 1 else tf.concat([-logits, logits], axis=1)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, both))
        return [loss, *(tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights))]

    graph = tf.function(step, input_signature=[tf.TensorSpec([None, None], tf.int64)], autograph=False)

    def call(ids: np.ndarray) -> list[np.ndarray]:
        for seed, value in zip(seeds, before, strict=True):
            seed.assign(value)
        return [value.numpy() for value in graph(tf.constant(ids, tf.int64, shape=ids.shape))]

    return call


def rows(count: int, *, length: int = LENGTH) -> np.ndarray:
    """Texts in random order of length, padded at the start; the first has no words, the last `length` words."""
    rng = np.random.default_rng(count)
    ids = np.zeros([count, length], np.int64)
    for place, row in enumerate(ids):
        words = int(rng.integers(0, length + 1)) if 0 < place < count - 1 else length * (place > 0 or count == 1)
        row[length - words :] = rng.integers(1, 30, words)
    return ids


def assert_close(actual: list[np.ndarray], expected: list[np.ndarray]) -> None:
    """Compares up to a few last bits of a gradient's largest number.

    The kernel makes one sum of products, Keras two; and gradients are summed group by group. A wrong gate, row or step
    makes a difference of 1e-2 or more.
    """
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-6 * np.abs(other).max())


VARIANTS: dict[str, dict[str, Any]] = {
    "classic": {},
    "both directions, max": {"bidirectional": True, "pooling": "max"},
    "two layers, mean, three classes": {"lstm_units": [6, 5], "pooling": "mean", "classes": 3},
    "two layers, both directions, dropout": {"lstm_units": [6, 5], "bidirectional": True, "dropout": 0.3},
    "mean and max, dropout of words": {"pooling": "mean_max", "embedding_dropout": 0.3, "word_dropout": 0.3},
}


@functools.cache
def both_ways(name: str) -> tuple[Step, Step]:
    """(the step in groups, the step in Keras's loop)."""
    model = model_of(**VARIANTS[name])
    run_lstm = choose_for_training(model, batch_size=BATCH_SIZE)
    assert run_lstm is not run_with_keras
    return step_of(model, run_lstm), step_of(model, run_with_keras)


@pytest.mark.parametrize("name", VARIANTS)
def test_lstm_training_gives_the_gradients_of_keras(name: str) -> None:
    in_groups, by_keras = both_ways(name)
    assert all(np.abs(gradient).max() > 1e-4 for gradient in by_keras(rows(BATCH_SIZE)))
    # A whole batch; smaller ones, 2 and 1 rows leave groups of padding alone; a larger one.
    for count in (BATCH_SIZE, BATCH_SIZE - 1, GROUP_ROWS, 4, 2, 1, 3 * BATCH_SIZE):
        assert_close(in_groups(rows(count)), by_keras(rows(count)))


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("count", [1, BATCH_SIZE])
def test_lstm_training_gives_the_gradients_of_keras_for_rows_without_words(name: str, count: int) -> None:
    in_groups, by_keras = both_ways(name)
    nothing = np.zeros([count, LENGTH], np.int64)
    loss, *gradients = in_groups(nothing)
    assert_close([loss, *gradients], by_keras(nothing))
    assert [gradient.any() for gradient in gradients] == [*(False for _ in gradients[:-1]), True]  # the head's bias


@pytest.mark.parametrize("name", [name for name in VARIANTS if "dropout" not in name])
def test_lstm_training_gives_the_same_gradients_for_trimmed_rows(name: str) -> None:
    in_groups, _ = both_ways(name)
    trimmed = rows(BATCH_SIZE)
    assert_close(in_groups(np.pad(trimmed, [[0, 0], [7, 0]])), in_groups(trimmed))
    assert_close(in_groups(np.pad(trimmed, [[0, 0], [0, 7]])), in_groups(trimmed))


def test_lstm_training_gives_the_same_bits_again() -> None:
    """On several threads, with the default model. Without it a resumed training would differ from an unbroken one."""
    model = model_of(embedding_dim=32, lstm_units=100)
    in_groups = step_of(model, choose_for_training(model, batch_size=64))
    ids = rows(64, length=80)
    first = [value.tobytes() for value in in_groups(ids)]
    for _ in range(5):
        assert [value.tobytes() for value in in_groups(ids)] == first


def test_lstm_training_refuses_recurrent_dropout() -> None:
    model = model_of()
    run_lstm = choose_for_training(model, batch_size=BATCH_SIZE)
    keras_lstms(model)[0].cell.recurrent_dropout = 0.5
    assert model.logits(tf.constant(rows(2)), run_lstm=run_lstm).shape == (2, 1)
    with pytest.raises(ValueError, match="can't drop parts of the state"):
        model.logits(tf.constant(rows(2)), training=True, run_lstm=run_lstm)

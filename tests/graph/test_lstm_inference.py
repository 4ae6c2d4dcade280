"""The served LSTMs give the states of the Keras model, for every kind of model that the settings allow."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.settings import ModelSettings, Side
from tests.support.label_schemes import scheme_of
from trainer.export.served_model import as_served, trim
from trainer.model.classifier import TextClassifier, build_model
from trainer.model.lstm_choice import choose_for_serving
from trainer.model.lstm_inference import InferenceLstms
from trainer.model.lstm_kernel import GROUP_ROWS

LENGTH = 9

States = Callable[[np.ndarray], np.ndarray]


@functools.cache
def both_ways(name: str) -> tuple[States, States]:
    """(the served state, the Keras model's state) of ids that are padded at the start.

    The weights are large, so that each word changes the state.
    """
    keras.utils.set_random_seed(4)
    settings = ModelSettings.model_validate({"embedding_dim": 4, "lstm_units": 5, **VARIANTS[name]})
    model = build_model(30, settings, scheme=scheme_of(), padding="pre")
    for variable in model.trainable_variables:
        variable.assign(variable * 3 + 0.1)  # also moves the biases away from 0 and 1
    lstms = choose_for_serving(model)
    assert lstms is not None
    return compiled(model, lambda ids: lstms.state(*trim(ids, padding="pre"))), compiled(model, model.state)


def compiled(model: TextClassifier, function: Callable[[tf.Tensor], tf.Tensor]) -> States:
    signature = [tf.TensorSpec([None, None], tf.int64)]
    graph = tf.function(function, input_signature=signature, autograph=False)
    with as_served(model):
        graph.get_concrete_function()
    return lambda ids: graph(tf.constant(ids, tf.int64, shape=ids.shape)).numpy()


def rows(count: int, *, longest: int = LENGTH) -> np.ndarray:
    """Texts of 0 to `longest` words in random order of length, padded at the start."""
    rng = np.random.default_rng(count)
    ids = np.zeros([count, LENGTH], np.int64)
    for row in ids:
        words = int(rng.integers(0, longest + 1))
        row[LENGTH - words :] = rng.integers(1, 30, words)
    return ids


VARIANTS: dict[str, dict[str, Any]] = {
    "classic": {},
    "both directions, max": {"bidirectional": True, "pooling": "max"},
    "two layers, mean": {"lstm_units": [6, 5], "pooling": "mean"},
    "two layers, both directions": {"lstm_units": [6, 5], "bidirectional": True},
    "both directions, mean and max": {"bidirectional": True, "pooling": "mean_max"},
    "dropout": {"dropout": 0.5, "recurrent_dropout": 0.5, "word_dropout": 0.5},  # no dropout in serving
    "wide": {"lstm_units": 129, "embedding_dim": 2},  # many rows run in Keras's loop
}


# 35 rows are two whole groups and a part of one, in three of the four lanes. With 81 rows one lane has two groups.
@pytest.mark.parametrize("name", VARIANTS)
def test_lstm_inference_gives_the_states_of_keras(name: str) -> None:
    served, by_keras = both_ways(name)
    for count in (1, GROUP_ROWS, 2 * GROUP_ROWS + 3, 5 * GROUP_ROWS + 1):
        ids = rows(count)
        expected = by_keras(ids)
        assert np.ptp(expected[:, 0]) > 0.2 or count == 1
        # The kernel makes one sum of products, Keras two: numbers below 1 differ in the last bit.
        np.testing.assert_allclose(served(ids), expected, rtol=0, atol=4e-7)
    assert served(rows(0)).shape == by_keras(rows(0)).shape == (0, by_keras(rows(1)).shape[1])


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("count", [1, 3 * GROUP_ROWS])
def test_lstm_inference_state_of_a_row_without_words_is_zero(name: str, count: int) -> None:
    served, _ = both_ways(name)
    ids = np.concatenate([rows(count - 1), np.zeros([1, LENGTH], np.int64)])
    assert not served(ids)[-1].any()
    assert not served(np.zeros([count, LENGTH], np.int64)).any()


@pytest.mark.parametrize("padding", ["pre", "post"])
def test_lstm_inference_reads_either_padding(padding: Side) -> None:
    served, _ = both_ways("classic")
    ids = rows(20, longest=6)
    packed = np.array([[*(word for word in row if word), *(0 for word in row if not word)] for row in ids])
    words, lengths = trim(tf.constant(ids if padding == "pre" else packed), padding=padding)
    assert words.numpy().tolist() == packed[:, :6].tolist()
    assert lengths.numpy().tolist() == np.count_nonzero(ids, axis=1).tolist()
    assert served(ids).shape == (20, 5)


def test_lstm_inference_refuses_to_train() -> None:
    keras.utils.set_random_seed(4)
    model = build_model(30, ModelSettings(embedding_dim=2, lstm_units=3), scheme=scheme_of(), padding="pre")
    lstms = InferenceLstms(model, in_groups=True)
    with pytest.raises(ValueError, match="these weights are copies"):
        model.state_from_packed(tf.constant([[1]], tf.int64), training=True, run_lstm=lstms._run)

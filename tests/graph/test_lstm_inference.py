"""The served LSTMs against the Keras model that was trained, in every shape that the settings allow."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.settings import ModelSettings
from trainer.export.served_model import portable, trim
from trainer.model.classifier import TextClassifier, build_model
from trainer.model.lstm_inference import BlockLstms
from trainer.model.lstm_kernel import GROUP_ROWS

LENGTH = 9

States = Callable[[np.ndarray], np.ndarray]


def both_ways(**values: Any) -> tuple[States, States]:
    """(the served state, the Keras model's) of ids padded in front; weights large enough for words to matter."""
    keras.utils.set_random_seed(4)
    settings = ModelSettings.model_validate({"embedding_dim": 4, "lstm_units": 5, **values})
    model = build_model(30, settings, classes=2, padding="pre")
    for variable in model.trainable_variables:
        variable.assign(variable * 3 + 0.1)  # biases too, and Keras's forget bias is not 1 any more
    lstms = BlockLstms(model)
    return compiled(model, lambda ids: lstms.state(*trim(ids, padding="pre"))), compiled(model, model.state)


def compiled(model: TextClassifier, function: Callable[[tf.Tensor], tf.Tensor]) -> States:
    signature = [tf.TensorSpec([None, None], tf.int64)]
    graph = tf.function(function, input_signature=signature, autograph=False)
    with portable(model):
        graph.get_concrete_function()
    return lambda ids: graph(tf.constant(ids, tf.int64, shape=ids.shape)).numpy()


def rows(count: int, *, longest: int = LENGTH) -> np.ndarray:
    """Texts of 0 to `longest` words in no order of length, padded in front."""
    rng = np.random.default_rng(count)
    ids = np.zeros([count, LENGTH], np.int64)
    for row in ids:
        words = int(rng.integers(0, longest + 1))
        row[LENGTH - words :] = rng.integers(1, 30, words)
    return ids


VARIANTS: dict[str, dict[str, Any]] = {
    "classic": {},
    "both directions": {"bidirectional": True},
    "both directions, max": {"bidirectional": True, "pooling": "max"},
    "two layers, mean": {"lstm_units": [6, 5], "pooling": "mean"},
    "two layers, both directions": {"lstm_units": [6, 5], "bidirectional": True},
    "dropout": {"dropout": 0.5, "recurrent_dropout": 0.5},  # answers drop nothing
    "wide": {"lstm_units": 129, "embedding_dim": 2},  # many rows go through Keras's loop
}


# Two whole groups and a part of one, in three of the four lanes; and so many that a lane has two groups.
@pytest.mark.parametrize("name", VARIANTS)
def test_block_lstm_gives_the_states_of_keras(name: str) -> None:
    served, by_keras = both_ways(**VARIANTS[name])
    for count in (1, GROUP_ROWS, 2 * GROUP_ROWS + 3, 5 * GROUP_ROWS + 1):
        ids = rows(count)
        expected = by_keras(ids)
        assert np.ptp(expected[:, 0]) > 0.2 or count == 1
        # One sum of products where Keras has two: the last bit of numbers below 1.
        np.testing.assert_allclose(served(ids), expected, rtol=0, atol=4e-7)
    assert served(rows(0)).shape == by_keras(rows(0)).shape == (0, by_keras(rows(1)).shape[1])


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("count", [1, 3 * GROUP_ROWS])
def test_block_lstm_state_of_a_row_without_words_is_zero(name: str, count: int) -> None:
    served, _ = both_ways(**VARIANTS[name])
    ids = np.concatenate([rows(count - 1), np.zeros([1, LENGTH], np.int64)])
    assert not served(ids)[-1].any()
    assert not served(np.zeros([count, LENGTH], np.int64)).any()


@pytest.mark.parametrize("padding", ["pre", "post"])
def test_block_lstm_reads_either_padding(padding: str) -> None:
    served, _ = both_ways()
    ids = rows(20, longest=6)
    packed = np.array([[*(word for word in row if word), *(0 for word in row if not word)] for row in ids])
    words, lengths = trim(tf.constant(ids if padding == "pre" else packed), padding=padding)
    assert words.numpy().tolist() == packed[:, :6].tolist()
    assert lengths.numpy().tolist() == np.count_nonzero(ids, axis=1).tolist()
    assert served(ids).shape == (20, 5)


# units        rows               operations that step through the words
@pytest.mark.parametrize(("units", "loops"), [
    (128,      {"BlockLSTMV2"}),
    (129,      {"BlockLSTMV2", "TensorListFromTensor"}),  # Keras's loop as well, which unstacks its input
])  # fmt: skip
def test_block_lstm_of_wide_layers_keeps_keras_for_many_rows(units: int, loops: set[str]) -> None:
    keras.utils.set_random_seed(4)
    model = build_model(30, ModelSettings(embedding_dim=2, lstm_units=units), classes=2, padding="pre")
    lstms = BlockLstms(model)
    signature = [tf.TensorSpec([None, None], tf.int64)]
    with portable(model):
        graph = tf.function(lambda ids: lstms.state(*trim(ids, padding="pre")), input_signature=signature)
        library = graph.get_concrete_function().graph.as_graph_def().library.function
    ops = {node.op for function in library for node in function.node_def}
    assert ops & {"BlockLSTMV2", "TensorListFromTensor"} == loops


def test_block_lstm_refuses_to_learn() -> None:
    keras.utils.set_random_seed(4)
    model = build_model(30, ModelSettings(embedding_dim=2, lstm_units=3), classes=2, padding="pre")
    with pytest.raises(ValueError, match="nothing can be learnt"):
        model.state_of_packed(tf.constant([[1]], tf.int64), training=True, read=BlockLstms(model)._read)

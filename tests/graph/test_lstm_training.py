"""Learning in groups against Keras's own loop, in every shape that the settings allow; and where Keras's loop stays."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.settings import ModelSettings, TrainingSettings
from trainer.evaluation.scoring import scorer
from trainer.model.classifier import Reader, TextClassifier, build_model, lstm_layers, read_by_keras
from trainer.model.lstm_kernel import GROUP_ROWS
from trainer.model.lstm_training import block_reader
from trainer.training.step import Learner

LENGTH = 9
BATCH_SIZE = 2 * GROUP_ROWS + 3  # three groups

# Loss, and a gradient for each weight.
Step = Callable[[np.ndarray], list[np.ndarray]]


def model_of(classes: int = 2, **values: Any) -> TextClassifier:
    """Weights large enough for words to matter; biases too, and Keras's forget bias is not 1 any more."""
    keras.utils.set_random_seed(4)
    settings = ModelSettings.model_validate({"embedding_dim": 4, "lstm_units": 5, **values})
    model = build_model(30, settings, classes=classes, padding="pre")
    for variable in model.trainable_variables:
        variable.assign(variable * 3 + 0.1)
    return model


def step_of(model: TextClassifier, read: Reader) -> Step:
    """Labels are a row's number modulo 2. Dropouts draw the same at each call."""
    seeds = model.non_trainable_variables
    weights = [variable.value for variable in model.trainable_variables]
    before = [seed.numpy() for seed in seeds]

    def step(ids: tf.Tensor) -> list[tf.Tensor]:
        labels = tf.range(tf.shape(ids)[0]) % 2
        with tf.GradientTape() as tape:
            logits = model.logits(ids, training=True, read=read)
            both = logits if logits.shape[1] != 1 else tf.concat([-logits, logits], axis=1)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, both))
        return [loss, *(tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, weights))]

    graph = tf.function(step, input_signature=[tf.TensorSpec([None, None], tf.int64)], autograph=False)

    def call(ids: np.ndarray) -> list[np.ndarray]:
        for seed, value in zip(seeds, before, strict=True):
            seed.assign(value)
        return [found.numpy() for found in graph(tf.constant(ids, tf.int64, shape=ids.shape))]

    return call


def rows(count: int, *, length: int = LENGTH) -> np.ndarray:
    """Texts of 0 to `length` words in no order of length, padded in front; the first has none, the last one all."""
    rng = np.random.default_rng(count)
    ids = np.zeros([count, length], np.int64)
    for place, row in enumerate(ids):
        words = int(rng.integers(0, length + 1)) if 0 < place < count - 1 else length * (place > 0 or count == 1)
        row[length - words :] = rng.integers(1, 30, words)
    return ids


def assert_close(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    """To a few last bits of a gradient's largest number: the kernel makes one sum of products where Keras makes two
    and adds them, and sums gradients group by group. A wrong gate, row or step makes 1e-2 and more."""
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-6 * np.abs(other).max())


VARIANTS: dict[str, dict[str, Any]] = {
    "classic": {},
    "three classes, dropout": {"classes": 3, "dropout": 0.5},
    "both directions, max": {"bidirectional": True, "pooling": "max"},
    "two layers, mean": {"lstm_units": [6, 5], "pooling": "mean"},
    "two layers, both directions, dropout": {"lstm_units": [6, 5], "bidirectional": True, "dropout": 0.3},
}


@functools.cache
def both_ways(name: str) -> tuple[Step, Step]:
    """(in groups, Keras's own way)."""
    model = model_of(**VARIANTS[name])
    read = block_reader(model, batch_size=BATCH_SIZE)
    assert read is not read_by_keras
    return step_of(model, read), step_of(model, read_by_keras)


@pytest.mark.parametrize("name", VARIANTS)
def test_block_reader_learns_what_keras_does(name: str) -> None:
    in_groups, by_keras = both_ways(name)
    assert all(np.abs(gradient).max() > 1e-4 for gradient in by_keras(rows(BATCH_SIZE)))
    # A whole batch; partial ones, with fewer rows than groups too, which leaves groups of padding; and a larger one.
    for count in (BATCH_SIZE, BATCH_SIZE - 1, GROUP_ROWS, 4, 2, 1, 3 * BATCH_SIZE):
        assert_close(in_groups(rows(count)), by_keras(rows(count)))


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("count", [1, BATCH_SIZE])
def test_block_reader_learns_what_keras_does_of_rows_without_words(name: str, count: int) -> None:
    in_groups, by_keras = both_ways(name)
    nothing = np.zeros([count, LENGTH], np.int64)
    loss, *gradients = in_groups(nothing)
    assert_close([loss, *gradients], by_keras(nothing))
    assert [gradient.any() for gradient in gradients] == [*(False for _ in gradients[:-1]), True]  # the head's bias


@pytest.mark.parametrize("name", [name for name in VARIANTS if "dropout" not in VARIANTS[name]])
def test_block_reader_learns_the_same_of_trimmed_rows(name: str) -> None:
    in_groups, _ = both_ways(name)
    trimmed = rows(BATCH_SIZE)
    assert_close(in_groups(np.pad(trimmed, [[0, 0], [7, 0]])), in_groups(trimmed))
    assert_close(in_groups(np.pad(trimmed, [[0, 0], [0, 7]])), in_groups(trimmed))


def test_block_reader_gives_the_same_bits_again() -> None:
    """On several threads, in the default shape; without it no training could go on bit for bit."""
    model = model_of(embedding_dim=32, lstm_units=100)
    in_groups = step_of(model, block_reader(model, batch_size=64))
    ids = rows(64, length=80)
    first = [found.tobytes() for found in in_groups(ids)]
    for _ in range(5):
        assert [found.tobytes() for found in in_groups(ids)] == first


def ops_of(function: Any) -> set[str]:
    graph = function.get_concrete_function().graph.as_graph_def()
    return {node.op for nodes in (graph.node, *(part.node_def for part in graph.library.function)) for node in nodes}


def learner_of(model: TextClassifier) -> Learner:
    return Learner(model, TrainingSettings(batch_size=BATCH_SIZE), steps=10)


# What steps through words, forward and backward: the kernel; Keras's loop, which takes its input apart; cuDNN.
KERNEL, LOOP, CUDNN = {"BlockLSTMV2", "BlockLSTMGradV2"}, {"TensorListFromTensor"}, {"CudnnRNNV3", "CudnnRNNBackpropV3"}
# TensorFlow's own gradient of BlockLSTMV2 is BlockLSTMGrad, and wrong.
STEPPING = KERNEL | LOOP | CUDNN | {"BlockLSTMGrad"}


@pytest.mark.parametrize(
    # settings, whether there is a GPU, what the training step is made of
    ("values", "gpu", "ops"),
    [
        ({}, False, KERNEL),
        ({"lstm_units": 124}, False, KERNEL),
        ({"lstm_units": [124, 5], "bidirectional": True, "dropout": 0.5}, False, KERNEL),
        ({"lstm_units": 125}, False, LOOP),
        ({"lstm_units": [5, 125]}, False, LOOP),
        ({"recurrent_dropout": 0.5}, False, LOOP),
        ({"mask_zero": False}, False, LOOP),
        ({}, True, CUDNN),
    ],
)
def test_block_reader_is_chosen_where_it_is_faster(
    values: dict[str, Any], gpu: bool, ops: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if gpu:
        monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [f"a {kind}"])
        # By sys.modules, because a function of that name hides the module.
        monkeypatch.setattr(sys.modules["keras.src.backend.tensorflow.rnn"], "cudnn_ok", lambda *_, **__: True)
    assert ops_of(learner_of(model_of(**values)).step) & STEPPING == ops


def test_block_reader_stays_out_of_what_an_export_is_checked_by() -> None:
    assert ops_of(scorer(model_of(), ["a", "b"])) & STEPPING == LOOP


def test_block_reader_refuses_to_drop_what_it_can_not() -> None:
    model = model_of()
    read = block_reader(model, batch_size=BATCH_SIZE)
    lstm_layers(model)[0].cell.recurrent_dropout = 0.5
    assert model.logits(tf.constant(rows(2)), read=read).shape == (2, 1)
    with pytest.raises(ValueError, match="drops nothing"):
        model.logits(tf.constant(rows(2)), training=True, read=read)

"""Label smoothing against Keras's losses and by hand; it changes gradients, and no loss that is shown."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.settings import ModelSettings, TrainingSettings
from tests.support.label_schemes import scheme_of
from tests.support.toy_records import toy_config, toy_folder
from trainer.data.dataset import LabelledBatch
from trainer.model.classifier import build_model
from trainer.training.fit import train
from trainer.training.loss import row_losses, smoothed_row_losses
from trainer.training.objective import Objective
from trainer.training.step import TrainingStep

DRAW = np.random.default_rng(5)
LOGITS = DRAW.normal(0, 3, [200, 3]).astype(np.float32)
INDICES = DRAW.integers(0, 3, 200)
SETS = DRAW.integers(0, 2, [200, 3]).astype(np.float32)


# several labels, logits, labels, labels as Keras's loss takes them, Keras's loss
@pytest.mark.parametrize(("several", "logits", "labels", "given", "oracle"), [
    (False, LOGITS[:, :1], INDICES % 2, (INDICES % 2)[:, np.newaxis], keras.losses.BinaryCrossentropy),
    (False, LOGITS,        INDICES,     np.eye(3)[INDICES],           keras.losses.CategoricalCrossentropy),
    (True,  LOGITS,        SETS,        SETS,                         keras.losses.BinaryCrossentropy),
])  # fmt: skip
@pytest.mark.parametrize("amount", [0.05, 0.5])
def test_label_smoothing_is_that_of_keras(
    several: bool, logits: np.ndarray, labels: np.ndarray, given: np.ndarray, oracle: Any, amount: float
) -> None:
    objective = Objective(several=several, label_smoothing=amount)
    expected = oracle(from_logits=True, label_smoothing=amount, reduction=None)(given.astype(np.float32), logits)
    found = smoothed_row_losses(tf.constant(logits), tf.constant(labels), objective)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    without = oracle(from_logits=True, reduction=None)(given.astype(np.float32), logits)
    np.testing.assert_allclose(row_losses(tf.constant(logits), tf.constant(labels), objective), without, rtol=1e-5)


# log(1 + e^-2) = 0.126928, log(1 + e^2) = 2.126928, log(1 + e^-1) = 0.313262, log(1 + e) = 1.313262
@pytest.mark.parametrize(("logits", "labels", "objective", "expected"), [
    # 0.9 x 0.126928 + 0.1 x 2.126928
    ([[2.0]], [1], Objective(label_smoothing=0.2), 0.326928),
    ([[2.0]], [0], Objective(label_smoothing=0.2), 1.926928),
    # the class weight of one label is in the weight of the row, not in its loss
    ([[2.0]], [1], Objective(label_smoothing=0.2, class_weights=(3.0, 9.0)), 0.326928),
    # probabilities 1/2, 1/4, 1/4; smoothed labels 0.8, 0.1, 0.1: 0.8 x 0.693147 + 0.2 x 1.386294
    ([[np.log(2), 0.0, 0.0]], [0], Objective(label_smoothing=0.3), 0.831777),
    # the mean of 0.326928 and 0.1 x 1.313262 + 0.9 x 0.313262 = 0.413262
    ([[2.0, -1.0]], [[1, 0]], Objective(several=True, label_smoothing=0.2), 0.370095),
    # the text has the first label: 3 x 0.326928 + 0.413262, halved; the 9 of a label that it lacks does not count
    ([[2.0, -1.0]], [[1, 0]], Objective(several=True, label_smoothing=0.2, class_weights=(3.0, 9.0)), 0.697023),
])  # fmt: skip
def test_label_smoothing_by_hand(
    logits: list[list[float]], labels: list[Any], objective: Objective, expected: float
) -> None:
    dtype = tf.float32 if objective.several else tf.int64
    (loss,) = smoothed_row_losses(tf.constant(logits, tf.float32), tf.constant(labels, dtype), objective).numpy()
    assert loss == pytest.approx(expected, abs=2e-6)


# the gradient of the last bias: the sum of (probability - smoothed label) x weight of the row x that of its label,
# divided by the number of rows
@pytest.mark.parametrize(("objective", "weights", "expected"), [
    (Objective(label_smoothing=0.2), None, 0.5 - 0.1),
    (Objective(label_smoothing=0.2, is_weighted=True, class_weights=(1.0, 2.0)), [3.0, 1.0],
     (3 * (0.5 - 0.1) + 2 * (0.5 - 0.9)) / 2),
])  # fmt: skip
def test_label_smoothing_changes_the_gradient_and_not_the_loss(
    objective: Objective, weights: list[float] | None, expected: float
) -> None:
    """Texts without words: the state is 0, so that only the last bias learns. It is 0, so each probability is 1/2."""
    model = build_model(20, ModelSettings(embedding_dim=3, lstm_units=4), scheme=scheme_of(), padding="pre")
    step = TrainingStep(model, TrainingSettings(clipnorm=None), steps=9, objective=objective)
    labels = [0, 0] if weights is None else [0, 1]
    ids, given = tf.zeros([2, 1], tf.int64), None if weights is None else tf.constant(weights)
    loss = float(step.run_batch(LabelledBatch(ids, tf.constant(labels, tf.int64), given)).numpy())
    # Of both rows the plain loss is log 2, whatever the smoothing; here times the mean of the weights 3 and 2.
    assert loss == pytest.approx(np.log(2) * (1 if weights is None else 2.5), rel=1e-6)
    moments = [variable.numpy() * 10 for variable in step.optimizer.variables if "momentum" in variable.path]
    assert moments[-1].tolist() == pytest.approx([expected], abs=1e-6)
    assert step.averages().loss == pytest.approx(np.log(2), rel=1e-6)


def test_label_smoothing_makes_a_training_less_sure_and_shows_plain_losses(tmp_path: Path) -> None:
    """With so much of it the best probability is 3/4: a plain loss of 0.288, and 0.562 of what is minimized."""
    records = toy_folder(tmp_path / "records")
    trained = train(toy_config(tmp_path / "training", epochs=6, label_smoothing=0.5), records)
    last = trained.history.epochs[-1]
    assert last.accuracy == 1.0
    assert 0.25 < last.loss < 0.45
    assert last.eval_loss is not None
    assert last.eval_loss < 0.55

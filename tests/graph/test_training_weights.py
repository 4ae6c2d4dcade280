"""Weights in the loss: a row of weight 2 is the row twice. Keras and scikit-learn are the oracles."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import accuracy_score, log_loss

from pipeline.config.decision_settings import ClassWeight
from pipeline.config.settings import ModelSettings, TrainingSettings
from tests.support.label_schemes import scheme_of
from tests.support.toy_records import Row, write_folder
from trainer.data.dataset import LabelledBatch, training_batches
from trainer.data.records_folder import RecordsFolder
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.scoring import SplitScores
from trainer.model.classifier import TextClassifier, build_model
from trainer.training.loss import relative_weights, row_losses
from trainer.training.objective import Objective, averages_of, objective_of
from trainer.training.step import TrainingStep

ONE: list[Any] = [0, 1, 1, 0, 1]
SEVERAL: list[Any] = [[0], [0, 1], [], [1], [0, 2]]
WORDS = [[3, 4, 5], [6, 7], [8], [3, 9, 10, 11], [5, 5]]
WEIGHTS = [2, 1, 3, 1, 2]


def model_of(records: RecordsFolder, **settings: Any) -> TextClassifier:
    keras.utils.set_random_seed(4)
    chosen = ModelSettings.model_validate({"embedding_dim": 4, "lstm_units": 5, "dropout": 0, **settings})
    model = build_model(records.vocabulary_size, chosen, scheme=records.scheme, padding="pre")
    for variable in model.weights:  # fresh biases are 0
        variable.assign(np.random.default_rng(variable.shape[0]).normal(0, 0.5, variable.shape))
    return model


def one_step(records: RecordsFolder, *, class_weight: ClassWeight) -> tuple[float, list[np.ndarray], Any]:
    """The loss of a step on all rows, the gradients, and the averages of the epoch."""
    settings = TrainingSettings(class_weight=class_weight, batch_size=99)
    step = TrainingStep(model_of(records), settings, steps=9, objective=objective_of(records, settings))
    (batch,) = training_batches(records, batch_size=99, trim=True, seed=1, epoch=0)
    loss = float(step.run_batch(batch))
    # After the first step Adam's moment of each variable is 0.1 of its gradient.
    moments = [variable.numpy() * 10 for variable in step.optimizer.variables if "momentum" in variable.path]
    assert len(moments) == len(step.model.trainable_variables)
    return loss, moments, step.averages()


@pytest.mark.parametrize(
    # labels of the rows, names of labels, class_weight
    ("labels", "names", "class_weight"),
    [
        (ONE, ("a", "b"), "none"),
        (ONE, ("a", "b"), "balanced"),
        (ONE, ("a", "b"), {"b": 3.0}),
        ([0, 1, 2, 0, 1], ("a", "b", "c"), "none"),
        ([0, 1, 2, 0, 1], ("a", "b", "c"), "balanced"),
        (SEVERAL, ("a", "b", "c"), "none"),
        (SEVERAL, ("a", "b", "c"), "balanced"),
    ],
)
def test_training_weight_2_is_the_row_twice(
    tmp_path: Path, labels: list[Any], names: tuple[str, ...], class_weight: ClassWeight
) -> None:
    rows = list(zip(WORDS, labels, WEIGHTS, strict=True))
    weighted: list[Row] = [*rows]
    repeated: list[Row] = [(words, label) for words, label, weight in rows for _ in range(weight)]
    several = labels is SEVERAL
    loss, gradients, averages = one_step(
        write_folder(tmp_path / "weighted", train=[weighted], labels=names, several=several), class_weight=class_weight
    )
    expected_loss, expected_gradients, expected_averages = one_step(
        write_folder(tmp_path / "repeated", train=[repeated], labels=names, several=several), class_weight=class_weight
    )
    assert loss == pytest.approx(expected_loss, abs=1e-6)
    assert averages == pytest.approx(expected_averages, abs=1e-6)
    for gradient, expected in zip(gradients, expected_gradients, strict=True):
        assert np.abs(expected).max() > 1e-4
        np.testing.assert_allclose(gradient, expected, atol=1e-6)


def test_training_batches_of_light_rows_count_less(tmp_path: Path) -> None:
    """Two batches of one row each: the mean of their losses is the weighted mean, as of one batch of both."""
    rows: list[Row] = [([3], 0, 1.0), ([4], 1, 4.0)]
    records = write_folder(tmp_path, train=[rows])
    objective = objective_of(records, TrainingSettings())
    assert objective.mean_weight == 2.5
    logits, labels, weights = tf.constant([[0.5], [-1.0]]), tf.constant([0, 1], tf.int64), tf.constant([1.0, 4.0])
    losses = row_losses(logits, labels, objective) * relative_weights(labels, weights, objective)
    by_hand = [float(np.log1p(np.exp(0.5))) / 2.5, 4 * float(np.log1p(np.exp(1.0))) / 2.5]
    assert losses.numpy().tolist() == pytest.approx(by_hand, rel=1e-6)


DRAW = np.random.default_rng(5)
LOGITS = DRAW.normal(0, 3, [200, 3]).astype(np.float32)
ROW_WEIGHTS = DRAW.uniform(0.1, 4, 200).astype(np.float32)
INDICES = DRAW.integers(0, 3, 200)
SETS = DRAW.integers(0, 2, [200, 3])


@pytest.mark.parametrize(
    # what is minimized, logits, labels, Keras's loss
    ("objective", "logits", "labels", "oracle"),
    [
        (Objective(is_weighted=True, mean_weight=2.0), LOGITS[:, :1], INDICES % 2,
         keras.losses.BinaryCrossentropy(from_logits=True)),
        (Objective(is_weighted=True, mean_weight=2.0), LOGITS, INDICES,
         keras.losses.SparseCategoricalCrossentropy(from_logits=True)),
        (Objective(is_weighted=True, several=True, mean_weight=2.0), LOGITS, SETS,
         keras.losses.BinaryCrossentropy(from_logits=True)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("class_weights", [None, (0.5, 2.0, 3.0)])
def test_training_loss_is_that_of_keras(
    objective: Objective,
    logits: np.ndarray,
    labels: np.ndarray,
    oracle: keras.losses.Loss,
    class_weights: tuple[float, ...] | None,
) -> None:
    objective = objective._replace(class_weights=class_weights)
    given = tf.constant(labels, tf.float32 if objective.several else tf.int64)
    found = row_losses(tf.constant(logits), given, objective) * relative_weights(
        given, tf.constant(ROW_WEIGHTS), objective
    )
    weights = ROW_WEIGHTS
    if class_weights is not None and not objective.several:
        weights = ROW_WEIGHTS * np.array(class_weights, np.float32)[labels]
    expected = float(oracle(labels if objective.several else labels[:, np.newaxis], logits, sample_weight=weights)) / 2
    if class_weights is not None and objective.several:
        # Keras has no weights for the positive part; each label on its own, each text with a weight of its own, has.
        of_labels = [
            keras.losses.BinaryCrossentropy(from_logits=True)(
                labels[:, [label]],
                logits[:, [label]],
                sample_weight=ROW_WEIGHTS * np.where(labels[:, label], class_weights[label], 1),
            )
            for label in range(3)
        ]
        expected = float(np.mean(of_labels)) / 2
    assert float(tf.reduce_mean(found)) == pytest.approx(expected, rel=1e-5)


def test_training_with_weights_is_that_of_plain_keras(tmp_path: Path) -> None:
    # No word twice: of those Keras's Adam squares each entry of the sparse gradient, and not their sum.
    words = [[3, 4, 5], [6, 7], [8], [9, 10, 11, 12], [13, 14]]
    rows: list[Row] = [(own, label, weight) for own, label, weight in zip(words, ONE, WEIGHTS, strict=True)]
    records = write_folder(tmp_path, train=[rows])
    model = model_of(records)
    layers = [keras.layers.Embedding(20, 4, mask_zero=True), keras.layers.LSTM(5), keras.layers.Dense(1, "sigmoid")]
    plain = keras.Sequential(layers)
    plain(np.zeros([1, 12], np.int64))
    plain.set_weights(model.get_weights())
    plain.compile(keras.optimizers.Adam(0.001), "binary_crossentropy")
    settings = TrainingSettings(learning_rate=0.001, clipnorm=None, schedule="constant", warmup=0)
    step = TrainingStep(model, settings, steps=9, objective=objective_of(records, settings))
    (batch,) = training_batches(records, batch_size=99, trim=False, seed=1, epoch=0)
    for _ in range(5):
        step.run_batch(batch)
        weights = batch.weights.numpy() / np.mean(WEIGHTS)
        plain.train_on_batch(batch.ids.numpy(), batch.labels.numpy(), sample_weight=weights)
    for found, wanted in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    # class weights, weights of rows
    ("class_weights", "weights"),
    [(None, ROW_WEIGHTS), ((0.5, 2.0, 3.0), ROW_WEIGHTS), ((0.5, 2.0, 3.0), None)],
)
def test_training_objective_of_a_split_is_the_log_loss_of_scikit_learn(
    class_weights: tuple[float, ...] | None, weights: np.ndarray | None
) -> None:
    scores = tf.nn.softmax(LOGITS).numpy()
    of_rows = None if weights is None else weights.astype(np.float64)
    objective = Objective(is_weighted=weights is not None, class_weights=class_weights)
    found = averages_of(scored(scores, INDICES, of_rows, several=False), objective)
    of_loss = np.ones(200) if weights is None else weights
    if class_weights is not None:
        of_loss = of_loss * np.array(class_weights)[INDICES]
    clipped = np.clip(scores.astype(np.float64), 1e-7, 1)
    assert found.loss == pytest.approx(
        log_loss(INDICES, clipped / clipped.sum(axis=1, keepdims=True), sample_weight=of_loss), rel=1e-6
    )
    assert found.accuracy == pytest.approx(accuracy_score(INDICES, scores.argmax(axis=1), sample_weight=weights))


@pytest.mark.parametrize("class_weights", [None, (0.5, 2.0, 3.0)])
def test_training_objective_of_a_split_is_that_of_the_step(class_weights: tuple[float, ...] | None) -> None:
    objective = Objective(several=True, is_weighted=True, class_weights=class_weights, mean_weight=7.0)
    of_rows = ROW_WEIGHTS.astype(np.float64)
    found = averages_of(scored(tf.sigmoid(LOGITS).numpy(), SETS.astype(bool), of_rows, several=True), objective)
    losses = row_losses(tf.constant(LOGITS), tf.constant(SETS, tf.float32), objective).numpy()
    assert found.loss == pytest.approx(np.average(losses, weights=of_rows), rel=1e-5)
    # Each text and label is a decision.
    decided = (LOGITS >= 0).ravel()
    right = accuracy_score(SETS.ravel(), decided, sample_weight=np.repeat(of_rows, 3))
    assert found.accuracy == pytest.approx(right)


def scored(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, *, several: bool) -> SplitScores:
    metrics = metrics_of(scores, labels, scheme=scheme_of(3, several=several), weights=weights)
    return SplitScores("eval", LOGITS, scores, labels, [], metrics, np.ones(len(labels), np.int64), weights)


def test_training_step_without_weights_has_the_operations_of_a_plain_one(tmp_path: Path) -> None:
    """Neither a gather nor a product is added: what a default training computes is what it computed before."""
    records = write_folder(tmp_path, train=[[([3], 0), ([4], 1)]])
    settings = TrainingSettings()
    objective = objective_of(records, settings)
    assert objective.is_plain
    step = TrainingStep(model_of(records), settings, steps=9, objective=objective)
    assert [variable.dtype for variable in step.variables[-3:]] == [tf.float64, tf.int64, tf.int64]
    names = {operation.type for operation in step.run.get_concrete_function().graph.get_operations()}
    assert "Mean" in names
    assert len(step.run.get_concrete_function().inputs) - len(step.run.get_concrete_function().captured_inputs) == 2


def test_training_step_takes_what_a_batch_has() -> None:
    batch = LabelledBatch(tf.zeros([1, 2], tf.int64), tf.zeros([1], tf.int64), tf.ones([1]))
    keras.utils.set_random_seed(4)
    model = build_model(20, ModelSettings(embedding_dim=4, lstm_units=5), scheme=scheme_of(), padding="pre")
    step = TrainingStep(model, TrainingSettings(), steps=9, objective=Objective(is_weighted=True))
    assert float(step.run_batch(batch)) > 0
    assert step.averages().accuracy in (0.0, 1.0)

"""Averaged weights: against TensorFlow's own and by hand; and the weights of the training itself stay as they are."""

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.support.toy_records import toy_config, toy_folder, weights
from trainer.data.records_folder import RecordsFolder
from trainer.evaluation.scoring import score_split
from trainer.training import prepare
from trainer.training.average import WeightAverages
from trainer.training.fit import train
from trainer.training.progress import EpochEvent, StepEvent
from trainer.training.step import TrainingStep


def averages_after(values: list[float], *, decay: float, every: int) -> list[float]:
    """The average after each step of a weight with these values."""
    weight = tf.Variable(100.0)  # its first value, which must not matter
    averages = WeightAverages([weight], decay=decay, every=every)
    update = tf.function(averages.update, input_signature=[tf.TensorSpec([], tf.int64)], autograph=False)
    found = []
    for step, value in enumerate(values, start=1):
        weight.assign(value)
        update(tf.constant(step, tf.int64))
        found.append(float(averages.variables[0].numpy()))
    return found


# decay, every          averages of the weights 0, 10, 20, 30, 40 after each step
@pytest.mark.parametrize(("decay", "every", "expected"), [
    (0.99,  1,          [0, 9, 18, 27, 36]),                # d = 0, 1/10, 2/11, 3/12, 4/13, see below
    (0.05,  1,          [0, 9.5, 19.475, 29.47375, 39.4736875]),  # 0.05 is below 1/10 from the second step on
    (0.99,  2,          [0, 0, 18, 18, 36]),                # steps 1, 3 and 5: 0.9 x 20; 2/11 x 18 + 9/11 x 40 = 36
    (0.1,   2,          [0, 0, 19.8, 19.8, 39.798]),        # 0.1 for a step is 0.01 for two
])  # fmt: skip
def test_average_by_hand(decay: float, every: int, expected: list[float]) -> None:
    # 2/11 x 9 + 9/11 x 20 = 18; 3/12 x 18 + 9/12 x 30 = 27; 4/13 x 27 + 9/13 x 40 = 36
    assert averages_after([0, 10, 20, 30, 40], decay=decay, every=every) == pytest.approx(expected, rel=1e-6)


def test_average_is_that_of_tensorflow_with_its_warm_up() -> None:
    values = np.random.default_rng(3).normal(size=200).tolist()
    weight = tf.Variable(values[0])
    theirs, expected = tf.train.ExponentialMovingAverage(0.9), [values[0]]
    theirs.apply([weight])  # its average begins with the present value
    for done, value in enumerate(values[1:]):
        weight.assign(value)
        theirs._num_updates = done
        theirs.apply([weight])
        expected.append(float(theirs.average(weight).numpy()))
    assert averages_after(values, decay=0.9, every=1) == pytest.approx(expected, abs=1e-5)


def test_average_takes_the_place_of_the_weights_and_gives_it_back() -> None:
    first = np.array([0.1, -0.0, np.float32(1e-40)], np.float32)
    weight = tf.Variable(first)
    averages = WeightAverages([weight], decay=0.9)
    averages.variables[0].assign([1, 2, 3])
    with averages.in_place():
        assert weight.numpy().tolist() == [1, 2, 3]
    assert weight.numpy().tobytes() == first.tobytes()
    with pytest.raises(ZeroDivisionError), averages.in_place():
        _ = 1 / 0
    assert weight.numpy().tobytes() == first.tobytes()
    assert averages.variables[0].numpy().tolist() == [1, 2, 3]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> RecordsFolder:
    return toy_folder(tmp_path_factory.mktemp("records"))


def test_average_of_a_training_is_scored_saved_and_resumed(
    records: RecordsFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six steps an epoch, so steps 1, 5 and 9 are averaged; the raw weights go on as without averages."""
    built: list[TrainingStep] = []

    class RecordedStep(TrainingStep):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            built.append(self)

    monkeypatch.setattr(prepare, "TrainingStep", RecordedStep)
    raw: dict[int, list[np.ndarray]] = {}

    def watch(event: StepEvent | EpochEvent) -> None:
        step = built[-1]
        if isinstance(event, StepEvent):
            raw[step.steps_done] = [value.numpy() for value in step.model.trainable_variables]
            if event.epoch == 2 and event.step == 3:  # after the checkpoint of step 8
                shutil.copytree(tmp_path / "whole", tmp_path / "killed")

    config = toy_config(tmp_path / "whole", average=0.999, epochs=2)
    trained = train(config, records, progress=watch)
    expected = [
        9 / 11 * nine + 2 / 11 * (0.9 * five + 0.1 * one)
        for one, five, nine in zip(raw[1], raw[5], raw[9], strict=True)
    ]
    assert trained.best_epoch == 2
    for found, value in zip(trained.model.trainable_variables, expected, strict=True):
        np.testing.assert_allclose(found.numpy(), value, rtol=0, atol=1e-6)
    scored = score_split(trained.model, records, "eval", batch_size=8).metrics
    assert trained.history.epochs[1].eval_loss == scored["loss"]
    own = [value.tobytes() for value in raw[12]]
    plain = train(toy_config(tmp_path / "plain", epochs=2), records)
    assert [value.numpy().tobytes() for value in plain.model.trainable_variables] == own
    keras.utils.set_random_seed(9)
    resumed = train(toy_config(tmp_path / "killed", average=0.999, epochs=2), records, resume=True)
    assert weights(resumed) == weights(trained)
    assert [epoch.eval_loss for epoch in resumed.history.epochs] == [
        epoch.eval_loss for epoch in trained.history.epochs
    ]

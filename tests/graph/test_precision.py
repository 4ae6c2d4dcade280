"""training.precision: 16 bits where they are meant, float32 elsewhere; the scale of the loss; the resumed training."""

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.settings import ModelSettings, TrainingSettings
from tests.support.label_schemes import scheme_of
from tests.support.toy_records import toy_config, toy_folder, weights
from trainer.data.dataset import LabelledBatch
from trainer.model.classifier import TextClassifier, build_model
from trainer.training.fit import train
from trainer.training.precision import LossScale
from trainer.training.step import TrainingStep

HALF, BFLOAT = {tf.float16}, {tf.bfloat16}


def model_of(**values: Any) -> TextClassifier:
    keras.utils.set_random_seed(4)
    settings = ModelSettings.model_validate({"embedding_dim": 4, "lstm_units": 5, **values})
    return build_model(30, settings, scheme=scheme_of(), padding="pre")


def step_of(model: TextClassifier, **training: Any) -> TrainingStep:
    return TrainingStep(model, TrainingSettings.model_validate({"batch_size": 2, **training}), steps=10)


def types_of(step: TrainingStep, ops: set[str]) -> set[tf.DType]:
    """The types of the operations with these names, in the traced step and in the functions that it calls."""
    graph = step.run.get_concrete_function().graph.as_graph_def()
    nodes = [node for part in (graph.node, *(part.node_def for part in graph.library.function)) for node in part]
    return {tf.as_dtype(node.attr["T"].type) for node in nodes if node.op in ops}


@pytest.mark.parametrize(
    # training.precision, the types of cuDNN's operations as they would be on a GPU
    ("precision", "of_cudnn"),
    [("float32", {tf.float32}), ("mixed_float16", HALF), ("mixed_bfloat16", BFLOAT)],
)
def test_precision_on_a_gpu_is_that_of_cudnn(
    precision: str, of_cudnn: set[tf.DType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [f"a {kind}"])
    monkeypatch.setattr(sys.modules["keras.src.backend.tensorflow.rnn"], "cudnn_ok", lambda *_, **__: True)
    model = model_of(bidirectional=True, pooling="mean_max", dropout=0.5, embedding_dropout=0.1, word_dropout=0.1)
    step = step_of(model, precision=precision)
    assert types_of(step, {"CudnnRNNV3", "CudnnRNNBackpropV3"}) == of_cudnn
    assert types_of(step, {"MatMul"}) == {tf.float32}  # of the last layer
    assert types_of(step, {"Log1p"}) == {tf.float32}  # of the loss
    assert {weight.dtype for weight in model.weights if "seed" not in weight.name} == {"float32"}
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}  # after the trace
    assert model(tf.constant([[1, 2]])).dtype == tf.float32


@pytest.mark.parametrize(
    # the scale of the loss (None: the first one), whether the LSTM learns
    ("scale", "learns"),
    [(None, True), (1.0, False)],
)
def test_precision_scale_keeps_small_gradients(scale: float | None, learns: bool) -> None:
    """The last layer is wrong by 8e-7, so the LSTM's gates have gradients of some 1e-8; float16's least is 6e-8."""
    model = model_of()
    model.head.bias.assign([14.0])  # sure of label 1
    kernel = model.lstm_layers[0].lstms[0].cell.kernel
    before = kernel.numpy()
    step = step_of(model, precision="mixed_float16", schedule="constant", warmup=0)
    if scale is not None and step._loss_scale is not None:
        step._loss_scale.variables[0].assign(scale)
    step.run_batch(LabelledBatch(tf.constant([[1, 2], [3, 4]], tf.int64), tf.constant([1, 1], tf.int64)))
    assert (kernel.numpy() != before).any() == learns


def test_precision_loss_scale_grows_and_shrinks() -> None:
    scale = LossScale(8.0, growth=2)
    good, bad = tf.constant([4.0]), tf.constant([np.inf])
    seen = []
    for gradient in (good, good, good, bad, good):
        (unscaled,), are_finite = scale.unscaled([gradient])
        seen.append((float(unscaled[0]), bool(are_finite), float(scale.variables[0])))
    assert seen == [(0.5, True, 8.0), (0.5, True, 16.0), (0.25, True, 16.0), (np.inf, False, 8.0), (0.5, True, 8.0)]


def test_precision_counts_a_step_that_overflows_and_changes_no_weight() -> None:
    model = model_of()
    step = step_of(model, precision="mixed_float16")
    scale, _ = step._loss_scale.variables if step._loss_scale else pytest.fail("there is no scale")
    scale.assign(1e38)
    before = [weight.numpy().tobytes() for weight in model.trainable_weights]
    step.run_batch(LabelledBatch(tf.constant([[1, 2], [3, 4]], tf.int64), tf.constant([1, 0], tf.int64)))
    assert [weight.numpy().tobytes() for weight in model.trainable_weights] == before
    assert step.steps_done == 1
    assert float(scale) == pytest.approx(5e37)


def test_precision_counts_the_weights_of_a_first_step_that_overflows_in_the_average() -> None:
    model = model_of()
    step = step_of(model, precision="mixed_float16", average=0.9)
    scale, _ = step._loss_scale.variables if step._loss_scale else pytest.fail("there is no scale")
    scale.assign(1e38)
    before = [weight.numpy() for weight in model.trainable_weights]
    step.run_batch(LabelledBatch(tf.constant([[1, 2], [3, 4]], tf.int64), tf.constant([1, 0], tf.int64)))
    with step.final_weights():
        for weight, value in zip(model.trainable_weights, before, strict=True):
            np.testing.assert_array_equal(weight.numpy(), value)


def test_precision_float16_learns_and_resumes(tmp_path: Path) -> None:
    records = toy_folder(tmp_path / "records")
    settings: dict[str, Any] = {"precision": "mixed_float16", "epochs": 2, "checkpoint_steps": 100}
    unbroken = train(toy_config(tmp_path / "unbroken", **settings), records)
    plain = train(toy_config(tmp_path / "plain", epochs=2), records)
    losses = [[record.eval_loss for record in trained.history.epochs] for trained in (unbroken, plain)]
    assert losses[0] == pytest.approx(losses[1], abs=5e-3)
    assert losses[0] != losses[1]

    class StoppedError(Exception):
        """Ends a training as a kill would."""

    def stop(event: Any) -> None:
        if event.epoch == 2:
            raise StoppedError

    config = toy_config(tmp_path / "broken", **settings)
    with pytest.raises(StoppedError):
        train(config, records, progress=lambda event: stop(event) if hasattr(event, "epoch") else None)
    assert weights(train(config, records, resume=True)) == weights(unbroken)

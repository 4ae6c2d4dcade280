"""Which implementation of the LSTMs each model gets: read off the operations of the traced graph."""

import sys
from typing import Any

import keras
import pytest
import tensorflow as tf

from pipeline.config.settings import ModelSettings, TrainingSettings
from tests.support.label_schemes import scheme_of
from trainer.evaluation.scoring import score_function
from trainer.export.served_model import as_served, trim
from trainer.model.classifier import TextClassifier, build_model, keras_lstms
from trainer.model.lstm_choice import choose_for_serving
from trainer.training.step import TrainingStep

# Operations that step through the words: the kernel; Keras's loop, which unstacks its input; cuDNN.
KERNEL, LOOP, CUDNN = {"BlockLSTMV2", "BlockLSTMGradV2"}, {"TensorListFromTensor"}, {"CudnnRNNV3", "CudnnRNNBackpropV3"}
# TensorFlow's own gradient of BlockLSTMV2 is BlockLSTMGrad, and wrong.
STEPPING = KERNEL | LOOP | CUDNN | {"BlockLSTMGrad"}


def model_of(**values: Any) -> TextClassifier:
    keras.utils.set_random_seed(4)
    settings = ModelSettings.model_validate({"embedding_dim": 4, "lstm_units": 5, **values})
    return build_model(30, settings, scheme=scheme_of(), padding="pre")


def stepping_ops(function: Any) -> set[str]:
    graph = function.get_concrete_function().graph.as_graph_def()
    ops = {node.op for nodes in (graph.node, *(part.node_def for part in graph.library.function)) for node in nodes}
    return ops & STEPPING


@pytest.mark.parametrize(
    # model settings, training settings, whether there is a GPU, the operations of the training step
    ("values", "training", "gpu", "ops"),
    [
        ({"lstm_units": 124}, {}, False, KERNEL),
        ({"lstm_units": [124, 5], "bidirectional": True, "dropout": 0.5}, {}, False, KERNEL),
        ({"lstm_units": 125}, {}, False, LOOP),
        ({"lstm_units": [5, 125]}, {}, False, LOOP),
        ({"recurrent_dropout": 0.5}, {}, False, LOOP),
        ({"mask_zero": False}, {}, False, LOOP),
        ({}, {}, True, CUDNN),
        ({}, {"cudnn": False}, True, LOOP),
        ({}, {"precision": "mixed_bfloat16"}, False, LOOP),
    ],
)
def test_lstm_choice_for_training(
    values: dict[str, Any], training: dict[str, Any], gpu: bool, ops: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if gpu:
        monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [f"a {kind}"])
        # By sys.modules, because a function of that name hides the module.
        monkeypatch.setattr(sys.modules["keras.src.backend.tensorflow.rnn"], "cudnn_ok", lambda *_, **__: True)
    step = TrainingStep(model_of(**values), TrainingSettings(batch_size=35, **training), steps=10)
    assert stepping_ops(step.run) == ops


def test_lstm_choice_for_the_scores_that_an_export_is_checked_by_is_keras() -> None:
    assert stepping_ops(score_function(model_of(), scheme_of())) == LOOP


@pytest.mark.parametrize(
    # model settings, the operations of the served state
    ("values", "ops"),
    [
        ({"lstm_units": 128}, {"BlockLSTMV2"}),
        ({"lstm_units": 129}, {"BlockLSTMV2"} | LOOP),  # one call for few rows, Keras's loop for many
        ({"lstm_units": [5, 129], "bidirectional": True}, {"BlockLSTMV2"} | LOOP),
        ({"recurrent_dropout": 0.5}, {"BlockLSTMV2"}),  # no dropout in serving
    ],
)
def test_lstm_choice_for_serving(values: dict[str, Any], ops: set[str]) -> None:
    model = model_of(**values)
    lstms = choose_for_serving(model)
    assert lstms is not None
    signature = [tf.TensorSpec([None, None], tf.int64)]
    with as_served(model):
        state = tf.function(lambda ids: lstms.state(*trim(ids, padding="pre")), input_signature=signature)
        assert stepping_ops(state) == ops


@pytest.mark.parametrize("values", [{"mask_zero": False}, {"lstm_units": 129}])
def test_lstm_choice_for_serving_draws_no_recurrent_dropout(values: dict[str, Any]) -> None:
    # a seed in the served graph is no weight, so tf.saved_model.save would refuse it after hours of training
    model = model_of(recurrent_dropout=0.5, **values)
    signature = [tf.TensorSpec([None, None], tf.int64)]
    with as_served(model):
        lstms = choose_for_serving(model)
        state = tf.function(
            lambda ids: model.state(ids) if lstms is None else lstms.state(*trim(ids, padding="pre")),
            input_signature=signature,
        ).get_concrete_function()
    assert {variable.dtype for variable in state.graph.variables} == {tf.float32}
    assert [lstm.recurrent_dropout for lstm in keras_lstms(model)] == [0.5]


def test_lstm_choice_for_serving_a_model_that_reads_padding_is_keras() -> None:
    assert choose_for_serving(model_of(mask_zero=False)) is None

"""The decision as a graph: the table of cases, the scores of NumPy, and no operation more where nothing is decided."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.records_folder.label_scheme import LabelScheme
from tests.support.decision_cases import DECISION_CASES
from trainer.decision.decision import Decision
from trainer.decision.graph import DecidedTensors, graph_decide, graph_scores
from trainer.decision.scores import scores_of
from trainer.model.classifier import class_scores


@pytest.mark.parametrize("name", DECISION_CASES)
def test_decision_graph_decides_by_the_table(name: str) -> None:
    case = DECISION_CASES[name]
    answer = graph_decide(tf.constant(case.scores, tf.float32), case.decision, case.scheme)
    abstains = [False] * len(case.scores) if answer.abstains is None else answer.abstains.numpy().tolist()
    assert abstains == case.abstains
    label = answer.label.numpy()
    if answer.decided is None:
        assert label.tolist() == case.labels
    else:
        assert answer.decided.numpy().tolist() == case.labels
        assert label.tolist() == np.argmax(case.scores, axis=1).tolist()
    assert answer.probability.numpy().tolist() == np.array(case.scores, np.float32)[range(len(label)), label].tolist()


@pytest.mark.parametrize("name", DECISION_CASES)
def test_decision_graph_answers_an_empty_batch(name: str) -> None:
    case = DECISION_CASES[name]
    answer = graph_decide(tf.zeros([0, len(case.names)]), case.decision, case.scheme)
    assert [len(part) for part in answer if part is not None].count(0) == sum(part is not None for part in answer)


@pytest.mark.parametrize("decision", [Decision(), Decision(temperature=1.7), Decision(prior_weights=[0.5, 3, 2])])
@pytest.mark.parametrize(
    "scheme", [LabelScheme(("a", "b")), LabelScheme(tuple("abc")), LabelScheme(tuple("abc"), True)]
)
def test_decision_graph_gives_the_scores_of_numpy(decision: Decision, scheme: LabelScheme) -> None:
    if decision.prior_weights is not None:
        decision = decision.model_copy(update={"prior_weights": decision.prior_weights[: len(scheme.names)]})
    logits = np.random.default_rng(3).normal(0, 3, [200, scheme.outputs]).astype(np.float32)
    graph = graph_scores(tf.constant(logits), decision, scheme).numpy()
    np.testing.assert_allclose(graph, scores_of(logits, decision, scheme), atol=3e-7)


def operations(function: tf.types.experimental.PolymorphicFunction, outputs: int) -> list[str]:
    made = function.get_concrete_function(tf.TensorSpec([None, outputs], tf.float32))
    return [operation.type for operation in made.graph.get_operations()]


@pytest.mark.parametrize("scheme", [LabelScheme(("a", "b")), LabelScheme(tuple("abc"))])
def test_decision_graph_without_a_decision_is_the_plain_answer(scheme: LabelScheme) -> None:
    def plain(logits: tf.Tensor) -> list[tf.Tensor]:
        outputs = tf.sigmoid(logits) if scheme.outputs == 1 else tf.nn.softmax(logits)
        scores = class_scores(outputs, scheme)
        return [scores, tf.argmax(scores, axis=1), tf.reduce_max(scores, axis=1)]

    def decided(logits: tf.Tensor) -> DecidedTensors:
        return graph_decide(graph_scores(logits, Decision(), scheme), Decision(), scheme)

    assert operations(tf.function(decided), scheme.outputs) == operations(tf.function(plain), scheme.outputs)

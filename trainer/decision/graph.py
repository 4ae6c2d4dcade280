"""The decision as a TensorFlow graph: logits -> scores, label, probability, what is decided, what abstains.

The rules are those of `trainer.decision.rules`, the scores those of `trainer.decision.scores`. A model without
decision gets the operations that it always had: a sigmoid or softmax, argmax, the highest score.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import Decision
from trainer.decision.rules import rule_of, several_thresholds
from trainer.decision.scores import prior_offsets


class DecidedTensors(NamedTuple):
    """What is answered to a batch.

    scores: float32 [batch, classes]. label: int64 [batch], the index of the answered label; with several labels of the
    most probable one. probability: float32 [batch], the score of that label. decided: bool [batch, classes], None
    without several labels. abstains: bool [batch], None if no answer can abstain.
    """

    scores: tf.Tensor
    label: tf.Tensor
    probability: tf.Tensor
    decided: tf.Tensor | None
    abstains: tf.Tensor | None


def graph_scores(logits: tf.Tensor, decision: Decision, scheme: LabelScheme) -> tf.Tensor:
    """Logits, float [batch, outputs] -> scores, float32 [batch, classes], in the order of the labels.

    >>> graph_scores(tf.constant([[0.0]]), Decision(prior_weights=[1.0, 3.0]), LabelScheme(("a", "b"))).numpy().tolist()
    [[0.75, 0.25]]
    """
    if decision.temperature != 1:
        logits = tf.cast(logits, tf.float32) / np.float32(decision.temperature)
    offsets = prior_offsets(decision, scheme)
    if offsets is not None:
        logits = tf.cast(logits, tf.float32) - tf.constant(offsets, tf.float32)
    is_softmax = scheme.outputs > 1 and not scheme.several
    outputs = tf.cast(tf.nn.softmax(logits) if is_softmax else tf.sigmoid(logits), tf.float32)
    return tf.concat([1 - outputs, outputs], axis=1) if scheme.outputs == 1 else outputs


def graph_decide(scores: tf.Tensor, decision: Decision, scheme: LabelScheme) -> DecidedTensors:
    """Scores of `graph_scores`, float32 [batch, classes] -> the whole answer.

    >>> answer = graph_decide(tf.constant([[0.25, 0.75]]), Decision(), LabelScheme(("neg", "pos")))
    >>> answer.label.numpy().tolist(), answer.probability.numpy().tolist(), answer.abstains
    ([1], [0.75], None)
    """
    decided = scores >= several_thresholds(decision, scheme) if scheme.several else None
    is_argmax = decision.costs is None and decision.thresholds is None and decision.prior_weights is None
    if scheme.several or is_argmax:
        label, probability, misses = tf.argmax(scores, axis=1), tf.reduce_max(scores, axis=1), None
    else:
        label, misses = _answer(scores, decision, scheme)
        probability = tf.gather(scores, label, batch_dims=1)
    if not decision.can_abstain(scheme):
        return DecidedTensors(scores, label, probability, decided, None)
    below = decision.settings.abstain_below
    doubts = [misses] if misses is not None else []
    doubts += [probability < np.float32(below)] if below is not None else []
    return DecidedTensors(scores, label, probability, decided, tf.reduce_any(tf.stack(doubts), axis=0))


def _answer(scores: tf.Tensor, decision: Decision, scheme: LabelScheme) -> tuple[tf.Tensor, tf.Tensor | None]:
    """float32 [batch, classes] -> label, int64 [batch]; bool [batch], whether it reached no threshold and must abstain,
    None if it never must."""
    if decision.costs is not None:
        return tf.argmin(tf.matmul(scores, np.array(decision.costs, np.float32)), axis=1), None
    rule = rule_of(decision, scheme)
    reached = scores >= rule.thresholds
    is_any = tf.reduce_any(reached, axis=1)
    candidates = tf.where(is_any[:, tf.newaxis], reached, rule.fallback)
    label = tf.argmax(tf.where(candidates, scores / rule.divisors, tf.constant(-1.0)), axis=1)
    return label, tf.logical_not(is_any) if rule.abstains else None

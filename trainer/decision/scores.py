"""Logits of the network + a decision -> calibrated scores, in NumPy.

    logits  float [n, outputs]: of the second of two labels, or of each label
    scores  float32 [n, classes]: probabilities in the order of the labels

One label a text: softmax(logits / temperature - offsets), for two labels as a sigmoid. Several labels: a sigmoid each.
"""

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.arrays import Float64s
from trainer.decision.decision import Decision


def prior_offsets(decision: Decision, scheme: LabelScheme) -> Float64s | None:
    """What is subtracted from the logits to take class weights out of the scores, float64 [outputs]; None: nothing.

    A loss with the weights w teaches the network probabilities that are in proportion to w x the true ones. So they are
    divided by w: log w is subtracted from each logit of a softmax (M. Saerens, P. Latinne and C. Decaestecker,
    "Adjusting the outputs of a classifier to new a priori probabilities", Neural Computation 14, 2002). The logit of a
    sigmoid is the difference of two: log(w of its label / w of the other). With several labels w weighs the texts with
    the label against those without it, whose weight is 1.

    >>> prior_offsets(Decision(prior_weights=[1.0, 8.0]), LabelScheme(("ham", "spam"))).round(3).tolist()
    [2.079]
    """
    if decision.prior_weights is None:
        return None
    logarithms = np.log(np.array(decision.prior_weights, np.float64))
    return logarithms if scheme.outputs > 1 else logarithms[1:] - logarithms[:1]


def scores_of(logits: npt.ArrayLike, decision: Decision, scheme: LabelScheme) -> npt.NDArray[np.float32]:
    """Logits, float [n, outputs] -> scores, float32 [n, classes].

    >>> scores_of([[0.0], [2.0]], Decision(temperature=2.0), LabelScheme(("neg", "pos"))).round(3).tolist()
    [[0.5, 0.5], [0.26899999380111694, 0.7310000061988831]]
    >>> half = Decision(prior_weights=[1.0, 3.0])  # a text of which the balanced network is not sure
    >>> scores_of([[0.0]], half, LabelScheme(("ham", "spam"))).tolist()
    [[0.75, 0.25]]
    """
    offsets = prior_offsets(decision, scheme)
    shifted = np.asarray(logits, np.float64) / decision.temperature - (0.0 if offsets is None else offsets)
    if scheme.several:
        return sigmoid(shifted).astype(np.float32)
    if scheme.outputs == 1:
        second = sigmoid(shifted).astype(np.float32)
        return np.concatenate([1 - second, second], axis=1)
    powers = np.exp(shifted - shifted.max(axis=1, keepdims=True, initial=-np.inf))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def sigmoid(logits: Float64s) -> Float64s:
    """1 / (1 + exp(-x)) of each element, without overflow.

    >>> sigmoid(np.array([0.0, -1000.0, 1000.0])).tolist()
    [0.5, 0.0, 1.0]
    """
    powers = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1, powers) / (1 + powers)

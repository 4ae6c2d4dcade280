"""Scores -> labels, and which answers abstain: the exact rules; `trainer.decision.graph` has the same as a graph.

**One label a text, thresholds.** A score *reaches* its label's threshold if it is equal or higher.

1. The labels whose scores reach their thresholds are candidates. The answer is the candidate with the highest
   score / threshold.
2. No label reaches its threshold: the answer is the label with the highest score among those without a threshold (rule
   argmax). After the class weights were taken out of the scores, it is the highest score x weight.
3. There is no label without a threshold either: the answer is the label with the rule best_f1 that has the highest
   score / threshold.
4. There is none of these: the answer is the label with the highest score / threshold, and it abstains.

Of equal values the first label counts. A threshold of 0 is always reached; it counts as `SMALLEST` in the division. An
answer also abstains if its label's score is below `abstain_below`. This holds for costs too.

For two labels, one rule that is a score or best_f1 is the rule of the second label, and the first has no threshold.

    labels a, b, c       thresholds         scores              answer
    {c: 0.2}             -    -    0.2      0.5  0.3  0.2       c: 0.2 reaches 0.2
                                            0.5  0.4  0.1       a: no threshold is reached; the highest of a and b
    {b: 0.3, c: 0.2}     -    0.3  0.2      0.4  0.3  0.3       c: 0.3 / 0.2 is more than 0.3 / 0.3
    0.5                  0.5  0.5  0.5      0.4  0.3  0.3       a, abstains: 0.4 is below 0.5
                                            0.5  0.5  0.0       a: equal to b, and first
    0                    0    0    0        0.4  0.4  0.2       a: all are reached; a is equal to b, and first
    labels a, b
    0.7                  -    0.7           0.31 0.69           a: b does not reach 0.7
    precision>=0.9       0.6  0.8           0.45 0.55           a, abstains: 0.45 / 0.6 is more than 0.55 / 0.8

**One label a text, costs.** The answer is the label with the lowest expected cost: the sum over all labels of score x
cost of the answer if that label is right (C. Elkan, "The foundations of cost-sensitive learning", IJCAI 2001).

**Several labels a text.** Each label is decided if its score reaches its threshold. A label without a rule has the
threshold 0.5, or 1 / (1 + w) after its weight w was taken out of its score: the same texts as before. Nothing abstains.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.arrays import Flags, Int64s
from trainer.decision.decision import Decision

Floats = npt.NDArray[np.float32]

# What a lower threshold counts as in score / threshold. Scores are float32; the quotient stays finite.
SMALLEST: Final = 1e-9


class Decided(NamedTuple):
    """What is answered to n texts.

    labels: int64 [n], indices; with several labels bool [n, classes]. abstains: bool [n].
    """

    labels: Int64s | Flags
    abstains: Flags


class Rule(NamedTuple):
    """The constants of a decision, as arrays in the order of the labels; one label a text, by thresholds.

    thresholds: float32 [classes]; infinite: the label has none. divisors: float32 [classes], what a score is divided by
    before it is compared with others. fallback: bool [classes], the candidates where no threshold is reached.
    abstains: whether such a text abstains.
    """

    thresholds: Floats
    divisors: Floats
    fallback: Flags
    abstains: bool


def rule_of(decision: Decision, scheme: LabelScheme) -> Rule:
    """The thresholds of a decision for one label a text, as arrays.

    >>> from pipeline.config.decision_settings import DecisionSettings
    >>> spam = Decision(settings=DecisionSettings(threshold={"spam": 0.5}), thresholds=[None, 0.5])
    >>> rule = rule_of(spam, LabelScheme(("ham", "spam")))
    >>> rule.thresholds.tolist(), rule.divisors.tolist(), rule.fallback.tolist(), rule.abstains
    ([inf, 0.5], [1.0, 0.5], [True, False], False)
    """
    classes = len(scheme.names)
    given = decision.thresholds or [None] * classes
    thresholds = np.array([np.inf if each is None else each for each in given], np.float32)
    weights = np.array(decision.prior_weights or [1.0] * classes, np.float32)
    divisors = np.where(np.isinf(thresholds), 1 / weights, np.maximum(thresholds, np.float32(SMALLEST)))
    fallback = np.array(decision.fallback(scheme))
    is_any = bool(fallback.any())
    return Rule(thresholds, divisors.astype(np.float32), fallback if is_any else np.ones(classes, bool), not is_any)


def several_thresholds(decision: Decision, scheme: LabelScheme) -> Floats:
    """The thresholds of several labels a text, float32 [classes].

    >>> from pipeline.config.decision_settings import DecisionSettings
    >>> ab = LabelScheme(("a", "b"), several=True)
    >>> several_thresholds(Decision(prior_weights=[1.0, 3.0]), ab).tolist()
    [0.5, 0.25]
    """
    weights = decision.prior_weights or [1.0] * len(scheme.names)
    given = decision.thresholds or [None] * len(scheme.names)
    return np.array([1 / (1 + w) if t is None else t for t, w in zip(given, weights, strict=True)], np.float32)


def decide(scores: npt.ArrayLike, decision: Decision, scheme: LabelScheme) -> Decided:
    """Scores -> labels, by the rules at the top of this module.

    scores: float [n, classes], those of `scores_of` or of an exported model; they are compared as float32.

    >>> from pipeline.config.decision_settings import DecisionSettings
    >>> careful = Decision(settings=DecisionSettings(threshold="precision>=0.9"), thresholds=[0.6, 0.8])
    >>> decided = decide([[0.1, 0.9], [0.45, 0.55]], careful, LabelScheme(("neg", "pos")))
    >>> decided.labels.tolist(), decided.abstains.tolist()
    ([1, 0], [False, True])
    >>> decide([[0.5, 0.1], [0.4, 0.3]], Decision(), LabelScheme(("a", "b"), several=True)).labels.tolist()
    [[True, False], [False, False]]
    """
    exact = np.asarray(scores, np.float32)
    if scheme.several:
        return Decided(exact >= several_thresholds(decision, scheme), np.zeros(len(exact), bool))
    if decision.costs is not None:
        labels: Int64s = (exact @ np.array(decision.costs, np.float32)).argmin(axis=1)
        abstains: Flags = np.zeros(len(exact), np.bool_)
    else:
        rule = rule_of(decision, scheme)
        reached: Flags = exact >= rule.thresholds
        is_any: Flags = np.any(reached, axis=1)
        candidates = np.where(is_any[:, np.newaxis], reached, rule.fallback)
        labels = np.where(candidates, exact / rule.divisors, np.float32(-1)).argmax(axis=1)
        abstains = np.logical_not(is_any) & rule.abstains
    if decision.settings.abstain_below is not None:
        of_answer = np.take_along_axis(exact, labels[:, np.newaxis], axis=1)[:, 0]
        abstains = abstains | (of_answer < np.float32(decision.settings.abstain_below))
    return Decided(labels.astype(np.int64), abstains)

"""Scores and labels of the eval split -> the threshold of each label by its rule; pure functions of arrays.

A label's threshold says from which score on it is decided. Each label is looked at alone: its rows against all others.

    best_f1         the threshold with the highest F1; of equal ones the highest threshold
    precision>=x    the lowest threshold with that precision: as many texts as possible
    recall>=x       the highest threshold with that recall: as few false ones as possible

It lies in the middle between two neighbouring scores, so a score that is computed a little differently on another
computer is on the same side. Equal scores are on one side together. Below the lowest score the neighbour is 0.

With one label a text, labels compete: a text that reaches two thresholds gets one label. So precision and recall of the
answers may miss the rule; of many labels with recall>=x most must. `trainer.decision.choose` says so of the eval split,
`trainer.decision.price` what they are on the test split.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.config.decision_settings import DecisionSettings, ThresholdRule
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.arrays import Flags, Float64s
from pipeline.support.strict_json import shown
from trainer.decision.decision import NEVER
from trainer.decision.rules import Floats

# How much a share may miss its rule: sums of weights end with an error in the last digits.
_ROUNDING: Final = 1e-12


class Chosen(NamedTuple):
    """The thresholds of all labels, None if no label has a rule; and what could not be fulfilled, a line each."""

    thresholds: list[float | None] | None
    unmet: list[str]


def choose_thresholds(
    scores: Floats,
    labels: npt.NDArray[np.generic],
    *,
    settings: DecisionSettings,
    scheme: LabelScheme,
    weights: Float64s | None = None,
) -> Chosen:
    """The thresholds by the rules of decision.threshold.

    scores: float32 [n, classes] of the eval split, calibrated. labels: int64 [n], or bool [n, classes] with several
    labels a text. weights: float64 [n], of the rows; None: all count once. n may be 0 if no rule looks at the rows.

    >>> spam = DecisionSettings(threshold={"spam": "precision>=0.7"})
    >>> scores = np.array([[0.9, 0.1], [0.7, 0.3], [0.5, 0.5], [0.3, 0.7], [0.1, 0.9]], np.float32)
    >>> right = np.array([0, 1, 0, 1, 1])
    >>> choose_thresholds(scores, right, settings=spam, scheme=LabelScheme(("ham", "spam")))
    Chosen(thresholds=[None, 0.20000000298023224], unmet=[])
    """
    rules = label_rules(settings, scheme)
    if all(rule.kind == "argmax" for rule in rules):
        return Chosen(None, [])
    shares = np.ones(len(scores)) if weights is None else weights
    thresholds: list[float | None] = []
    unmet: list[str] = []
    for index, (name, rule) in enumerate(zip(scheme.names, rules, strict=True)):
        if rule.kind == "argmax":
            thresholds.append(None)
        elif rule.kind == "score":
            thresholds.append(rule.value)
        else:
            is_label: Flags = labels[:, index].astype(bool) if scheme.several else labels == index
            threshold, most = _threshold(scores[:, index], is_label, shares, rule=rule)
            thresholds.append(threshold)
            if threshold == NEVER:
                unmet.append(_unmet(name, rule, most))
    return Chosen(thresholds, unmet)


def label_rules(settings: DecisionSettings, scheme: LabelScheme) -> list[ThresholdRule]:
    """The rule of each label. For two labels, one rule that is a score or best_f1 is the second label's.

    >>> [rule.kind for rule in label_rules(DecisionSettings(threshold="best_f1"), LabelScheme(("ham", "spam")))]
    ['argmax', 'best_f1']
    """
    rules = [settings.rule(name) for name in scheme.names]
    is_of_second = scheme.outputs == 1 and not isinstance(settings.threshold, dict)
    if is_of_second and rules[1].kind in ("score", "best_f1"):
        return [ThresholdRule("argmax"), rules[1]]
    return rules


class Cuts(NamedTuple):
    """All ways to cut rows by a score, from few rows to all of them; float64 [cuts] each.

    thresholds: between the lowest score that is decided and the next lower one. hits: weight of the decided rows that
    have the label. decided: weight of all decided rows.
    """

    thresholds: Float64s
    hits: Float64s
    decided: Float64s


def cuts_of(scores: Floats, is_label: Flags, weights: Float64s) -> Cuts:
    """The cuts of one label. scores: float32 [n]; is_label: bool [n]; weights: float64 [n].

    >>> cuts_of(np.array([0.5, 0.25, 0.5], np.float32), np.array([True, True, False]), np.ones(3)).hits.tolist()
    [1.0, 2.0]
    """
    order = np.argsort(-scores, kind="stable")
    falling = scores[order]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True)[: len(falling)])  # of each distinct score
    hits = np.cumsum(np.where(is_label, weights, 0)[order])[last]
    decided = np.cumsum(weights[order])[last]
    lowest = falling[last]
    below = np.append(lowest[1:], np.float32(0))[: len(lowest)]
    middle = ((lowest.astype(np.float64) + below) / 2).astype(np.float32)
    # Between two neighbouring float32 there is none: the middle may be rounded down to the lower one.
    thresholds = np.where(middle > below, middle, lowest)
    return Cuts(thresholds.astype(np.float64), hits, decided)


def _threshold(scores: Floats, is_label: Flags, weights: Float64s, *, rule: ThresholdRule) -> tuple[float, float]:
    """The threshold of a label by a rule, NEVER if there is none; and the highest share that the rule could have."""
    total = float(weights[is_label].sum())
    if total == 0:
        return NEVER, 0.0
    cuts = cuts_of(scores, is_label, weights)
    if rule.kind == "best_f1":
        return float(cuts.thresholds[np.argmax(2 * cuts.hits / (cuts.decided + total))]), 1.0
    shares = cuts.hits / (cuts.decided if rule.kind == "precision" else total)
    places = np.flatnonzero(shares >= rule.value - _ROUNDING)
    if not places.size:
        return NEVER, float(shares.max())
    return float(cuts.thresholds[places[-1] if rule.kind == "precision" else places[0]]), 1.0


def _unmet(name: str, rule: ThresholdRule, most: float) -> str:
    why = f"the most that a threshold reaches there is {most:.4g}" if most else "there is no row of this label"
    return f"decision.threshold: {shown(name)} can't have {rule.text} on the eval split: {why}"

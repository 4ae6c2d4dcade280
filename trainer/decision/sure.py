"""Scores + a decision -> which labels and which abstentions stay the same if the scores are a little wrong.

Two computers give scores that differ in the last digits. A score that lies this near to its threshold may then be
above it here and below it there, and neither answer is wrong.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.arrays import Flags, Int64s
from trainer.decision.decision import Decision
from trainer.decision.rules import Floats, decide, several_thresholds


class Sure(NamedTuple):
    """What does not depend on the last digits of the scores of n texts.

    label: bool [n]: the label, and whether the answer abstains. decided: bool [n, classes], with several labels a text;
    otherwise None.
    """

    label: Flags
    decided: Flags | None


def sure(scores: npt.ArrayLike, decision: Decision, scheme: LabelScheme, *, tolerance: float) -> Sure:
    """What stays the same if each score, float32 [n, classes], is off by `tolerance` at most.

    >>> two = LabelScheme(("neg", "pos"))
    >>> sure([[0.25, 0.75], [0.5, 0.5]], Decision(), two, tolerance=1e-6).label.tolist()
    [True, False]
    >>> sure([[0.5, 0.75]], Decision(), LabelScheme(("a", "b"), several=True), tolerance=1e-6).decided.tolist()
    [[False, True]]
    """
    exact = np.asarray(scores, np.float32)
    if scheme.several:
        decided = np.abs(exact.astype(np.float64) - several_thresholds(decision, scheme)) > tolerance
        return Sure(_wins(exact, exact.argmax(axis=1), tolerance=tolerance), decided)
    right = decide(exact, decision, scheme)
    labels = right.labels.astype(np.int64)
    # Every rule is monotone: a label can only lose by a lower score of its own and by higher scores of the others, and
    # whether any threshold is reached depends on all scores in the same direction. So these three cases are the worst.
    own = np.arange(len(scheme.names)) == labels[:, np.newaxis]
    is_sure = np.ones(len(exact), bool)
    for signs in (np.where(own, -1, 1), np.full_like(exact, 1), np.full_like(exact, -1)):
        other = decide(np.maximum(exact + np.float32(tolerance) * signs, 0), decision, scheme)
        same_label = True if decision.costs is not None else other.labels == labels
        is_sure &= same_label & (other.abstains == right.abstains)
    if decision.costs is not None:
        is_sure &= _cheapest(exact, labels, costs=np.array(decision.costs), tolerance=tolerance)
    return Sure(is_sure, None)


def _wins(scores: Floats, labels: Int64s, *, tolerance: float) -> Flags:
    """Whether the score of each row's label is the highest by more than two tolerances."""
    rows = np.arange(len(scores))
    others = scores.astype(np.float64)
    of_label = others[rows, labels].copy()
    others[rows, labels] = -np.inf
    return of_label - others.max(axis=1, initial=-np.inf) > 2 * tolerance


def _cheapest(scores: Floats, labels: Int64s, *, costs: npt.NDArray[np.float64], tolerance: float) -> Flags:
    """Whether each row's label stays the one of the lowest expected cost."""
    is_cheapest = np.ones(len(scores), bool)
    for row, label in enumerate(labels):
        more = costs - costs[:, label, np.newaxis]  # what each answer costs more than this one, by the right label
        margins = scores[row].astype(np.float64) @ more - tolerance * np.abs(more).sum(axis=0)
        is_cheapest[row] = (np.delete(margins, label) > 0).all()
    return is_cheapest

"""A decision + rows of the test split -> what it costs: precision and recall of each label, how many texts abstain.

The content of the key `decision` in metrics.json. With weights of rows, sums of weights stand for numbers of rows.
"""

from typing import TypedDict

import numpy as np
import numpy.typing as npt

from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.arrays import Flags, Float64s
from trainer.decision.decision import Decision
from trainer.decision.held_out import LabelledLogits
from trainer.decision.rules import decide
from trainer.decision.scores import scores_of


class LabelPrice(TypedDict):
    """threshold: None for a label without one. decided: share of all rows that get this label, without those that
    abstain. precision: share of these that have the label; None if there are none. recall: share of the rows with the
    label that get it; None if no row has it.
    """

    threshold: float | None
    precision: float | None
    recall: float | None
    decided: float


class Price(TypedDict):
    """What a decision costs on a split.

    rows: that it was measured on. temperature: that logits were divided by. abstained: share of rows whose answer
    abstains. accuracy: share of the others that are right (with several labels: all labels); None if all abstain.
    mean_cost: of a row that does not abstain, only with costs; mean_cost_of_most_probable: what the most probable label
    would cost on the same rows.
    """

    rows: int
    temperature: float
    abstained: float
    accuracy: float | None
    mean_cost: float | None
    mean_cost_of_most_probable: float | None
    per_label: dict[str, LabelPrice]


def price_of(rows: LabelledLogits, decision: Decision, scheme: LabelScheme) -> Price | None:
    """The price on the rows of a split; None if there are none.

    >>> rows = LabelledLogits(np.float32([[-2], [-1], [1], [2]]), np.array([0, 1, 0, 1]), None, 4)
    >>> price = price_of(rows, Decision(thresholds=[None, 0.8]), LabelScheme(("ham", "spam")))
    >>> price["accuracy"], price["per_label"]["spam"]
    (0.75, {'threshold': 0.8, 'precision': 1.0, 'recall': 0.5, 'decided': 0.25})
    """
    if not len(rows.logits):
        return None
    scores = scores_of(rows.logits, decision, scheme)
    decided = decide(scores, decision, scheme)
    shares = np.ones(len(scores)) if rows.weights is None else rows.weights
    shares = shares / shares.sum()
    answered = np.where(decided.abstains, 0, shares)
    right, given = _by_label(rows.labels, scheme), _by_label(decided.labels, scheme)
    thresholds = decision.thresholds or [None] * len(scheme.names)
    return {
        "rows": len(scores),
        "temperature": decision.temperature,
        "abstained": float(shares[decided.abstains].sum()),
        "accuracy": _share(answered, (right == given).all(axis=1), of=answered),
        "mean_cost": _mean_cost(decided.labels, rows.labels, answered, decision),
        "mean_cost_of_most_probable": _mean_cost(scores.argmax(axis=1), rows.labels, answered, decision),
        "per_label": {
            name: {
                "threshold": thresholds[index],
                "precision": _share(answered, right[:, index] & given[:, index], of=answered[given[:, index]]),
                "recall": _share(answered, right[:, index] & given[:, index], of=shares[right[:, index]]),
                "decided": float(answered[given[:, index]].sum()),
            }
            for index, name in enumerate(scheme.names)
        },
    }


def _by_label(labels: npt.NDArray[np.generic], scheme: LabelScheme) -> Flags:
    """int64 [n] or bool [n, classes] -> bool [n, classes]."""
    return labels.astype(bool) if scheme.several else labels[:, np.newaxis] == np.arange(len(scheme.names))


def _share(shares: Float64s, chosen: Flags, *, of: Float64s) -> float | None:
    whole = float(of.sum())
    return float(shares[chosen].sum()) / whole if whole else None


def _mean_cost(
    given: npt.NDArray[np.generic], right: npt.NDArray[np.generic], answered: Float64s, decision: Decision
) -> float | None:
    if decision.costs is None or not answered.sum():
        return None
    return float(
        (np.array(decision.costs)[right.astype(np.int64), given.astype(np.int64)] * answered).sum() / answered.sum()
    )

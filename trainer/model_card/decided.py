"""A decision with its figures -> the card's part on how scores become labels."""

from collections.abc import Sequence

from trainer.decision.decision import NO_DECISION, Decision
from trainer.evaluation.metrics import DecisionFigures
from trainer.model_card.schema import Calibration, DecisionData, LabelDecision


def decision_of(decision: Decision, labels: Sequence[str], *, figures: DecisionFigures | None) -> DecisionData | None:
    """The part; None without a decision. figures: of the test split, None if there are none.

    >>> decision_of(Decision(thresholds=[None, 0.7]), ["ham", "spam"], figures=None).labels[1]
    LabelDecision(label='spam', threshold=0.7, precision=None, recall=None, decided=None)
    """
    if decision == NO_DECISION:
        return None
    thresholds = decision.thresholds or [None] * len(labels)
    calibration = None if figures is None else figures["calibration"]
    return DecisionData(
        temperature=decision.temperature,
        class_weights_taken_out=decision.prior_weights is not None,
        abstained=None if figures is None else figures["abstained"],
        accuracy=None if figures is None else figures["accuracy"],
        mean_cost=None if figures is None else figures["mean_cost"],
        mean_cost_of_most_probable=None if figures is None else figures["mean_cost_of_most_probable"],
        labels=[_label(name, threshold, figures) for name, threshold in zip(labels, thresholds, strict=True)],
        calibration=None if calibration is None else Calibration.model_validate(calibration),
    )


def _label(name: str, threshold: float | None, figures: DecisionFigures | None) -> LabelDecision:
    if figures is None:
        return LabelDecision(label=name, threshold=threshold, precision=None, recall=None, decided=None)
    price = figures["per_label"][name]
    return LabelDecision(
        label=name,
        threshold=threshold,
        precision=_share(price["precision"]),
        recall=_share(price["recall"]),
        decided=_share(price["decided"]),
    )


def _share(value: float | None) -> float | None:
    """A share of sums of weights, which rounding may bring above 1."""
    return None if value is None else min(1.0, value)

"""A decision + rows of the test split -> the key `decision` of metrics.json: its price, and what calibration does."""

import numpy as np

from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.held_out import LabelledLogits
from trainer.decision.price import price_of
from trainer.decision.scores import scores_of
from trainer.evaluation.calibration import expected_calibration_error
from trainer.evaluation.loss import binary_cross_entropies, cross_entropies
from trainer.evaluation.measure import reliability_of
from trainer.evaluation.metrics import CalibrationFigures, DecisionFigures
from trainer.evaluation.weights import mean


def decision_figures(rows: LabelledLogits, decision: Decision, scheme: LabelScheme) -> DecisionFigures | None:
    """The figures on the rows of a split; None if there are no rows, or the model has no decision.

    >>> rows = LabelledLogits(np.full([4, 1], 2, np.float32), np.array([1, 1, 1, 0]), None, 4)
    >>> figures = decision_figures(rows, Decision(temperature=2 / np.log(3)), LabelScheme(("neg", "pos")))
    >>> {name: round(value, 4) for name, value in figures["calibration"].items()}
    {'error_before': 0.1308, 'error_after': 0.0, 'loss_before': 0.6269, 'loss_after': 0.5623}
    """
    price = price_of(rows, decision, scheme)
    if price is None or decision == NO_DECISION:
        return None
    calibration: CalibrationFigures | None = None
    if decision.changes_scores():
        error_before, loss_before = _honesty(rows, NO_DECISION, scheme)
        error_after, loss_after = _honesty(rows, decision, scheme)
        calibration = {
            "error_before": error_before,
            "error_after": error_after,
            "loss_before": loss_before,
            "loss_after": loss_after,
        }
    return {**price, "calibration": calibration}


def _honesty(rows: LabelledLogits, decision: Decision, scheme: LabelScheme) -> tuple[float, float]:
    """Expected calibration error and loss."""
    scores = scores_of(rows.logits, decision, scheme)
    error = expected_calibration_error(reliability_of(scores, rows.labels, scheme=scheme, weights=rows.weights))
    if scheme.several:
        losses = binary_cross_entropies(scores, rows.labels.astype(bool))
    else:
        losses = cross_entropies(scores.astype(np.float64), rows.labels.astype(np.int64))
    return error, mean(losses, rows.weights)

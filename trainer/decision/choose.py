"""Settings + logits of the eval split -> a Decision: temperature first, then thresholds on the calibrated scores."""

from typing import NamedTuple

from pipeline.config.decision_settings import DecisionSettings
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.calibration import fit_temperature
from trainer.decision.decision import Decision
from trainer.decision.held_out import LabelledLogits
from trainer.decision.scores import scores_of
from trainer.decision.thresholds import choose_thresholds


class Choice(NamedTuple):
    """decision: how scores become labels. unmet: rules that no threshold fulfils, a line each; such labels are never
    decided. notes: what else a person should know of it, a line each.
    """

    decision: Decision
    unmet: list[str]
    notes: list[str]


def choose_decision(
    settings: DecisionSettings,
    scheme: LabelScheme,
    rows: LabelledLogits,
    *,
    class_weights: list[float] | None = None,
) -> Choice:
    """The decision that settings ask for.

    rows: of the eval split; none are needed for rules that are scores, and for costs. class_weights: what the loss of
    the training weighed each label by.

    >>> import numpy as np
    >>> rows = LabelledLogits(np.zeros([0, 1], np.float32), np.zeros(0, np.int64), None, 0)
    >>> choose_decision(DecisionSettings(threshold=0.8), LabelScheme(("ham", "spam")), rows).decision.thresholds
    [None, 0.8]
    """
    temperature, prior_weights, notes = 1.0, None, []
    if settings.calibrate == "temperature":
        prior_weights = class_weights
        fitted = fit_temperature(
            rows.logits, rows.labels, scheme=scheme, prior_weights=prior_weights, weights=rows.weights
        )
        temperature = fitted.value
        if fitted.is_bound:
            notes.append(
                f"decision.calibrate: the temperature is {temperature:g}, the last that is tried; the eval split says "
                "too little about how sure the scores may be (are there rows on which the model is wrong?)"
            )
    before = Decision(settings=settings, temperature=temperature, prior_weights=prior_weights)
    scores = scores_of(rows.logits, before, scheme)
    chosen = choose_thresholds(scores, rows.labels, settings=settings, scheme=scheme, weights=rows.weights)
    costs = None if settings.costs is None else cost_matrix(settings.costs, scheme)
    decision = before.model_copy(update={"thresholds": chosen.thresholds, "costs": costs})
    return Choice(decision, chosen.unmet, notes)


def cost_matrix(costs: dict[str, dict[str, float]], scheme: LabelScheme) -> list[list[float]]:
    """decision.costs as [label][decided label]; pairs that it leaves out cost 1, right ones 0.

    >>> cost_matrix({"spam": {"ham": 0.2}}, LabelScheme(("ham", "spam")))
    [[0.0, 1.0], [0.2, 0.0]]
    """
    return [
        [costs.get(label, {}).get(decided, float(label != decided)) for decided in scheme.names]
        for label in scheme.names
    ]

"""Settings + logits of the eval split -> a Decision: temperature first, then thresholds on the calibrated scores."""

from typing import Final, NamedTuple

from pipeline.config.decision_settings import DecisionSettings
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.strict_json import shown
from trainer.decision.calibration import HIGHEST, LOWEST, fit_temperature
from trainer.decision.decision import NEVER, Decision
from trainer.decision.held_out import LabelledLogits
from trainer.decision.price import price_of
from trainer.decision.scores import scores_of
from trainer.decision.thresholds import choose_thresholds, label_rules

# How much a share may miss its rule before it is told: the rounding of scores and sums of weights.
_ROUNDING: Final = 1e-6
# What the eval split is like if the best temperature is beyond the last one.
_AT_BOUND: Final = {
    LOWEST: "all answers on the eval split are right, or the model has learnt next to nothing",
    HIGHEST: "on the eval split they say next to nothing of the right label",
}


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
                f"decision.calibrate: the temperature is {temperature:g}, the last that is tried, so the scores may "
                f"not be honest: {_AT_BOUND[temperature]}"
            )
    before = Decision(settings=settings, temperature=temperature, prior_weights=prior_weights)
    scores = scores_of(rows.logits, before, scheme)
    chosen = choose_thresholds(scores, rows.labels, settings=settings, scheme=scheme, weights=rows.weights)
    costs = None if settings.costs is None else cost_matrix(settings.costs, scheme)
    decision = before.model_copy(update={"thresholds": chosen.thresholds, "costs": costs})
    return Choice(decision, chosen.unmet, notes + _lost_to_others(rows, decision, scheme))


def _lost_to_others(rows: LabelledLogits, decision: Decision, scheme: LabelScheme) -> list[str]:
    """Rules that labels fulfil alone, but not where a text gets one label: a line, or none.

    Answers that abstain by `abstain_below` are not counted as lost.

    >>> import numpy as np
    >>> rows = LabelledLogits(np.float32([[1.0], [0.5]]), np.array([0, 1]), None, 2)
    >>> settings = DecisionSettings(threshold="recall>=1")
    >>> both = Decision(settings=settings, thresholds=[0.13, 0.31])
    >>> _lost_to_others(rows, both, LabelScheme(("ham", "spam")))[0].partition(", ")[2]
    "so on the eval split 'ham' has recall 0, not recall>=1 (and 1 more)"
    """
    if scheme.several or decision.thresholds is None:
        return []
    settings = decision.settings.model_copy(update={"abstain_below": None})
    price = price_of(rows, decision.model_copy(update={"settings": settings}), scheme)
    if price is None:
        return []
    missed = []
    for name, rule in zip(scheme.names, label_rules(decision.settings, scheme), strict=True):
        of_label = price["per_label"][name]
        if of_label["threshold"] == NEVER or rule.kind not in ("precision", "recall"):
            continue
        share = of_label["precision"] if rule.kind == "precision" else of_label["recall"]
        if share is not None and share < rule.value - _ROUNDING:
            missed.append(f"{shown(name)} has {rule.kind} {share:.3g}, not {rule.text}")
    if not missed:
        return []
    more = f" (and {len(missed) - 1} more)" if len(missed) > 1 else ""
    return [f"decision.threshold: a text gets one label at most, so on the eval split {missed[0]}{more}"]


def cost_matrix(costs: dict[str, dict[str, float]], scheme: LabelScheme) -> list[list[float]]:
    """decision.costs as [label][decided label]; pairs that it leaves out cost 1, right ones 0.

    >>> cost_matrix({"spam": {"ham": 0.2}}, LabelScheme(("ham", "spam")))
    [[0.0, 1.0], [0.2, 0.0]]
    """
    return [
        [costs.get(label, {}).get(decided, float(label != decided)) for decided in scheme.names]
        for label in scheme.names
    ]

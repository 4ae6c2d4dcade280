"""A decision with its figures -> the section on it: the threshold of each label, its precision and recall, costs."""

from typing import Final

from markupsafe import Markup

from pipeline.html.elements import table, text_of_data, with_note
from pipeline.support.terminal import percent
from trainer.decision.decision import NEVER, Decision
from trainer.decision.price import LabelPrice, Price
from trainer.evaluation.metrics import DecisionFigures

_SHOWN_LABELS: Final = 60
_LABEL_CHARACTERS: Final = 60


def decision(
    chosen: Decision, figures: DecisionFigures, *, without: Price, split: str, several: bool, weighted: bool = False
) -> Markup:
    """The section.

    figures: of `chosen` on the held-out split. without: the price there of answering the most probable label, or with
    several labels each from 0.5 on, with the same scores. weighted: whether texts have weights.
    """
    usual = "each label whose probability is 0.5 or more" if several else "the most probable label"
    by_weight = ", by the weights of the texts" if weighted else ""
    abstain = " The sections above count an answer that abstains as if it did not." if figures["abstained"] else ""
    lead = Markup(
        "<p>Chosen on the eval split, measured on the {} split{}. Small figures are those of answering {} instead.{}"
        "</p>"
    ).format(split, by_weight, usual, abstain)
    heading = Markup("<h3>Label by label</h3>")
    return lead + _whole(figures, without, several=several) + heading + _labels(chosen, figures, without)


def _whole(figures: DecisionFigures, without: Price, *, several: bool) -> Markup:
    what = "texts with all labels right" if several else "right answers"
    rows = [[what, with_note(_number(figures["accuracy"]), _number(without["accuracy"]))]]
    if figures["abstained"]:
        rows[0][0] = f"{what}, of those that do not abstain"
        rows.insert(0, ["answers that abstain", percent(figures["abstained"])])
    if figures["mean_cost"] is not None:
        note = _number(figures["mean_cost_of_most_probable"])
        rows.append(["mean cost of an answer", with_note(_number(figures["mean_cost"]), note)])
    return table(["", ""], rows, kinds="tn")


def _labels(chosen: Decision, figures: DecisionFigures, without: Price) -> Markup:
    labels = list(figures["per_label"].items())
    selection = Markup()
    if len(labels) > _SHOWN_LABELS:
        selection = Markup(
            "<p>The {} of {:,} labels with the lowest precision; <code>metrics.json</code> has all.</p>"
        ).format(_SHOWN_LABELS, len(labels))
        labels = sorted(labels, key=lambda item: item[1]["precision"] or 0)[:_SHOWN_LABELS]
    rows = [_label_row(name, chosen, price, without["per_label"][name]) for name, price in labels]
    return selection + table(["label", "rule", "threshold", "precision", "recall", "given to"], rows, kinds="ttnnnn")


def _label_row(name: str, chosen: Decision, price: LabelPrice, without: LabelPrice) -> list[str]:
    return [
        text_of_data(name, longest=_LABEL_CHARACTERS),
        "costs" if chosen.costs is not None else chosen.settings.rule(name).text,
        threshold_text(price["threshold"]),
        with_note(_number(price["precision"]), _number(without["precision"])),
        with_note(_number(price["recall"]), _number(without["recall"])),
        with_note(percent(price["decided"]), percent(without["decided"])),
    ]


def threshold_text(threshold: float | None) -> str:
    """A threshold as a cell.

    >>> threshold_text(None), threshold_text(0.25), threshold_text(2.0)
    ('–', '0.250', 'never')
    """
    return "–" if threshold is None else "never" if threshold >= NEVER else f"{threshold:.3f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"

"""A decision and its price -> tables for the terminal, 80 columns wide."""

from rich.console import Group, RenderableType
from rich.text import Text

from pipeline.support.printable import to_one_line
from pipeline.support.terminal import percent, table
from trainer.decision.decision import NEVER
from trainer.decision.price import Price
from trainer.evaluation.metrics import CalibrationFigures, DecisionFigures

_LABEL_WIDTH = 20  # characters


def decision_table(figures: DecisionFigures, *, title: str, before: Price | None = None) -> RenderableType:
    """What is right, what abstains and what it costs; the threshold, precision and recall of each label.

    before: the price of the decision whose place it takes.
    """
    made = table("label", "threshold", "precision", "recall", "decided")
    for label, price in figures["per_label"].items():
        made.add_row(
            Text(to_one_line(label, width=_LABEL_WIDTH)),
            threshold_text(price["threshold"]),
            _number(price["precision"]),
            _number(price["recall"]),
            percent(price["decided"]),
        )
    now = "" if before is None else "now:    "
    parts: list[RenderableType] = [
        Text.assemble((title, "bold"), f"  {figures['rows']:,} {'row' if figures['rows'] == 1 else 'rows'}"),
        Text(now + "   ".join(_summary(figures))),
    ]
    if before is not None:
        parts.append(Text("before: " + "   ".join(_summary(before))))
    most_probable = figures["mean_cost_of_most_probable"]
    if most_probable is not None:
        parts.append(Text(f"the most probable label would have the cost of a row {most_probable:.4f}"))
    parts += [Text(), made]
    if figures["calibration"] is not None:
        parts += [Text(), _calibration(figures["calibration"], temperature=figures["temperature"])]
    return Group(*parts)


def _calibration(calibration: CalibrationFigures, *, temperature: float) -> RenderableType:
    made = table(f"temperature {temperature:.4g}", "before", "calibrated")
    made.add_row("calibration error", _number(calibration["error_before"]), _number(calibration["error_after"]))
    made.add_row("loss", _number(calibration["loss_before"]), _number(calibration["loss_after"]))
    return made


def threshold_text(threshold: float | None) -> str:
    """A threshold as a cell.

    >>> threshold_text(None), threshold_text(0.123456), threshold_text(2.0)
    ('-', '0.1235', 'never')
    """
    return "-" if threshold is None else "never" if threshold >= NEVER else f"{threshold:.4f}"


def _summary(figures: Price) -> list[str]:
    """
    >>> _summary({"accuracy": 0.5, "abstained": 0.25, "mean_cost": 2.0})
    ['accuracy of the others 0.5000', 'abstains 25.0%', 'cost of a row 2.0000']
    """
    abstains, accuracy, cost = figures["abstained"], figures["accuracy"], figures["mean_cost"]
    parts = [] if accuracy is None else [f"accuracy{' of the others' if abstains else ''} {accuracy:.4f}"]
    parts += [f"abstains {percent(abstains)}"] if abstains else []
    return parts + ([] if cost is None else [f"cost of a row {cost:.4f}"])


def _number(share: float | None) -> str:
    return "-" if share is None else f"{share:.4f}"

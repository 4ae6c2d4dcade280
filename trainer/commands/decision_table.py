"""A decision and its price -> a table for the terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from pipeline.support.printable import to_one_line
from pipeline.support.terminal import percent, table
from trainer.decision.decision import NEVER
from trainer.decision.price import Price
from trainer.evaluation.metrics import DecisionFigures

_LABEL_WIDTH = 20  # characters


def decision_table(figures: DecisionFigures, *, title: str, before: Price | None = None) -> RenderableType:
    """What is right, what abstains and what it costs; the threshold, precision and recall of each label.

    before: the price of the decision whose place it takes.
    """
    head = Text.assemble((title, "bold"), f"  {figures['rows']:,} rows   ", "   ".join(_summary(figures)))
    made = table("label", "threshold", "precision", "recall", "decided")
    for label, price in figures["per_label"].items():
        made.add_row(
            Text(to_one_line(label, width=_LABEL_WIDTH)),
            threshold_text(price["threshold"]),
            _number(price["precision"]),
            _number(price["recall"]),
            percent(price["decided"]),
        )
    parts: list[RenderableType] = [head]
    if before is not None:
        parts.append(Text("before: " + "   ".join(_summary(before))))
    parts += [Text(), made]
    calibration = figures["calibration"]
    if calibration is not None:
        parts += [Text(), Text(
            f"temperature {figures['temperature']:.4g}   "
            f"calibration error {calibration['error_before']:.4f}, calibrated {calibration['error_after']:.4f}   "
            f"loss {calibration['loss_before']:.4f}, calibrated {calibration['loss_after']:.4f}"
        )]  # fmt: skip
    return Group(*parts)


def threshold_text(threshold: float | None) -> str:
    """A threshold as a cell.

    >>> threshold_text(None), threshold_text(0.123456), threshold_text(2.0)
    ('-', '0.1235', 'never')
    """
    return "-" if threshold is None else "never" if threshold >= NEVER else f"{threshold:.4f}"


def _summary(figures: Price) -> list[str]:
    parts = [f"abstains {percent(figures['abstained'])}"] if figures["abstained"] else []
    if figures["accuracy"] is not None:
        parts.insert(0, f"accuracy{' of the others' if parts else ''} {figures['accuracy']:.4f}")
    if figures["mean_cost"] is not None:
        most_probable = figures["mean_cost_of_most_probable"]
        parts.append(f"cost of a row {figures['mean_cost']:.4f} (of the most probable label {most_probable:.4f})")
    return parts


def _number(share: float | None) -> str:
    return "-" if share is None else f"{share:.4f}"

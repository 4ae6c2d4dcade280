"""Predictions and rejected rows -> tables and lines for the terminal. Text of the data cannot steer the terminal."""

from collections.abc import Mapping

from rich.console import RenderableType
from rich.text import Text

from pipeline.support.printable import to_one_line
from pipeline.support.terminal import table
from trainer.commands.predict import Prediction

# Characters.
_LABEL_WIDTH = 20
_TEXT_WIDTH = 60
_BAR_WIDTH = 10
_LABELS_WIDTH = 40

_ABSTAINS = "abstains"


def rejected_table(rejected: Mapping[str, int]) -> RenderableType:
    """Rejected rows by reason."""
    made = table("rows left out", "rows")
    for reason, rows in rejected.items():
        made.add_row(Text(reason), f"{rows:,}")
    return made


def prediction_line(prediction: Prediction, *, labels: list[str], color: bool) -> Text:
    """A prediction on one line: label, probability, start of the text.

    >>> print(prediction_line(Prediction("good", "pos", 0.75, {}), labels=["neg", "pos"], color=False))
    pos  0.7500 ████████░░  good
    >>> unsure = Prediction("so so", "pos", 0.5, {}, abstains=True)
    >>> print(prediction_line(unsure, labels=["neg", "pos"], color=False))
    abstains  0.5000 █████░░░░░  (best guess pos)  so so
    >>> rated = Prediction("good", "4", 0.75, {}, rating=3.875)
    >>> print(prediction_line(rated, labels=["1", "4"], color=False))
    4  0.7500 ████████░░  rating 3.875  good
    """
    can_abstain = prediction.abstains is not None
    if prediction.text is None or prediction.label is None or prediction.probability is None:
        return Text(
            f"{'-':{_width(labels, can_abstain=can_abstain)}}  {prediction.problem}", style="red" if color else ""
        )
    if prediction.labels is not None:
        return _labels_line(prediction, labels=labels, color=color)
    bar = "█" * round(prediction.probability * _BAR_WIDTH)
    label = to_one_line(prediction.label, width=_LABEL_WIDTH)
    notes = [f"(best guess {label})"] if prediction.abstains else []
    notes += [f"rating {prediction.rating:.4g}"] if prediction.rating is not None else []
    shown = _ABSTAINS if prediction.abstains else label
    return Text.assemble(
        (f"{shown:{_width(labels, can_abstain=can_abstain)}}", _style(prediction, color=color)),
        f"  {prediction.probability:.4f} {bar:░<{_BAR_WIDTH}}  ",
        "".join(f"{note}  " for note in notes) + to_one_line(prediction.text, width=_TEXT_WIDTH),
    )


def _labels_line(prediction: Prediction, *, labels: list[str], color: bool) -> Text:
    """The labels that a text has with their scores, or that it has none; start of the text.

    >>> both = Prediction("good", "a", 0.75, {"a": 0.75, "b": 0.5}, labels=["a", "b"])
    >>> print(_labels_line(both, labels=["a", "b"], color=False))
    a 0.75, b 0.50          good
    >>> none = Prediction("so so", "a", 0.25, {"a": 0.25, "b": 0.125}, labels=[])
    >>> print(_labels_line(none, labels=["a", "b"], color=False))
    none (highest: a 0.25)  so so
    """
    scores = prediction.scores or {}

    def scored(label: str) -> str:
        return f"{to_one_line(label, width=_LABEL_WIDTH)} {scores[label]:.2f}"

    best = prediction.label or ""
    by_score = sorted(prediction.labels or [], key=lambda label: -scores[label])
    shown = ", ".join(map(scored, by_score)) or f"none (highest: {scored(best)})"
    longest = max(len(to_one_line(label, width=_LABEL_WIDTH)) for label in labels) + len("none (highest:  0.00)")
    return Text.assemble(
        (f"{to_one_line(shown, width=max(longest, _LABELS_WIDTH)):{longest}}", _style(prediction, color=color)),
        f"  {to_one_line(prediction.text or '', width=_TEXT_WIDTH)}",
    )


def _style(prediction: Prediction, *, color: bool) -> str:
    if not color:
        return ""
    return "yellow" if prediction.abstains else "bold"


def _width(labels: list[str], *, can_abstain: bool) -> int:
    shown = [to_one_line(label) for label in labels] + ([_ABSTAINS] if can_abstain else [])
    return min(_LABEL_WIDTH, max(map(len, shown)))

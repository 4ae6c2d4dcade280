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


def rejected_table(rejected: Mapping[str, int]) -> RenderableType:
    """Rejected rows by reason."""
    made = table("rows left out", "rows")
    for reason, rows in rejected.items():
        made.add_row(Text(reason), f"{rows:,}")
    return made


def prediction_line(prediction: Prediction, *, labels: list[str], color: bool) -> Text:
    """A prediction on one line: label, probability, start of the text."""
    if prediction.text is None or prediction.label is None or prediction.probability is None:
        return Text(f"{'-':{_width(labels)}}  {prediction.problem}", style="red" if color else "")
    bar = "█" * round(prediction.probability * _BAR_WIDTH)
    label = to_one_line(prediction.label, width=_LABEL_WIDTH)
    return Text.assemble(
        (f"{label:{_width(labels)}}", "bold" if color else ""),
        f"  {prediction.probability:.4f} {bar:░<{_BAR_WIDTH}}  {to_one_line(prediction.text, width=_TEXT_WIDTH)}",
    )


def _width(labels: list[str]) -> int:
    return min(_LABEL_WIDTH, max(len(to_one_line(label)) for label in labels))

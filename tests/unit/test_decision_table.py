"""trainer.commands.decision_table: a decision and its price fit a terminal of 80 columns, whatever they have."""

import io

import pytest
from rich.console import Console

from trainer.commands.decision_table import decision_table
from trainer.decision.price import LabelPrice, Price
from trainer.evaluation.metrics import CalibrationFigures

HAM: LabelPrice = {"threshold": None, "precision": 0.5, "recall": 1.0, "decided": 0.25}
SPAM: LabelPrice = {"threshold": 0.8, "precision": None, "recall": 0.0, "decided": 0.0}
PLAIN: Price = {
    "rows": 1,
    "temperature": 1.0,
    "abstained": 0.0,
    "accuracy": 0.5,
    "mean_cost": None,
    "mean_cost_of_most_probable": None,
    "per_label": {"ham": HAM, "spam": SPAM},
}
FULL: Price = {
    **PLAIN,
    "rows": 100_000,
    "temperature": 12.34567,
    "abstained": 0.975,
    "mean_cost": 1234.5,
    "mean_cost_of_most_probable": 2345.5,
}
CALIBRATION: CalibrationFigures = {"error_before": 0.1, "error_after": 0.05, "loss_before": 12.5, "loss_after": 0.25}


def lines_of(price: Price, *, title: str, calibration: CalibrationFigures | None, before: Price | None) -> list[str]:
    written = io.StringIO()
    made = decision_table({**price, "calibration": calibration}, title=title, before=before)
    Console(file=written, width=80, highlight=False, markup=False).print(made)
    return [line.rstrip() for line in written.getvalue().splitlines()]


def test_decision_table_shows_everything_on_lines_of_80_columns() -> None:
    lines = lines_of(FULL, title="test split, of 1,234,567 rows", calibration=CALIBRATION, before=FULL)
    assert lines == [
        "test split, of 1,234,567 rows  100,000 rows",
        "now:    accuracy of the others 0.5000   abstains 97.5%   cost of a row 1234.5000",
        "before: accuracy of the others 0.5000   abstains 97.5%   cost of a row 1234.5000",
        "the most probable label would have the cost of a row 2345.5000",
        "",
        "label  threshold  precision  recall  decided",
        "ham            -     0.5000  1.0000    25.0%",
        "spam      0.8000          -  0.0000     0.0%",
        "",
        "temperature 12.35   before  calibrated",
        "calibration error   0.1000      0.0500",
        "loss               12.5000      0.2500",
    ]


@pytest.mark.parametrize("accuracy", [0.5, None])
def test_decision_table_shows_only_what_there_is(accuracy: float | None) -> None:
    lines = lines_of({**PLAIN, "accuracy": accuracy}, title="decided", calibration=None, before=None)
    assert lines[:3] == ["decided  1 row", "" if accuracy is None else "accuracy 0.5000", ""]
    assert len(lines) == 6

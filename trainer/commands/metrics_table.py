"""Metrics -> tables for the terminal, 80 columns wide. Text of the data cannot steer the terminal."""

from collections.abc import Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.support.printable import to_one_line
from pipeline.support.terminal import stack, table
from trainer.evaluation.metrics import Averages, Figures, LabelScores, Metrics, SlicedBy, SliceScores

# Characters. With these the widest tables, those of several labels with weights, have 80.
_LABEL_WIDTH: Final = 20
_VALUE_WIDTH: Final = 16
_WIDTH: Final = 80
_SHOWN_SLICES: Final = 10

_SHARES: Final = ("precision", "recall", "f1")


def metrics_table(metrics: Metrics, *, title: str) -> RenderableType:
    """The figures, those of each label, the confusion matrix, and the slices."""
    head = Text.assemble((title, "bold"), f"  {_examples(metrics)}")
    parts: list[RenderableType] = [Group(head, _figures(metrics)), _labels(metrics)]
    if "confusion" in metrics:
        parts.append(_confusion(metrics))
    return stack([*parts, *(_slices(sliced) for sliced in metrics["slices"])])


def _examples(metrics: Metrics) -> str:
    number = metrics["examples"]
    counted = f"{number:,} {'example' if number == 1 else 'examples'}"
    effective = metrics["effective_examples"]
    return counted if effective is None else f"{counted}, by their weights as good as {effective:,.0f}"


def _figures(metrics: Metrics) -> Table:
    """A row for each figure; with weights the weighted ones beside it."""
    weighted = metrics["weighted"]
    heads = ["", "plain" if weighted else "", "95%"] + (["weighted", "95%"] if weighted else [])
    made = table(*heads)
    of_weighted = {name: cells for name, *cells in _rows(weighted)} if weighted else {}
    for name, *cells in _rows(metrics):
        made.add_row(name, *cells, *of_weighted.get(name, []))
    return made


def _rows(figures: Figures) -> Iterator[tuple[str, str, str]]:
    """Name, value and interval of each figure that there is."""
    if "subset_accuracy" in figures:
        yield "subset accuracy", _number(figures["subset_accuracy"]), _interval(figures["subset_accuracy_interval"])
    else:
        yield "accuracy", _number(figures["accuracy"]), _interval(figures["accuracy_interval"])
        if figures["auc"] is not None:
            yield "AUC", _number(figures["auc"]), ""
    yield "loss", _number(figures["loss"]), ""
    yield "calibration error", _number(figures["calibration_error"]), ""
    yield "Brier score", _number(figures["brier"]), ""
    if ordinal := figures.get("ordinal"):
        yield "mean absolute error", _number(ordinal["mean_absolute_error"]), ""
        yield "error of expected rating", _number(ordinal["expected_rating_error"]), ""
        yield "quadratic weighted kappa", _number(ordinal["quadratic_weighted_kappa"]), ""
    if decided := figures.get("decided"):
        yield "share that is decided", _number(decided["share"]), ""
        yield "accuracy of these", _number(decided["accuracy"]), _interval(decided["accuracy_interval"])


def _labels(metrics: Metrics) -> Table:
    """A row for each label; with several labels first micro and macro."""
    weighted, is_several = metrics["weighted"], "micro" in metrics
    heads = ["precision", "recall", "F1"]
    heads += ["average\nprecision"] if is_several else []
    heads += ["weighted\nF1"] if weighted else []
    made = table("label", *heads, "rows")

    def add(name: Text, scores: LabelScores | Averages, other: LabelScores | Averages | None, rows: str) -> None:
        cells = [_number(scores["precision"]), _number(scores["recall"]), _number(scores["f1"])]
        cells += [_number(scores.get("average_precision"))] if is_several else []
        cells += [_number(other["f1"])] if other else []
        made.add_row(name, *cells, rows)

    if is_several:
        add(Text("micro", "italic"), metrics["micro"], weighted and weighted["micro"], "")
        add(Text("macro", "italic"), metrics["macro"], weighted and weighted["macro"], "")
    for label, scores in metrics["per_label"].items():
        other = weighted and weighted["per_label"][label]
        add(Text(to_one_line(label, width=_LABEL_WIDTH)), scores, other, f"{scores['support']:,}")
    return made


def _confusion(metrics: Metrics) -> RenderableType:
    labels = [to_one_line(label, width=_LABEL_WIDTH) for label in metrics["per_label"]]
    head = "is / taken for"
    cells = [[f"{count:,}" for count in row] for row in metrics["confusion"]]
    widths = [max(map(len, (label, *column))) for label, column in zip(labels, zip(*cells, strict=True), strict=True)]
    if sum(width + 2 for width in (max(map(len, (head, *labels))), *widths)) > _WIDTH:
        return Text(f"the confusion matrix of {len(labels)} labels is in the JSON form")
    made = table(head, *labels)
    for label, row in zip(labels, cells, strict=True):
        made.add_row(Text(label), *row)
    return made


def _slices(sliced: SlicedBy) -> RenderableType:
    """The worst slices by one column."""
    slices, others = sliced["slices"], sliced["others"]
    every = [*slices, *([others] if others else [])]
    heads = ["accuracy", "95%", "loss"]
    heads += ["F1"] if any("f1" in part for part in every) else []
    heads += ["weighted\naccuracy"] if any(part["weighted"] for part in every) else []
    made = table(f"by {to_one_line(sliced['by'], width=_VALUE_WIDTH)}", *heads, "rows")
    for part in slices[:_SHOWN_SLICES]:
        made.add_row(Text(to_one_line(part["value"], width=_VALUE_WIDTH) or "(none)"), *_cells(part))
    if others:
        values = "1 other value" if others["values"] == 1 else f"{others['values']:,} other values"
        made.add_row(Text(values, "italic"), *_cells(others))
    if len(slices) <= _SHOWN_SLICES:
        return made
    return Group(made, Text(f"{len(slices) - _SHOWN_SLICES} better ones are in the JSON form"))


def _cells(part: SliceScores) -> list[str]:
    cells = [_number(part["accuracy"]), _interval(part["interval"]), _number(part["loss"])]
    cells += [_number(part["f1"])] if "f1" in part else []
    cells += [_number(part["weighted"]["accuracy"])] if part["weighted"] else []
    return [*cells, f"{part['examples']:,}"]


def _number(value: float | None) -> str:
    """
    >>> _number(0.25), _number(None)
    ('0.2500', '-')
    """
    return "-" if value is None else f"{value:.4f}"


def _interval(bounds: list[float] | None) -> str:
    """
    >>> _interval([0.25, 0.5])
    '0.2500 to 0.5000'
    """
    return "" if bounds is None else f"{bounds[0]:.4f} to {bounds[1]:.4f}"

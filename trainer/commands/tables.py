"""Metrics and predictions -> tables and lines for the terminal. Text of the data cannot steer the terminal."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.support.printable import to_one_line
from pipeline.support.terminal import table
from trainer.commands.predict import Prediction
from trainer.evaluation.metrics import Metrics

_MATRIX_LABELS = 8  # a confusion matrix of more does not fit 100 columns
# Characters.
_LABEL_WIDTH = 20
_TEXT_WIDTH = 60
_BAR_WIDTH = 10


def metrics_table(metrics: Metrics, *, title: str) -> RenderableType:
    """Accuracy, AUC and loss, the scores of each label, and the confusion matrix."""
    figures = [f"accuracy {metrics['accuracy']:.4f}", f"loss {metrics['loss']:.4f}"]
    if metrics["auc"] is not None:
        figures.insert(1, f"AUC {metrics['auc']:.4f}")
    head = Text.assemble((title, "bold"), f"  {metrics['examples']:,} examples   ", "   ".join(figures))
    return Group(head, Text(), _labels(metrics), Text(), _confusion(metrics))


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


def _labels(metrics: Metrics) -> Table:
    made = table("label", "precision", "recall", "F1", "rows")
    for label, scores in metrics["per_label"].items():
        shares = [f"{share:.4f}" for share in (scores["precision"], scores["recall"], scores["f1"])]
        made.add_row(Text(to_one_line(label, width=_LABEL_WIDTH)), *shares, f"{scores['support']:,}")
    return made


def _confusion(metrics: Metrics) -> RenderableType:
    labels = [to_one_line(label, width=_LABEL_WIDTH) for label in metrics["per_label"]]
    if len(labels) > _MATRIX_LABELS:
        return Text(f"the confusion matrix of {len(labels)} labels is in the JSON form")
    made = table("is / taken for", *labels)
    for label, row in zip(labels, metrics["confusion"], strict=True):
        made.add_row(Text(label), *[f"{count:,}" for count in row])
    return made

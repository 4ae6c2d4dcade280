"""Metrics and predictions -> what a person reads on a terminal; text of the data is shown, never obeyed."""

from collections.abc import Mapping

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.support.printable import to_one_line
from trainer.commands.predict import Prediction
from trainer.evaluation.metrics import Metrics

_PLAIN_WIDTH = 100
# More labels, or wider ones, than these would not stand side by side.
_MOST_CONFUSED = 8
_LABEL_WIDTH = 20
_TEXT_WIDTH = 60
_BAR_WIDTH = 10


def console() -> Console:
    """Standard output: as wide as the terminal and in its colours; 100 columns of plain text elsewhere."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)


def metrics_table(metrics: Metrics, *, title: str) -> RenderableType:
    """Accuracy and so on, each label's scores, and the confusion matrix."""
    figures = [f"accuracy {metrics['accuracy']:.4f}", f"loss {metrics['loss']:.4f}"]
    if metrics["auc"] is not None:
        figures.insert(1, f"AUC {metrics['auc']:.4f}")
    head = Text.assemble((title, "bold"), f"  {metrics['examples']:,} examples   ", "   ".join(figures))
    return Group(head, Text(), _labels(metrics), Text(), _confusion(metrics))


def rejected_table(rejected: Mapping[str, int]) -> RenderableType:
    """How many rows could not be used, by reason."""
    table = _table("rows left out", "rows")
    for reason, rows in rejected.items():
        table.add_row(Text(reason), f"{rows:,}")
    return table


def prediction_line(prediction: Prediction, *, labels: list[str], color: bool) -> Text:
    """A prediction on one line: label, probability, the text's beginning."""
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
    table = _table("label", "precision", "recall", "F1", "rows")
    for label, scores in metrics["per_label"].items():
        shares = [f"{share:.4f}" for share in (scores["precision"], scores["recall"], scores["f1"])]
        table.add_row(Text(to_one_line(label, width=_LABEL_WIDTH)), *shares, f"{scores['support']:,}")
    return table


def _confusion(metrics: Metrics) -> RenderableType:
    labels = [to_one_line(label, width=_LABEL_WIDTH) for label in metrics["per_label"]]
    if len(labels) > _MOST_CONFUSED:
        return Text(f"the confusion matrix of {len(labels)} labels is in the JSON form")
    table = _table("is / taken for", *labels)
    for label, row in zip(labels, metrics["confusion"], strict=True):
        table.add_row(Text(label), *[f"{count:,}" for count in row])
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, name in enumerate(columns):
        table.add_column(Text(name), justify="left" if index == 0 else "right")
    return table

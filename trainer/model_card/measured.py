"""Metrics -> the card's figures, each with its interval if it is a share of rows."""

from collections.abc import Iterator

from pipeline.contract import Split
from trainer.evaluation.intervals import wilson
from trainer.evaluation.metrics import LabelScores, Metrics
from trainer.model_card.schema import Figure, LabelFigures, Measured


def measured_of(metrics: Metrics, *, split: Split) -> Measured:
    """All figures of a split."""
    predicted = [sum(column) for column in zip(*metrics["confusion"], strict=True)]
    return Measured(
        split=split,
        rows=metrics["examples"],
        figures=list(_of_all(metrics)),
        labels=[
            LabelFigures(
                label=label, rows=scores["support"], figures=list(_of_label(scores, predicted=predicted[place]))
            )
            for place, (label, scores) in enumerate(metrics["per_label"].items())
        ],
    )


def _of_all(metrics: Metrics) -> Iterator[Figure]:
    rows = metrics["examples"]
    yield _figure("accuracy", metrics["accuracy"], rows=rows)
    commonest = max(scores["support"] for scores in metrics["per_label"].values())
    yield _figure("accuracy_of_the_commonest_label", commonest / rows, rows=rows)
    if metrics["auc"] is not None:
        yield _figure("auc", metrics["auc"])
    yield _figure("loss", metrics["loss"])


def _of_label(scores: LabelScores, *, predicted: int) -> Iterator[Figure]:
    """predicted: rows that the label is predicted for, of which precision is a share."""
    yield _figure("precision", scores["precision"], rows=predicted)
    yield _figure("recall", scores["recall"], rows=scores["support"])
    yield _figure("f1", scores["f1"])


def _figure(name: str, value: float, *, rows: float = 0, weighted: float | None = None) -> Figure:
    """rows: those of which the value is a share; 0 if it is no share."""
    return Figure(name=name, value=value, interval=wilson(value, rows), weighted=weighted)

"""Metrics -> the card's figures, each with its interval if it is a share of rows.

An interval is of the plain figure. That of a weighted one would be wider; the effective sample size says by how much.
"""

from collections.abc import Iterator, Mapping

from pipeline.contract import Split
from trainer.evaluation.intervals import wilson
from trainer.evaluation.metrics import Averages, Figures, LabelScores, Metrics, SliceScores, predicted_texts
from trainer.model_card.schema import Figure, LabelFigures, Measured, SliceFigures

# Those of all rows, in the card's order: the key in metrics.json, and in which of its objects it is.
_PLACES = [
    ("", "accuracy"), ("", "subset_accuracy"), ("", "auc"),
    *(("micro", key) for key in Averages.__annotations__), *(("macro", key) for key in Averages.__annotations__),
    ("ordinal", "mean_absolute_error"), ("ordinal", "expected_rating_error"), ("ordinal", "quadratic_weighted_kappa"),
    ("", "loss"), ("", "calibration_error"), ("", "brier"),
]  # fmt: skip


def measured_of(metrics: Metrics, *, split: Split) -> Measured:
    """All figures of a split."""
    weighted = metrics["weighted"]
    return Measured(
        split=split,
        rows=metrics["examples"],
        effective_rows=metrics["effective_examples"],
        figures=list(_of_all(metrics, weighted, rows=metrics["examples"])),
        labels=[
            LabelFigures(
                label=label,
                rows=round(scores["support"]),
                figures=list(_of_label(scores, weighted and weighted["per_label"][label], predicted=predicted)),
            )
            for (label, scores), predicted in zip(metrics["per_label"].items(), predicted_texts(metrics), strict=True)
        ],
    )


def slices_of(metrics: Metrics) -> list[SliceFigures]:
    """All slices, in the order of metrics.json."""
    found = []
    for part in metrics["slices"]:
        found += [_slice(part["by"], scores["value"], scores) for scores in part["slices"]]
        if part["others"] is not None:
            found.append(_slice(part["by"], None, part["others"]))
    return found


def _slice(by: str, value: str | None, scores: SliceScores) -> SliceFigures:
    low, high = scores["interval"]
    weighted = scores["weighted"]
    return SliceFigures(
        by=by,
        value=value,
        rows=scores["examples"],
        accuracy=scores["accuracy"],
        interval=(low, high),
        weighted=None if weighted is None else weighted["accuracy"],
    )


def _of_all(plain: Figures, weighted: Figures | None, *, rows: int) -> Iterator[Figure]:
    for part, key in _PLACES:
        value = _value(plain, part, key)
        if value is None:
            continue
        name = f"{part}_{key}" if part in ("micro", "macro") else key
        of_weights = None if weighted is None else _value(weighted, part, key)
        yield _figure(name, value, rows=rows if "accuracy" in key else 0, weighted=of_weights)
        if key == "accuracy":
            commonest = max(scores["support"] for scores in plain["per_label"].values())
            yield _figure("accuracy_of_the_commonest_label", commonest / rows, rows=rows)


def _value(figures: Figures, part: str, key: str) -> float | None:
    values = figures.get(part) if part else figures
    return _number(values.get(key)) if isinstance(values, dict) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None


def _of_label(scores: LabelScores, weighted: LabelScores | None, *, predicted: float) -> Iterator[Figure]:
    plain: Mapping[str, object] = {**scores}
    other: Mapping[str, object] = {**weighted} if weighted else {}
    bases = {"precision": predicted, "recall": scores["support"], "f1": 0, "average_precision": 0}
    for key, rows in bases.items():
        value, of_weights = _number(plain.get(key)), _number(other.get(key))
        if value is not None:
            yield _figure(key, value, rows=rows, weighted=of_weights)


def _figure(name: str, value: float, *, rows: float = 0, weighted: float | None = None) -> Figure:
    """rows: those of which the value is a share; 0 if it is no share."""
    return Figure(name=name, value=value, interval=wilson(value, rows), weighted=weighted)

"""Metrics of weighted rows -> a table with the figures beside each other: each text counted once, and with weights."""

from collections.abc import Iterator
from typing import Final

from markupsafe import Markup

from pipeline.html.elements import table, text_of_data
from pipeline.records_folder.record_files import SplitWeights
from trainer.evaluation.metrics import Figures, LabelScores, Metrics

_SHOWN_LABELS: Final = 60
_LABEL_CHARACTERS: Final = 60


def weights(metrics: Metrics, *, rows: int, train: SplitWeights | None, train_rows: int) -> Markup:
    """The section. rows: of the held-out split; train: the weights of the train split."""
    weighted = metrics["weighted"]
    assert weighted is not None
    effective = [f"the {rows:,} held-out texts say as much as {metrics['effective_examples'] or 0:,.0f}"]
    if train is not None and train.squares:
        size = train.total * train.total / train.squares
        effective.insert(0, f"the {train_rows:,} train texts say as much as {size:,.0f}")
    lead = Markup(
        '<p>By their weights {} of equal weight.</p><p class="soft">The effective sample size: (sum of the weights)² / '
        "sum of their squares (Kish, <i>Survey Sampling</i>, 1965).</p>"
    ).format(", and ".join(effective))
    figures = table(["", "each text once", "with weights"], list(_figures(metrics, weighted)), kinds="tnn")
    return lead + figures + Markup("<h3>Label by label</h3>") + _labels(metrics, weighted)


def _figures(plain: Figures, weighted: Figures) -> Iterator[list[str]]:
    for name, first, second in zip(FIGURES, values_of(plain), values_of(weighted), strict=True):
        if first is not None:
            yield [name, f"{first:.4f}", "–" if second is None else f"{second:.4f}"]


# The names of `values_of`.
FIGURES: Final = (
    "accuracy", "AUC", "subset accuracy", "micro F1", "macro F1", "macro average precision", "mean absolute error",
    "error of the expected rating", "quadratic weighted kappa", "loss (cross-entropy, nats)", "calibration error",
    "Brier score",
)  # fmt: skip


def values_of(figures: Figures) -> list[float | None]:
    """The figures of all texts, in the order of `FIGURES`; None for one that such labels don't have."""
    ordinal, micro, macro = figures.get("ordinal"), figures.get("micro"), figures.get("macro")
    return [
        figures.get("accuracy"),
        figures.get("auc"),
        figures.get("subset_accuracy"),
        micro and micro["f1"],
        macro and macro["f1"],
        macro and macro["average_precision"],
        ordinal and ordinal["mean_absolute_error"],
        ordinal and ordinal["expected_rating_error"],
        ordinal and ordinal["quadratic_weighted_kappa"],
        figures["loss"],
        figures["calibration_error"],
        figures["brier"],
    ]


def _labels(plain: Figures, weighted: Figures) -> Markup:
    """The labels with the largest difference of F1, if there are many."""
    pairs = [(name, scores, weighted["per_label"][name]) for name, scores in plain["per_label"].items()]
    selection = Markup()
    if len(pairs) > _SHOWN_LABELS:
        selection = Markup("<p>The {} of {:,} labels whose F1 differs most.</p>").format(_SHOWN_LABELS, len(pairs))
        pairs = sorted(pairs, key=lambda pair: -abs(pair[1]["f1"] - pair[2]["f1"]))[:_SHOWN_LABELS]
    heads = ["label", "precision", "weighted", "recall", "weighted", "F1", "weighted", "texts", "weight"]
    return selection + table(heads, [_label_row(*pair) for pair in pairs], kinds="tnnnnnnnn")


def _label_row(name: str, plain: LabelScores, weighted: LabelScores) -> list[str]:
    return [
        text_of_data(name, longest=_LABEL_CHARACTERS),
        *(f"{shares[key]:.3f}" for key in ("precision", "recall", "f1") for shares in (plain, weighted)),
        f"{plain['support']:,}",
        f"{weighted['support']:,.6g}",
    ]

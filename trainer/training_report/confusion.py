"""Metrics -> the confusion matrix, a table for few labels and a heat map for many, and the scores of each label.

The page stays small and readable with thousands of labels: of more than 60 the heat map shows those with the most
mistakes.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from pipeline.html.elements import bar, share, table, text_of_data, with_note
from pipeline.html.plots import Axis, Colour, Columns, Layer, Plot, axis_name, figure
from trainer.evaluation.metrics import LabelScores, Metrics
from trainer.training_report.worst_labels import worst_labels

Counts = npt.NDArray[np.int64]

_TABLE_LABELS: Final = 12  # columns that a page has room for
_MAP_LABELS: Final = 60  # names in letters of 9 pixels that fit side by side
_SHOWN_PAIRS: Final = 20
_LABEL_CHARACTERS: Final = 60
_CELL_PIXELS: Final = 14


def confusion(metrics: Metrics) -> Markup:
    """The confusion matrix; for more than 12 labels a heat map and the commonest confusions."""
    names, counts = list(metrics["per_label"]), np.array(metrics["confusion"], np.int64)
    if len(names) <= _TABLE_LABELS:
        return _matrix(names, counts)
    return _heat_map(names, counts) + Markup("<h3>The commonest confusions</h3>") + _pairs(names, counts)


def per_label(metrics: Metrics) -> Markup:
    """Precision, recall and F1 of each label, and their means. Of more than 60 labels those with the lowest F1."""
    selection, scores = worst_labels(metrics)
    rows = [_score_row(text_of_data(name, longest=_LABEL_CHARACTERS), of_label) for name, of_label in scores]
    return selection + table(
        ["label", "precision", "recall", "F1", "", "texts"],
        [_score_row(Markup("<i>mean of all labels</i>"), _mean(list(metrics["per_label"].values()))), *rows],
        kinds="tnnnbn",
    )


def most_confused(counts: Counts, number: int) -> list[int]:
    """The labels with the most mistakes, in the order of the labels.

    A mistake counts for the right label and for the predicted one.

    >>> most_confused(np.array([[5, 0, 1], [0, 9, 0], [4, 0, 2]]), 2)
    [0, 2]
    """
    wrong = counts - np.diag(np.diag(counts))
    mistakes = wrong.sum(axis=0) + wrong.sum(axis=1)
    return sorted(np.argsort(-mistakes, kind="stable")[:number].tolist())


def pairs(counts: Counts, number: int) -> list[tuple[int, int, int]]:
    """(right label, predicted label, texts) of the commonest confusions.

    >>> pairs(np.array([[5, 0, 1], [0, 9, 0], [4, 0, 2]]), 9)
    [(2, 0, 4), (0, 2, 1)]
    """
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:number]
    cells = [(int(place) // len(counts), int(place) % len(counts)) for place in order]
    return [(right, predicted, int(wrong[right, predicted])) for right, predicted in cells if wrong[right, predicted]]


def _matrix(names: Sequence[str], counts: Counts) -> Markup:
    heads = [text_of_data(name, longest=_LABEL_CHARACTERS) for name in names]
    rows = []
    for index, row in enumerate(counts):
        whole = int(row.sum())
        cells = [_cell(int(count), whole, is_right=place == index) for place, count in enumerate(row)]
        rows.append([heads[index], *cells])
    kinds = "t" + "n" * len(names)
    return Markup(
        "<p>A row for the right label, a column for the predicted one; shares are of the row.</p>"
        '<div class="confusion">{}</div>'
    ).format(table(["is / taken for", *heads], rows, kinds=kinds))


def _cell(count: int, whole: int, *, is_right: bool) -> Markup:
    strength = 60 * count / whole if whole else 0
    kind = "right" if is_right else "wrong"
    cell = with_note(f"{count:,}", share(count, whole))
    return Markup('<div class="{}" style="--share:{:.0f}%">{}</div>').format(kind, strength, cell)


def _heat_map(names: Sequence[str], counts: Counts) -> Markup:
    chosen = most_confused(counts, _MAP_LABELS)
    part = counts[np.ix_(chosen, chosen)]
    of_row = np.maximum(counts[chosen].sum(axis=1, keepdims=True), 1)
    axis_names = [axis_name(names[index]) for index in chosen]

    is_right = np.eye(len(chosen), dtype=bool)
    plot = Plot(
        x=Axis(label="taken for", names=axis_names),
        y=Axis(label="is", names=axis_names),
        layers=[
            _cells(np.where(is_right, part, 0), of_row, axis_names, key="right", colour="blue"),
            _cells(np.where(is_right, 0, part), of_row, axis_names, key="wrong", colour="red"),
        ],
        height=150 + _CELL_PIXELS * len(chosen),
    )
    which = (
        f"the {len(chosen)} of {len(names):,} labels with the most mistakes"
        if len(chosen) < len(names)
        else f"all {len(names)} labels"
    )
    explanation = Markup(
        "<p>A row for the right label, a column for the predicted one: {}. The stronger, the larger the share of the "
        "row; hover for the numbers, drag to zoom.</p>"
    ).format(which)
    return explanation + figure(plot, title="Confusion matrix")


def _cells(counts: Counts, of_row: Counts, names: Sequence[str], *, key: str, colour: Colour) -> Layer:
    """The cells that are not 0. of_row: the number of texts of each label, int [labels, 1]."""
    right, predicted = np.nonzero(counts)
    shares = (counts / of_row)[right, predicted]
    columns: Columns = {
        "x": predicted.tolist(),
        "y": right.tolist(),
        # The root, so that a share of 4% can be seen beside one of 90%.
        "strength": np.sqrt(shares).round(3).tolist(),
        "texts": counts[right, predicted].tolist(),
        "share": shares.round(4).tolist(),
        "right": [names[index] for index in right.tolist()],
        "predicted": [names[index] for index in predicted.tolist()],
    }
    hover = [
        ("is", "@right"),
        ("taken for", "@predicted"),
        ("texts", "@texts{0,0}"),
        ("share of its texts", "@share{0.0%}"),
    ]
    return Layer(mark="cells", columns=columns, colour=colour, hover=hover, key=key)


def _pairs(names: Sequence[str], counts: Counts) -> Markup:
    rows = [
        [
            text_of_data(names[right], longest=_LABEL_CHARACTERS),
            text_of_data(names[predicted], longest=_LABEL_CHARACTERS),
            f"{texts:,}",
            share(texts, int(counts[right].sum())),
        ]
        for right, predicted, texts in pairs(counts, _SHOWN_PAIRS)
    ]
    return table(["is", "taken for", "texts", "share"], rows, kinds="ttnn")


def _score_row(name: Markup, scores: LabelScores) -> list[str]:
    shares = [f"{share:.3f}" for share in (scores["precision"], scores["recall"], scores["f1"])]
    return [name, *shares, bar(scores["f1"]), f"{scores['support']:,}"]


def _mean(scores: Sequence[LabelScores]) -> LabelScores:
    number = len(scores)
    return {
        "precision": sum(of_label["precision"] for of_label in scores) / number,
        "recall": sum(of_label["recall"] for of_label in scores) / number,
        "f1": sum(of_label["f1"] for of_label in scores) / number,
        "support": sum(of_label["support"] for of_label in scores),
    }

"""Metrics of several labels a text -> a table of the labels: what is found, what is missed, what is a false alarm."""

from typing import Final

from markupsafe import Markup

from pipeline.html.elements import bar, share, table, text_of_data, with_note
from trainer.evaluation.metrics import Averages, LabelScores, Metrics
from trainer.training_report.worst_labels import worst_labels

_LABEL_CHARACTERS: Final = 60
_HEADS: Final = (
    "label", "precision", "recall", "F1", "", "average precision", "texts", "missed", "false alarms",
)  # fmt: skip


def several_labels(metrics: Metrics) -> Markup:
    """Micro and macro, then each label. Of more than 60 labels those with the lowest F1."""
    selection, scores = worst_labels(metrics)
    explanation = Markup(
        "<p>Micro counts each pair of a text and a label, so frequent labels count more; macro is the mean of the "
        "labels. A text that has the label and does not get it is missed, and one that gets it without having it is "
        "a false alarm. Average precision needs no threshold: it is how well the scores rank the texts.</p>"
    )
    rows = [
        _averages("micro", metrics["micro"]),
        _averages("macro", metrics["macro"]),
        *[_row(name, of_label) for name, of_label in scores],
    ]
    return explanation + selection + table(_HEADS, rows, kinds="tnnnbnnnn")


def _averages(name: str, scores: Averages) -> list[str]:
    return [Markup("<i>{}</i>").format(name), *_shares(scores), "", "", ""]


def _row(name: str, scores: LabelScores) -> list[str]:
    counts = scores["counts"]
    support, others = scores["support"], counts["false_positives"] + counts["true_negatives"]
    return [
        text_of_data(name, longest=_LABEL_CHARACTERS),
        *_shares(scores),
        f"{support:,}",
        with_note(f"{counts['false_negatives']:,}", share(counts["false_negatives"], support)),
        with_note(f"{counts['false_positives']:,}", share(counts["false_positives"], others)),
    ]


def _shares(scores: LabelScores | Averages) -> list[str]:
    found = scores["average_precision"]
    shares = [f"{scores['precision']:.3f}", f"{scores['recall']:.3f}", f"{scores['f1']:.3f}"]
    return [*shares, bar(scores["f1"]), "–" if found is None else f"{found:.3f}"]

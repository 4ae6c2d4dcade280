"""Metrics of labels -> those that a page shows, and a sentence if these are not all."""

from typing import Final

from markupsafe import Markup

from trainer.evaluation.metrics import LabelScores, Metrics

_SHOWN_LABELS: Final = 60


def worst_labels(metrics: Metrics) -> tuple[Markup, list[tuple[str, LabelScores]]]:
    """The sentence, and each label with its scores. Of more than 60 labels those with the lowest F1."""
    scores = list(metrics["per_label"].items())
    if len(scores) <= _SHOWN_LABELS:
        return Markup(), scores
    sentence = Markup("<p>The {} of {:,} labels with the lowest F1; <code>metrics.json</code> has all.</p>")
    lowest = sorted(scores, key=lambda item: (item[1]["f1"], -item[1]["support"]))[:_SHOWN_LABELS]
    return sentence.format(_SHOWN_LABELS, len(scores)), lowest

"""Metrics by slice -> a table for each name in metrics.slices, the worst slice first, each with its interval."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from pipeline.config.decision_settings import TEXT_LENGTH
from pipeline.html.elements import range_bar, table, text_of_data
from trainer.evaluation.metrics import SlicedBy, SliceScores

_VALUE_CHARACTERS: Final = 60


def slices(parts: Sequence[SlicedBy], *, accuracy: float, several: bool) -> Markup:
    """The section. accuracy: of all texts; several: whether it is the subset accuracy."""
    what = "all labels of a text right" if several else "share of right answers"
    explanation = Markup(
        "<p>Accuracy ({what}) by part, the lowest first; of all texts it is {accuracy:.3f}. The bar is the interval in "
        "which the accuracy lies with 95 % confidence (Wilson): it is wide where there are few texts.</p>"
    ).format(what=what, accuracy=accuracy)
    return explanation + Markup().join(_sliced(part) for part in parts)


def _sliced(part: SlicedBy) -> Markup:
    every = [*part["slices"], *([part["others"]] if part["others"] else [])]
    has_f1, is_weighted = any("f1" in row for row in every), any(row["weighted"] for row in every)
    heads = ["length" if part["by"] == TEXT_LENGTH else "value", "accuracy", "interval", ""]
    heads += [*["micro F1"] * has_f1, "loss", *["weighted accuracy"] * is_weighted, "texts"]
    rows = [_row(_value(row["value"]), row, has_f1=has_f1, is_weighted=is_weighted) for row in part["slices"]]
    if (others := part["others"]) is not None:
        values = Markup("<i>{:,} rarer {}</i>").format(others["values"], "value" if others["values"] == 1 else "values")
        rows.append(_row(values, others, has_f1=has_f1, is_weighted=is_weighted))
    kinds = "tnnb" + "n" * (len(heads) - 4)
    name = "text length" if part["by"] == TEXT_LENGTH else part["by"]
    head = Markup("<h3>By {}</h3>").format(text_of_data(name, longest=_VALUE_CHARACTERS))
    return head + table(heads, rows, kinds=kinds)


def _value(value: str) -> Markup:
    return text_of_data(value, longest=_VALUE_CHARACTERS) if value else Markup("<i>none</i>")


def _row(name: Markup, scores: SliceScores, *, has_f1: bool, is_weighted: bool) -> list[str]:
    low, high = scores["interval"]
    f1, weighted = scores.get("f1"), scores["weighted"]
    cells = [name, f"{scores['accuracy']:.3f}", f"{low:.3f} to {high:.3f}", range_bar(low, high)]
    cells += ["–" if f1 is None else f"{f1:.3f}"] * has_f1
    cells.append(f"{scores['loss']:.3f}")
    cells += ["–" if weighted is None else f"{weighted['accuracy']:.3f}"] * is_weighted
    return [*cells, f"{scores['examples']:,}"]

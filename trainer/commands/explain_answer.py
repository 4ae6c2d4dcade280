"""The scores of a text + the model's decision -> how the answer comes about, for the terminal.

The answer of a model without a decision is the label of the highest score. Otherwise a table has each label with its
score and what decides: its threshold, or the expected cost of the answer.
"""

from collections.abc import Iterator

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.support.printable import to_one_line
from pipeline.support.terminal import table
from trainer.commands.decision_table import threshold_text
from trainer.commands.explain import TextSteps
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.rules import several_thresholds
from trainer.savedmodel.model_info import ModelInfo

_SHOWN_LABELS = 12
_LABEL_WIDTH = 20  # characters


def answer_view(text: TextSteps, info: ModelInfo) -> RenderableType:
    """The answer, and what it is made of."""
    scheme, decision = info.scheme, info.decision
    if decision == NO_DECISION and not scheme.several and not scheme.has_rating:
        scores = ", ".join(f"{to_one_line(label)} {score:.4f}" for label, score in text.scores.items())
        return Text.assemble((to_one_line(text.label), "bold"), f"  ({scores})")
    notes = [Text(note, style="dim") for note in _notes(text, scheme, decision)]
    return Group(Text(answer_words(text), style="bold"), *notes, _table(text, scheme, decision))


def answer_words(text: TextSteps) -> str:
    """What is answered, in words.

    >>> from dataclasses import replace
    >>> steps = TextSteps("so so", [], [], 0, 0, "pos", 0.5, {"neg": 0.5, "pos": 0.5}, [])
    >>> answer_words(steps), answer_words(replace(steps, abstains=True))
    ('pos', 'abstains (best guess pos)')
    >>> answer_words(replace(steps, labels=["pos", "neg"])), answer_words(replace(steps, labels=[]))
    ('pos, neg', 'none of the labels')
    >>> answer_words(replace(steps, rating=3.8125))
    'pos, rating 3.812'
    """
    label = to_one_line(text.label)
    if text.labels is not None:
        return ", ".join(map(to_one_line, text.labels)) or "none of the labels"
    rating = "" if text.rating is None else f", rating {text.rating:.4g}"
    return (f"abstains (best guess {label})" if text.abstains else label) + rating


def _notes(text: TextSteps, scheme: LabelScheme, decision: Decision) -> Iterator[str]:
    """Sentences on how scores come about and what decides."""
    if decision.temperature != 1:
        yield f"Scores are calibrated: the logits are divided by the temperature {decision.temperature:.4g}."
    if decision.prior_weights is not None:
        yield "The class weights of the training are taken out of the scores again."
    if scheme.several:
        yield "The text has each label whose score reaches its threshold."
    elif decision.costs is not None:
        yield "The answer is the label with the lowest expected cost."
    elif decision.thresholds is not None:
        yield "A label is the answer if its score reaches its threshold; of several, the highest score / threshold."
    elif decision.prior_weights is not None:
        yield "The answer is the label with the highest score x weight, as it was before that."
    below = decision.settings.abstain_below
    if text.abstains and below is not None and text.probability < np.float32(below):
        yield f"It abstains, because {text.probability:.4f} is below decision.abstain_below {below:g}."
    elif text.abstains:
        yield "It abstains, because no score reaches its threshold."
    if scheme.has_rating:
        yield "The rating is the sum of each label's number times its score."


def _table(text: TextSteps, scheme: LabelScheme, decision: Decision) -> RenderableType:
    """The labels by score, the highest first, with what decides on each."""
    heads, columns = ["label", "score"], [[f"{score:.4f}" for score in text.scores.values()]]
    if scheme.several:
        thresholds: list[float | None] = [*several_thresholds(decision, scheme).tolist()]
        heads += ["threshold", "decided"]
        columns.append([threshold_text(each) for each in thresholds])
        columns.append(["yes" if label in (text.labels or []) else "no" for label in text.scores])
    elif decision.costs is not None:
        heads.append("expected cost")
        costs = np.array(list(text.scores.values())) @ np.array(decision.costs)
        columns.append([f"{cost:.4g}" for cost in costs])
    elif decision.thresholds is not None:
        heads.append("threshold")
        columns.append([threshold_text(each) for each in decision.thresholds])
    elif decision.prior_weights is not None:
        weighted = np.array(list(text.scores.values())) * decision.prior_weights
        heads += ["weight", "score x weight"]
        columns.append([f"{weight:.4g}" for weight in decision.prior_weights])
        columns.append([f"{product:.4g}" for product in weighted])
    made = table(*heads)
    rows = sorted(zip(text.scores, *columns, strict=True), key=lambda row: -text.scores[row[0]])
    for label, *cells in rows[:_SHOWN_LABELS]:
        made.add_row(Text(to_one_line(label, width=_LABEL_WIDTH)), *cells)
    more = len(rows) - _SHOWN_LABELS
    return Group(made, Text(f"… and {more} more; --json has them all", style="dim")) if more > 0 else made

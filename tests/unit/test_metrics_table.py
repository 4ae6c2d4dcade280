"""trainer.commands.metrics_table: every kind of metrics fits a terminal of 80 columns and shows what it should."""

import io
import re
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pipeline.config.decision_settings import DecisionSettings, MetricsSettings
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.commands.metrics_table import metrics_table
from trainer.decision.decision import NO_DECISION, Decision
from trainer.evaluation.measure import answers_of, metrics_of_answers
from trainer.evaluation.metrics import Metrics
from trainer.evaluation.slices import slices_of

LONG = (
    "a label of very many characters, as some data sets have",
    "another one of them",
    "one of a great length",
    "short",
)
CAREFUL = Decision(settings=DecisionSettings(abstain_below=0.7))


def lines_of(metrics: Metrics) -> list[str]:
    written = io.StringIO()
    Console(file=written, width=80, highlight=False, markup=False).print(metrics_table(metrics, title="a.csv"))
    return written.getvalue().splitlines()


def measured(scheme: LabelScheme, *, weighted: bool, decision: Decision) -> Metrics:
    """Of 120,000 examples, so that counts are wide."""
    draws, examples = np.random.default_rng(5), 120_000
    scores = draws.dirichlet(np.ones(len(scheme.names)), examples)
    labels: Any = draws.integers(0, len(scheme.names), examples)
    if scheme.several:
        labels = draws.random(scores.shape) < 0.5
    weights = draws.random(examples) + 0.1 if weighted else None
    answers = answers_of(scores, labels, scheme=scheme, weights=weights, decision=decision)
    metrics = metrics_of_answers(answers, scheme)
    source = np.array(["a source of a long name", *(f"site{place}" for place in range(19))], np.object_)
    columns = {"source": source[draws.integers(0, 20, examples)]}
    columns["source"][np.flatnonzero(~answers.is_right)[:2000]] = ""  # the worst slice
    columns["source"][0] = "seen once"
    settings = MetricsSettings(slices=["source", "text_length"])
    metrics["slices"] = slices_of(
        answers, scheme, settings=settings, columns=columns, word_counts=draws.integers(1, 500, examples)
    )
    return metrics


TWO = LabelScheme(("neg", "pos"))
STARS = LabelScheme(("1", "2", "5"), kind="ordinal")


# labels, weights, decision, what is shown
@pytest.mark.parametrize(("scheme", "weighted", "decision", "words"), [
    (TWO,                             False, NO_DECISION, ["AUC", "Brier score", "is / taken for"]),
    (TWO,                             True,  CAREFUL,     ["plain", "share that is decided", "as good as"]),
    (LabelScheme(LONG),               True,  NO_DECISION, ["matrix of 4 labels is in the JSON form"]),
    (LabelScheme(LONG, several=True), True,  NO_DECISION, ["subset accuracy", "micro", "macro", "average"]),
    (STARS,                           True,  CAREFUL,     ["quadratic weighted kappa", "error of expected rating"]),
])  # fmt: skip
def test_metrics_table_fits_80_columns(
    scheme: LabelScheme, weighted: bool, decision: Decision, words: list[str]
) -> None:
    lines = lines_of(measured(scheme, weighted=weighted, decision=decision))
    assert "120,000 examples" in lines[0]
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if re.fullmatch(r"\S+…", line.strip())]  # the second line of a cell
    shown = "\n".join(lines)
    of_slices = ["by source", "by text_length", "(none)", "1 other value", "11 better ones are in the JSON form"]
    assert [word for word in [*words, *of_slices] if word not in shown] == []


def test_metrics_table_shows_the_figures() -> None:
    scores = [[0.1, 0.9], [0.6, 0.4], [0.4, 0.6], [0.8, 0.2]]
    scheme = LabelScheme(("neg", "pos"))
    answers = answers_of(scores, [1, 1, 0, 0], scheme=scheme, weights=[3.0, 1.0, 1.0, 1.0])
    lines = lines_of(metrics_of_answers(answers, scheme))
    assert lines[0] == "a.csv  4 examples, by their weights as good as 3"
    # Weighted: 3 + 1 of 6 are right; the effective size is 36 / 12.
    assert [line.split() for line in lines[2:4]] == [
        ["accuracy", "0.5000", "0.1500", "to", "0.8500", "0.6667", "0.2077", "to", "0.9385"],
        ["AUC", "0.7500", "0.8750"],
    ]
    assert ["pos", "0.5000", "0.5000", "0.5000", "0.7500", "2"] in [line.split() for line in lines]
    assert ["neg", "1", "1"] in [line.split() for line in lines]

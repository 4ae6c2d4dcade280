"""trainer.commands.explain_answer: how the answer of each kind of model comes about, as a person reads it."""

import io
from typing import Any

import pytest
from rich.console import Console

from pipeline.config.decision_settings import DecisionSettings
from trainer.commands.explain import TextSteps
from trainer.commands.explain_answer import answer_view
from trainer.decision.decision import Decision
from trainer.savedmodel.model_info import ModelInfo

CALIBRATED = DecisionSettings(calibrate="temperature")


@pytest.mark.parametrize(
    # decision, the answered label, the lines
    ("decision", "label", "lines"),
    [
        # 0.9 x 0.5 is less than 0.1 x 50: the label of the lower score is the answer, and the table says why.
        (Decision(settings=CALIBRATED, prior_weights=[0.5, 50.0]), "spam", [
            "spam",
            "The class weights of the training are taken out of the scores again.",
            "The answer is the label with the highest score x weight, as it was before that.",
            "label   score  weight  score x weight",
            "ham    0.9000     0.5            0.45",
            "spam   0.1000      50               5",
        ]),
        (Decision(costs=[[0.0, 1.0], [20.0, 0.0]]), "spam", [
            "spam",
            "The answer is the label with the lowest expected cost.",
            "label   score  expected cost",
            "ham    0.9000              2",
            "spam   0.1000            0.9",
        ]),
        (Decision(temperature=2.0, thresholds=[None, 2.0]), "ham", [
            "ham",
            "Scores are calibrated: the logits are divided by the temperature 2.",
            "A label is the answer if its score reaches its threshold; of several, the highest",
            "score / threshold.",
            "label   score  threshold",
            "ham    0.9000          -",
            "spam   0.1000      never",
        ]),
        (Decision(), "ham", ["ham  (ham 0.9000, spam 0.1000)"]),
    ],
)  # fmt: skip
def test_explain_answer_says_what_decides(decision: Decision, label: str, lines: list[str]) -> None:
    scores = {"ham": 0.9, "spam": 0.1}
    steps = TextSteps("so so", [], [], 0, 0, label, scores[label], scores, [])
    fields: dict[str, Any] = {"labels": list(scores), "decision": decision}
    written = io.StringIO()
    Console(file=written, width=82, highlight=False, markup=False).print(
        answer_view(steps, ModelInfo.model_construct(**fields))
    )
    assert [line.rstrip() for line in written.getvalue().splitlines()] == lines

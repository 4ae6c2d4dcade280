"""Scores -> labels: the table of cases that the graph must give too, and scores against their definitions."""

import math

import numpy as np
import pytest

from pipeline.records_folder.label_scheme import LabelScheme
from tests.support.decision_cases import DECISION_CASES
from trainer.decision.decision import Decision
from trainer.decision.rules import decide
from trainer.decision.scores import scores_of


@pytest.mark.parametrize("name", DECISION_CASES)
def test_decision_rules_decide_by_the_table(name: str) -> None:
    case = DECISION_CASES[name]
    decided = decide(case.scores, case.decision, case.scheme)
    assert decided.labels.tolist() == case.labels
    assert decided.abstains.tolist() == case.abstains
    assert decided.labels.dtype == (np.bool_ if case.several else np.int64)


@pytest.mark.parametrize("name", DECISION_CASES)
def test_decision_rules_no_text_gives_no_answer(name: str) -> None:
    case = DECISION_CASES[name]
    decided = decide(np.zeros([0, len(case.names)]), case.decision, case.scheme)
    assert len(decided.labels) == len(decided.abstains) == 0


@pytest.mark.parametrize("name", DECISION_CASES)
def test_decision_rules_abstain_only_if_they_can(name: str) -> None:
    case = DECISION_CASES[name]
    assert case.decision.can_abstain(case.scheme) or not any(case.abstains)


def logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


@pytest.mark.parametrize(
    # temperature, weights, labels, logits, scores by their definition
    ("parts", "scheme", "logits", "expected"),
    [
        ({}, LabelScheme(("a", "b")), [1.0], [1 - logistic(1.0), logistic(1.0)]),
        ({"temperature": 2.0}, LabelScheme(("a", "b")), [1.0], [1 - logistic(0.5), logistic(0.5)]),
        # odds of 1 : 1 under weights of 1 : 4 are odds of 4 : 1
        ({"prior_weights": [0.5, 2.0]}, LabelScheme(("a", "b")), [0.0], [0.8, 0.2]),
        # the temperature first: exp(2 / 2) / 4
        (
            {"temperature": 2.0, "prior_weights": [1.0, 4.0]},
            LabelScheme(("a", "b")),
            [2.0],
            [1 / (1 + math.e / 4), (math.e / 4) / (1 + math.e / 4)],
        ),
        ({}, LabelScheme(("a", "b", "c")), [0.0, math.log(2), math.log(5)], [1 / 8, 2 / 8, 5 / 8]),
        ({"temperature": 0.5}, LabelScheme(("a", "b", "c")), [0.0, 0.0, math.log(2)], [1 / 6, 1 / 6, 4 / 6]),
        ({"prior_weights": [1.0, 1.0, 2.0]}, LabelScheme(("a", "b", "c")), [0.0, 0.0, 0.0], [0.4, 0.4, 0.2]),
        ({}, LabelScheme(("a", "b"), several=True), [0.0, 2.0], [0.5, logistic(2.0)]),
        (
            {"temperature": 2.0, "prior_weights": [3.0, 1.0]},
            LabelScheme(("a", "b"), several=True),
            [0.0, 2.0],
            [0.25, logistic(1.0)],
        ),
        ({}, LabelScheme(("a", "b")), [1000.0], [0.0, 1.0]),  # no overflow
        ({}, LabelScheme(("a", "b", "c")), [1000.0, 0.0, -1000.0], [1.0, 0.0, 0.0]),
    ],
)
def test_decision_scores_follow_their_definition(
    parts: dict[str, object], scheme: LabelScheme, logits: list[float], expected: list[float]
) -> None:
    decision = Decision.model_validate(parts)
    assert scores_of([logits], decision, scheme)[0].tolist() == pytest.approx(expected, abs=1e-6)
    assert scores_of([logits], decision, scheme).dtype == np.float32
    assert scores_of(np.zeros([0, len(logits)]), decision, scheme).shape == (0, len(scheme.names))

"""The most confident wrong answers, of one label a text and of several."""

from typing import Any

import numpy as np
import pytest

from pipeline.config.decision_settings import DecisionSettings
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.rules import decide
from trainer.evaluation.mistakes import Mistake, surest_mistakes

IDS = np.array([[0, 1], [2, 3], [0, 4]], np.int64)
ONE = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]], np.float32)
SEVERAL = np.array([[0.6, 0.3, 0.5], [0.2, 0.9, 0.05], [0.1, 0.1, 0.8]], np.float32)

SURE = Decision(settings=DecisionSettings(abstain_below=0.65))
LOW_SEVERAL = Decision(thresholds=[0.5, 0.25, 0.5])
LOW = Decision(settings=DecisionSettings(threshold={"b": 0.3}), thresholds=[None, 0.3, None])


@pytest.mark.parametrize(
    # scores, right labels, decision, mistakes: row, right, predicted, the wrong one, its probability in 1 / 10,000
    ("scores", "labels", "decision", "expected"),
    [
        (ONE, [0, 1, 2], NO_DECISION, []),
        (ONE, [1, 1, 0], NO_DECISION, [(2, (0,), (2,), 2, 8000), (0, (1,), (0,), 0, 6000)]),
        (ONE, [1, 1, 0], SURE, [(2, (0,), (2,), 2, 8000)]),  # the other one abstains
        (ONE, [2, 1, 2], LOW, [(0, (2,), (1,), 1, 3000)]),
        (SEVERAL, [[1, 0, 1], [0, 1, 0], [0, 0, 1]], NO_DECISION, []),  # 0.5 is enough to be predicted
        (
            SEVERAL,
            [[1, 0, 0], [0, 1, 1], [0, 0, 0]],
            NO_DECISION,
            # Row 1 misses the label 2, of whose absence the model is sure by 0.95.
            [(1, (1, 2), (1,), 2, 9500), (2, (), (2,), 2, 8000), (0, (0,), (0, 2), 2, 5000)],
        ),
        (SEVERAL[:1], [[1, 0, 0]], LOW_SEVERAL, [(0, (0,), (0, 1, 2), 2, 5000)]),  # 0.3 is less sure than 0.5
        (
            SEVERAL[1:2],
            [[1, 0, 0]],
            NO_DECISION,
            [(0, (0,), (1,), 1, 9000)],
        ),  # two wrong decisions: 0.9 is surer than 0.8
    ],
)
def test_mistakes_are_the_surest_wrong_answers(
    scores: np.ndarray, labels: list[Any], decision: Decision, expected: list[Any]
) -> None:
    ids = IDS[: len(scores)]
    right = np.array(labels, np.int64 if np.ndim(labels) == 1 else np.bool_)
    decided = decide(scores, decision, LabelScheme(tuple("abc"), several=right.ndim == 2))
    found = list(surest_mistakes(ids, right, scores, decided=decided, most=9))
    rounded = [
        Mistake(mistake.ids, mistake.labels, mistake.predicted, mistake.wrong, round(mistake.probability * 10_000))
        for mistake in found
    ]
    assert rounded == [Mistake(ids[row].tolist(), *others) for row, *others in expected]
    assert list(surest_mistakes(ids, right, scores, decided=decided, most=1)) == found[:1]

"""Which decisions depend on the last digits of scores: by hand, and against decisions on scores a little off."""

import numpy as np
import pytest

from pipeline.config.decision_settings import DecisionSettings
from pipeline.records_folder.label_scheme import LabelScheme
from tests.support.decision_cases import DECISION_CASES
from trainer.decision.decision import Decision
from trainer.decision.rules import decide
from trainer.decision.sure import sure

TWO, SEVERAL = LabelScheme(("a", "b")), LabelScheme(("a", "b"), several=True)
HALF = Decision(settings=DecisionSettings(threshold=0.75), thresholds=[None, 0.75])
EACH = Decision(settings=DecisionSettings(threshold="precision>=0.9"), thresholds=[0.5, 0.75])
BELOW = Decision(settings=DecisionSettings(abstain_below=0.75))
COSTS = Decision(settings=DecisionSettings(costs={}), costs=[[0, 1], [9, 0]])
OWN = Decision(settings=DecisionSettings(threshold={"a": 0.25}), thresholds=[0.25, None])

# decision, labels, scores, whether the label is sure within 0.01, which decided labels are
CASES = [
    (Decision(), TWO,     [0.25, 0.75],   True,  None),
    (Decision(), TWO,     [0.491, 0.509], False, None),
    (HALF,       TWO,     [0.245, 0.755], False, None),
    (HALF,       TWO,     [0.26, 0.74],   False, None),  # 0.74 + 0.01 reaches it
    (HALF,       TWO,     [0.27, 0.73],   True,  None),
    (EACH,       TWO,     [0.495, 0.505], False, None),  # a may reach its threshold, and then it does not abstain
    (EACH,       TWO,     [0.375, 0.625], True,  None),  # abstains
    (BELOW,      TWO,     [0.255, 0.745], False, None),
    (BELOW,      TWO,     [0.4, 0.6],     True,  None),  # abstains
    (COSTS,      TWO,     [0.9, 0.1],     False, None),  # equal costs
    (COSTS,      TWO,     [0.905, 0.095], False, None),  # 0.855 : 0.905, and 0.01 moves their difference by 0.1
    (COSTS,      TWO,     [0.95, 0.05],   True,  None),  # 0.45 : 0.95
    (Decision(), SEVERAL, [0.495, 0.75],  True,  [False, True]),
    (Decision(), SEVERAL, [0.255, 0.26],  False, [True, True]),  # the most probable label is not sure, but no other is
    (OWN,        SEVERAL, [0.255, 0.26],  False, [False, True]),
]  # fmt: skip


@pytest.mark.parametrize(("decision", "scheme", "scores", "label", "decided"), CASES)
def test_decision_sure_near_a_threshold(
    decision: Decision, scheme: LabelScheme, scores: list[float], label: bool, decided: list[bool] | None
) -> None:
    found = sure([scores], decision, scheme, tolerance=0.01)
    assert found.label.tolist() == [label]
    assert (None if found.decided is None else found.decided.tolist()) == (None if decided is None else [decided])


@pytest.mark.parametrize("name", DECISION_CASES)
def test_decision_sure_is_never_wrong(name: str) -> None:
    """However scores are off within the tolerance, what is sure stays; with larger errors some of it does not."""
    case, draw = DECISION_CASES[name], np.random.default_rng(7)
    classes, tolerance = len(case.names), 0.02
    scores = draw.dirichlet([1.0] * classes, 400)
    if case.several:
        scores = draw.random([400, classes])
    right, found = (
        decide(scores, case.decision, case.scheme),
        sure(scores, case.decision, case.scheme, tolerance=tolerance),
    )
    is_sure = found.label if found.decided is None else found.decided
    assert is_sure.any()
    for _ in range(300):
        errors = draw.choice([-tolerance, tolerance], scores.shape) * draw.choice([1.0, 0.999, 0.5], [len(scores), 1])
        other = decide(np.maximum(scores + errors, 0), case.decision, case.scheme)
        assert not ((other.labels != right.labels) & is_sure).any()
        if found.decided is None:
            assert not ((other.abstains != right.abstains) & is_sure).any()


def test_decision_sure_of_no_text() -> None:
    assert sure(np.zeros([0, 2]), EACH, TWO, tolerance=1e-6).label.shape == (0,)
    assert sure(np.zeros([0, 2]), OWN, SEVERAL, tolerance=1e-6).label.shape == (0,)

"""The table of scores and what is decided of them, worked out by hand; NumPy and the graph must both give it."""

from typing import Any, NamedTuple

from pipeline.config.decision_settings import DecisionSettings
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import NEVER, Decision


class DecisionCase(NamedTuple):
    """scores: one row each; labels: the index of each row's answer, or a list of bool with several labels."""

    settings: dict[str, Any]
    parts: dict[str, Any]
    names: str
    scores: list[list[float]]
    labels: list[Any]
    abstains: list[bool]
    several: bool = False

    @property
    def decision(self) -> Decision:
        return Decision(settings=DecisionSettings(**self.settings), **self.parts)

    @property
    def scheme(self) -> LabelScheme:
        return LabelScheme(tuple(self.names), several=self.several)


T, F = True, False
DECISION_CASES = {
    "argmax": DecisionCase({}, {}, "abc", [[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]], [1, 0], [F, F]),
    "argmax below": DecisionCase(
        {"abstain_below": 0.5}, {}, "abc", [[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]], [1, 0], [F, T]  # 0.5 is not below 0.5
    ),
    "weights taken out": DecisionCase(
        {"calibrate": "temperature"},
        {"prior_weights": [0.5, 4.0]},
        "ab",
        [[0.9, 0.1], [0.8, 0.2]],  # 0.45 : 0.4, 0.4 : 0.8
        [0, 1],
        [F, F],
    ),
    "one label": DecisionCase(
        {"threshold": {"c": 0.25}},
        {"thresholds": [None, None, 0.25]},
        "abc",
        [[0.5, 0.25, 0.25], [0.5, 0.375, 0.125], [0.375, 0.5, 0.125]],
        [2, 0, 1],
        [F, F, F],
    ),
    "two of three labels": DecisionCase(
        {"threshold": {"b": 0.25, "c": 0.125}},
        {"thresholds": [None, 0.25, 0.125]},
        "abc",
        [[0.5, 0.25, 0.25], [0.375, 0.5, 0.125], [0.7, 0.2, 0.1], [0.25, 0.5, 0.25]],
        [2, 1, 0, 1],  # 1 : 2; 2 : 1; none is reached; 2 : 2, the first
        [F, F, F, F],
    ),
    "weight of a label without threshold": DecisionCase(
        {"threshold": {"c": 0.5}, "calibrate": "temperature"},
        {"thresholds": [None, None, 0.5], "prior_weights": [1.0, 4.0, 1.0]},
        "abc",
        [[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]],
        [1, 2],  # 0.5 : 1; c is reached
        [F, F],
    ),
    "a score for all": DecisionCase(
        {"threshold": 0.5},
        {"thresholds": [0.5, 0.5, 0.5]},
        "abc",
        [[0.4, 0.3, 0.3], [0.5, 0.5, 0.0], [0.25, 0.0, 0.75]],
        [0, 0, 2],
        [T, F, F],
    ),
    "zero for all": DecisionCase(
        {"threshold": 0}, {"thresholds": [0.0, 0.0, 0.0]}, "abc", [[0.4, 0.4, 0.2], [0.0, 0.25, 0.75]], [0, 2], [F, F]
    ),
    "zero for one": DecisionCase(
        {"threshold": {"a": 0}}, {"thresholds": [0.0, None]}, "ab", [[0.0, 1.0], [0.5, 0.5]], [0, 0], [F, F]
    ),
    "two labels, a score": DecisionCase(
        {"threshold": 0.75},
        {"thresholds": [None, 0.75]},
        "ab",
        [[0.3125, 0.6875], [0.25, 0.75], [0.0, 1.0], [0.2500001, 0.7499999]],
        [0, 1, 1, 0],
        [F, F, F, F],
    ),
    "two labels, zero": DecisionCase(
        {"threshold": 0}, {"thresholds": [None, 0.0]}, "ab", [[1.0, 0.0], [0.5, 0.5]], [1, 1], [F, F]
    ),
    "two labels, one": DecisionCase(
        {"threshold": 1}, {"thresholds": [None, 1.0]}, "ab", [[0.0, 1.0], [0.125, 0.875]], [1, 0], [F, F]
    ),
    "two labels, precision": DecisionCase(
        {"threshold": "precision>=0.9"},
        {"thresholds": [0.5, 0.75]},
        "ab",
        [[0.375, 0.625], [0.25, 0.75], [0.4375, 0.5625], [0.5, 0.5]],
        [1, 1, 0, 0],  # 0.75 : 0.83; b; 0.875 : 0.75; a is reached
        [T, F, T, F],
    ),
    "precision that nothing has": DecisionCase(
        {"threshold": "precision>=0.9"}, {"thresholds": [0.5, NEVER]}, "ab", [[0.0, 1.0], [0.5, 0.5]], [1, 0], [T, F]
    ),
    "best F1 of each": DecisionCase(
        {"threshold": "best_f1"},
        {"thresholds": [0.5, 0.5, 0.25]},
        "abc",
        [[0.375, 0.4375, 0.1875], [0.125, 0.625, 0.25], [0.3125, 0.3125, 0.375]],
        [1, 1, 2],  # none is reached, and none abstains
        [F, F, F],
    ),
    "best F1 and precision": DecisionCase(
        {"threshold": {"a": "best_f1", "b": "precision>=0.9"}},
        {"thresholds": [0.75, 0.75]},
        "ab",
        [[0.375, 0.625], [0.25, 0.75]],
        [0, 1],  # a answers where nothing is reached
        [F, F],
    ),
    "threshold and below": DecisionCase(
        {"threshold": {"b": 0.25}, "abstain_below": 0.625},
        {"thresholds": [None, 0.25]},
        "ab",
        [[0.75, 0.25], [0.375, 0.625], [0.8125, 0.1875]],
        [1, 1, 0],
        [T, F, F],
    ),
    "costs": DecisionCase(
        # a taken for b costs 1, b taken for a costs 9: b from 0.1 on; equal costs: a
        {"costs": {"b": {"a": 9}}},
        {"costs": [[0, 1], [9, 0]]},
        "ab",
        [[0.9375, 0.0625], [0.875, 0.125], [1.0, 0.0]],
        [0, 1, 0],
        [F, F, F],
    ),
    "equal costs": DecisionCase({"costs": {}}, {"costs": [[0, 1], [1, 0]]}, "ab", [[0.5, 0.5]], [0], [F]),
    "costs of a third way": DecisionCase(
        # c is no label of the data, only the cheap way out
        {"costs": {"a": {"c": 0.25}, "b": {"c": 0.25}}, "abstain_below": 0.125},
        {"costs": [[0, 1, 0.25], [1, 0, 0.25], [1, 1, 0]]},
        "abc",
        [[0.5, 0.5, 0.0], [0.8125, 0.1875, 0.0]],
        [2, 0],
        [T, F],
    ),
    "several": DecisionCase(
        {}, {}, "ab", [[0.5, 0.4], [0.1, 0.2], [0.9, 0.8]], [[T, F], [F, F], [T, T]], [F, F, F], several=True
    ),
    "several, each its own": DecisionCase(
        {"threshold": {"a": 0.25, "b": "precision>=0.9"}},
        {"thresholds": [0.25, NEVER, None]},
        "abc",
        [[0.25, 1.0, 0.5], [0.2, 1.0, 0.49]],
        [[T, F, T], [F, F, F]],
        [F, F],
        several=True,
    ),
    "several, zero": DecisionCase(
        {"threshold": 0}, {"thresholds": [0.0, 0.0]}, "ab", [[0.0, 0.5]], [[T, T]], [F], several=True
    ),
    "several, weights taken out": DecisionCase(
        {"calibrate": "temperature"},
        {"prior_weights": [1.0, 3.0]},
        "ab",
        [[0.49, 0.25], [0.5, 0.24]],
        [[F, T], [T, F]],
        [F, F],
        several=True,
    ),
}  # fmt: skip

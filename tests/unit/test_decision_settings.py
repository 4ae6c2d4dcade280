"""decision.threshold: the rules that a setting may name, and how each is kept."""

import pytest
from pydantic import ValidationError

from pipeline.config.decision_settings import DecisionSettings, ThresholdRule
from pipeline.config.load import load
from pipeline.errors import UserError

# fmt: off
RULES: list[tuple[object, ThresholdRule, object]] = [
    # as it is set, the rule, as the settings keep it
    ("argmax", ThresholdRule("argmax"), "argmax"),
    ("best_f1", ThresholdRule("best_f1"), "best_f1"),
    (0, ThresholdRule("score", 0.0), 0.0),
    (1, ThresholdRule("score", 1.0), 1.0),
    (" recall  >=.5 ", ThresholdRule("recall", 0.5), "recall>=0.5"),
    ("precision>=1.", ThresholdRule("precision", 1.0), "precision>=1"),
    ("precision>=0.9999999", ThresholdRule("precision", 0.9999999), "precision>=0.9999999"),  # 7 digits stay
]
# fmt: on


@pytest.mark.parametrize(("value", "rule", "kept"), RULES)
def test_decision_settings_keep_a_rule_as_it_is(value: object, rule: ThresholdRule, kept: object) -> None:
    settings = DecisionSettings.model_validate({"threshold": value})
    assert (settings.threshold, settings.rule("any")) == (kept, rule)
    by_label = DecisionSettings.model_validate({"threshold": {"spam": value}})
    assert (by_label.threshold, by_label.rule("spam"), by_label.rule("ham").kind) == ({"spam": kept}, rule, "argmax")
    assert DecisionSettings.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize(
    "value",
    [True, -0.1, 1.1, float("nan"), "0.5", "precision>0.9", "precision>=", "precision>=.", "recall>=0", "recall>=1.01",
     "recall>=1.0.0", "f1>=0.5", None, ["argmax"]],
)  # fmt: skip
def test_decision_settings_refuse_what_is_no_rule(value: object) -> None:
    with pytest.raises(ValidationError, match=r"use argmax, best_f1, precision>=0.95, recall>=0.9 or a score from 0"):
        DecisionSettings.model_validate({"threshold": value})


# fmt: off
REFUSED: list[tuple[str, str, str]] = [
    # the setting, its value, the rest of the message
    ("training.class_weight", "{a: 1, b: 0}", "class_weight of 'b' is 0; use a number above 0"),
    ("training.class_weight", "{a:2}", "class_weight of 'a:2' is null; use a number above 0"),  # no space, so no value
    ("training.class_weight", "{a: true}", "class_weight of 'a' is true; use a number above 0"),
    ("training.class_weight", "{a: .inf}", "class_weight of 'a' is inf; use a number above 0"),
    ("training.class_weight", "{a: 1, 'a ': 2}", "class_weight has 'a' twice; give each label once"),
    ("decision.threshold", "{a: 0.5, b: 1.5}", "threshold of 'b' is 1.5; use argmax, best_f1, precision>=0.95, "
     "recall>=0.9 or a score from 0 to 1"),
    ("decision.costs", "{a: {b: -1}}", "cost of deciding 'b' for 'a' is -1; use a number of 0 or more"),
    ("decision.costs", "{a: 1}", "costs of 'a' are 1; use {decided label: cost}"),
]
# fmt: on


@pytest.mark.parametrize(("setting", "value", "why"), REFUSED)
def test_decision_settings_name_the_label_of_a_wrong_value(setting: str, value: str, why: str) -> None:
    with pytest.raises(UserError) as caught:
        load(None, {setting: value})
    assert str(caught.value) == f"--{setting}: {why}"

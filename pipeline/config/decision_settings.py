"""The sections `metrics` and `decision` of the settings, and training.class_weight: what the labels of a model are for.

In: values of settings, as YAML gives them. Out: frozen models; a rule for a threshold as a `ThresholdRule`.
"""

import re
import sys
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator
from typing_extensions import Self

from pipeline.config.label_names import canonical_name
from pipeline.config.section import Name, Section
from pipeline.errors import RejectedRowError
from pipeline.support.strict_json import shown

# The slice of metrics.slices that is made of the texts themselves.
TEXT_LENGTH: Final = "text_length"

RuleKind = Literal["argmax", "score", "best_f1", "precision", "recall"]

_AT_LEAST: Final = re.compile(r"(precision|recall)\s*>=\s*([0-9]+\.?[0-9]*|\.[0-9]+)")
_RULES: Final = "use argmax, best_f1, precision>=0.95, recall>=0.9 or a score from 0 to 1"


class ThresholdRule(NamedTuple):
    """How the threshold of a label is chosen. value: the score itself, or the least precision or recall; else 0."""

    kind: RuleKind
    value: float = 0.0

    @property
    def text(self) -> str:
        """The rule as the setting writes it, with all digits of its number.

        >>> [ThresholdRule(*rule).text for rule in (("recall", 0.9), ("precision", 1.0), ("score", 0.5), ("best_f1",))]
        ['recall>=0.9', 'precision>=1', '0.5', 'best_f1']
        """
        number = str(self.value).removesuffix(".0")
        return number if self.kind == "score" else f"{self.kind}>={number}" if self.value else self.kind


def threshold_rule(value: object, what: str = "threshold") -> ThresholdRule:
    """A rule as the setting writes it -> a ThresholdRule. what: is named in the error.

    Raises:
      ValueError: it is not a rule.

    >>> threshold_rule("argmax"), threshold_rule(0.5)
    (ThresholdRule(kind='argmax', value=0.0), ThresholdRule(kind='score', value=0.5))
    >>> threshold_rule("precision >= 0.95")
    ThresholdRule(kind='precision', value=0.95)
    """
    if value in ("argmax", "best_f1"):
        return ThresholdRule(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return ThresholdRule("score", float(value))
    if isinstance(value, str) and (match := _AT_LEAST.fullmatch(value.strip())):
        least = float(match[2])
        if 0 < least <= 1:
            return ThresholdRule("precision" if match[1] == "precision" else "recall", least)
    raise ValueError(f"{what} is {shown(value)}; {_RULES}")


def _checked_rule(value: Any, what: str) -> str | float:
    rule = threshold_rule(value, what)
    return rule.value if rule.kind == "score" else rule.text


def _by_label(values: dict[Any, Any], setting: str) -> dict[str, Any]:
    """A mapping of labels as YAML gives it -> by their one spelling.

    Raises:
      ValueError: a key can't be a label, or two keys are one.
    """
    named: dict[str, Any] = {}
    for label, value in values.items():
        try:
            name = canonical_name(label, column="label", fractions=True)
        except RejectedRowError as error:
            raise ValueError(f"{setting} has {label!r}: {error}; use a label") from error
        if name in named:
            raise ValueError(f"{setting} has {name!r} twice; give each label once")
        named[name] = value
    return named


def _threshold(value: Any) -> Any:
    if isinstance(value, dict):
        rules = _by_label(value, "threshold")
        return {label: _checked_rule(rule, f"threshold of {label!r}") for label, rule in rules.items()}
    return _checked_rule(value, "threshold")


def _class_weight(value: Any) -> Any:
    if value is None:
        return "none"
    if isinstance(value, dict):
        weights = _by_label(value, "class_weight")
        return {label: _number(weight, f"class_weight of {label!r}") for label, weight in weights.items()}
    return value


def _costs(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    costs = {}
    for label, row in _by_label(value, "costs").items():
        if not isinstance(row, dict):
            raise ValueError(f"costs of {label!r} are {shown(row)}; use {{decided label: cost}}")
        of_label = _by_label(row, f"costs of {label!r}")
        costs[label] = {
            name: _number(cost, f"cost of deciding {name!r} for {label!r}", may_be_zero=True)
            for name, cost in of_label.items()
        }
    return costs


def _number(value: Any, what: str, *, may_be_zero: bool = False) -> float:
    """A finite number above 0; or 0, if it may be that.

    Raises:
      ValueError: it is not; the union of types that pydantic tries would not say of which label.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and ((value == 0 and may_be_zero) or 0 < value <= sys.float_info.max):
        return float(value)
    raise ValueError(f"{what} is {shown(value)}; use a number {'of 0 or more' if may_be_zero else 'above 0'}")


PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]
ClassWeight = Annotated[Literal["none", "balanced"] | dict[Name, PositiveNumber], BeforeValidator(_class_weight)]
Threshold = Annotated[str | float | dict[Name, str | float], BeforeValidator(_threshold)]
Costs = Annotated[dict[Name, dict[Name, Cost]] | None, BeforeValidator(_costs)]


class MetricsSettings(Section):
    """By what metrics are shown in parts."""

    slices: list[Name] = Field([])

    @model_validator(mode="after")
    def slices_differ(self) -> Self:
        """No slice is named twice."""
        if len(set(self.slices)) < len(self.slices):
            raise ValueError(f"slices is {self.slices}; name each column once")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The slices that are columns of the input."""
        return tuple(name for name in self.slices if name != TEXT_LENGTH)


class DecisionSettings(Section):
    """How a model's scores become labels."""

    threshold: Threshold = "argmax"
    costs: Costs = None
    abstain_below: float | None = Field(None, ge=0, le=1)
    calibrate: Literal["none", "temperature"] = "none"

    @model_validator(mode="after")
    def one_way_decides(self) -> Self:
        """Either thresholds or costs decide."""
        if self.costs is not None and self.threshold != "argmax":
            raise ValueError(f"threshold is {self.threshold!r}, but costs are set too; set one of them")
        return self

    def rule(self, label: str) -> ThresholdRule:
        """The rule of a label; argmax for one that is not named.

        >>> DecisionSettings(threshold={"spam": "precision>=0.9"}).rule("spam")
        ThresholdRule(kind='precision', value=0.9)
        """
        if isinstance(self.threshold, dict):
            return threshold_rule(self.threshold.get(label, "argmax"))
        return threshold_rule(self.threshold)

"""training.class_weight: scikit-learn's formula, sums of weights for counts, and labels that it can't weigh."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from pipeline.config.decision_settings import ClassWeight
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from pipeline.records_folder.manifest import SplitSummary
from pipeline.records_folder.record_files import SplitWeights
from trainer.training.class_weights import class_weights

ABC = ("a", "b", "c")


def split_of(
    counts: dict[str, int], *, rows: int | None = None, weights: dict[str, float] | None = None
) -> SplitSummary:
    total = sum(counts.values()) if rows is None else rows
    sums = None
    if weights is not None:
        of_labels = {name: weight for name, weight in weights.items() if name != "total"}
        sums = SplitWeights(total=weights.get("total", sum(of_labels.values())), squares=1, labels=of_labels)
    return SplitSummary(rows=total, labels=counts, weights=sums, shards=[])


@pytest.mark.parametrize("counts", [[99, 1], [5, 5], [7, 1, 2]])
def test_class_weights_balanced_are_those_of_scikit_learn(counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    expected = compute_class_weight("balanced", classes=np.arange(len(counts)), y=labels)
    names = ABC[: len(counts)]
    found = class_weights("balanced", LabelScheme(names), split_of(dict(zip(names, counts, strict=True))))
    assert found == pytest.approx(expected.tolist(), rel=1e-15)


@pytest.mark.parametrize(
    # setting, several labels a text, train split, weights
    ("setting", "several", "train", "expected"),
    [
        ("none", False, split_of({"a": 3, "b": 1, "c": 1}), None),
        ({"b": 4.0}, False, split_of({"a": 3, "b": 1, "c": 1}), [1, 4, 1]),
        # By weight a has 6 of 12: 12 / (3 x 6), 12 / (3 x 2), 12 / (3 x 4).
        ("balanced", False, split_of({"a": 3, "b": 1, "c": 1}, weights={"a": 6, "b": 2, "c": 4}), [2 / 3, 2, 1]),
        # No train row has c, so there are two labels to balance.
        ("balanced", False, split_of({"a": 3, "b": 1}), [2 / 3, 2, 1]),
        ("balanced", True, split_of({"a": 5, "b": 2, "c": 8}, rows=10), [1, 4, 0.25]),
        # All rows have a, none has b; neither can be balanced.
        ("balanced", True, split_of({"a": 10, "b": 0, "c": 8}, rows=10), [1, 1, 0.25]),
        ("balanced", True, split_of({"a": 5, "b": 2, "c": 8}, rows=10,
                                    weights={"total": 20, "a": 5, "b": 2, "c": 16}), [3, 9, 0.25]),
        ({"b": 4.0}, True, split_of({"a": 5, "b": 2, "c": 8}, rows=10), [1, 4, 1]),
    ],
)  # fmt: skip
def test_class_weights_of_a_split(
    setting: ClassWeight, several: bool, train: SplitSummary, expected: list[float] | None
) -> None:
    found = class_weights(setting, LabelScheme(ABC, several=several), train)
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-15))


def test_class_weights_refuse_an_unknown_label() -> None:
    with pytest.raises(UserError, match=r"training\.class_weight: 'spma' is none of the labels; did you mean 'spam'"):
        class_weights({"spma": 2.0}, LabelScheme(("ham", "spam")), split_of({"ham": 1, "spam": 1}))

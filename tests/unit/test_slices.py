"""trainer.evaluation.slices and text_lengths: literals worked out by hand; no example is lost or counted twice."""

import itertools
import math
import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from pipeline.config.decision_settings import MetricsSettings
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.evaluation.measure import answers_of
from trainer.evaluation.metrics import SlicedBy
from trainer.evaluation.slices import check_slices, slices_of
from trainer.evaluation.text_lengths import length_names

TWO = LabelScheme(("neg", "pos"))
SEVERAL = LabelScheme(("a", "b"), several=True)


def wilsons(hits: int, rows: int) -> Any:
    """Wilson's interval at 95%, of scipy."""
    return pytest.approx(list(binomtest(hits, rows).proportion_ci(0.95, method="wilson")))


def sliced(values: list[str], right: list[bool], *, weights: list[float] | None = None) -> SlicedBy:
    """The slices by the column `source`; all texts are of the second label, and a right answer has 0.8 for it."""
    scores = [[0.2, 0.8] if each else [0.6, 0.4] for each in right]
    answers = answers_of(scores, [1] * len(right), scheme=TWO, weights=weights)
    columns = {"source": np.array(values, np.object_)}
    (made,) = slices_of(answers, TWO, settings=MetricsSettings(slices=["source"]), columns=columns, word_counts=None)
    return made


def test_slices_the_worst_first_by_hand() -> None:
    made = sliced(
        ["web"] * 10 + ["mail"] * 20 + [""] * 10, [True] * 9 + [False] + [True] * 16 + [False] * 4 + [True] * 10
    )
    assert [(part["value"], part["examples"], part["accuracy"]) for part in made["slices"]] == [
        ("mail", 20, 0.8), ("web", 10, 0.9), ("", 10, 1.0),
    ]  # fmt: skip
    assert (made["by"], made["others"]) == ("source", None)
    worst = made["slices"][0]
    assert worst["loss"] == pytest.approx(-(16 * math.log(0.8) + 4 * math.log(0.4)) / 20)
    assert worst["interval"] == wilsons(16, 20)
    assert worst["weighted"] is None


def test_slices_of_few_examples_are_measured_together() -> None:
    made = sliced(["web"] * 10 + ["a"] * 9 + ["b"] * 3, [True] * 10 + [False] * 9 + [True] * 3)
    assert [part["value"] for part in made["slices"]] == ["web"]
    others = made["others"]
    assert others is not None
    assert (others["values"], others["examples"], others["accuracy"]) == (2, 12, 0.25)


def test_slices_are_the_50_most_frequent_values() -> None:
    values = [f"user{number:02}" for number in range(60) for _ in range(11 if number >= 15 else 10)]
    made = sliced(values, [True] * len(values))
    # 45 values of 11 examples, and the first 5 of those of 10.
    kept = {part["value"] for part in made["slices"]}
    assert kept == {f"user{number:02}" for number in [*range(5), *range(15, 60)]}
    others = made["others"]
    assert others is not None
    assert (others["values"], others["examples"]) == (10, 100)


def test_slices_with_weights_by_hand() -> None:
    made = sliced(["web"] * 10, [True] * 5 + [False] * 5, weights=[3.0] * 5 + [1.0] * 5)
    (part,) = made["slices"]
    assert part["accuracy"] == 0.5
    weighted = part["weighted"]
    assert weighted is not None
    assert weighted["accuracy"] == 0.75
    assert weighted["loss"] == pytest.approx(-(15 * math.log(0.8) + 5 * math.log(0.4)) / 20)
    # The effective size is 20^2 / 50 = 8, and 0.75 of it are right.
    assert weighted["interval"] == wilsons(6, 8)


def test_slices_of_several_labels_by_hand() -> None:
    scores, right = [[0.9, 0.1], [0.9, 0.9]] * 5, [[True, False], [True, False]] * 5
    answers = answers_of(scores, right, scheme=SEVERAL)
    columns = {"source": np.array(["web"] * 10, np.object_)}
    (made,) = slices_of(
        answers, SEVERAL, settings=MetricsSettings(slices=["source"]), columns=columns, word_counts=None
    )
    (part,) = made["slices"]
    assert part["accuracy"] == 0.5
    assert part["f1"] == pytest.approx(0.8)  # 10 TP, 5 FP, 0 FN
    assert part["loss"] == pytest.approx(-(3 * math.log(0.9) + math.log(0.1)) / 4)


def test_slices_by_text_length_stand_where_the_setting_names_them() -> None:
    answers = answers_of([[0.2, 0.8]] * 20, [1] * 20, scheme=TWO)
    columns = {"source": np.array(["web"] * 20, np.object_)}
    made = slices_of(
        answers,
        TWO,
        settings=MetricsSettings(slices=["text_length", "source"]),
        columns=columns,
        word_counts=np.arange(20),
    )
    assert [each["by"] for each in made] == ["text_length", "source"]
    assert [(part["value"], part["examples"]) for part in made[0]["slices"]] == [
        ("0 to 9 words", 10), ("10 to 19 words", 10),
    ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=200))
def test_slices_by_text_length_do_not_overlap(word_counts: list[int]) -> None:
    names = length_names(np.array(word_counts)).tolist()
    assert len(set(names)) <= 5
    for name, count in zip(names, word_counts, strict=True):
        found = re.fullmatch(r"(\d+)(?: to (\d+))? words?", name)
        assert found is not None
        low, high = found.groups()
        assert int(low) <= count <= int(high or low)
    bounds = sorted({tuple(map(int, re.findall(r"\d+", name))) for name in names})
    assert all(before[-1] < after[0] for before, after in itertools.pairwise(bounds))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=120))
def test_slices_hold_every_example_once(examples: list[tuple[int, bool]]) -> None:
    made = sliced([f"value{value}" for value, _ in examples], [right for _, right in examples])
    counts = Counter(f"value{value}" for value, _ in examples)
    parts: list[Any] = [*made["slices"], *([made["others"]] if made["others"] else [])]
    assert {part["value"]: part["examples"] for part in made["slices"]} == {
        value: count for value, count in counts.items() if count >= 10
    }
    assert sum(part["examples"] for part in parts) == len(examples)
    hits = sum(part["accuracy"] * part["examples"] for part in parts)
    assert hits == pytest.approx(sum(right for _, right in examples))
    accuracies = [part["accuracy"] for part in made["slices"]]
    assert accuracies == sorted(accuracies)


def test_slices_that_the_records_lack_are_refused() -> None:
    check_slices(MetricsSettings(slices=["source", "text_length"]), ["site", "source"], path="out/records")
    check_slices(MetricsSettings(slices=["text_length"]), [], path="out/records")
    with pytest.raises(UserError, match=r"metrics\.slices has 'source'.*out/records.*'site'.*run the pipeline again"):
        check_slices(MetricsSettings(slices=["source"]), ["site"], path="out/records")
    with pytest.raises(UserError, match=r"they hold none"):
        check_slices(MetricsSettings(slices=["source"]), [], path="out/records")

"""Choosing a decision and its price: literals by hand, scikit-learn, costs by trying every answer."""

import itertools
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk

from pipeline.config.decision_settings import DecisionSettings
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision import held_out
from trainer.decision.checks import check_class_weight, check_decision
from trainer.decision.choose import choose_decision, cost_matrix
from trainer.decision.decision import Decision
from trainer.decision.held_out import HeldOut, LabelledLogits
from trainer.decision.price import price_of
from trainer.decision.rules import decide
from trainer.decision.scores import scores_of

TWO = LabelScheme(("ham", "spam"))
THREE = LabelScheme(("a", "b", "c"))
SEVERAL = LabelScheme(("a", "b"), several=True)


def rows(scheme: LabelScheme, count: int = 300, *, weighted: bool = False, seed: int = 1) -> LabelledLogits:
    draw = np.random.default_rng(seed)
    labels = (
        draw.random([count, len(scheme.names)]) < 0.4 if scheme.several else draw.integers(0, len(scheme.names), count)
    )
    signal = labels * 2.0 - 1 if scheme.several else np.eye(len(scheme.names))[labels] * 2
    if scheme.outputs == 1:
        signal = signal[:, 1:] - 1
    logits = (signal + draw.normal(0, 1, signal.shape)).astype(np.float32)
    return LabelledLogits(logits, labels, draw.uniform(0.5, 2, count) if weighted else None, count)


def test_price_by_hand() -> None:
    # scores 0.12 0.27 0.73 0.88; spam from 0.8 on, ham up to 0.2: two abstain
    some = LabelledLogits(np.array([[-2.0], [-1.0], [1.0], [2.0]], np.float32), np.array([0, 0, 1, 0]), None, 4)
    decision = Decision(settings=DecisionSettings(threshold={"ham": 0.8, "spam": 0.8}), thresholds=[0.8, 0.8])
    assert price_of(some, decision, TWO) == {
        "rows": 4,
        "temperature": 1.0,
        "abstained": 0.5,
        "accuracy": 0.5,
        "mean_cost": None,
        "mean_cost_of_most_probable": None,
        "per_label": {
            "ham": {"threshold": 0.8, "precision": 1.0, "recall": pytest.approx(1 / 3), "decided": 0.25},
            "spam": {"threshold": 0.8, "precision": 0.0, "recall": 0.0, "decided": 0.25},
        },
    }


def test_price_with_weights_by_hand() -> None:
    some = LabelledLogits(np.array([[-2.0], [2.0]], np.float32), np.array([0, 1]), np.array([3.0, 1.0]), 2)
    price = price_of(some, Decision(costs=[[0, 8], [1, 0]]), TWO)
    assert price is not None
    assert price["accuracy"] == 0.75
    # 0.88 x 1 is less than 0.12 x 8, so the second is ham too
    assert (price["mean_cost"], price["mean_cost_of_most_probable"]) == (0.25, 0.0)
    assert price["per_label"]["spam"] == {"threshold": None, "precision": None, "recall": 0.0, "decided": 0.0}


def test_price_of_no_rows_is_none() -> None:
    assert (
        price_of(LabelledLogits(np.zeros([0, 1], np.float32), np.zeros(0, np.int64), None, 0), Decision(), TWO) is None
    )


@pytest.mark.parametrize("scheme", [TWO, THREE, SEVERAL])
@pytest.mark.parametrize("weighted", [False, True])
def test_price_agrees_with_scikit_learn(scheme: LabelScheme, weighted: bool) -> None:
    some = rows(scheme, weighted=weighted)
    decision = choose_decision(DecisionSettings(threshold="best_f1"), scheme, rows(scheme, seed=2)).decision
    price = price_of(some, decision, scheme)
    assert price is not None
    given = decide(scores_of(some.logits, decision, scheme), decision, scheme).labels
    precision, recall, _, _ = sk.precision_recall_fscore_support(
        some.labels, given, average=None, sample_weight=some.weights, zero_division=0
    )
    assert [each["precision"] for each in price["per_label"].values()] == pytest.approx(precision.tolist())
    assert [each["recall"] for each in price["per_label"].values()] == pytest.approx(recall.tolist())
    assert price["accuracy"] == pytest.approx(sk.accuracy_score(some.labels, given, sample_weight=some.weights))


@pytest.mark.parametrize("scheme", [TWO, THREE])
def test_costs_choose_the_answer_that_is_cheapest_by_trying_all(scheme: LabelScheme) -> None:
    costs = {"a": {"b": 4.0, "c": 0.5}, "c": {"a": 9.0}} if scheme is THREE else {"spam": {"ham": 0.125}}
    decision = choose_decision(DecisionSettings(costs=costs), scheme, rows(scheme)).decision
    matrix = cost_matrix(costs, scheme)
    scores = scores_of(rows(scheme).logits, decision, scheme)
    given = decide(scores, decision, scheme).labels
    for row, answer in zip(scores.tolist(), given.tolist(), strict=True):
        expected = [sum(score * matrix[i][j] for i, score in enumerate(row)) for j in range(len(scheme.names))]
        assert expected[answer] <= min(expected) + 1e-6


def test_costs_are_lowest_on_average_for_honest_scores() -> None:
    costs = {"spam": {"ham": 9.0}}
    draw = np.random.default_rng(3)
    logits = draw.normal(0, 2, [20_000, 1])
    labels = (draw.random(20_000) < scores_of(logits, Decision(), TWO)[:, 1]).astype(np.int64)
    honest = LabelledLogits(logits.astype(np.float32), labels, None, 20_000)
    price = price_of(honest, choose_decision(DecisionSettings(costs=costs), TWO, honest).decision, TWO)
    assert price is not None
    matrix = np.array(cost_matrix(costs, TWO))
    others = [
        matrix[labels, (scores_of(logits, Decision(), TWO)[:, 1] >= threshold).astype(int)].mean()
        for threshold in (0.02, 0.05, 0.2, 0.3, 0.5)
    ]
    assert price["mean_cost"] is not None
    assert price["mean_cost"] < min(others)
    assert price["mean_cost_of_most_probable"] == pytest.approx(others[-1])


def test_costs_are_compared_with_the_label_of_the_highest_score() -> None:
    # The scores of spam are 0.27, and its weight 50 does not make it the most probable label.
    some = LabelledLogits(np.array([[np.log(50) - 1]] * 2, np.float32), np.array([0, 1]), None, 2)
    price = price_of(some, Decision(prior_weights=[1.0, 50.0], costs=[[0, 1], [4, 0]]), TWO)
    assert price is not None
    assert (price["mean_cost"], price["mean_cost_of_most_probable"]) == (0.5, 2.0)


def test_choice_of_thresholds_is_made_on_calibrated_scores() -> None:
    # All logits are 2 or -2, 3 of 4 are right, so scores become 0.75 and 0.25.
    some = LabelledLogits(np.array([[2.0]] * 4 + [[-2.0]] * 4, np.float32), np.array([1, 1, 1, 0, 0, 0, 0, 1]), None, 8)
    settings = DecisionSettings(threshold={"spam": "precision>=0.7"}, calibrate="temperature")
    decision = choose_decision(settings, TWO, some).decision
    assert decision.temperature == pytest.approx(2 / np.log(3))
    assert decision.thresholds == [None, pytest.approx(0.5)]  # between 0.25 and 0.75
    assert decision.prior_weights is None
    weighted = choose_decision(settings, TWO, some, class_weights=[1.0, 4.0])
    assert weighted.decision.prior_weights == [1.0, 4.0]
    kept = choose_decision(DecisionSettings(), TWO, some, class_weights=[1.0, 4.0]).decision
    assert kept == Decision()  # without calibration the scores stay the network's


@pytest.mark.parametrize("scheme", [TWO, THREE, SEVERAL])
def test_choice_of_a_temperature_changes_no_answer(scheme: LabelScheme) -> None:
    some = rows(scheme)
    weights = [0.2, 5.0, 1.0][: len(scheme.names)]
    settings = DecisionSettings(calibrate="temperature")
    decision = choose_decision(settings, scheme, some, class_weights=weights).decision
    assert decision.temperature != 1
    before = decide(scores_of(some.logits, Decision(), scheme), Decision(), scheme).labels
    after = decide(scores_of(some.logits, decision, scheme), decision, scheme).labels
    assert before.tolist() == after.tolist()


def test_choice_says_that_the_eval_split_has_no_mistake() -> None:
    some = LabelledLogits(np.array([[2.0], [-2.0]], np.float32), np.array([1, 0]), None, 2)
    (note,) = choose_decision(DecisionSettings(calibrate="temperature"), TWO, some).notes
    assert "temperature is 0.1, the last that is tried" in note
    assert "all answers on the eval split are right" in note


def test_choice_says_that_the_scores_say_nothing() -> None:
    some = LabelledLogits(np.array([[2.0], [-2.0]], np.float32), np.array([0, 1]), None, 2)
    (note,) = choose_decision(DecisionSettings(calibrate="temperature"), TWO, some).notes
    assert "temperature is 10, the last that is tried" in note
    assert "they say next to nothing" in note


@pytest.mark.parametrize(
    # threshold, whether the answers miss a rule because a text gets one label
    ("threshold", "is_missed"),
    [
        ("recall>=0.95", True),  # all three labels are reached by most texts
        ({"a": "recall>=0.95"}, False),  # no other label takes a text that reaches it
        ("precision>=0.5", False),
        ("best_f1", False),
    ],
)
def test_choice_says_that_labels_take_texts_from_each_other(threshold: Any, is_missed: bool) -> None:
    some = rows(THREE)
    settings = DecisionSettings(threshold=threshold, abstain_below=0.9)  # an answer that abstains is no surprise
    choice = choose_decision(settings, THREE, some)
    assert ["a text gets one label at most" in note for note in choice.notes] == [True] * is_missed


@pytest.mark.parametrize(
    # settings, scheme, eval rows, words of the error
    ("given", "scheme", "eval_rows", "error"),
    [
        ({"threshold": {"spma": 0.5}}, TWO, 9, "threshold: 'spma' is none of the labels; did you mean 'spam'?"),
        ({"threshold": {"x": 0.5}}, TWO, 9, "decision.threshold: 'x' is none of the labels; they are ham, spam"),
        ({"costs": {"hm": {"spam": 1}}}, TWO, 9, "decision.costs: 'hm' is none of the labels; did you mean 'ham'?"),
        ({"costs": {"ham": {"spm": 1}}}, TWO, 9, "costs.ham: 'spm' is none of the labels; did you mean 'spam'?"),
        ({"costs": {"a": {"b": 1}}}, SEVERAL, 9, "decision.costs: a text may have several labels"),
        ({"abstain_below": 0.5}, SEVERAL, 9, "decision.abstain_below is 0.5, but a text may have several labels"),
        ({"calibrate": "temperature"}, TWO, 0, "decision.calibrate is temperature, which is chosen on the eval split"),
        ({"threshold": "best_f1"}, TWO, 0, "decision.threshold is best_f1, which is chosen on the eval split"),
        ({"threshold": {"ham": "recall>=0.5"}}, TWO, 0, "give split.eval a share and make the records again"),
        ({"threshold": 0.5, "abstain_below": 0.7}, TWO, 0, None),
        ({"costs": {"ham": {"spam": 3}}}, TWO, 0, None),
        ({"threshold": {"a": "precision>=0.5"}, "calibrate": "temperature"}, SEVERAL, 1, None),
    ],
)  # fmt: skip
def test_checks_refuse_what_does_not_fit_the_labels(
    given: dict[str, Any], scheme: LabelScheme, eval_rows: int, error: str | None
) -> None:
    if error is None:
        check_decision(DecisionSettings(**given), scheme, eval_rows=eval_rows)
        return
    with pytest.raises(UserError) as raised:
        check_decision(DecisionSettings(**given), scheme, eval_rows=eval_rows)
    assert error in str(raised.value)


def test_checks_refuse_weights_of_unknown_labels() -> None:
    check_class_weight("balanced", TWO)
    check_class_weight({"ham": 2.0}, TWO)
    with pytest.raises(UserError, match="class_weight: 'hamm' is none of the labels; did you mean 'ham'"):
        check_class_weight({"hamm": 2.0}, TWO)


@pytest.mark.parametrize(
    ("scheme", "weighted", "class_weights"),
    list(itertools.product([TWO, THREE, SEVERAL], [False, True], [None, [0.5, 2.0, 1.0]])),
)
def test_held_out_reads_what_it_writes(scheme: LabelScheme, weighted: bool, class_weights: list[float] | None) -> None:
    of_labels = class_weights and class_weights[: len(scheme.names)]
    written = HeldOut(rows(scheme, weighted=weighted), rows(scheme, 0, weighted=weighted), of_labels)
    content = written.dumps()
    assert content == written.dumps()
    read = held_out.loads(content, scheme)
    assert read.class_weights == of_labels
    for before, after in ((written.eval, read.eval), (written.test, read.test)):
        assert (after.logits.tolist(), after.labels.tolist(), after.rows) == (
            before.logits.tolist(), before.labels.tolist(), before.rows,
        )  # fmt: skip
        assert (after.weights is None) == (before.weights is None)
        if before.weights is not None and after.weights is not None:
            assert after.weights.tolist() == before.weights.tolist()


def test_held_out_keeps_rows_together_when_it_keeps_a_part() -> None:
    count = 100_050
    logits = np.arange(count, dtype=np.float32)[:, np.newaxis]
    bounded = LabelledLogits(logits, np.arange(count), np.arange(count, dtype=np.float64), count).bounded()
    assert len(bounded.labels) == 100_000
    assert bounded.logits[:, 0].tolist() == bounded.labels.tolist()
    assert bounded.weights is not None
    assert bounded.weights.tolist() == bounded.labels.tolist()
    assert bounded.rows == count
    wide = LabelledLogits(np.zeros([50_000, 100], np.float32), np.zeros(50_000, np.int64), None, 50_000).bounded()
    assert len(wide.logits) == 40_000


THIRD_LABEL = LabelledLogits(np.zeros([1, 1], np.float32), np.array([2]), None, 1)


@pytest.mark.parametrize(
    # content, scheme, words of the error
    ("content", "scheme", "error"),
    [
        (b"", TWO, "not an npz file"),
        (b"PK\x03\x04", TWO, "not an npz file"),
        (HeldOut(rows(TWO), rows(TWO)).dumps(), THREE, "shape"),
        (HeldOut(rows(SEVERAL), rows(SEVERAL)).dumps(), TWO, "shape"),
        (HeldOut(rows(TWO), rows(TWO), [1.0]).dumps(), TWO, "class_weights"),
        (HeldOut(rows(TWO), THIRD_LABEL).dumps(), TWO, "label"),
    ],
)  # fmt: skip
def test_held_out_refuses_what_is_not_of_the_model(content: bytes, scheme: LabelScheme, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        held_out.loads(content, scheme)


def test_choice_takes_the_weights_of_a_rare_label_out_of_its_scores() -> None:
    """One row of a hundred is spam; the network was trained with balanced weights, and is twice too sure."""
    draw = np.random.default_rng(4)
    true = draw.normal(-6.5, 2.0, [40_000, 1])
    labels = (draw.random(40_000) < scores_of(true, Decision(), TWO)[:, 1]).astype(np.int64)
    share = float(labels.mean())
    assert 0.005 < share < 0.02
    weights = [0.5 / (1 - share), 0.5 / share]
    network = 2 * (true + np.log(weights[1] / weights[0]))
    some = LabelledLogits(network.astype(np.float32), labels, None, 40_000)
    settings = DecisionSettings(calibrate="temperature")
    decision = choose_decision(settings, TWO, some, class_weights=weights).decision
    assert decision.temperature == pytest.approx(2, rel=0.1)
    assert scores_of(network, Decision(), TWO)[:, 1].mean() > 10 * share
    assert scores_of(network, decision, TWO)[:, 1].mean() == pytest.approx(share, rel=0.1)

"""Metrics against literals worked out by hand, against scikit-learn, and weight 2 against the example twice."""

import json
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics as sk
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.decision_settings import DecisionSettings
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import Decision
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.metrics import LabelScores
from trainer.evaluation.ranking import area_under_roc, average_precision

TWO = LabelScheme(("neg", "pos"))
THREE = LabelScheme(("a", "b", "c"))
SEVERAL = LabelScheme(("a", "b", "c"), several=True)
STARS = LabelScheme(("1", "2", "3", "4", "5"), kind="ordinal")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def test_metrics_of_two_labels_by_hand() -> None:
    # Right: pos pos neg neg neg. Predicted: pos neg pos neg neg, since a tie falls to the first label.
    scores = [[0.1, 0.9], [0.6, 0.4], [0.4, 0.6], [0.8, 0.2], [0.5, 0.5]]
    result = metrics_of(scores, [1, 1, 0, 0, 0], scheme=TWO)
    two_thirds = pytest.approx(2 / 3)
    assert result == {
        "examples": 5,
        "accuracy": 0.6,
        # 6 pairs: 0.9 beats all three; 0.4 beats 0.2 alone.
        "auc": pytest.approx(4 / 6),
        "loss": pytest.approx(-math.log(0.9 * 0.4 * (1 - 0.6) * (1 - 0.2) * 0.5) / 5),
        "per_label": {
            "neg": {"precision": two_thirds, "recall": two_thirds, "f1": two_thirds, "support": 3},
            "pos": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2},
        },
        "confusion": [[2, 1], [1, 1]],
        # Wilson: (0.6 + z^2/10 -+ z sqrt(0.24/5 + z^2/100)) / (1 + z^2/5) with z = 1.96.
        "accuracy_interval": [pytest.approx(0.23072, abs=1e-5), pytest.approx(0.88238, abs=1e-5)],
        # Confidences 0.9, 0.8, 0.5 are right; 0.6 is wrong twice, in one bin.
        "calibration_error": pytest.approx((0.1 + 0.2 + 0.5 + 2 * 0.6) / 5),
        "brier": pytest.approx((0.1**2 + 0.6**2 + 0.6**2 + 0.2**2 + 0.5**2) / 5),
        "ordinal": None,
        "decided": None,
        "weighted": None,
        "effective_examples": None,
        "slices": [],
        "decision": None,
        "word_counts": None,
    }  # fmt: skip
    assert list(result)[:6] == ["examples", "accuracy", "auc", "loss", "per_label", "confusion"]


def test_metrics_of_three_labels_by_hand() -> None:
    scores = [[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.25, 0.25, 0.5]]
    result = metrics_of(scores, [0, 1, 1, 1], scheme=THREE)
    assert (result["examples"], result["accuracy"], result["auc"]) == (4, 0.5, None)
    assert result["loss"] == pytest.approx(-math.log(0.5 * 0.3 * 0.8 * 0.25) / 4)
    assert result["per_label"] == {
        "a": {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1},
        "b": {"precision": 1.0, "recall": pytest.approx(1 / 3), "f1": 0.5, "support": 3},
        "c": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0},  # predicted once, never right
    }
    assert result["confusion"] == [[1, 0, 0], [1, 1, 1], [0, 0, 0]]
    # .25 + .09 + .04, .36 + .49 + .01, .01 + .04 + .01, .0625 + .5625 + .25
    assert result["brier"] == pytest.approx((0.38 + 0.86 + 0.06 + 0.875) / 4)


def test_metrics_with_weights_by_hand() -> None:
    scores = [[0.1, 0.9], [0.6, 0.4], [0.4, 0.6]]
    result = metrics_of(scores, [1, 1, 0], scheme=TWO, weights=[2.0, 1.0, 0.5])
    assert result["accuracy"] == pytest.approx(1 / 3)
    assert result["confusion"] == [[0, 1], [1, 1]]
    assert result["effective_examples"] == pytest.approx(3.5**2 / (4 + 1 + 0.25))
    weighted = result["weighted"]
    assert weighted is not None
    assert weighted["confusion"] == [[0, 0.5], [1, 2]]
    assert weighted["accuracy"] == pytest.approx(2 / 3.5)
    assert weighted["auc"] == pytest.approx(2 / 3)  # the pair of weights 2 and 0.5 is in order, that of 1 and 0.5 not
    assert weighted["loss"] == pytest.approx(-(2 * math.log(0.9) + math.log(0.4) + 0.5 * math.log(0.4)) / 3.5)
    assert weighted["per_label"]["pos"] == {
        "precision": 0.8, "recall": pytest.approx(2 / 3), "f1": pytest.approx(8 / 11), "support": 3,
    }  # fmt: skip


def test_metrics_of_several_labels_by_hand() -> None:
    right = [[True, False, False], [True, True, False], [False, False, False]]
    scores = [[0.9, 0.5, 0.1], [0.4, 0.8, 0.2], [0.3, 0.1, 0.4]]
    result = metrics_of(scores, right, scheme=SEVERAL)
    assert not {"accuracy", "confusion"} & result.keys()
    assert result["subset_accuracy"] == pytest.approx(1 / 3)
    assert result["per_label"] == {
        "a": {
            "precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2, "average_precision": 1.0,
            "counts": {"true_positives": 1, "false_positives": 0, "false_negatives": 1, "true_negatives": 1},
        },
        "b": {
            "precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1, "average_precision": 1.0,
            "counts": {"true_positives": 1, "false_positives": 1, "false_negatives": 0, "true_negatives": 1},
        },
        "c": {
            "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "average_precision": None,
            "counts": {"true_positives": 0, "false_positives": 0, "false_negatives": 0, "true_negatives": 3},
        },
    }  # fmt: skip
    two_thirds = pytest.approx(2 / 3)
    # Of all pairs .9 and .8 are right, then .5 is wrong; .4 is right once and wrong once: precision 3 / 5.
    micro: dict[str, object] = {**result["micro"]}
    assert micro == {
        "precision": two_thirds, "recall": two_thirds, "f1": two_thirds,
        "average_precision": pytest.approx((1 + 1 + 3 / 5) / 3),
    }  # fmt: skip
    macro: dict[str, object] = {**result["macro"]}
    assert macro == {"precision": 0.5, "recall": 0.5, "f1": pytest.approx(4 / 9), "average_precision": 1.0}
    of_right = [0.9, 0.5, 0.9, 0.4, 0.8, 0.8, 0.7, 0.9, 0.6]
    assert result["loss"] == pytest.approx(-sum(map(math.log, of_right)) / 9)
    assert result["brier"] == pytest.approx(sum((1 - share) ** 2 for share in of_right) / 9)


def test_metrics_of_ordinal_labels_by_hand() -> None:
    # Right 1 and 4; predicted 1 and 2; the expected rating of the second is 0.6 * 2 + 0.4 * 4 = 2.8.
    scheme = LabelScheme(("1", "2", "4"), kind="ordinal")
    result = metrics_of([[1.0, 0.0, 0.0], [0.0, 0.6, 0.4]], [0, 2], scheme=scheme)
    # Observed (4 - 2)^2 / 2; by chance of the pairs (1, 1), (1, 2), (4, 1), (4, 2): (0 + 1 + 9 + 4) / 4.
    assert result["ordinal"] == {
        "mean_absolute_error": 1.0,
        "expected_rating_error": pytest.approx(0.6),
        "quadratic_weighted_kappa": pytest.approx(1 - 2 / 3.5),
    }
    one = metrics_of([[1.0, 0.0, 0.0]], [0], scheme=scheme)["ordinal"]
    assert one is not None
    assert one["quadratic_weighted_kappa"] is None


def test_metrics_of_answers_that_abstain_by_hand() -> None:
    # Decided: pos as pos, neg as pos. Not decided: neg as neg, pos as neg.
    scores = [[0.1, 0.9], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]]
    abstains = np.array([False, False, True, True])
    result = metrics_of(scores, [1, 0, 0, 1], scheme=TWO, abstains=abstains)
    assert result["accuracy"] == 0.5
    decided = result["decided"]
    assert decided is not None
    assert (decided["examples"], decided["share"], decided["accuracy"]) == (2, 0.5, 0.5)
    assert decided["per_label"] == {
        "neg": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 2},
        "pos": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2},
    }
    none = metrics_of(scores, [1, 0, 0, 1], scheme=TWO, abstains=np.ones(4, np.bool_))["decided"]
    assert none is not None
    assert (none["examples"], none["share"], none["accuracy"], none["accuracy_interval"]) == (0, 0.0, None, None)


def test_metrics_take_the_labels_that_the_decision_gives() -> None:
    scores = [[0.4, 0.6], [0.3, 0.7]]
    result = metrics_of(scores, [0, 1], scheme=TWO, predicted=np.array([0, 1]))
    assert (result["accuracy"], result["confusion"]) == (1.0, [[1, 0], [0, 1]])
    assert result["calibration_error"] == pytest.approx((0.6 + 0.3) / 2)  # of the probability that is answered
    chosen = np.array([[True, False, False]])
    several = metrics_of([[0.2, 0.9, 0.9]], [[True, False, False]], scheme=SEVERAL, predicted=chosen)
    assert several["subset_accuracy"] == 1.0


@pytest.mark.parametrize(
    # scores, labels, AUC
    ("scores", "labels", "auc"),
    [
        ([0.1, 0.9], [0, 1], 1.0),
        ([0.9, 0.1], [0, 1], 0.0),
        ([0.5, 0.5, 0.5], [0, 1, 1], 0.5),
        ([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1], 0.875),
        ([0.3, 0.7], [1, 1], None),  # nothing to be better than
        ([0.3, 0.7], [0, 0], None),
    ],
)
def test_metrics_auc_counts_ties_half(scores: list[float], labels: list[int], auc: float | None) -> None:
    for weights in (None, np.full(len(labels), 0.25)):
        assert area_under_roc(np.array(scores), np.array(labels) == 1, weights) == auc


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30))
def test_metrics_auc_is_the_share_of_pairs_in_order(examples: list[tuple[int, bool]]) -> None:
    above = [score for score, is_positive in examples if is_positive]
    below = [score for score, is_positive in examples if not is_positive]
    pairs = [1.0 if high > low else 0.5 if high == low else 0.0 for high in above for low in below]
    result = area_under_roc(
        np.array([float(score) for score, _ in examples]), np.array([right for _, right in examples])
    )
    assert result == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


def random_scores(seed: int, *, classes: int, examples: int = 200) -> tuple[Floats, Ints, Floats]:
    """Scores with many ties that sum to 1, labels that they say something of, and weights."""
    draws = np.random.default_rng(seed)
    labels = draws.integers(0, classes, examples)
    raw = draws.integers(1, 6, (examples, classes)) + 3.0 * (
        np.eye(classes)[labels] * draws.random((examples, 1)) > 0.6
    )
    return raw / raw.sum(axis=1, keepdims=True), labels, draws.integers(1, 9, examples) / 4


def close(found: float | None, expected: float) -> None:
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_metrics_of_one_label_are_scikit_learns(classes: int, seed: int) -> None:
    scores, labels, weights = random_scores(seed, classes=classes)
    scheme = LabelScheme(tuple(f"label{index}" for index in range(classes)))
    result = metrics_of(scores, labels, scheme=scheme, weights=weights)
    weighted, predicted = result["weighted"], scores.argmax(axis=1)
    assert weighted is not None
    for figures, own in ((result, None), (weighted, weights)):
        close(figures["accuracy"], sk.accuracy_score(labels, predicted, sample_weight=own))
        close(figures["loss"], sk.log_loss(labels, scores, sample_weight=own))
        assert figures["confusion"] == sk.confusion_matrix(labels, predicted, sample_weight=own).tolist()
        if classes == 2:
            close(figures["auc"], sk.roc_auc_score(labels, scores[:, 1], sample_weight=own))
            close(figures["brier"], sk.brier_score_loss(labels, scores[:, 1], sample_weight=own))
        else:
            squares = ((scores - np.eye(classes)[labels]) ** 2).sum(axis=1)
            close(figures["brier"], float(np.average(squares, weights=own)))
        check_per_label(figures["per_label"], labels, predicted, weights=own)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_metrics_of_several_labels_are_scikit_learns(seed: int) -> None:
    draws = np.random.default_rng(seed)
    right = draws.random((150, 3)) < 0.4
    scores = (draws.integers(0, 5, (150, 3)) + 2 * right) / 8
    weights = draws.integers(1, 9, 150) / 4
    result = metrics_of(scores, right, scheme=SEVERAL, weights=weights)
    weighted, predicted = result["weighted"], scores >= 0.5
    assert weighted is not None
    for figures, own in ((result, None), (weighted, weights)):
        close(figures["subset_accuracy"], sk.accuracy_score(right, predicted, sample_weight=own))
        for average, averages in (("micro", figures["micro"]), ("macro", figures["macro"])):
            found: dict[str, Any] = {**averages}
            expected = sk.precision_recall_fscore_support(right, predicted, average=average, sample_weight=own)
            for name, value in zip(("precision", "recall", "f1"), expected, strict=False):
                close(found[name], value)
            ranked = sk.average_precision_score(right, scores, average=average, sample_weight=own)
            close(found["average_precision"], ranked)
        check_per_label(figures["per_label"], right, predicted, weights=own)
        counts = sk.multilabel_confusion_matrix(right, predicted, sample_weight=own)
        for index, of_label in enumerate(figures["per_label"].values()):
            ranked = sk.average_precision_score(right[:, index], scores[:, index], sample_weight=own)
            close(of_label["average_precision"], ranked)
            (negatives, wrong), (missed, hits) = counts[index].tolist()
            assert of_label["counts"] == {
                "true_positives": hits, "false_positives": wrong,
                "false_negatives": missed, "true_negatives": negatives,
            }  # fmt: skip


def check_per_label(found: dict[str, LabelScores], labels: Any, predicted: Any, *, weights: Floats | None) -> None:
    expected = sk.precision_recall_fscore_support(labels, predicted, zero_division=0.0, sample_weight=weights)
    for index, of_label in enumerate(found.values()):
        shares = [of_label["precision"], of_label["recall"], of_label["f1"], of_label["support"]]
        assert shares == pytest.approx([column[index] for column in expected])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_metrics_of_ordinal_labels_are_scikit_learns(seed: int) -> None:
    scores, labels, weights = random_scores(seed, classes=5)
    result = metrics_of(scores, labels, scheme=STARS, weights=weights)
    weighted, predicted = result["weighted"], scores.argmax(axis=1)
    assert weighted is not None
    for figures, own in ((result, None), (weighted, weights)):
        found = figures["ordinal"]
        assert found is not None
        close(found["mean_absolute_error"], sk.mean_absolute_error(labels, predicted, sample_weight=own))
        expected = scores @ np.arange(1.0, 6.0)
        close(found["expected_rating_error"], sk.mean_absolute_error(labels + 1, expected, sample_weight=own))
        kappa = sk.cohen_kappa_score(labels, predicted, weights="quadratic", sample_weight=own)
        close(found["quadratic_weighted_kappa"], kappa)


def test_metrics_kappa_takes_the_labels_values() -> None:
    # Of the labels 1, 2, 7 and 8, as of reviews with stars that nobody gives; all stars together for scikit-learn.
    scores, labels, _ = random_scores(4, classes=4)
    stars = np.array([1, 2, 7, 8])
    result = metrics_of(scores, labels, scheme=LabelScheme(("1", "2", "7", "8"), kind="ordinal"))
    expected = sk.cohen_kappa_score(
        stars[labels], stars[scores.argmax(axis=1)], weights="quadratic", labels=np.arange(1, 9)
    )
    assert result["ordinal"] is not None
    close(result["ordinal"]["quadratic_weighted_kappa"], expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1, max_size=30))
def test_metrics_average_precision_is_scikit_learns(examples: list[tuple[int, bool]]) -> None:
    scores, has = np.array([float(score) for score, _ in examples]), np.array([is_it for _, is_it in examples])
    if not has.any():
        assert average_precision(scores, has) is None
    else:
        close(average_precision(scores, has), sk.average_precision_score(has, scores))


# Figures that say how much examples tell, not what: a weight of 2 is no second example.
OF_SIZE = {"accuracy_interval", "subset_accuracy_interval"}


def same(weighted: Any, repeated: Any) -> None:
    """All figures with weights are those of the repeated examples, to 1e-6."""
    if isinstance(weighted, dict):
        for name in weighted.keys() - OF_SIZE:
            same(weighted[name], repeated[name])
    elif isinstance(weighted, list):
        for part, of_repeated in zip(weighted, repeated, strict=True):
            same(part, of_repeated)
    elif weighted is None or repeated is None:
        assert weighted is repeated
    else:
        assert weighted == pytest.approx(repeated, rel=1e-6, abs=1e-6)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([TWO, THREE, SEVERAL, STARS]),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 4), min_size=1, max_size=25),
    st.booleans(),
)
def test_metrics_weight_2_is_the_example_twice(
    scheme: LabelScheme, seed: int, weights: list[int], may_abstain: bool
) -> None:
    draws, examples = np.random.default_rng(seed), len(weights)
    scores = draws.integers(0, 6, (examples, len(scheme.names))) + 0.5
    scores = scores / 6 if scheme.several else scores / scores.sum(axis=1, keepdims=True)
    labels: Any = draws.integers(0, len(scheme.names), examples)
    if scheme.several:
        labels = draws.random(scores.shape) < 0.5
    abstains = draws.random(examples) < 0.5 if may_abstain and not scheme.several else None
    weighted = metrics_of(scores, labels, scheme=scheme, weights=np.array(weights), abstains=abstains)["weighted"]
    rows = np.repeat(np.arange(examples), weights)
    twice = metrics_of(scores[rows], labels[rows], scheme=scheme, abstains=None if abstains is None else abstains[rows])
    assert weighted is not None
    only_once = {"examples", "weighted", "effective_examples", "slices", "decision", "word_counts"}
    assert weighted.keys() == twice.keys() - only_once
    same(weighted, twice)


def test_metrics_loss_stays_finite_and_json_able() -> None:
    result = metrics_of(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), [1, 0], scheme=TWO)
    assert result["loss"] == pytest.approx(-math.log(1e-7))
    several = metrics_of([[1.0, 0.0, 0.5]], [[False, True, True]], scheme=SEVERAL, weights=[0.5])
    for metrics in (result, several):
        assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics


def test_metrics_of_a_model_that_diverged_say_so_without_a_warning() -> None:
    scores = np.full([2, 2], np.nan, np.float32)
    assert math.isnan(metrics_of(scores, [0, 1], scheme=TWO)["loss"])


def test_metrics_by_a_decision() -> None:
    scores = [[0.4, 0.6], [0.3, 0.7], [0.1, 0.9], [0.8, 0.2]]
    careful = Decision(settings=DecisionSettings(abstain_below=0.75))
    result = metrics_of(scores, [0, 1, 1, 0], scheme=TWO, decision=careful)
    assert result["confusion"] == [[1, 1], [0, 2]]
    assert result["decided"] is not None
    assert (result["decided"]["share"], result["decided"]["accuracy"]) == (0.5, 1.0)
    late = Decision(settings=DecisionSettings(threshold=0.65), thresholds=[None, 0.65])
    result = metrics_of(scores, [0, 1, 1, 0], scheme=TWO, decision=late)
    assert (result["confusion"], result["decided"]) == ([[2, 0], [0, 2]], None)

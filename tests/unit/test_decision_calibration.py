"""The temperature: literals worked out by hand, and scikit-learn's log loss over a grid of temperatures."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics as sk

from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.calibration import HIGHEST, LOWEST, fit_temperature
from trainer.decision.decision import Decision
from trainer.decision.scores import scores_of

TWO = LabelScheme(("neg", "pos"))
THREE = LabelScheme(("a", "b", "c"))
SEVERAL = LabelScheme(("a", "b", "c"), several=True)


@pytest.mark.parametrize(
    # logits, labels, others, temperature
    ("logits", "labels", "others", "temperature"),
    [
        # 3 of 4 are right: odds of 3, whose logarithm is 1.0986
        ([[2.0]] * 4, [1, 1, 1, 0], {}, 2 / math.log(3)),
        ([[0.5]] * 4, [1, 1, 1, 0], {}, 0.5 / math.log(3)),
        ([[-2.0]] * 4, [0, 0, 0, 1], {}, 2 / math.log(3)),
        # a row of weight 3
        ([[2.0], [2.0]], [1, 0], {"weights": np.array([3.0, 1.0])}, 2 / math.log(3)),
        # odds of 3 : 1 that the loss with weights of 1 : 2 sees as 6 : 1
        ([[2.0]] * 4, [1, 1, 1, 0], {"prior_weights": [1.0, 2.0]}, 2 / math.log(6)),
        # odds of 8 : 1 : 1 are e^2 : 1 : 1 for a temperature of 2 / log 8
        ([[2.0, 0.0, 0.0]] * 10, [0] * 8 + [1, 2], {"scheme": THREE}, 2 / math.log(8)),
        ([[2.0, -2.0, 2.0]] * 4, [[1, 0, 1]] * 3 + [[0, 1, 0]], {"scheme": SEVERAL}, 2 / math.log(3)),
        # nothing wrong: the best would be 0
        ([[2.0], [-2.0]], [1, 0], {}, LOWEST),
        # all wrong: the best would be infinite, or negative
        ([[2.0], [-2.0]], [0, 1], {}, HIGHEST),
        # no logit says anything
        ([[0.0], [0.0]], [0, 1], {}, HIGHEST),
    ],
)
def test_calibration_temperature_by_hand(
    logits: list[list[float]], labels: list[Any], others: dict[str, Any], temperature: float
) -> None:
    arguments = {"scheme": TWO, **others}
    right = np.array(labels, bool if arguments["scheme"].several else np.int64)
    fitted = fit_temperature(logits, right, **arguments)
    assert fitted.value == pytest.approx(temperature, rel=1e-7)
    assert fitted.is_bound == (temperature in (LOWEST, HIGHEST))


def random_rows(scheme: LabelScheme, *, sharpness: float) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Logits that are `sharpness` times too large, and labels drawn by the true ones."""
    draw = np.random.default_rng(7)
    true = draw.normal(0, 1.5, [4000, scheme.outputs])
    scores = scores_of(true, Decision(), scheme)
    if scheme.several:
        labels = draw.random(scores.shape) < scores
    else:
        labels = (scores.cumsum(axis=1) < draw.random([4000, 1])).sum(axis=1).clip(0, len(scheme.names) - 1)
    return (sharpness * true).astype(np.float32), labels


@pytest.mark.parametrize("scheme", [TWO, THREE, SEVERAL])
@pytest.mark.parametrize("sharpness", [0.5, 3.0])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_calibration_has_the_lowest_log_loss_of_scikit_learn(
    scheme: LabelScheme, sharpness: float, is_weighted: bool
) -> None:
    logits, labels = random_rows(scheme, sharpness=sharpness)
    weights = np.random.default_rng(8).uniform(0.2, 3, len(logits)) if is_weighted else None
    prior = [1.0, 2.5, 0.5][: len(scheme.names)]
    fitted = fit_temperature(logits, labels, scheme=scheme, weights=weights, prior_weights=prior)

    def loss(temperature: float) -> float:
        scores = scores_of(logits, Decision(temperature=temperature, prior_weights=prior), scheme).astype(np.float64)
        if not scheme.several:
            return float(sk.log_loss(labels, scores / scores.sum(axis=1, keepdims=True), sample_weight=weights))
        return sum(float(sk.log_loss(labels[:, index], scores[:, index], sample_weight=weights)) for index in range(3))

    best = loss(fitted.value)
    assert all(best <= loss(fitted.value * factor) for factor in (0.5, 0.9, 0.98, 1.02, 1.1, 2.0))


@pytest.mark.parametrize("scheme", [TWO, THREE, SEVERAL])
def test_calibration_finds_the_temperature_that_logits_were_made_with(scheme: LabelScheme) -> None:
    logits, labels = random_rows(scheme, sharpness=3.0)
    assert fit_temperature(logits, labels, scheme=scheme).value == pytest.approx(3.0, rel=0.08)


def test_calibration_is_the_same_number_for_a_row_of_weight_2_and_the_row_twice() -> None:
    logits, labels = random_rows(TWO, sharpness=2.0)
    repeats = 1 + np.arange(len(labels)) % 3
    twice = fit_temperature(np.repeat(logits, repeats, axis=0), np.repeat(labels, repeats), scheme=TWO)
    weighted = fit_temperature(logits, labels, scheme=TWO, weights=repeats.astype(np.float64))
    assert weighted.value == pytest.approx(twice.value, rel=1e-8)

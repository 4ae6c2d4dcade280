"""The sentence that compares the LSTM with word counts."""

from typing import Any

import numpy as np
import pytest

from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import Decision
from trainer.decision.held_out import LabelledLogits
from trainer.decision.price import price_of
from trainer.evaluation.measure import metrics_of
from trainer.evaluation.metrics import Metrics
from trainer.evaluation.word_counts_line import word_counts_line

# 80 of 100 right: Wilson's interval is from 0.711 to 0.867
SCORES = [[0.9, 0.1]] * 80 + [[0.1, 0.9]] * 20


# accuracy of word counts  what is said
@pytest.mark.parametrize(("other", "expected"), [
    (0.7, "A model of word counts alone (TF-IDF, logistic regression) has accuracy 0.700: the LSTM's 0.800 is better "
          "by 0.100."),
    (0.72, "A model of word counts alone (TF-IDF, logistic regression) has accuracy 0.720, the LSTM 0.800: the "
           "difference may be chance, and the simpler model may do."),
    (0.86, "A model of word counts alone (TF-IDF, logistic regression) has accuracy 0.860, the LSTM 0.800: the "
           "difference may be chance, and the simpler model may do."),
    (0.87, "A model of word counts alone (TF-IDF, logistic regression) has accuracy 0.870, more than the LSTM's 0.800: "
           "this task needs no LSTM, or the LSTM is not trained well."),
])  # fmt: skip
def test_word_counts_line_says_who_is_better(other: float, expected: str) -> None:
    metrics = metrics_of(SCORES, [0] * 100, scheme=LabelScheme(("neg", "pos")))
    metrics["word_counts"] = {"train_texts": 900, "learnt_from": 900, "accuracy": other}
    assert word_counts_line(metrics, has_ngrams=False) == expected


def test_word_counts_line_of_a_model_with_ngrams_says_nothing_of_the_lstm_alone() -> None:
    metrics = metrics_of(SCORES, [0] * 100, scheme=LabelScheme(("neg", "pos")))
    metrics["word_counts"] = {"train_texts": 900, "learnt_from": 900, "accuracy": 0.7}
    assert word_counts_line(metrics, has_ngrams=True) == (
        "A model of word counts alone (TF-IDF, logistic regression) has accuracy 0.700: the joined model's 0.800 is "
        "better by 0.100."
    )


def test_word_counts_line_of_several_labels_and_of_a_part_of_the_texts() -> None:
    labels: list[Any] = [[True, False]] * 100
    metrics = metrics_of(SCORES, labels, scheme=LabelScheme(("a", "b"), several=True))
    metrics["word_counts"] = {"train_texts": 9000, "learnt_from": 1000, "subset_accuracy": 0.5, "micro_f1": 0.6}
    assert word_counts_line(metrics, has_ngrams=False) == (
        "A model of word counts alone (TF-IDF, logistic regression, learnt from 1,000 of 9,000 texts) has subset "
        "accuracy 0.500: the LSTM's 0.800 is better by 0.300."
    )


def test_word_counts_line_is_left_out_where_there_is_nothing_to_compare() -> None:
    assert word_counts_line(metrics_of(SCORES, [0] * 100, scheme=LabelScheme(("neg", "pos"))), has_ngrams=False) is None


# threshold of the second label, mean cost
@pytest.mark.parametrize(("threshold", "cost"), [(0.3, None), (None, 0.5)])
def test_word_counts_line_does_not_judge_an_lstm_that_decides_otherwise(
    threshold: float | None, cost: float | None
) -> None:
    assert word_counts_line(_decided(threshold, cost), has_ngrams=False) == (
        "A model of word counts alone (TF-IDF, logistic regression) has accuracy 0.870. The LSTM has 0.800 as it "
        "decides (thresholds or costs), so the two do not compare."
    )


def test_word_counts_line_judges_an_lstm_whose_scores_are_calibrated() -> None:
    assert "more than the LSTM's 0.800" in str(word_counts_line(_decided(None, None), has_ngrams=False))


def _decided(threshold: float | None, cost: float | None) -> Metrics:
    rows = LabelledLogits(np.array([[-2], [2]], np.float32), np.array([0, 1]), None, 2)
    scheme = LabelScheme(("neg", "pos"))
    price = price_of(rows, Decision(temperature=2.0), scheme)
    assert price is not None
    price["per_label"]["pos"]["threshold"], price["mean_cost"] = threshold, cost
    metrics = metrics_of(SCORES, [0] * 100, scheme=scheme)
    metrics["word_counts"] = {"train_texts": 900, "learnt_from": 900, "accuracy": 0.87}
    metrics["decision"] = {**price, "calibration": None}
    return metrics

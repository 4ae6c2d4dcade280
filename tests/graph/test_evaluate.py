"""`trainer evaluate` of every kind of model: a model in place of an exported one, whose scores stand in the texts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.config.decision_settings import DecisionSettings, MetricsSettings
from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from trainer.commands.evaluate import UNKNOWN_LABEL, Evaluation, evaluate
from trainer.decision.decision import Decision
from trainer.decision.rules import decide
from trainer.savedmodel.loading import ExportedModel, ModelAnswers
from trainer.savedmodel.model_info import ModelInfo


class Spelled:
    """A model that answers with the scores that its text spells: "0.25 0.75". A text has an id for each of them."""

    def __init__(self, **info: Any) -> None:
        self.info = ModelInfo.model_construct(**info)

    def answers(self, texts: Sequence[bytes]) -> ModelAnswers:
        scheme, decision = self.info.scheme, self.info.decision
        scores = np.array([[float(word) for word in text.split()[: len(scheme.names)]] for text in texts], np.float32)
        decided = decide(scores, decision, scheme)
        if scheme.several:
            return ModelAnswers(scores, scores.argmax(axis=1), decided.labels.astype(np.bool_), None, None)
        abstains = decided.abstains if decision.can_abstain(scheme) else None
        return ModelAnswers(scores, decided.labels.astype(np.int64), None, abstains, None)

    def token_ids(self, texts: Sequence[bytes]) -> npt.NDArray[np.int64]:
        ids = np.zeros([len(texts), 40], np.int64)
        for row, text in zip(ids, texts, strict=True):
            row[: len(text.split())] = 7
        return ids


def evaluated(
    model: Spelled, rows: list[dict[str, Any]], folder: Path, *, slices: list[str] | None = None, **settings: Any
) -> Evaluation:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    chosen = InputSettings(path=str(path), **settings)
    return evaluate(cast(ExportedModel, model), chosen, slices=MetricsSettings(slices=slices or []))


def test_evaluate_with_weights(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "0.1 0.9", "label": "pos", "w": 3},
        {"text": "0.8 0.2", "label": "pos", "w": "0.5"},
        {"text": "0.8 0.2", "label": "neg", "w": 0},
        {"text": "0.8 0.2", "label": "other", "w": 2},
    ]
    made = evaluated(Spelled(labels=["neg", "pos"]), rows, tmp_path, weight_column="w")
    assert made.metrics["accuracy"] == 0.5
    weighted = made.metrics["weighted"]
    assert weighted is not None
    assert weighted["accuracy"] == pytest.approx(3 / 3.5)
    assert made.metrics["effective_examples"] == pytest.approx(3.5**2 / 9.25)
    assert made.rejected.pop(UNKNOWN_LABEL) == 1
    assert list(made.rejected.values()) == [1]  # the weight 0


@pytest.mark.parametrize("separator", [None, "|"])
def test_evaluate_of_several_labels(separator: str | None, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "0.9 0.1 0.2", "label": ["a"]},
        {"text": "0.9 0.1 0.6", "label": ["c", "b"]},
        {"text": "0.9 0.1 0.6", "label": ["a", "d"]},  # the model knows no d
        {"text": "0.1 0.1 0.1", "label": []},
    ]
    if separator:
        rows = [{**row, "label": separator.join(row["label"])} for row in rows]
    model = Spelled(labels=["a", "b", "c"], several_labels=True)
    made = evaluated(model, rows, tmp_path, label_separator=separator)
    assert made.rejected == {UNKNOWN_LABEL: 1}
    assert made.metrics["examples"] == 3
    assert made.metrics["subset_accuracy"] == pytest.approx(2 / 3)
    assert {name: scores["support"] for name, scores in made.metrics["per_label"].items()} == {"a": 1, "b": 1, "c": 1}
    assert made.metrics["micro"]["recall"] == pytest.approx(2 / 3)


def test_evaluate_of_several_labels_by_the_models_thresholds(tmp_path: Path) -> None:
    decision = Decision(settings=DecisionSettings(threshold=0.8), thresholds=[0.8, 0.8])
    model = Spelled(labels=["a", "b"], several_labels=True, decision=decision)
    made = evaluated(model, [{"text": "0.9 0.7", "label": ["a"]}], tmp_path)
    assert made.metrics["subset_accuracy"] == 1.0


def test_evaluate_of_ordinal_labels_with_a_label_map(tmp_path: Path) -> None:
    model = Spelled(labels=["1", "2", "5"], label_kind="ordinal", label_map={"good": "5"})
    rows: list[dict[str, Any]] = [{"text": "0.2 0.8 0", "label": "good"}, {"text": "1 0 0", "label": 1}]
    made = evaluated(model, rows, tmp_path)
    assert made.metrics["ordinal"] is not None
    assert made.metrics["ordinal"]["mean_absolute_error"] == 1.5
    assert made.metrics["ordinal"]["expected_rating_error"] == pytest.approx((5 - 1.8) / 2)


def test_evaluate_of_a_model_that_abstains(tmp_path: Path) -> None:
    model = Spelled(labels=["neg", "pos"], decision=Decision(settings=DecisionSettings(abstain_below=0.7)))
    made = evaluated(model, [{"text": "0.4 0.6", "label": "neg"}, {"text": "0.1 0.9", "label": "pos"}], tmp_path)
    assert made.metrics["accuracy"] == 0.5
    assert made.metrics["decided"] is not None
    assert (made.metrics["decided"]["share"], made.metrics["decided"]["accuracy"]) == (0.5, 1.0)


def test_evaluate_of_slices(tmp_path: Path) -> None:
    right, wrong = {"text": "0.1 0.9", "label": "pos"}, {"text": "0.9 0.1 and longer", "label": "pos"}
    rows = [{**right, "site": "web"}] * 12 + [{**wrong, "site": 7}] * 10 + [right] * 3
    made = evaluated(Spelled(labels=["neg", "pos"]), rows, tmp_path, slices=["site", "text_length"])
    by_site, by_length = made.metrics["slices"]
    assert [(part["value"], part["examples"], part["accuracy"]) for part in by_site["slices"]] == [
        ("7", 10, 0.0), ("web", 12, 1.0),
    ]  # fmt: skip
    assert by_site["others"] is not None
    assert (by_site["others"]["values"], by_site["others"]["examples"]) == (1, 3)
    assert [(part["value"], part["examples"]) for part in by_length["slices"]] == [("4 words", 10), ("2 words", 15)]


# labels of the model, several, label of the data, settings, what the message says
@pytest.mark.parametrize(("several", "label", "given", "message"), [
    (True, "a", {}, r"input\.several_labels: the model gives a text several labels, but 'label' of .* holds single"),
    (False, ["a"], {}, r"input\.several_labels: the model gives a text one label, but 'label' of .* holds lists"),
    (False, "a|b", {"label_separator": "|"}, r"the model gives a text one label"),
])  # fmt: skip
def test_evaluate_refuses_labels_of_the_other_kind(
    several: bool, label: Any, given: dict[str, Any], message: str, tmp_path: Path
) -> None:
    model = Spelled(labels=["a", "b"], several_labels=several)
    with pytest.raises(UserError, match=message):
        evaluated(model, [{"text": "0.5 0.5", "label": label}], tmp_path, **given)


def test_evaluate_of_several_labels_takes_single_ones_where_it_is_told(tmp_path: Path) -> None:
    model = Spelled(labels=["a", "b"], several_labels=True)
    made = evaluated(model, [{"text": "0.9 0.1", "label": "a"}], tmp_path, several_labels=True)
    assert made.metrics["subset_accuracy"] == 1.0

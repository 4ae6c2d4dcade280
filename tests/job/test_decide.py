"""`trainer decide`: another version with other decisions, chosen on rows that the export kept."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config.decision_settings import DecisionSettings
from pipeline.contract import Split
from pipeline.errors import UserError
from tests.support.exported_models import settings, unchecked
from trainer.cli import main
from trainer.commands.decide import decide_again, new_settings
from trainer.commands.train import train_and_export
from trainer.data.records_folder import open_records_folder
from trainer.decision.decision import NO_DECISION
from trainer.decision.held_out import HELD_OUT_FILE, LabelledLogits, loads
from trainer.decision.rules import decide
from trainer.decision.scores import scores_of
from trainer.evaluation.scoring import score_split
from trainer.export.rebuild import keras_model
from trainer.savedmodel.loading import ExportedModel
from trainer.savedmodel.model_info import read_info


@pytest.fixture(scope="module")
def exported(small_records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export.path with a version that `trainer train` made."""
    folder = tmp_path_factory.mktemp("decide")
    with unchecked():
        train_and_export(settings(small_records, folder))
    return folder / "model"


@pytest.fixture
def model(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "model"))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_decide_keeps_the_logits_of_both_splits(exported: Path, small_records: Path) -> None:
    model = ExportedModel(str(exported / "1"))
    assert model.info.decision == NO_DECISION
    kept = loads((exported / "1" / HELD_OUT_FILE).read_bytes(), model.info.scheme)
    records = open_records_folder(str(small_records))
    parts: dict[Split, LabelledLogits] = {"eval": kept.eval, "test": kept.test}
    for split, rows in parts.items():
        scored = score_split(keras_model(model), records, split, batch_size=32)
        np.testing.assert_allclose(rows.logits, scored.logits, atol=1e-6)
        assert rows.labels.tolist() == scored.labels.tolist()
        assert rows.rows == len(rows.labels) > 10
    assert kept.class_weights is None


def test_decide_makes_the_next_version_of_the_same_weights(model: Path) -> None:
    before = contents(model / "1")
    decided = decide_again(
        str(model), {"decision.threshold": "{positive: 'recall>=0.9'}", "decision.abstain_below": "0.51"}
    )
    assert decided.exported is not None
    assert (decided.exported.path, decided.notes) == (str(model / "2"), [])
    assert contents(model / "1") == before
    first, second = ExportedModel(str(model / "1")), ExportedModel(str(model / "2"))
    assert all(np.array_equal(own, its) for own, its in zip(first.weights, second.weights, strict=True))
    assert second.info.decision == decided.decision
    assert (model / "2" / HELD_OUT_FILE).read_bytes() == before[HELD_OUT_FILE]

    texts = [b"word1 word2", b"", b"word3", b"word0 word0 word5 word1"]
    scores = first.scores(texts)
    right = decide(scores, decided.decision, second.info.scheme)
    answers = second.answers(texts)
    assert answers.scores.tolist() == scores.tolist()
    assert answers.label.tolist() == right.labels.tolist()
    assert answers.abstains is not None
    assert answers.abstains.tolist() == right.abstains.tolist()

    rows = loads(before[HELD_OUT_FILE], second.info.scheme)
    scheme = second.info.scheme
    of_eval, of_test = (
        decide(scores_of(part.logits, decided.decision, scheme), decided.decision, scheme)
        for part in (rows.eval, rows.test)
    )
    assert np.mean(of_eval.labels[rows.eval.labels == 1] == 1) >= 0.9
    assert second.info.metrics is not None
    price = second.info.metrics["decision"]
    assert price["abstained"] == pytest.approx(np.mean(of_test.abstains))
    hits = (of_test.labels == 1) & (rows.test.labels == 1) & ~of_test.abstains
    assert price["per_label"]["positive"]["recall"] == pytest.approx(hits.sum() / (rows.test.labels == 1).sum())


def test_decide_starts_from_the_decision_of_the_model(model: Path) -> None:
    with unchecked():
        first = decide_again(str(model), {"decision.calibrate": "temperature"})
        second = decide_again(str(model / "2"), {"decision.threshold": "best_f1"})
        third = decide_again(str(model), {"decision.threshold": "argmax", "decision.calibrate": "none"})
    assert first.decision.temperature != 1
    assert (second.decision.temperature, second.decision.settings.threshold) == (first.decision.temperature, "best_f1")
    assert third.decision == NO_DECISION
    assert sorted(path.name for path in model.iterdir()) == ["1", "2", "3", "4"]
    plain, again = ExportedModel(str(model / "1")), ExportedModel(str(model / "4"))
    assert plain.scores([b"word1"]).tolist() == again.scores([b"word1"]).tolist()
    assert again.answers([b"word1"]).abstains is None


@pytest.mark.parametrize(
    # what the model has, what is given, threshold and costs then
    ("before", "given", "threshold", "costs"),
    [
        ({"threshold": 0.7}, {"abstain_below": "0.6"}, 0.7, None),
        ({"threshold": 0.7}, {"costs": "{a: {b: 2}}"}, "argmax", {"a": {"b": 2.0}}),
        ({"costs": {"a": {"b": 2}}}, {"threshold": "best_f1"}, "best_f1", None),
        ({"costs": {"a": {"b": 2}}}, {"abstain_below": "0.6"}, "argmax", {"a": {"b": 2.0}}),
        ({"costs": {"a": {"b": 2}}}, {"costs": "null"}, "argmax", None),
        ({"threshold": {"a": 0.5}}, {"threshold": "{b: 0.25}"}, {"b": 0.25}, None),
    ],
)
def test_decide_changes_the_settings_that_are_given(
    before: dict[str, Any], given: dict[str, str], threshold: Any, costs: Any
) -> None:
    overrides = {f"decision.{name}": value for name, value in given.items()}
    result = new_settings(DecisionSettings(**before), overrides)
    assert (result.threshold, result.costs) == (threshold, costs)


@pytest.mark.parametrize(
    # overrides, words of the error
    ("overrides", "error"),
    [
        ({}, "no setting of decision is given"),
        ({"training.epochs": "1"}, "--training.epochs: only settings of decision, and export.path"),
        ({"decision.treshold": "0.5"}, "decision.treshold is not a setting; did you mean decision.threshold"),
        ({"decision.threshold": "2"}, "threshold"),
        ({"decision.threshold": "{positve: 0.5}"}, "'positve' is none of the labels; did you mean 'positive'?"),
        ({"decision.threshold": "0.5", "decision.costs": "{positive: {negative: 2}}"}, "costs are set too"),
        ({"decision.threshold": "precision>=1"}, "can't have precision>=1 on the eval split: the most that "),
    ],
)  # fmt: skip
def test_decide_refuses_what_does_not_fit(model: Path, overrides: dict[str, str], error: str) -> None:
    before = contents(model)
    with pytest.raises(UserError) as raised:
        decide_again(str(model), overrides)
    assert error in str(raised.value)
    assert contents(model) == before


def test_decide_needs_the_rows_as_they_were_kept(model: Path) -> None:
    path = model / "1" / HELD_OUT_FILE
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    ExportedModel(str(model / "1"))  # no answer depends on it
    with pytest.raises(UserError, match=r"held_out.npz has .* bytes, exported were"):
        decide_again(str(model), {"decision.threshold": "0.6"})
    path.unlink()
    with pytest.raises(UserError, match=r"holds no assets.extra/held_out.npz.*--resume"):
        decide_again(str(model), {"decision.threshold": "0.6"})


def test_decide_of_a_copy_elsewhere_asks_where_the_version_goes(model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(model / "1", tmp_path / "copy")
    with pytest.raises(UserError, match=r"not a numbered version.*--export.path"):
        decide_again(str(copy), {"decision.threshold": "0.6"})
    with unchecked():
        outcome = decide_again(str(copy), {"decision.threshold": "0.6", "export.path": str(tmp_path / "other")})
    assert outcome.exported is not None
    assert outcome.exported.path == str(tmp_path / "other" / "1")
    assert read_info(outcome.exported.path, setting="--model").decision.thresholds == [None, 0.6]


def test_decide_command_shows_the_price_and_publishes_nothing_on_a_dry_run(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(model)
    arguments = ["decide", "--model", str(model), "--dry-run", "--decision.threshold", "0.52"]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("test split  ")
    assert lines[1].startswith("now:    accuracy 0.")
    assert lines[2].startswith("before: accuracy 0.")
    assert [line.split()[:2] for line in lines if line.startswith(("negative", "positive"))] == [
        ["negative", "-"],
        ["positive", "0.5200"],
    ]
    assert main([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["model"], answer["decision"]["thresholds"]) == (None, [None, 0.52])
    assert main(["decide", "--model", str(model), "--dry-run", "--decision.threshold", "0,5"]) == 2
    assert "threshold is '0,5'" in capsys.readouterr().err
    assert contents(model) == before

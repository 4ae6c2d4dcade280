"""A training's decision: chosen on the eval split, shown on test, and without a second pass over the eval rows."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config.settings import Config
from tests.support.toy_records import toy_config, toy_folder, toy_rows, write_folder
from trainer.data.records_folder import RecordsFolder
from trainer.decision.decision import NEVER, NO_DECISION
from trainer.decision.rules import decide
from trainer.decision.scores import scores_of
from trainer.evaluation.scoring import score_split
from trainer.training import choose as choosing
from trainer.training.choose import choose
from trainer.training.fit import TrainedModel, score_held_out, train


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> RecordsFolder:
    return toy_folder(tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return toy_config(tmp_path_factory.mktemp("training"), epochs=2)


@pytest.fixture(scope="module")
def trained(config: Config, records: RecordsFolder) -> TrainedModel:
    return train(config, records)


def deciding(config: Config, **decision: Any) -> Config:
    return config.model_validate({**config.model_dump(), "decision": decision})


def test_choose_reuses_the_scores_of_the_best_epoch(
    trained: TrainedModel, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = score_split(trained.model, trained.records, "eval", batch_size=8)
    monkeypatch.setattr(choosing, "score_split", None)
    chosen = choose(trained, config)
    assert chosen.decision == NO_DECISION
    assert chosen.eval_rows.logits.tobytes() == again.logits.tobytes()
    assert chosen.eval_rows.labels.tolist() == again.labels.tolist()


def test_choose_scores_the_eval_split_after_a_training_that_had_ended(
    trained: TrainedModel, config: Config, records: RecordsFolder
) -> None:
    resumed = train(config, records, resume=True)
    assert resumed.eval_scores is None
    assert choose(resumed, config).eval_rows.logits.tobytes() == choose(trained, config).eval_rows.logits.tobytes()


def test_choose_decides_on_eval_and_shows_the_price_on_test(trained: TrainedModel, config: Config) -> None:
    own = deciding(config, threshold={"pos": "recall>=1"}, calibrate="temperature")
    chosen = choose(trained, own)
    rows = chosen.eval_rows
    reached = decide(
        scores_of(rows.logits, chosen.decision, trained.records.scheme), chosen.decision, trained.records.scheme
    )
    assert reached.labels[rows.labels == 1].all()
    assert chosen.decision.temperature != 1
    scored = score_held_out(trained, own.training, chosen.decision)
    assert scored is not None
    written = json.loads((Path(config.training.path) / "metrics.json").read_text())["decision"]
    answers = decide(scored.scores, chosen.decision, trained.records.scheme).labels
    assert written["accuracy"] == np.mean(answers == scored.labels) == scored.metrics["accuracy"]
    assert written["temperature"] == chosen.decision.temperature
    assert written["rows"] == 20
    assert written["calibration"]["loss_after"] == pytest.approx(scored.metrics["loss"])
    kept = chosen.held_out(scored)
    assert len(kept.test.labels) == len(kept.eval.labels) == 20


def test_choose_says_of_a_rule_that_nothing_fulfils_and_keeps_the_training(
    trained: TrainedModel, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    rows = toy_rows(20, seed=1)
    # All eval rows are neg, so pos has no recall.
    folder = write_folder(
        Path(config.training.path).parent / "one_label",
        train=[rows],
        evaluation=[(row[0], 0) for row in rows],
        max_length=12,
    )
    other = TrainedModel(trained.model, folder, trained.history, best_epoch=1)
    with caplog.at_level(logging.WARNING):
        chosen = choose(other, deciding(config, threshold={"pos": "recall>=0.5"}))
    assert chosen.decision.thresholds == [None, NEVER]
    assert "decision.threshold: 'pos' can't have recall>=0.5 on the eval split" in caplog.text
    assert chosen.held_out(None).test.logits.shape == (0, 1)


def test_choose_without_eval_rows_takes_scores_that_are_given(
    trained: TrainedModel, config: Config, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path, train=[toy_rows(10)])
    other = TrainedModel(trained.model, folder, trained.history, best_epoch=1)
    assert choose(other, deciding(config, threshold=0.8)).decision.thresholds == [None, 0.8]

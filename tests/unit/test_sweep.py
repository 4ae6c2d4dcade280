"""A sweep without trainings: the space, and table, plot and best settings of trials that are written down here."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import optuna
import pytest
import yaml
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from pipeline.config.load import load
from pipeline.errors import UserError
from trainer.sweep.page import parallel_coordinates, sweep_page
from trainer.sweep.process import eval_losses, settings_yaml
from trainer.sweep.results import best_yaml, importances, rows_of
from trainer.sweep.space import Choice, Range, Space, read_space
from trainer.sweep.study import Study, arguments_of
from trainer.sweep.view import sweep_table

UNITS, DROPOUT = "model.lstm_units", "model.dropout"


def trial_of(units: str, dropout: float, losses: list[float], state: TrialState = TrialState.COMPLETE) -> FrozenTrial:
    return create_trial(
        state=state,
        value=min(losses) if state == TrialState.COMPLETE else None,
        params={UNITS: units, DROPOUT: dropout},
        distributions={UNITS: CategoricalDistribution(["8", "[16, 8]"]), DROPOUT: FloatDistribution(0, 0.5)},
        intermediate_values=dict(enumerate(losses, start=1)),
    )


@pytest.fixture
def study() -> optuna.Study:
    """Four trials that are done and one that was stopped; the best is the third."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = optuna.create_study()
    made.add_trials([
        trial_of("8", 0.5, [0.7, 0.6]),
        trial_of("[16, 8]", 0.25, [0.65], TrialState.PRUNED),
        trial_of("[16, 8]", 0.0, [0.5, 0.4]),
        trial_of("8", 0.25, [0.6, 0.5]),
        trial_of("8", 0.4, [0.6, 0.55]),
    ])  # fmt: skip
    return made


def space_of(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    return read_space(str(path), config_path=None, overrides={"training.epochs": "2"})


def test_sweep_reads_a_space(tmp_path: Path) -> None:
    text = "model.lstm_units: {values: [8, [16, 8], 8]}\ntraining.learning_rate: {low: 1e-4, high: 1, log: true}\n"
    text += "model.embedding_dim: {low: 8, high: 32, int: true}\n"
    assert space_of(tmp_path, text) == {
        UNITS: Choice(("8", "[16, 8]")),
        "training.learning_rate": Range(1e-4, 1, True, False),
        "model.embedding_dim": Range(8, 32, False, True),
    }


@pytest.mark.parametrize(
    # SPACE.yaml, what the error names
    ("text", "named"),
    [
        ("[]", "a list of 0 items"),
        ("model.dropuot: {values: [0]}", "model.dropout?"),
        ("output.path: {values: [a]}", "output.path"),
        ("training.path: {values: [a]}", "training.path"),
        (
            "model.ngram_gaps: {values: [0, 1]}",
            "model.ngram_gaps is no setting that trainings of a sweep can differ in",
        ),
        ("training.epochs: {values: [1]}", "training.epochs"),  # on the command line as well
        ("model.dropout: 0.5", "model.dropout"),
        ("model.dropout: {values: []}", "model.dropout"),
        ("model.dropout: {values: [0.5, 1.5]}", "model.dropout"),
        ("model.dropout: {low: 0.0, high: 1.5}", "model.dropout"),
        ("model.dropout: {low: 0.5, high: 0.1}", "low must be smaller"),
        ("model.dropout: {low: 0, high: 0.5, log: true}", "above 0"),
        ("model.dropout: {low: 0, high: 0.5, log: 1}", "log"),
        ("model.dropout: {low: 0, hihg: 0.5}", "model.dropout"),
        ("model.embedding_dim: {low: 1, high: 9}", "model.embedding_dim"),  # a fraction is no width
        ("model.embedding_dim: {low: 1.5, high: 9, int: true}", "whole number"),
        ("model.lstm_units: {values: [a]}", "model.lstm_units"),
    ],
)
def test_sweep_refuses_a_wrong_space(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(UserError, match=r"space\.yaml") as refused:
        space_of(tmp_path, text)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_sweep_grid_tries_each_combination_once(tmp_path: Path) -> None:
    space: Space = {UNITS: Choice(("8", "[16, 8]")), "training.epochs": Range(1, 2, False, True)}
    values = []
    for _ in range(4):  # opened again for each trial, as after kills
        study = Study(str(tmp_path), space, sampler="grid", seed=3, settings={}, path="space.yaml")
        trial = study.ask()
        values.append(tuple(arguments_of(trial).values()))
        study.study.tell(trial, 0.5)
    assert sorted(values) == [("8", "1"), ("8", "2"), ("[16, 8]", "1"), ("[16, 8]", "2")]


def test_sweep_orders_trials_by_their_loss(study: optuna.Study) -> None:
    rows = rows_of(study.trials)
    assert [(row.number, row.state, row.loss, row.epochs) for row in rows] == [
        (3, "done", 0.4, 2),
        (4, "done", 0.5, 2),
        (5, "done", 0.55, 2),
        (1, "done", 0.6, 2),
        (2, "stopped early", 0.65, 1),
    ]
    assert rows[0].values == {UNITS: "[16, 8]", DROPOUT: "0.0"}
    assert sweep_table(rows, importances(study)).row_count == 6
    assert sum(importances(study).values()) == pytest.approx(1)
    assert importances(optuna.create_study()) == {}


def test_sweep_draws_parallel_coordinates(study: optuna.Study) -> None:
    svg = ElementTree.fromstring(str(parallel_coordinates(rows_of(study.trials))))
    lines = {line[0].text.split(",")[0]: line.get("points") for line in svg.iter("polyline") if line[0].text}
    # Axes at x = 70, 450 and 830, from y = 34 (the top) to 310; losses from 0.4 to 0.65, dropouts from 0 to 0.5.
    assert lines["trial 3"] == "70.0,34.0 450.0,310.0 830.0,310.0"
    assert lines["trial 1"] == "70.0,310.0 450.0,34.0 830.0,89.2"
    assert lines["trial 2"] == "70.0,34.0 450.0,172.0 830.0,34.0"
    assert [line.get("stroke") for line in svg.iter("polyline")].count("#d95f02") == 1


def test_sweep_page_asks_no_other_machine(study: optuna.Study) -> None:
    page = sweep_page(rows_of(study.trials), importances(study), best_file="<b>best.yaml").decode()
    body = page[page.index("<body>") : page.index("<script>")]
    assert "&lt;b&gt;best.yaml" in body
    assert not re.search(r"(?:src|href)=", body)


def test_sweep_best_settings_are_those_of_the_training(tmp_path: Path) -> None:
    tried = {UNITS: "[16, 8]", "training.learning_rate": "1e-05", "training.path": "a/training"}
    config = load(None, {**tried, "output.path": "records", "training.class_weight": "balanced"})
    (tmp_path / "settings.yaml").write_text(settings_yaml(config))
    assert load(str(tmp_path / "settings.yaml"), {}) == config
    (tmp_path / "best.yaml").write_text(best_yaml(settings_yaml(config)))
    best = load(str(tmp_path / "best.yaml"), {})
    assert (best.model.lstm_units, best.training.learning_rate) == ([16, 8], 1e-5)
    assert best.training.path == "out/training"
    assert set(yaml.safe_load((tmp_path / "best.yaml").read_text())) == {"embedding", "model", "training"}


def test_sweep_reads_losses_of_a_history(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    assert eval_losses(path) == []
    path.write_text("epoch,eval_loss,seconds\n1,0.5,2\n2,,2\n")
    assert eval_losses(path) == [0.5, None]

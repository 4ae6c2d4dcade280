"""A study -> the rows of its table, the best settings, and how much each setting matters."""

from typing import NamedTuple

import optuna
import yaml
from optuna.trial import FrozenTrial, TrialState

from trainer.sweep.study import arguments_of

_WORDS = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "stopped early",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "unfinished",
    TrialState.WAITING: "unfinished",
}


class Row(NamedTuple):
    """A trial. number: from 1. loss: its lowest eval loss so far, None before its first epoch. values: by setting."""

    number: int
    state: str
    loss: float | None
    epochs: int
    values: dict[str, str]


def rows_of(trials: list[FrozenTrial]) -> list[Row]:
    """The trials, the best first: those that are done, then those that were stopped, each by their loss."""
    rows = [
        Row(
            trial.number + 1,
            _WORDS[trial.state],
            min(trial.intermediate_values.values(), default=None),
            len(trial.intermediate_values),
            arguments_of(trial),
        )
        for trial in trials
    ]
    order = list(dict.fromkeys(_WORDS.values()))
    return sorted(rows, key=lambda row: (order.index(row.state), row.loss is None, row.loss or 0, row.number))


def importances(study: optuna.Study) -> dict[str, float]:
    """Which share of the losses' differences each setting explains, the largest first; none with fewer than 4 trials.

    S. Watanabe et al., PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces, 2023.
    """
    done = [trial for trial in study.get_trials(deepcopy=False) if trial.state == TrialState.COMPLETE]
    if len(done) < 4 or len({trial.value for trial in done}) < 2:
        return {}
    return dict(
        optuna.importance.get_param_importances(study, evaluator=optuna.importance.PedAnovaImportanceEvaluator())
    )


def best_yaml(settings: str) -> str:
    """The settings.yaml of a training -> what another training takes as --config: without the sweep's folders."""
    sections = yaml.safe_load(settings)
    kept = {name: dict(sections[name]) for name in ("embedding", "model", "training")}
    del kept["training"]["path"]
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)

"""A sweep's space and folder -> Optuna's study in a SQLite file, which a sweep that was killed opens again."""

import json
import logging
from typing import Any, Final

import optuna
from optuna.trial import FrozenTrial, Trial, TrialState

from pipeline.errors import UserError
from trainer.sweep.space import Choice, Space, as_argument, grid_of

STUDY_FILE: Final = "study.db"
_NAME: Final = "sweep"
_SPACE: Final = "space"
# Trainings that are not stopped early, so that there is something to compare with.
_UNPRUNED: Final = 4


class Study:
    """The trials of a sweep. A trial's value is its lowest eval loss."""

    def __init__(
        self, folder: str, space: Space, *, sampler: str, seed: int, settings: dict[str, Any], path: str
    ) -> None:
        """settings: all others, as they are in each training.

        Raises:
          UserError: the folder holds a sweep with another space or other settings.
        """
        optuna.logging.set_verbosity(logging.WARNING)
        # Ctrl-C within a query, which SQLite takes back, is an error with a traceback for it.
        logging.getLogger("sqlalchemy").setLevel(logging.CRITICAL)
        self.space = space
        storage = optuna.storages.RDBStorage(f"sqlite:///{folder}/{STUDY_FILE}")
        self.study = optuna.create_study(
            study_name=_NAME,
            storage=storage,
            direction="minimize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED),
            load_if_exists=True,
        )
        wanted = json.loads(json.dumps({"space": space, "sampler": sampler, "settings": settings}))
        stored = self.study.user_attrs.get(_SPACE)
        if stored is None:
            self.study.set_user_attr(_SPACE, wanted)
        elif _differs(stored, wanted):
            raise UserError(
                f"--resume: {folder} holds a sweep with another space, sampler or other settings; give the same ones, "
                "or another --output"
            )
        # Another seed after each trial: a sweep that goes on must not draw again what it has drawn.
        drawn = seed + len(self.study.trials)
        if sampler == "grid":
            self.study.sampler = _Grid(grid_of(space, path=path), seed=seed)
        elif sampler == "random":
            self.study.sampler = optuna.samplers.RandomSampler(seed=drawn)
        else:
            self.study.sampler = optuna.samplers.TPESampler(seed=drawn)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All of them, by number."""
        return self.study.get_trials(deepcopy=False)

    def ask(self) -> Trial:
        """A new trial, with a value for each setting."""
        trial = self.study.ask()
        for name, tried in self.space.items():
            if isinstance(tried, Choice):
                trial.suggest_categorical(name, list(tried.texts))
            elif tried.is_int:
                trial.suggest_int(name, int(tried.low), int(tried.high), log=tried.log)
            else:
                trial.suggest_float(name, tried.low, tried.high, log=tried.log)
        return trial

    def unfinished(self) -> list[Trial]:
        """Trials that ran when the sweep was killed; one that has not got all its values yet becomes a failed one."""
        found = []
        for trial in self.trials:
            if trial.state == TrialState.RUNNING:
                if set(trial.params) == set(self.space):
                    found.append(Trial(self.study, trial._trial_id))
                else:
                    self.study.tell(trial.number, state=TrialState.FAIL)
        return found


class _Grid(optuna.samplers.GridSampler):
    """Optuna's stops `Study.optimize` after the last combination. Here nobody has called that, and it would raise."""

    def after_trial(self, *_: Any) -> None:
        """Does nothing."""


def arguments_of(trial: Trial | FrozenTrial) -> dict[str, str]:
    """The settings of a trial: `section.key` -> the command line's text."""
    return {name: as_argument(value) for name, value in trial.params.items()}


def _differs(stored: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether a sweep asks for something else; settings that the earlier version did not know are none of it.

    >>> earlier = {"space": {}, "sampler": "tpe", "settings": {"model": {"dropout": 0.0}}}
    >>> _differs(earlier, {**earlier, "settings": {"model": {"dropout": 0.0, "later": 1}}})
    False
    >>> _differs(earlier, {**earlier, "sampler": "grid"})
    True
    """
    if any(stored[name] != wanted[name] for name in ("space", "sampler")):
        return True
    sections = wanted["settings"]
    return any(
        value != sections.get(section, {}).get(key)
        for section, values in stored["settings"].items()
        for key, value in values.items()
    )

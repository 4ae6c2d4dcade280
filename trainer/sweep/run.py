"""A space and settings -> trainings, as many at once as fit in memory, until all trials are done.

    Optuna's next values -> a process each -> its eval loss after each epoch -> Optuna: go on, or stop it

The study is in a SQLite file and each training has checkpoints, so a sweep that is killed at any moment goes on with
--resume: what ran is taken up from its last checkpoint.
"""

import logging
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from optuna.trial import Trial, TrialState

from pipeline.config.load import load
from pipeline.errors import UserError
from pipeline.files import lock
from pipeline.support.end_with_parent import parent_pipe
from trainer.sweep.process import MODEL, TRAINING, TrainingProcess, free_memory
from trainer.sweep.space import grid_of, read_space
from trainer.sweep.study import STUDY_FILE, Study, arguments_of

_SECONDS_BETWEEN_LOOKS: Final = 0.2
# Of the free memory: a training that just starts does not hold all of its memory yet.
_USED_SHARE: Final = 0.9
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sweep:
    """What is asked for. at_once: trainings at the same time, None: as many as fit in memory."""

    space: str
    output: str
    trials: int
    sampler: str = "tpe"
    at_once: int | None = None
    config_path: str | None = None


def run_sweep(sweep: Sweep, overrides: Mapping[str, str], *, resume: bool = False) -> Study:
    """Runs the trials that are not done yet; returns the study with all of them.

    Raises:
      UserError: the space can't be used; the folder holds another sweep; no training has come to its end.
    """
    folder = Path(sweep.output).absolute()
    space = read_space(sweep.space, config_path=sweep.config_path, overrides=overrides)
    trials = sweep.trials
    if sweep.sampler == "grid":
        sizes = [len(values) for values in grid_of(space, path=sweep.space).values()]
        trials = min(trials, math.prod(sizes))
    exists = (folder / STUDY_FILE).exists()
    if exists and not resume:
        raise UserError(f"--output: {sweep.output} holds a sweep; go on with --resume, or give another --output")
    if resume and not exists:
        raise UserError(f"--resume: {sweep.output} holds no {STUDY_FILE}; start without --resume")
    config = load(sweep.config_path, overrides)
    if config.training.self_training:
        raise UserError(
            f"training.self_training is {config.training.self_training}, but a sweep compares first trainings alone; "
            "give --training.self_training 0 here, and train with the best settings and self-training afterwards"
        )
    settings = {
        name: getattr(config, name).model_dump(mode="json") for name in ("output", "embedding", "model", "training")
    }
    folder.mkdir(parents=True, exist_ok=True)
    with lock.hold(str(folder), setting="--output", command="trainer sweep"), parent_pipe() as pipe:
        seed = config.training.seed
        study = Study(str(folder), space, sampler=sweep.sampler, seed=seed, settings=settings, path=sweep.space)
        loop = _Loop(study, sweep, overrides, folder=folder, trials=trials, pipe=pipe)
        try:
            loop.run()
        finally:
            loop.stop()
    if not any(trial.state == TrialState.COMPLETE for trial in study.trials):
        raise UserError(f"no training of the sweep has come to its end; {loop.failure or f'see {folder}'}")
    return study


def trial_folder(folder: Path, number: int) -> Path:
    """Where a trial (its number counted from 0) has its files: people count from 1."""
    return folder / f"trial-{number + 1:04d}"


class _Loop:
    """Starts trainings and watches them."""

    def __init__(
        self, study: Study, sweep: Sweep, overrides: Mapping[str, str], *, folder: Path, trials: int, pipe: int
    ) -> None:
        self.study, self.sweep, self.overrides = study, sweep, overrides
        self.folder, self.trials, self.pipe = folder, trials, pipe
        self.running: dict[int, tuple[Trial, TrainingProcess]] = {}
        self.waiting = study.unfinished()
        self.need = 0  # bytes of a training, measured; 0 before the first one has ended
        self.failure = ""

    def run(self) -> None:
        """Returns when all trials are done."""
        while True:
            while len(self.running) < self._limit() and (trial := self._next()) is not None:
                self._start(trial)
            if not self.running:
                return
            for number in list(self.running):
                self._look(number)
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def stop(self) -> None:
        """Ends all trainings; they stay unfinished in the study."""
        for _, process in self.running.values():
            process.stop()

    def _next(self) -> Trial | None:
        if self.waiting:
            return self.waiting.pop(0)
        begun = sum(trial.state != TrialState.FAIL for trial in self.study.trials)
        failed = len(self.study.trials) - begun
        # A failed trial has a successor, but a space in which most fail comes to an end as well.
        return self.study.ask() if begun < self.trials and failed < self.trials else None

    def _limit(self) -> int:
        """How many may run: one until the memory of one is known."""
        if self.sweep.at_once is not None:
            return self.sweep.at_once
        free = free_memory()
        if not self.need or free is None:
            return 1
        more = int(_USED_SHARE * free / self.need)
        return max(1, min(os.cpu_count() or 1, len(self.running) + more))

    def _start(self, trial: Trial) -> None:
        folder = trial_folder(self.folder, trial.number)
        paths = {"training.path": str(folder / TRAINING), "export.path": str(folder / MODEL)}
        config = load(self.sweep.config_path, {**self.overrides, **arguments_of(trial), **paths})
        self.running[trial.number] = (trial, TrainingProcess(folder, config, pipe=self.pipe))
        values = "  ".join(f"{name} {value}" for name, value in arguments_of(trial).items())
        _log.info("trial %d of %d  %s", trial.number + 1, self.trials, values)

    def _look(self, number: int) -> None:
        trial, process = self.running[number]
        status = process.status()
        losses = process.eval_losses()
        if None in losses:
            raise UserError("split.eval: the records folder holds no eval rows, so trainings can't be compared")
        known = [loss for loss in losses if loss is not None]
        told = self.study.trials[number].intermediate_values
        for epoch, loss in enumerate(known, start=1):
            if epoch not in told:
                trial.report(loss, epoch)
                if status is None and trial.should_prune():
                    process.stop()
                    self._tell(number, f"stopped after epoch {epoch}", state=TrialState.PRUNED)
                    return
        if status is None:
            return
        self.need = max(self.need, process.peak)
        if status == 0 and known:
            self._tell(number, f"eval loss {min(known):.4f}", state=TrialState.COMPLETE, value=min(known))
        else:
            self.failure = f"{process.folder}: {process.last_line()}"
            self._tell(number, f"failed: {self.failure}", state=TrialState.FAIL)

    def _tell(self, number: int, what: str, *, state: TrialState, value: float | None = None) -> None:
        del self.running[number]
        self.study.study.tell(number, value, state=state)
        _log.info("trial %d of %d  %s", number + 1, self.trials, what)

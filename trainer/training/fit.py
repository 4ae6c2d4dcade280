"""Settings + records folder -> a trained model, with its checkpoints, logs and history in training.path.

    for each epoch: batches in the epoch's own order -> a step each -> the eval split -> kept if it is the best so far

A run is a function of its settings and records, and `epoch, skip = divmod(steps done, steps an epoch)` says where it
stands; so one that was killed at any step ends, once resumed, with the same weights, bit for bit on a CPU.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from pipeline.config.settings import Config, TrainingSettings
from pipeline.contract import MANIFEST_FILE, Split
from pipeline.errors import UserError
from trainer.data.dataset import batch_count, checked, training_batches
from trainer.data.records_folder import Manifest, check_shards
from trainer.evaluation.metrics import Metrics
from trainer.evaluation.scoring import Evaluator, ScoredSplit, score_split
from trainer.model.classifier import TextClassifier, build_model
from trainer.training.history import CurvePoint, EpochRecord, History, best_epoch, is_over
from trainer.training.progress import EpochDone, Progress, StepDone, unwatched
from trainer.training.run_folder import RunFolder, RunState
from trainer.training.step import Learner
from trainer.training.tensorboard import TensorBoardLog
from trainer.training.warm_start import carry_over

# More points of the loss curve than a screen has columns would only make the checkpoint larger.
_CURVE_POINTS = 1000

# Where files lie, how often they are written and what is refused: the weights don't depend on these.
_FREE_SETTINGS = {"training.path", "training.checkpoint_steps", "model.force"}


@dataclass(frozen=True)
class TrainedModel:
    """A model with the weights of its best epoch (counted from 1), and how it came about."""

    model: TextClassifier
    manifest: Manifest
    history: History
    best_epoch: int


def train(config: Config, manifest: Manifest, *, resume: bool = False, progress: Progress = unwatched) -> TrainedModel:
    """Trains on a records folder and writes training.path, see `trainer.training.run_folder`.

    What an earlier run left there is replaced, or gone on with if `resume` is set: a run that has been started twice is
    meant to begin anew, and one that was killed leaves nothing that would be in the way of the next. Sets the seeds of
    Python, NumPy and TensorFlow to training.seed.

    Raises:
      UserError: settings or records that can't be trained on, a run that can't be resumed, a loss that is no number.
    """
    settings = config.training
    _refuse_unusable(config, manifest)
    folder = RunFolder(settings.path)
    weight_settings = _weight_settings(config, manifest)
    stored = folder.read(weight_settings) if resume else None
    check_shards(manifest)
    keras.utils.set_random_seed(settings.seed)
    model = build_model(
        manifest.vocabulary_size, config.model, classes=len(manifest.labels), padding=manifest.sequence.padding
    )
    steps = batch_count(manifest, "train", batch_size=settings.batch_size)
    learner = Learner(model, settings, steps=settings.epochs * steps)
    if stored:
        state = stored.state
        folder.resume(learner, stored)
    else:
        state = RunState(settings=weight_settings, history=History())
        if settings.start_from is not None:
            carry_over(model, manifest, settings.start_from)
        folder.start(learner, state)
    with folder.tensorboard(state.history) as log:
        run = _Run(settings, manifest, learner=learner, folder=folder, state=state, log=log, progress=progress)
        while not is_over(state.history.epochs, settings):
            run.finish_epoch()
    best = best_epoch(state.history.epochs)
    folder.restore_weights(model, epoch=best)
    return TrainedModel(model, manifest, state.history, best)


def score_held_out(trained: TrainedModel, settings: TrainingSettings) -> ScoredSplit | None:
    """The scores of the test split, whose metrics go to metrics.json in training.path; of the eval split where there
    are no test rows, and None where there are neither.
    """
    held_out: tuple[Split, ...] = ("test", "eval")
    for split in held_out:
        if trained.manifest.splits[split].rows:
            scored = score_split(trained.model, trained.manifest, split, batch_size=settings.batch_size)
            if split == "test":
                RunFolder(settings.path).write_metrics(scored.metrics)
            return scored
    return None


class _Run:
    """A training between two epochs; `state.history` grows with each."""

    def __init__(
        self,
        settings: TrainingSettings,
        manifest: Manifest,
        *,
        learner: Learner,
        folder: RunFolder,
        state: RunState,
        log: TensorBoardLog,
        progress: Progress,
    ) -> None:
        self.settings, self.manifest = settings, manifest
        self.learner, self.folder, self.state = learner, folder, state
        self.log, self.progress = log, progress
        self.evaluator = Evaluator(learner.model, manifest, "eval", batch_size=settings.batch_size)
        self.steps = batch_count(manifest, "train", batch_size=settings.batch_size)
        self.examples = 0

    def finish_epoch(self) -> None:
        """Learns from the rest of the epoch that the learner stands in, evaluates it and writes its files."""
        started = time.monotonic()
        epoch, skip = divmod(self.learner.steps_done, self.steps)
        if skip == 0:
            self.learner.start_epoch()
        for step in self._learn(epoch, skip=skip):
            if step % self.settings.checkpoint_steps == 0 and step % self.steps:
                self._save()
        history = self.state.history
        history.epochs.append(self._evaluated(epoch + 1, started=started))
        is_best = best_epoch(history.epochs) == epoch + 1
        if is_best:
            self.folder.save_weights(self.learner.model, epoch=epoch + 1)
        self._save()
        self.folder.write_history(history)
        self.log.add_epoch(history.epochs[-1])
        self.progress(EpochDone(history.epochs[-1], self.settings.epochs, is_best))

    def _learn(self, epoch: int, *, skip: int) -> Iterator[int]:
        """Takes the epoch's steps behind the first `skip`; gives the number of each, counted over all epochs from 1."""
        batches = training_batches(
            self.manifest,
            batch_size=self.settings.batch_size,
            trim=self.learner.model.settings.mask_zero,
            seed=self.settings.seed,
            epoch=epoch,
            skip=skip,
        )
        point_every = -(-self.settings.epochs * self.steps // _CURVE_POINTS)
        for place, (ids, labels) in enumerate(checked(batches, self.manifest), start=skip + 1):
            loss = self.learner.step(ids, labels)
            step = epoch * self.steps + place
            if step % point_every == 0:
                point = CurvePoint(step=step, loss=float(loss.numpy()), learning_rate=self.learner.rate)
                self.state.history.curve.append(point)
                self.log.add_point(point)
            self.examples += int(labels.shape[0])
            self.progress(
                StepDone(epoch + 1, self.settings.epochs, place, self.steps, self.examples, self.learner.averages)
            )
            yield step

    def _evaluated(self, epoch: int, *, started: float) -> EpochRecord:
        averages = self.learner.averages()
        metrics: Metrics | None = None
        if self.manifest.splits["eval"].rows:
            metrics = self.evaluator.metrics()
            _refuse_divergence(metrics["loss"], self.settings)
        return EpochRecord(
            epoch=epoch,
            steps=self.learner.steps_done,
            learning_rate=self.learner.rate,
            loss=averages.loss,
            accuracy=averages.accuracy,
            eval_loss=metrics and metrics["loss"],
            eval_accuracy=metrics and metrics["accuracy"],
            eval_auc=metrics and metrics["auc"],
            seconds=round(time.monotonic() - started, 3),
        )

    def _save(self) -> None:
        """Writes the checkpoint, but never one that nothing can be learnt from any more."""
        _refuse_divergence(self.learner.averages().loss, self.settings)
        self.folder.save(self.learner, self.state)


def _refuse_unusable(config: Config, manifest: Manifest) -> None:
    if not manifest.splits["train"].rows:
        raise UserError(f"split.train: {manifest.folder} holds no train rows, so there is nothing to learn from")
    if config.training.early_stopping is not None and not manifest.splits["eval"].rows:
        raise UserError(
            f"training.early_stopping is {config.training.early_stopping}, but {manifest.folder} holds no eval rows to "
            "judge an epoch by; set it to null, or give split.eval a share"
        )


def _refuse_divergence(loss: float, settings: TrainingSettings) -> None:
    if not math.isfinite(loss):
        raise UserError(
            f"training.learning_rate {settings.learning_rate:g}: the loss has become {loss}; "
            "use a lower one, or set training.clipnorm to 1"
        )


def _weight_settings(config: Config, manifest: Manifest) -> dict[str, Any]:
    """All that the weights depend on."""
    sections = {"model": config.model.model_dump(), "training": config.training.model_dump()}
    settings = {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}
    used = {name: value for name, value in settings.items() if name not in _FREE_SETTINGS}
    return {**used, f"the sha256 of {MANIFEST_FILE}": manifest.sha256}

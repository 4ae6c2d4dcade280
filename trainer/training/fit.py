"""Settings + records folder -> a trained model, with its checkpoints, logs and history in training.path.

    for each epoch: batches in the epoch's own order -> a training step each -> scores of the eval split
      -> weights saved if this is the best epoch so far

The result depends on settings and records alone. `epoch, skip = divmod(steps done, steps of an epoch)` says where a
training continues. So a training that was killed at any step and resumed ends with the same weights, bit for bit on a
CPU.
"""

import math
import time
from dataclasses import dataclass, replace
from typing import Final

from pipeline.config.decision_settings import MetricsSettings
from pipeline.config.settings import Config, TrainingSettings
from pipeline.contract import Split
from pipeline.errors import UserError
from pipeline.records_folder.manifest import SplitSummary
from trainer.data.records_folder import RecordsFolder
from trainer.decision.decision import NO_DECISION, Decision
from trainer.devices.devices import ONE_DEVICE, Devices
from trainer.evaluation.decision_figures import decision_figures
from trainer.evaluation.scoring import SplitScorer, SplitScores, score_split
from trainer.evaluation.word_counts import measure_word_counts
from trainer.model.classifier import TextClassifier
from trainer.training.disk_space import Need, check_room, export_bytes, training_bytes
from trainer.training.epoch_steps import EpochSteps, StepDone
from trainer.training.given_vectors import given_vectors, refuse_another_file
from trainer.training.history import CurvePoint, EpochRecord, History, best_epoch, is_over
from trainer.training.labelled_texts import Labelled, labelled_bytes
from trainer.training.ngrams import add_ngrams
from trainer.training.objective import EpochAverages, averages_of
from trainer.training.prepare import prepare, refuse_untrainable, weight_settings
from trainer.training.progress import EpochEvent, Progress, StepEvent, ignore_progress
from trainer.training.replicated_step import ReplicatedStep
from trainer.training.run_folder import RunFolder, RunState
from trainer.training.self_training import second_training
from trainer.training.step import TrainingStep
from trainer.training.track import Sinks, check_track, open_sinks
from trainer.training.warm_start import warm_start
from trainer.word_vectors.coverage import VectorsUsed

# Most points of the loss curve. More than a screen has columns would only make the checkpoint larger.
_CURVE_POINTS: Final = 1000


@dataclass(frozen=True)
class TrainedModel:
    """A model with the weights of its best epoch (counted from 1), the records it learnt from, and the history.

    eval_scores: of the eval split with these weights, if they were computed on the way. vectors: what the embedding
    started from, with `embedding.from`. run: see `RunState`. labelled: the texts that self-training gave labels to.
    """

    model: TextClassifier
    records: RecordsFolder
    history: History
    best_epoch: int
    eval_scores: SplitScores | None = None
    vectors: VectorsUsed | None = None
    run: str = ""
    labelled: Labelled | None = None

    @property
    def train(self) -> SplitSummary:
        """The rows that it learnt from last: the train split, with self-training the labelled texts too."""
        return self.labelled.train if self.labelled else self.records.splits["train"]


def train(
    config: Config,
    records: RecordsFolder,
    *,
    resume: bool = False,
    devices: Devices = ONE_DEVICE,
    progress: Progress = ignore_progress,
) -> TrainedModel:
    """Trains on a records folder and writes training.path, see `trainer.training.run_folder`.

    resume: continue the training in training.path. Without it, a new training replaces the one that is there. devices:
    this process is the chief; `trainer.training.follow` is what the others do. The seeds of Python, NumPy and
    TensorFlow are set to training.seed.

    Raises:
      UserError: settings or records can't be trained on, the training can't be resumed, the loss became infinite or
        NaN, or training.path can't be written.
      JobError: another worker has ended.
    """
    with devices.naming_lost_workers():
        first = _train(config, records, resume=resume, devices=devices, progress=progress)
        if not config.training.self_training:
            return first
        second = second_training(config, first.records, model=first.model, run=first.run, resume=resume)
        goes_on = resume and RunFolder(second.config.training.path).can_resume()
        trained = _train(second.config, second.records, resume=goes_on, devices=devices, progress=progress, after=first)
        # The scores of the eval split are those of its own records, which may have no weights.
        return replace(trained, records=first.records, eval_scores=None, labelled=second.labelled)


def _train(
    config: Config,
    records: RecordsFolder,
    *,
    resume: bool,
    devices: Devices,
    progress: Progress,
    after: TrainedModel | None = None,
) -> TrainedModel:
    """after: the training whose weights are the first ones of this one; None: they are what the settings say."""
    refuse_untrainable(config, records, devices)
    check_track(config.training)
    folder = RunFolder(config.training.path)
    settings = weight_settings(config, records)
    run_checkpoint = folder.read(settings) if resume else None
    if run_checkpoint is not None:
        refuse_another_file(config, run_checkpoint.state.vectors)
    given = given_vectors(config, records) if run_checkpoint is None and after is None else None
    prepared = prepare(config, records, devices)
    records, training_step = prepared.records, prepared.training_step
    model = training_step.model
    _check_room(config, records, training_step=training_step, folder=folder)
    if run_checkpoint:
        state = run_checkpoint.state
        folder.resume(training_step, run_checkpoint)
    else:
        vectors = after.vectors if after is not None else given and given.used
        state = RunState(settings=settings, history=History(), vectors=vectors)
        if after is not None:
            for variable, value in zip(model.weights, after.model.weights, strict=True):
                variable.assign(value)
        elif config.training.start_from is not None:
            warm_start(model, records, config.training.start_from)
        if given is not None:
            model.embedding.embeddings.assign(given.table)
        folder.start(training_step, state)
    if isinstance(training_step, ReplicatedStep):
        training_step.share()
    with open_sinks(config.training, folder, state) as sinks:
        loop = _EpochLoop(prepared.steps, folder=folder, state=state, sinks=sinks, progress=progress)
        while devices.chief_says(not is_over(state.history.epochs, config.training)):
            loop.finish_epoch()
    best = best_epoch(state.history.epochs)
    folder.restore_weights(model, epoch=best, run=state.run)
    scores = loop.best_scores
    if config.model.ngrams:
        scores = add_ngrams(model, records, objective=training_step.objective, batch_size=config.training.batch_size)
    return TrainedModel(model, records, state.history, best, scores, state.vectors, state.run)


def score_held_out(
    trained: TrainedModel,
    settings: TrainingSettings,
    decision: Decision = NO_DECISION,
    *,
    slices: MetricsSettings | None = None,
) -> SplitScores | None:
    """The scores of the test split; of the eval split if there are no test rows; None if there are neither.

    The metrics of the test split are written to metrics.json in training.path, with those of a model of word counts
    alone, which says what the LSTM is worth. decision: how scores become labels. slices: what else is measured apart.
    """
    held_out: tuple[Split, ...] = ("test", "eval")
    scheme = trained.records.scheme
    for split in held_out:
        if trained.records.splits[split].rows:
            batch_size = settings.batch_size
            scores = score_split(trained.model, trained.records, split, batch_size=batch_size, decision=decision)
            _refuse_divergence(scores.metrics["loss"], settings)
            scores.metrics["word_counts"] = measure_word_counts(trained.records, split)
            if slices is not None:
                scores.metrics["slices"] = scores.sliced_by(slices, scheme, decision)
            if split == "test":
                scores.metrics["decision"] = decision_figures(scores.labelled_logits, decision, scheme)
                RunFolder(settings.path).write_metrics(scores.metrics)
            return scores
    return None


class _EpochLoop:
    """The loop over epochs; `finish_epoch` appends to `state.history`."""

    def __init__(
        self, steps: EpochSteps, *, folder: RunFolder, state: RunState, sinks: Sinks, progress: Progress
    ) -> None:
        self.settings, self.records, self.steps = steps.settings, steps.records, steps
        self.training_step, self.folder, self.state = steps.training_step, folder, state
        self.sinks, self.progress = sinks, progress
        batch_size = self.settings.batch_size
        self.eval_scorer = SplitScorer(self.training_step.model, self.records, "eval", batch_size=batch_size)
        self.examples = 0
        self.eval_scores: SplitScores | None = None  # of the last epoch
        self.best_scores: SplitScores | None = None  # of the best epoch; None if an earlier process ran it

    def finish_epoch(self) -> None:
        """Runs the remaining steps of the present epoch, scores the eval split and writes the epoch's files."""
        started = time.monotonic()
        for done in self.steps.run_rest():
            self._tell(done)
            if done.step % self.settings.checkpoint_steps == 0 and done.place < self.steps.in_epoch:
                self._save()
        epoch = done.epoch
        history = self.state.history
        with self.training_step.final_weights():
            history.epochs.append(self._epoch_record(epoch + 1, started=started))
            is_best = best_epoch(history.epochs) == epoch + 1
            if is_best:
                self.best_scores = self.eval_scores
                self.folder.save_weights(self.training_step.model, epoch=epoch + 1, run=self.state.run)
        self._save()
        self.folder.write_history(history)
        self.sinks.add_epoch(history.epochs[-1])
        self.progress(EpochEvent(history.epochs[-1], self.settings.epochs, is_best))

    def _tell(self, done: StepDone) -> None:
        """Adds a point to the curve, if its turn has come, and reports the step."""
        epochs, in_epoch = self.settings.epochs, self.steps.in_epoch
        if done.step % -(-epochs * in_epoch // _CURVE_POINTS) == 0:
            rate = self.training_step.next_learning_rate
            point = CurvePoint(step=done.step, loss=float(done.loss.numpy()), learning_rate=rate)
            self.state.history.curve.append(point)
            self.sinks.add_point(point)
        self.examples += done.rows
        averages = self.training_step.averages
        self.progress(StepEvent(done.epoch + 1, epochs, done.place, in_epoch, self.examples, averages))

    def _epoch_record(self, epoch: int, *, started: float) -> EpochRecord:
        averages = self.training_step.averages()
        evaluated: EpochAverages | None = None
        auc: float | None = None
        if self.records.splits["eval"].rows:
            scored = self.eval_scores = self.eval_scorer.score()
            evaluated, auc = averages_of(scored, self.training_step.objective), scored.metrics.get("auc")
            _refuse_divergence(evaluated.loss, self.settings)
        return EpochRecord(
            epoch=epoch,
            steps=self.training_step.steps_done,
            learning_rate=self.training_step.next_learning_rate,
            loss=averages.loss,
            accuracy=averages.accuracy,
            eval_loss=evaluated and evaluated.loss,
            eval_accuracy=evaluated and evaluated.accuracy,
            eval_auc=auc,
            seconds=round(time.monotonic() - started, 3),
        )

    def _save(self) -> None:
        """Writes the checkpoint; never one with a loss that is infinite or NaN, as training could not go on from it."""
        _refuse_divergence(self.training_step.averages().loss, self.settings)
        self.folder.save(self.training_step, self.state)


def _check_room(config: Config, records: RecordsFolder, *, training_step: TrainingStep, folder: RunFolder) -> None:
    """Refuses a disk without room before the first step; what is in training.path already makes room when it goes."""
    of_training = training_bytes(training_step)
    second = of_training + labelled_bytes(records) if config.training.self_training else 0
    needs = [
        Need("training.path", config.training.path, of_training + second - folder.bytes_written()),
        Need("export.path", config.export.path, export_bytes(training_step, records)),
    ]
    check_room(needs)


def _refuse_divergence(loss: float, settings: TrainingSettings) -> None:
    if not math.isfinite(loss):
        raise UserError(
            f"training.learning_rate {settings.learning_rate:g}: the loss has become {loss}; "
            "use a lower one, or set training.clipnorm to 1"
        )

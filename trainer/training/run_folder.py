"""training.path: the files of a training, by name, and how they are read and written.

checkpoint.npz             all that --resume needs; replaced every `checkpoint_steps` steps and after each epoch
first-vectors.npz          the embedding's first rows before the first step, if they were not drawn at random
weights-epoch-00002.npz    the weights of the best epoch so far, with `average` their averages
history.csv                a line for each epoch
tensorboard/               the same for TensorBoard, and points of the loss curve
metrics.json               metrics of the test split, with the weights of the best epoch
training.html              the training report, see `trainer.training_report`
self-training/             the same files of the second training, see `trainer.training.self_training`
"""

import json
import logging
import re
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import JsonError, UserError
from pipeline.support.printable import escape_controls
from pipeline.support.strict_json import first_mistake, parse_json
from trainer import files
from trainer.evaluation.metrics import Metrics
from trainer.model.classifier import TextClassifier
from trainer.savedmodel.loading import WORDS_BEFORE_TRAINING
from trainer.training import checkpoint
from trainer.training.history import History, best_epoch, history_csv
from trainer.training.step import TrainingStep
from trainer.word_vectors.coverage import VectorsUsed

CHECKPOINT_FILE: Final = "checkpoint.npz"
FIRST_VECTORS_FILE: Final = "first-vectors.npz"
HISTORY_FILE: Final = "history.csv"
METRICS_FILE: Final = "metrics.json"
PAGE_FILE: Final = "training.html"
TENSORBOARD_FOLDER: Final = "tensorboard"
SELF_TRAINING_FOLDER: Final = "self-training"

# Settings that checkpoints of earlier versions do not have, with the values that stand for what those versions did.
_EARLIER_SETTINGS: Final = {
    "training.class_weight": "none",
    "embedding.from": None,
    "embedding.trainable": True,
    "model.embedding_dropout": 0.0,
    "model.word_dropout": 0.0,
    "training.label_smoothing": 0.0,
    "training.self_training": 0,
    "model.ngrams": 0,
    "model.ngram_buckets": 2**19,
    "model.ngram_gaps": 0,
    "model.ngram_ending": 0,
    "training.precision": "float32",
}
_WEIGHTS_NAME: Final = re.compile(r"weights-epoch-\d{5,}\.npz")
_log = logging.getLogger(__name__)


class RunState(BaseModel):
    """The JSON text of a checkpoint.

    settings: all settings that the weights depend on, by name; a training is resumed with the same ones only.
    run: random, and new for each training. Files of weights hold it too, so those of another training are recognized;
      "" in checkpoints of versions before 0.3.
    vectors: what `embedding.from` gave; None without it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: dict[str, Any]
    history: History
    run: str = Field(default_factory=lambda: uuid.uuid4().hex)
    vectors: VectorsUsed | None = None

    @property
    def has_given_vectors(self) -> bool:
        """Whether the embedding did not start at random."""
        return self.settings.get("training.start_from") is not None or self.vectors is not None


class RunCheckpoint(NamedTuple):
    """A checkpoint of a training, as read from its folder."""

    state: RunState
    checkpoint: checkpoint.Checkpoint


class RunFolder:
    """Reads and writes the files of a training. Whatever can't be read or written is a UserError that names it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._then = "or give another training.path"  # what to do if a file can't be written

    def start(self, training_step: TrainingStep, state: RunState) -> None:
        """Removes the files of an earlier training, and no others; writes the checkpoint of step 0."""
        if self.can_resume():
            _log.warning("%s holds an earlier run; it is replaced (--resume would go on with it)", self.path)
        for name in self._own_names():
            self._remove(name)
        files.remove_abandoned(self.path)
        if state.has_given_vectors:
            # The export needs them, and by then the earlier model, or the file, may be deleted or replaced.
            first = tf.Variable(training_step.model.embedding.embeddings[:WORDS_BEFORE_TRAINING])
            self._save(FIRST_VECTORS_FILE, [first], state="{}")
        self.save(training_step, state)

    def can_resume(self) -> bool:
        """Whether there is a checkpoint."""
        return self._exists(CHECKPOINT_FILE)

    def read(self, settings: dict[str, Any]) -> RunCheckpoint:
        """The last checkpoint, of a training with these settings.

        Raises:
          UserError: there is no checkpoint, it is damaged, or its settings differ.
        """
        path = files.join(self.path, CHECKPOINT_FILE)
        stored = checkpoint.load(path)
        if stored is None:
            raise UserError(f"--resume: {self.path} (training.path) holds no {CHECKPOINT_FILE}; start without --resume")
        try:
            state = RunState.model_validate({"run": "", **_object(stored.state)})
        except (JsonError, ValidationError) as error:
            why = first_mistake(error) if isinstance(error, ValidationError) else error
            raise checkpoint.damaged(path, why) from error
        _refuse_other_settings({**_EARLIER_SETTINGS, **state.settings}, settings, path=self.path)
        return RunCheckpoint(state, stored)

    def resume(self, training_step: TrainingStep, stored: RunCheckpoint) -> None:
        """Sets the variables of the training step to those of the checkpoint."""
        path = files.join(self.path, CHECKPOINT_FILE)
        checkpoint.restore(training_step.variables, stored.checkpoint, path=path)
        self._can_resume(training_step)
        files.remove_abandoned(self.path)

    def save(self, training_step: TrainingStep, state: RunState) -> None:
        """Writes the checkpoint, then removes the weights of all epochs but the best.

        In this order, the weights of the checkpoint's best epoch exist at any moment.
        """
        self._save(CHECKPOINT_FILE, training_step.variables, state=state.model_dump_json())
        self._can_resume(training_step)
        best = _weights_file(best_epoch(state.history.epochs))
        for name in self._weights_files():
            if name != best:
                self._remove(name)

    def save_weights(self, model: TextClassifier, *, epoch: int, run: str) -> None:
        """Writes the model's variables as those of an epoch of the training `run`."""
        self._save(_weights_file(epoch), _values(model), state=json.dumps({"run": run}))

    def restore_weights(self, model: TextClassifier, *, epoch: int, run: str) -> None:
        """Sets the model's variables to those that `save_weights` wrote for an epoch of the training `run`.

        Raises:
          UserError: the file is missing or damaged, or another training wrote it.
        """
        path = files.join(self.path, _weights_file(epoch))
        stored = checkpoint.load(path)
        if stored is None:
            raise UserError(f"{path} is missing, the weights of the best epoch; train again without --resume")
        if _run_of(stored, path=path) != run:
            raise UserError(
                f"{path} is of another training: two wrote into {self.path} (training.path); train again, one at a time"
            )
        checkpoint.restore(_values(model), stored, path=path)

    def first_vectors(self) -> npt.NDArray[np.float32]:
        """The embedding's first rows before the first step, float32 [words, dim], if they were not drawn at random.

        Raises:
          UserError: the file is missing or damaged.
        """
        path = files.join(self.path, FIRST_VECTORS_FILE)
        stored = checkpoint.load(path)
        if stored is None:
            raise UserError(f"{path} is missing, what the training started from; train again without --resume")
        if not stored.arrays:
            raise checkpoint.damaged(path, "it holds no vectors")
        return stored.arrays[0]

    def write_history(self, history: History) -> None:
        """Writes history.csv."""
        self._write(HISTORY_FILE, history_csv(history))

    def write_metrics(self, metrics: Metrics) -> None:
        """Writes metrics.json, after the last epoch."""
        content = escape_controls(json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False))
        self._then = "then run it again with --resume: all epochs are done, and their checkpoint is whole"
        self._write(METRICS_FILE, f"{content}\n".encode())

    def write_page(self, page: bytes) -> str:
        """Writes training.html, after the last epoch; returns its path."""
        self._then = "then run it again with --resume, which exports the model once more"
        self._write(PAGE_FILE, page)
        return files.join(self.path, PAGE_FILE)

    @property
    def tensorboard_path(self) -> str:
        """The folder of TensorBoard's event files."""
        return files.join(self.path, TENSORBOARD_FOLDER)

    def writing(self, name: str) -> AbstractContextManager[None]:
        """Within it an error of the file system becomes a UserError that names a file of the folder and a remedy."""
        return files.naming("training.path", files.join(self.path, name), then=self._then)

    def bytes_written(self) -> int:
        """The bytes of the files of a training and of its second one that are there already, without TensorBoard's."""
        try:
            second = files.join(self.path, SELF_TRAINING_FOLDER)
            paths = [files.join(self.path, name) for name in self._own_names() if name != SELF_TRAINING_FOLDER]
            paths += [files.join(second, name) for name in files.below(second)]
            return sum(files.size(path) for path in paths)
        except OSError as error:
            raise self._unreadable(error) from error

    def _can_resume(self, training_step: TrainingStep) -> None:
        self._then = f"then go on with --resume: the checkpoint of step {training_step.steps_done} is whole"

    def _save(self, name: str, variables: Sequence[tf.Variable], *, state: str) -> None:
        with self.writing(name):
            checkpoint.save(files.join(self.path, name), variables, state=state)

    def _write(self, name: str, content: bytes) -> None:
        with self.writing(name):
            files.write(files.join(self.path, name), content)

    def _remove(self, name: str) -> None:
        with self.writing(name):
            files.remove(files.join(self.path, name))

    def _own_names(self) -> list[str]:
        logs = [f"{TENSORBOARD_FOLDER}/{part}" for part in ("train", "eval")]
        names = [CHECKPOINT_FILE, FIRST_VECTORS_FILE, HISTORY_FILE, METRICS_FILE, PAGE_FILE, SELF_TRAINING_FOLDER]
        return [*names, *logs, *self._weights_files()]

    def _weights_files(self) -> list[str]:
        try:
            return [name for name in files.names_in(self.path) if _WEIGHTS_NAME.fullmatch(name)]
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> UserError:
        return UserError(f"training.path: {self.path} can't be read: {files.reason_of(error)}")

    def _exists(self, name: str) -> bool:
        try:
            return name in files.names_in(self.path)
        except OSError as error:
            raise self._unreadable(error) from error


def _weights_file(epoch: int) -> str:
    return f"weights-epoch-{epoch:05d}.npz"


def _object(content: str) -> dict[str, Any]:
    """A JSON object's values.

    Raises:
      JsonError: it is something else.
    """
    values = parse_json(content)
    if not isinstance(values, dict):
        raise JsonError("it is not an object")
    return values


def _run_of(stored: checkpoint.Checkpoint, *, path: str) -> str:
    """The training that wrote a file of weights; "" if the file does not say."""
    try:
        return str(_object(stored.state).get("run", ""))
    except JsonError as error:
        raise checkpoint.damaged(path, error) from error


def _values(model: TextClassifier) -> list[tf.Variable]:
    return [variable.value for variable in model.variables]


def _refuse_other_settings(stored: dict[str, Any], wanted: dict[str, Any], *, path: str) -> None:
    for name in [*stored, *wanted]:
        if stored.get(name) != wanted.get(name):
            raise UserError(
                f"--resume: {name} was {stored.get(name)} when {path} was started, and is {wanted.get(name)} now; "
                "set it back, or leave --resume out to start over"
            )

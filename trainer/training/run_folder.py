"""training.path: the files of a training, by name, and how they are read and written.

checkpoint.npz             all that --resume needs; replaced every `checkpoint_steps` steps and after each epoch
first-vectors.npz          the embedding's first rows before the first step, if `start_from` set them
weights-epoch-00002.npz    the weights of the best epoch so far
history.csv                a line for each epoch
tensorboard/               the same for TensorBoard, and points of the loss curve
metrics.json               metrics of the test split, with the weights of the best epoch
training.html              the training report, see `trainer.training_report`
"""

import json
import logging
import re
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from pydantic import BaseModel, ConfigDict

from pipeline.errors import UserError
from trainer import files
from trainer.evaluation.metrics import Metrics
from trainer.model.classifier import TextClassifier
from trainer.savedmodel.loading import WORDS_BEFORE_TRAINING
from trainer.training import checkpoint
from trainer.training.history import History, best_epoch, history_csv
from trainer.training.step import TrainingStep
from trainer.training.tensorboard import TensorBoardLog

CHECKPOINT_FILE: Final = "checkpoint.npz"
FIRST_VECTORS_FILE: Final = "first-vectors.npz"
HISTORY_FILE: Final = "history.csv"
METRICS_FILE: Final = "metrics.json"
PAGE_FILE: Final = "training.html"
TENSORBOARD_FOLDER: Final = "tensorboard"

_WEIGHTS_NAME: Final = re.compile(r"weights-epoch-\d{5,}\.npz")
_log = logging.getLogger(__name__)


class RunState(BaseModel):
    """The JSON text of a checkpoint.

    settings: all settings that the weights depend on, by name; a training is resumed with the same ones only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: dict[str, Any]
    history: History


class RunCheckpoint(NamedTuple):
    """A checkpoint of a training, as read from its folder."""

    state: RunState
    checkpoint: checkpoint.Checkpoint


class RunFolder:
    """Reads and writes the files of a training."""

    def __init__(self, path: str) -> None:
        self.path = path

    def start(self, training_step: TrainingStep, state: RunState) -> None:
        """Removes the files of an earlier training, and no others; writes the checkpoint of step 0."""
        if self._exists(CHECKPOINT_FILE):
            _log.warning("%s holds an earlier run; it is replaced (--resume would go on with it)", self.path)
        for name in self._own_names():
            files.remove(files.join(self.path, name))
        if training_step.settings.start_from is not None:
            # The export needs them, and by then the earlier model may be deleted or replaced.
            first = tf.Variable(training_step.model.embedding.embeddings[:WORDS_BEFORE_TRAINING])
            checkpoint.save(files.join(self.path, FIRST_VECTORS_FILE), [first], state="{}")
        self.save(training_step, state)

    def read(self, settings: dict[str, Any]) -> RunCheckpoint:
        """The last checkpoint, of a training with these settings.

        Raises:
          UserError: there is no checkpoint, it is damaged, or its settings differ.
        """
        path = files.join(self.path, CHECKPOINT_FILE)
        stored = checkpoint.load(path)
        if stored is None:
            raise UserError(f"--resume: {self.path} (training.path) holds no {CHECKPOINT_FILE}; start without --resume")
        state = RunState.model_validate_json(stored.state)
        _refuse_other_settings(state.settings, settings, path=self.path)
        return RunCheckpoint(state, stored)

    def resume(self, training_step: TrainingStep, stored: RunCheckpoint) -> None:
        """Sets the variables of the training step to those of the checkpoint."""
        path = files.join(self.path, CHECKPOINT_FILE)
        checkpoint.restore(training_step.variables, stored.checkpoint, path=path)

    def save(self, training_step: TrainingStep, state: RunState) -> None:
        """Writes the checkpoint, then removes the weights of all epochs but the best.

        In this order, the weights of the checkpoint's best epoch exist at any moment.
        """
        path = files.join(self.path, CHECKPOINT_FILE)
        checkpoint.save(path, training_step.variables, state=state.model_dump_json())
        best = _weights_file(best_epoch(state.history.epochs))
        for name in self._weights_files():
            if name != best:
                files.remove(files.join(self.path, name))

    def save_weights(self, model: TextClassifier, *, epoch: int) -> None:
        """Writes the model's variables as those of an epoch."""
        checkpoint.save(files.join(self.path, _weights_file(epoch)), _values(model), state="{}")

    def restore_weights(self, model: TextClassifier, *, epoch: int) -> None:
        """Sets the model's variables to those that `save_weights` wrote for an epoch.

        Raises:
          UserError: the file is missing or damaged.
        """
        path = files.join(self.path, _weights_file(epoch))
        stored = checkpoint.load(path)
        if stored is None:
            raise UserError(f"{path} is missing, the weights of the best epoch; train again without --resume")
        checkpoint.restore(_values(model), stored, path=path)

    def first_vectors(self) -> npt.NDArray[np.float32]:
        """The embedding's first rows before the first step of a training with `start_from`, float32 [words, dim].

        Raises:
          UserError: the file is missing or damaged.
        """
        path = files.join(self.path, FIRST_VECTORS_FILE)
        stored = checkpoint.load(path)
        if stored is None:
            raise UserError(f"{path} is missing, what the training started from; train again without --resume")
        return stored.arrays[0]

    def write_history(self, history: History) -> None:
        """Writes history.csv."""
        files.write(files.join(self.path, HISTORY_FILE), history_csv(history))

    def write_metrics(self, metrics: Metrics) -> None:
        """Writes metrics.json."""
        content = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False)
        files.write(files.join(self.path, METRICS_FILE), f"{content}\n".encode())

    def write_page(self, page: bytes) -> str:
        """Writes training.html; returns its path."""
        path = files.join(self.path, PAGE_FILE)
        files.write(path, page)
        return path

    def tensorboard(self, history: History) -> TensorBoardLog:
        """A new TensorBoard log that holds the history so far."""
        return TensorBoardLog(files.join(self.path, TENSORBOARD_FOLDER), history)

    def _own_names(self) -> list[str]:
        logs = [f"{TENSORBOARD_FOLDER}/{part}" for part in ("train", "eval")]
        names = [CHECKPOINT_FILE, FIRST_VECTORS_FILE, HISTORY_FILE, METRICS_FILE, PAGE_FILE]
        return [*names, *logs, *self._weights_files()]

    def _weights_files(self) -> list[str]:
        if not tf.io.gfile.isdir(self.path):
            return []
        return [name for name in tf.io.gfile.listdir(self.path) if _WEIGHTS_NAME.fullmatch(name)]

    def _exists(self, name: str) -> bool:
        return bool(tf.io.gfile.exists(files.join(self.path, name)))


def _weights_file(epoch: int) -> str:
    return f"weights-epoch-{epoch:05d}.npz"


def _values(model: TextClassifier) -> list[tf.Variable]:
    return [variable.value for variable in model.variables]


def _refuse_other_settings(stored: dict[str, Any], wanted: dict[str, Any], *, path: str) -> None:
    for name in [*stored, *wanted]:
        if stored.get(name) != wanted.get(name):
            raise UserError(
                f"--resume: {name} was {stored.get(name)} when {path} was started, and is {wanted.get(name)} now; "
                "set it back, or leave --resume out to start over"
            )

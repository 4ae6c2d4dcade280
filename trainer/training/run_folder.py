"""The folder of a training run: what lies in it, by name, and how it is read and written.

checkpoint.npz             all that --resume needs; replaced every `checkpoint_steps` steps and after each epoch
first-vectors.npz          the embedding's first rows as they were at step 0, where `start_from` set them
weights-epoch-00002.npz    the weights of the best epoch so far
history.csv                a line an epoch
tensorboard/               the same for TensorBoard, with points of the loss curve between
metrics.json               the test split, scored with the best epoch's weights
training.html              all of it for a person to look at, see `trainer.training_report`
"""

import json
import logging
import re
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from pydantic import BaseModel, ConfigDict

from pipeline.errors import UserError
from trainer import files
from trainer.evaluation.metrics import Metrics
from trainer.model.classifier import TextClassifier
from trainer.savedmodel.loading import WORDS_BEFORE
from trainer.training import checkpoint
from trainer.training.history import History, best_epoch
from trainer.training.step import Learner
from trainer.training.tensorboard import TensorBoardLog, history_csv

CHECKPOINT_FILE = "checkpoint.npz"
FIRST_VECTORS_FILE = "first-vectors.npz"
HISTORY_FILE = "history.csv"
METRICS_FILE = "metrics.json"
PAGE_FILE = "training.html"
TENSORBOARD_FOLDER = "tensorboard"

_WEIGHTS_NAME = re.compile(r"weights-epoch-\d{5,}\.npz")
_log = logging.getLogger(__name__)


class RunState(BaseModel):
    """What a checkpoint says beside the variables.

    settings: all that the weights depend on, a flat dictionary; a run is resumed with the same ones only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: dict[str, Any]
    history: History


class StoredRun(NamedTuple):
    """A checkpoint that has been read."""

    state: RunState
    checkpoint: checkpoint.Checkpoint


class RunFolder:
    """Reads and writes a run's files."""

    def __init__(self, path: str) -> None:
        self.path = path

    def start(self, learner: Learner, state: RunState) -> None:
        """Clears what an earlier run left here, and only that, and writes the checkpoint of step 0."""
        if self._exists(CHECKPOINT_FILE):
            _log.warning("%s holds an earlier run; it is replaced (--resume would go on with it)", self.path)
        for name in self._own_names():
            files.remove(files.join(self.path, name))
        if learner.settings.start_from is not None:
            # The earlier model may be gone, or another one stand in its place, when they are asked for.
            first = tf.Variable(learner.model.embedding.embeddings[:WORDS_BEFORE])
            checkpoint.save(files.join(self.path, FIRST_VECTORS_FILE), [first], state="{}")
        self.save(learner, state)

    def read(self, settings: dict[str, Any]) -> StoredRun:
        """The last checkpoint of a run under these settings.

        Raises:
          UserError: there is no checkpoint, it is damaged, or it was taken under other settings.
        """
        path = files.join(self.path, CHECKPOINT_FILE)
        found = checkpoint.load(path)
        if found is None:
            raise UserError(f"--resume: {self.path} (training.path) holds no {CHECKPOINT_FILE}; start without --resume")
        state = RunState.model_validate_json(found.state)
        _refuse_other_settings(state.settings, settings, path=self.path)
        return StoredRun(state, found)

    def resume(self, learner: Learner, stored: StoredRun) -> None:
        """Brings the learner to where the checkpoint was taken."""
        path = files.join(self.path, CHECKPOINT_FILE)
        checkpoint.restore(learner.variables, stored.checkpoint, path=path)

    def save(self, learner: Learner, state: RunState) -> None:
        """Writes the checkpoint; weights of epochs that are no longer the best go after it, so one is always there."""
        checkpoint.save(files.join(self.path, CHECKPOINT_FILE), learner.variables, state=state.model_dump_json())
        kept = _weights_file(best_epoch(state.history.epochs))
        for name in self._weights_files():
            if name != kept:
                files.remove(files.join(self.path, name))

    def save_weights(self, model: TextClassifier, *, epoch: int) -> None:
        """Keeps the model's variables as those of an epoch."""
        checkpoint.save(files.join(self.path, _weights_file(epoch)), _values(model), state="{}")

    def restore_weights(self, model: TextClassifier, *, epoch: int) -> None:
        """Gives the model the variables of an epoch that `save_weights` has kept."""
        path = files.join(self.path, _weights_file(epoch))
        found = checkpoint.load(path)
        if found is None:
            raise UserError(f"{path} is missing, the weights of the best epoch; train again without --resume")
        checkpoint.restore(_values(model), found, path=path)

    def first_vectors(self) -> npt.NDArray[np.float32]:
        """The embedding's first rows, float32 [words, dim], as a training with `start_from` began."""
        path = files.join(self.path, FIRST_VECTORS_FILE)
        found = checkpoint.load(path)
        if found is None:
            raise UserError(f"{path} is missing, what the training started from; train again without --resume")
        return found.arrays[0]

    def write_history(self, history: History) -> None:
        """Writes history.csv."""
        files.write(files.join(self.path, HISTORY_FILE), history_csv(history))

    def write_metrics(self, metrics: Metrics) -> None:
        """Writes metrics.json."""
        content = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False)
        files.write(files.join(self.path, METRICS_FILE), f"{content}\n".encode())

    def write_page(self, page: bytes) -> str:
        """Writes training.html; gives its path."""
        path = files.join(self.path, PAGE_FILE)
        files.write(path, page)
        return path

    def tensorboard(self, history: History) -> TensorBoardLog:
        """A log that has what the history holds."""
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

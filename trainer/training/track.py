"""Where a training's history is shown while it runs, `training.track`: sinks that can't make a training fail.

    points of the loss curve, ends of epochs -> TensorBoard's event files, an MLflow run

A sink that raises is told of in one warning and asked no more; how much it missed is counted. What a training needs to
go on (the checkpoint, history.csv) is not a sink, and an error there ends it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from types import TracebackType
from typing import Protocol

from pipeline.config.settings import TrainingSettings
from pipeline.errors import UserError
from pipeline.support.stop_signals import Stopped
from trainer import files
from trainer.evaluation.metrics import Metrics
from trainer.training.history import CurvePoint, EpochRecord
from trainer.training.mlflow_log import MlflowLog
from trainer.training.run_folder import RunFolder, RunState
from trainer.training.tensorboard import TensorBoardLog

_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Receives a training's history from its present end on. Any method may raise anything."""

    def add_point(self, point: CurvePoint) -> None:
        """Adds a point of the loss curve."""

    def add_epoch(self, record: EpochRecord) -> None:
        """Adds the end of an epoch, which is shown at once."""

    def close(self, status: str) -> None:
        """The training ends here: FINISHED, FAILED, or KILLED by a signal."""


class Sinks:
    """Sinks by the names of `training.track`; a context that closes them. None of its methods raises.

    missed: by sink, how many points and epochs it did not take.
    """

    def __init__(self, open_sinks: Mapping[str, Callable[[], Sink]]) -> None:
        self.missed: Counter[str] = Counter()
        self._sinks: dict[str, Sink | None] = {}
        for name, open_sink in open_sinks.items():
            self._sinks[name] = None
            self._try(name, partial(self._open, name, open_sink))

    def __enter__(self) -> "Sinks":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_killed = isinstance(error, Stopped | KeyboardInterrupt)
        status = "FINISHED" if error is None else "KILLED" if is_killed else "FAILED"
        for name, sink in self._sinks.items():
            if sink is not None:
                self._try(name, partial(sink.close, status))
        for name, times in self.missed.items():
            _log.info("training.track: %s missed %d points and epochs", name, times)

    def add_point(self, point: CurvePoint) -> None:
        """Adds a point of the loss curve to each sink."""
        self._each(lambda sink: sink.add_point(point))

    def add_epoch(self, record: EpochRecord) -> None:
        """Adds the end of an epoch to each sink."""
        self._each(lambda sink: sink.add_epoch(record))

    def _open(self, name: str, open_sink: Callable[[], Sink]) -> None:
        self._sinks[name] = open_sink()

    def _each(self, call: Callable[[Sink], None]) -> None:
        for name, sink in self._sinks.items():
            if sink is None or not self._try(name, partial(call, sink)):
                self.missed[name] += 1

    def _try(self, name: str, call: Callable[[], None]) -> bool:
        try:
            call()
        except Exception as error:  # whatever a library raises, the training is worth more
            self._sinks[name] = None
            reason = files.reason_of(error)
            _log.warning("training.track: %s can't be written (%s); the training goes on without it", name, reason)
            return False
        return True


def check_track(settings: TrainingSettings) -> None:
    """Refuses a sink whose library is not installed, before the training begins.

    Raises:
      UserError: training.track names mlflow, and it can't be imported.
    """
    if "mlflow" in settings.track and find_spec("mlflow") is None:
        raise UserError(
            "training.track: mlflow is not installed; pip install 'textrecords[mlflow]', or take mlflow out of the list"
        )


def open_sinks(settings: TrainingSettings, folder: RunFolder, state: RunState) -> Sinks:
    """The sinks of `training.track`, each with the history so far."""
    ways: dict[str, Callable[[], Sink]] = {
        "tensorboard": lambda: TensorBoardLog(folder.tensorboard_path, state.history),
        "mlflow": lambda: MlflowLog(state.run, path=settings.path, settings=state.settings, history=state.history),
    }
    return Sinks({name: ways[name] for name in dict.fromkeys(settings.track)})


def track_result(settings: TrainingSettings, metrics: Metrics, *, run: str) -> None:
    """Adds the figures of the test split where a sink takes some. run: of the training's `RunState`."""
    if "mlflow" in settings.track:
        with Sinks({"mlflow": lambda: MlflowLog(run, path=settings.path, metrics=metrics)}):
            pass  # it sends them when it is opened

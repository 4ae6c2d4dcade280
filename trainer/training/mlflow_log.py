"""A training's history -> a run of MLflow, at the server that MLFLOW_TRACKING_URI names.

The run carries the training's own random name as a tag, so a training that is resumed goes on in the same run, from the
step after the last one there. Experiment: MLFLOW_EXPERIMENT_NAME, or `textrecords`. The library is imported here alone.
"""

import os
import time
from collections.abc import Mapping
from typing import Any, Final

from trainer.evaluation.metrics import Metrics
from trainer.training.history import CurvePoint, EpochRecord, History

_EXPERIMENT: Final = "textrecords"
_RUN_TAG: Final = "textrecords.run"
# Of one call of log_batch, by MLflow's REST API.
_MOST_METRICS: Final = 1000
_MOST_PARAMETERS: Final = 100
_LONGEST_VALUE: Final = 500
# Points that wait, so that a training makes one request every 50 of at most 1,000 points.
_WAITING: Final = 50
# MLflow's own defaults try a server that is down for 200 s, reports usage, and says so; a user's own values count.
_ENVIRONMENT: Final = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class MlflowLog:
    """A run of MLflow. All methods raise whatever MLflow raises; `trainer.training.track` handles it."""

    def __init__(
        self,
        run: str,
        *,
        path: str,
        settings: Mapping[str, Any] | None = None,
        history: History | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        """Opens the run of the training `run`, or starts it, and adds what it lacks.

        path: training.path, the run's name. settings: by name, its parameters. history: so far. metrics: of the test
        split, for its end.
        """
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow import entities
        from mlflow.tracking import MlflowClient

        self._metric, self._param = entities.Metric, entities.Param
        self._client = MlflowClient()
        self._waiting: list[Any] = []
        self._run = self._find(run) or self._start(run, path=path, settings=settings or {})
        # What a run that is resumed holds already: also steps after the checkpoint, which give the same values again.
        self._last_point, self._last_epoch = self._last_step("batch_loss"), self._last_step("loss")
        if history is not None:
            self._client.update_run(self._run, status="RUNNING")
            for point in history.curve:
                self.add_point(point)
            for record in history.epochs:
                self.add_epoch(record)
        if metrics is not None:
            self._add({f"test_{name}": value for name, value in metrics.items() if isinstance(value, (int, float))})
        self._flush()

    def add_point(self, point: CurvePoint) -> None:
        """Adds a point of the loss curve; some wait until there are more."""
        if point.step > self._last_point:
            self._add({"batch_loss": point.loss, "learning_rate": point.learning_rate}, step=point.step)
        if len(self._waiting) >= _WAITING:
            self._flush()

    def add_epoch(self, record: EpochRecord) -> None:
        """Adds the end of an epoch, at its last step."""
        own = {"loss": record.loss, "accuracy": record.accuracy}
        evaluated = {"eval_loss": record.eval_loss, "eval_accuracy": record.eval_accuracy, "eval_auc": record.eval_auc}
        if record.steps > self._last_epoch:
            self._add({**own, **evaluated}, step=record.steps)
        self._flush()

    def close(self, status: str) -> None:
        """Sends what waits, and ends the run with a status of MLflow."""
        self._flush()
        self._client.set_terminated(self._run, status)

    def _find(self, run: str) -> str | None:
        found = self._client.search_runs([self._experiment()], f"tags.`{_RUN_TAG}` = '{run}'") if run else []
        return found[0].info.run_id if found else None

    def _start(self, run: str, *, path: str, settings: Mapping[str, Any]) -> str:
        started = self._client.create_run(self._experiment(), tags={_RUN_TAG: run}, run_name=path)
        parameters = [self._param(name, str(value)[:_LONGEST_VALUE]) for name, value in settings.items()]
        for first in range(0, len(parameters), _MOST_PARAMETERS):
            self._client.log_batch(started.info.run_id, params=parameters[first : first + _MOST_PARAMETERS])
        return str(started.info.run_id)

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self._client.create_experiment(name))

    def _last_step(self, name: str) -> int:
        return max((metric.step for metric in self._client.get_metric_history(self._run, name)), default=0)

    def _add(self, values: Mapping[str, float | None], *, step: int = 0) -> None:
        now = int(time.time() * 1000)
        self._waiting += [self._metric(name, value, now, step) for name, value in values.items() if value is not None]

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for first in range(0, len(waiting), _MOST_METRICS):
            self._client.log_batch(self._run, metrics=waiting[first : first + _MOST_METRICS])

"""training.track: sinks that take the history, and that cannot make a training fail."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.settings import TrainingSettings
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from tests.support import mlflow_stand_in
from tests.support.mlflow_stand_in import Server
from tests.support.toy_records import toy_config, toy_folder, weights
from trainer.evaluation.measure import metrics_of
from trainer.training import track
from trainer.training.fit import train
from trainer.training.history import CurvePoint, EpochRecord, History
from trainer.training.mlflow_log import MlflowLog
from trainer.training.tensorboard import TensorBoardLog
from trainer.training.track import Sinks, check_track, track_result


def point(step: int) -> CurvePoint:
    return CurvePoint(step=step, loss=1 / step, learning_rate=0.1 * step)


def record(epoch: int) -> EpochRecord:
    return EpochRecord(
        epoch=epoch, steps=3 * epoch, learning_rate=0.1, loss=0.5, accuracy=0.75, eval_loss=0.25, eval_accuracy=0.9,
        eval_auc=None, seconds=1.0,
    )  # fmt: skip


class Recorded:
    """A sink that remembers; it breaks at a call by its number, from 0 on."""

    def __init__(self, *, breaks_at: int | None = None) -> None:
        self.got: list[Any] = []
        self._left = breaks_at

    def _take(self, what: Any) -> None:
        if self._left == 0:
            raise OSError(28, "No space left on device")
        self._left = None if self._left is None else self._left - 1
        self.got.append(what)

    def add_point(self, point: CurvePoint) -> None:
        self._take(point.step)

    def add_epoch(self, record: EpochRecord) -> None:
        self._take(f"epoch {record.epoch}")

    def close(self, status: str) -> None:
        self._take(status)


def test_track_a_broken_sink_is_told_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    broken, whole = Recorded(breaks_at=1), Recorded()

    def unopened() -> Recorded:
        raise ModuleNotFoundError("No module named 'sqlalchemy'")

    with caplog.at_level(logging.INFO), Sinks({"a": lambda: broken, "b": unopened, "c": lambda: whole}) as sinks:
        for step in (1, 2, 3):
            sinks.add_point(point(step))
        sinks.add_epoch(record(1))
    assert broken.got == [1]
    assert whole.got == [1, 2, 3, "epoch 1", "FINISHED"]
    assert sinks.missed == {"a": 3, "b": 4}
    warnings = [entry.getMessage() for entry in caplog.records if entry.levelno == logging.WARNING]
    assert warnings == [
        "training.track: b can't be written (No module named 'sqlalchemy'); the training goes on without it",
        "training.track: a can't be written (No space left on device); the training goes on without it",
    ]


# what ends a training     how the sinks are told
@pytest.mark.parametrize(("error", "status"), [(UserError("no"), "FAILED"), (KeyboardInterrupt(), "KILLED")])
def test_track_says_how_a_training_ended(error: BaseException, status: str) -> None:
    sink = Recorded()
    with pytest.raises(type(error)), Sinks({"a": lambda: sink}):
        raise error
    assert sink.got == [status]
    with Sinks({"a": lambda: Recorded(breaks_at=0)}):
        pass  # a sink that can't be closed is no error, either


def test_track_names_the_extra_of_a_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "find_spec", lambda _: None)
    check_track(TrainingSettings(track=["tensorboard"]))
    with pytest.raises(
        UserError, match=r"^training\.track: mlflow is not installed; pip install 'textrecords\[mlflow\]'"
    ):
        check_track(TrainingSettings(track=["mlflow"]))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    for name in ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_DISABLE_TELEMETRY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    return mlflow_stand_in.install(monkeypatch)


SETTINGS = {f"model.setting_{number}": number for number in range(150)} | {"training.long": "x" * 9000}


def test_track_mlflow_run_goes_on_after_a_kill(server: Server) -> None:
    first = MlflowLog("abc", path="out/training", settings=SETTINGS, history=History())
    for step in range(1, 5):
        first.add_point(point(step))
    first.add_epoch(record(1))
    first.add_point(point(5))  # waits, and the process is killed
    resumed = MlflowLog(
        "abc", path="out/training", settings=SETTINGS, history=History(curve=[point(1), point(2)], epochs=[])
    )
    for step in (3, 4, 5, 6):
        resumed.add_point(point(step))
    for epoch in (1, 2):
        resumed.add_epoch(record(epoch))
    (run,) = server.runs.values()
    assert (run.name, run.status, run.tags) == ("out/training", "RUNNING", {"textrecords.run": "abc"})
    assert run.params["model.setting_149"] == "149"
    assert len(run.params) == 151
    assert {name: [metric.step for metric in metrics] for name, metrics in run.metrics.items()} == {
        "batch_loss": [1, 2, 3, 4, 5, 6], "learning_rate": [1, 2, 3, 4, 5, 6],
        "loss": [3, 6], "accuracy": [3, 6], "eval_loss": [3, 6], "eval_accuracy": [3, 6],
    }  # fmt: skip
    assert [metric.value for metric in run.metrics["batch_loss"]][:3] == [1, 1 / 2, 1 / 3]
    resumed.close("FINISHED")
    assert run.status == "FINISHED"
    assert list(server.experiments) == ["textrecords"]
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"  # the user's own value
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_track_mlflow_makes_few_requests_of_a_bounded_size(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    log = MlflowLog("abc", path="p", settings={}, history=History(curve=[point(step) for step in range(1, 901)]))
    log.close("FINISHED")
    assert server.calls <= 37  # 1,800 values, 50 and more at once
    assert list(server.experiments) == ["mine"]
    assert len(server.runs["run-0"].metrics["batch_loss"]) == 900


def test_track_result_is_added_to_the_run_of_the_training(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    MlflowLog("abc", path="p", settings={}, history=History()).close("FINISHED")
    MlflowLog("other", path="p", settings={}, history=History()).close("FINISHED")
    metrics = metrics_of([[0.75, 0.25], [0.25, 0.75]], [0, 0], scheme=LabelScheme(("a", "b")))
    track_result(TrainingSettings(track=["tensorboard"]), metrics, run="abc")
    assert not server.runs["run-0"].metrics["test_accuracy"]
    track_result(TrainingSettings(track=["mlflow"]), metrics, run="abc")
    assert [metric.value for metric in server.runs["run-0"].metrics["test_accuracy"]] == [0.5]
    assert server.runs["run-0"].metrics["test_loss"][0].value == pytest.approx(0.836988)  # -(ln 0.75 + ln 0.25) / 2
    assert not server.runs["run-1"].metrics["test_accuracy"]
    server.is_down = True
    track_result(TrainingSettings(track=["mlflow"]), metrics, run="abc")
    (warning,) = caplog.messages
    assert "mlflow can't be written (API request to http://127.0.0.1:9 failed)" in warning


def test_track_of_a_training_changes_no_weight(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    records = toy_folder(tmp_path / "records")
    tracked = train(toy_config(tmp_path / "tracked", epochs=1, track=["mlflow"]), records)
    (run,) = server.runs.values()
    assert run.status == "FINISHED"
    assert run.params["model.lstm_units"] == "5"
    assert [metric.value for metric in run.metrics["batch_loss"]] == [at.loss for at in tracked.history.curve]
    assert [metric.value for metric in run.metrics["eval_loss"]] == [tracked.history.epochs[0].eval_loss]
    assert not (tmp_path / "tracked" / "tensorboard").exists()

    def add_point(*_: object) -> None:
        server.is_down = True
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TensorBoardLog, "add_point", add_point)
    plain = train(toy_config(tmp_path / "plain", epochs=1, track=["tensorboard", "mlflow"]), records)
    assert weights(plain) == weights(tracked)
    assert len([entry for entry in caplog.records if entry.levelno == logging.WARNING]) == 2
    assert json.loads(json.dumps([epoch.loss for epoch in plain.history.epochs])) == [tracked.history.epochs[0].loss]

"""The part of MLflow's client that the product uses, in memory, with the limits of its REST API.

MLflow itself brings a dozen packages, so the tests do without it. A training was tracked with MLflow 3.17 and SQLite by
hand: the run, its parameters and the metrics of a killed and resumed training are as here.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pytest


@dataclass(frozen=True)
class Metric:
    key: str
    value: float
    timestamp: int
    step: int


@dataclass(frozen=True)
class Param:
    key: str
    value: str


@dataclass
class Run:
    experiment: str
    tags: dict[str, str]
    name: str
    status: str = "RUNNING"
    params: dict[str, str] = field(default_factory=dict)
    metrics: defaultdict[str, list[Metric]] = field(default_factory=lambda: defaultdict(list))


class Server:
    """What the clients of a test talk to. calls: of log_batch; is_down: each call fails."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.experiments: dict[str, str] = {}
        self.calls, self.is_down = 0, False


class Client:
    def __init__(self, server: Server) -> None:
        self._server = server

    def get_experiment_by_name(self, name: str) -> SimpleNamespace | None:
        found = self._running().experiments.get(name)
        return None if found is None else SimpleNamespace(experiment_id=found)

    def create_experiment(self, name: str) -> str:
        return self._running().experiments.setdefault(name, str(len(self._server.experiments) + 1))

    def create_run(self, experiment_id: str, *, tags: dict[str, str], run_name: str) -> SimpleNamespace:
        name = f"run-{len(self._running().runs)}"
        self._server.runs[name] = Run(experiment_id, tags, run_name)
        return SimpleNamespace(info=SimpleNamespace(run_id=name))

    def search_runs(self, experiment_ids: list[str], filter_string: str) -> list[SimpleNamespace]:
        tag, value = filter_string.split(" = ")
        wanted = (tag.removeprefix("tags.").strip("`"), value.strip("'"))
        runs = self._running().runs.items()
        found = [name for name, run in runs if run.experiment in experiment_ids and wanted in run.tags.items()]
        return [SimpleNamespace(info=SimpleNamespace(run_id=name)) for name in found]

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        return self._running().runs[run_id].metrics[key]

    def log_batch(self, run_id: str, metrics: list[Metric] | None = None, params: list[Param] | None = None) -> None:
        run = self._running().runs[run_id]
        assert len(metrics or []) <= 1000
        assert len(params or []) <= 100
        assert all(len(param.value) <= 6000 for param in params or [])
        self._server.calls += 1
        for metric in metrics or []:
            run.metrics[metric.key].append(metric)
        for param in params or []:
            assert run.params.setdefault(param.key, param.value) == param.value  # MLflow refuses another value

    def update_run(self, run_id: str, status: str) -> None:
        self._running().runs[run_id].status = status

    def set_terminated(self, run_id: str, status: str) -> None:
        self._running().runs[run_id].status = status

    def _running(self) -> Server:
        if self._server.is_down:
            raise ConnectionError("API request to http://127.0.0.1:9 failed")
        return self._server


def install(monkeypatch: pytest.MonkeyPatch) -> Server:
    """For the rest of the test `mlflow` is the stand-in."""
    server = Server()
    package, entities, tracking = ModuleType("mlflow"), ModuleType("mlflow.entities"), ModuleType("mlflow.tracking")
    vars(entities).update(Metric=Metric, Param=Param)
    vars(tracking).update(MlflowClient=lambda: Client(server))
    vars(package).update(entities=entities, tracking=tracking)
    for module in (package, entities, tracking):
        module.__spec__ = ModuleSpec(module.__name__, None)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return server

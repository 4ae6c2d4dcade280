"""Settings of a model that trains in a second, for records of the tests; conftest.small_model is one, exported."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from pipeline.config.load import load
from pipeline.config.settings import Config
from trainer.data.records_folder import open_records_folder
from trainer.decision.decision import NO_DECISION, Decision
from trainer.export import self_check
from trainer.export.export import export, export_again
from trainer.model.classifier import build_model
from trainer.savedmodel.loading import ExportedModel
from trainer.savedmodel.model_info import INFO_FILE, read_info, sums_of
from trainer.training.fit import TrainedModel, train
from trainer.training.history import History

QUICK = {
    "model.embedding_dim": "4",
    "model.lstm_units": "6",
    "training.epochs": "1",
    "training.batch_size": "32",
    "training.learning_rate": "0.02",
}


def settings(records: Path, folder: Path, **others: str) -> Config:
    paths = {"output.path": records, "training.path": folder / "training", "export.path": folder / "model"}
    return load(None, {**QUICK, **{name: str(path) for name, path in paths.items()}, **others})


def trained_on(records: Path, config: Config) -> TrainedModel:
    return train(config, open_records_folder(str(records)))


def untrained(records: Path, config: Config) -> TrainedModel:
    """A model whose weights are all random, as if trained for one epoch: without the seconds that tracing a step takes.

    A fresh model has zeros in several places, so a swapped weight would not be seen.
    """
    folder = open_records_folder(str(records))
    model = build_model(folder.vocabulary_size, config.model, scheme=folder.scheme, padding=folder.sequence.padding)
    draw = np.random.default_rng(5)
    for variable in model.weights:
        variable.assign(draw.normal(0, 0.3, variable.shape))
    return TrainedModel(model, folder, History(), best_epoch=1)


def seal(folder: Path) -> None:
    """Lists the files of a changed version folder anew in its model.json, so that only its answers tell the change."""
    info = read_info(str(folder), setting="--model")
    changed = info.model_copy(update={"files": sums_of(str(folder))})
    (folder / INFO_FILE).write_bytes(changed.dumps())


def export_unchecked(trained: TrainedModel, config: Config) -> None:
    """Exports without asking the model again in a fresh process, which takes 4 s; test_export.py has one that does."""
    with unchecked():
        export(trained, config, metrics=None)


def export_with(model: ExportedModel, folder: Path, *, decision: Decision = NO_DECISION, **info: Any) -> ExportedModel:
    """The model with another decision, or with other keys in its model.json, exported without the check.

    With several labels the weights of the last layer are drawn, because each label has its own.
    """
    changed = model.info.model_copy(update=info)
    weights = model.weights
    if changed.scheme.outputs != weights[-1].size:
        draw = np.random.default_rng(5)
        shape = (weights[-2].shape[0], changed.scheme.outputs)
        weights[-2:] = [draw.normal(0, 1, shape).astype(np.float32), np.zeros(shape[1], np.float32)]
    given = SimpleNamespace(
        info=changed, weights=weights, folder=model.folder, transform_graph=model.transform_graph,
        embedding_before=model.embedding_before,
    )  # fmt: skip
    with unchecked():
        return ExportedModel(export_again(cast(ExportedModel, given), decision, path=str(folder), metrics=None).path)


@contextmanager
def unchecked() -> Iterator[None]:
    """Within it no export asks its model again in a fresh process; the certificate is written all the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(self_check, "check", lambda _folder, _certificate: 0.0)
        yield

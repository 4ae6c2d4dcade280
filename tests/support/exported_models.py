"""Settings of a model that trains in a second, for records of the tests; conftest.small_model is one, exported."""

from pathlib import Path

import pytest

from pipeline.config.load import load
from pipeline.config.settings import Config
from trainer.data.records_folder import open_records_folder
from trainer.export import self_check
from trainer.export.export import export
from trainer.training.fit import TrainedModel, train

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


def export_unchecked(trained: TrainedModel, config: Config) -> None:
    """Exports without asking the model again in a fresh process, which takes 4 s: test_export does it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(self_check, "check", lambda _folder, _certificate: 0.0)
        export(trained, config, metrics=None)

"""Settings + records folder + devices -> a model with fresh weights and the step that trains it, in each process."""

import hashlib
import json
from functools import partial
from typing import Any, Final, NamedTuple

import keras

from pipeline.config.settings import Config
from pipeline.contract import MANIFEST_FILE
from pipeline.errors import UserError
from trainer.data.check_shards import check_shards
from trainer.data.dataset import batch_count
from trainer.data.records_folder import RecordsFolder
from trainer.devices.devices import Devices
from trainer.evaluation.slices import check_slices
from trainer.model.classifier import build_model
from trainer.training.epoch_steps import EpochSteps
from trainer.training.objective import objective_of
from trainer.training.replicated_step import ReplicatedStep
from trainer.training.self_training import refuse_without_texts
from trainer.training.step import TrainingStep

# Settings that do not change the weights, but perhaps their last bits; they may differ when a training is resumed.
_SETTINGS_WITHOUT_EFFECT: Final = {
    "training.path", "training.checkpoint_steps", "training.track", "model.force", "training.strategy",
    "training.cudnn",
}  # fmt: skip


class Prepared(NamedTuple):
    """records: checked. training_step: before the first step. steps: those of an epoch."""

    records: RecordsFolder
    training_step: TrainingStep
    steps: EpochSteps


def refuse_untrainable(config: Config, records: RecordsFolder, devices: Devices) -> None:
    """Compares settings, records and devices before anything is read or written.

    Raises:
      UserError: there are no rows for what the settings ask.
    """
    if not records.splits["train"].rows:
        raise UserError(f"split.train: {records.path} holds no train rows, so there is nothing to learn from")
    if config.training.early_stopping is not None and not records.splits["eval"].rows:
        raise UserError(
            f"training.early_stopping is {config.training.early_stopping}, but {records.path} holds no eval rows to "
            "judge an epoch by; set it to null, or give split.eval a share"
        )
    ending, length = config.model.ngram_ending, records.sequence.max_length
    if ending >= length:
        raise UserError(
            f"model.ngram_ending is {ending}, but the texts of {records.path} have at most {length} ids "
            "(sequence.max_length), so all words would be near the end; give a smaller number, or 0"
        )
    if config.training.self_training:
        refuse_without_texts(config.training, records, devices)
    check_slices(config.metrics, records.manifest.record.slices, path=records.path)


def prepare(config: Config, records: RecordsFolder, devices: Devices) -> Prepared:
    """Checks the shards and makes model and step. The seeds of Python, NumPy and TensorFlow become training.seed.

    Raises:
      UserError: a shard is damaged; the model would learn nothing; the workers' settings or records differ.
    """
    settings = config.training
    _refuse_differing_workers(config, records, devices)
    records = records if records.stamps else check_shards(records, unlabelled=settings.self_training > 0)
    keras.utils.set_random_seed(settings.seed)
    build = partial(
        build_model,
        records.vocabulary_size,
        config.model,
        scheme=records.scheme,
        padding=records.sequence.padding,
        oov=records.manifest.config.vocabulary.oov,
    )
    model = build()
    frozen_epochs = config.embedding.frozen_epochs(settings.epochs)
    model.embedding.trainable = frozen_epochs < settings.epochs
    steps = settings.epochs * batch_count(records, "train", batch_size=settings.batch_size)
    objective = objective_of(records, settings)
    if devices.strategy is None:
        step = TrainingStep(model, settings, steps=steps, objective=objective)
    else:
        step = ReplicatedStep(model, settings, steps=steps, objective=objective, devices=devices, copy=build)
    return Prepared(records, step, EpochSteps(settings, records, training_step=step, frozen_epochs=frozen_epochs))


def weight_settings(config: Config, records: RecordsFolder) -> dict[str, Any]:
    """All settings that the weights depend on, by name, and the SHA-256 of the manifest."""
    names = ("embedding", "model", "training")
    sections = {name: getattr(config, name).model_dump() for name in names}
    settings = {f"{section}.{key}": value for section, values in sections.items() for key, value in values.items()}
    used = {name: value for name, value in settings.items() if name not in _SETTINGS_WITHOUT_EFFECT}
    return {**used, f"the sha256 of {MANIFEST_FILE}": records.manifest_sha256}


def _refuse_differing_workers(config: Config, records: RecordsFolder, devices: Devices) -> None:
    """Each worker sends a hash of what must be the same everywhere, or they would wait for each other for ever."""
    if devices.cluster is None:
        return
    content = json.dumps(weight_settings(config, records), sort_keys=True, default=str)
    own = int.from_bytes(hashlib.sha256(content.encode()).digest()[:7], "big")
    others = [number for number, value in enumerate(devices.values_of_all(own)) if value != own]
    if others:
        here, there = devices.cluster.addresses[devices.worker], devices.cluster.addresses[others[0]]
        raise UserError(
            f"worker {others[0]} ({there}) trains with other settings of model, training or embedding, or with "
            f"another records folder, than this one, worker {devices.worker} ({here}); give all of them the same"
        )

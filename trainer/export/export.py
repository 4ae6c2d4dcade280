"""A trained model + its records folder -> a version folder in export.path, checked before it is published.

    saved_model.pb, variables/               four signatures and the weights, see `served_model`
    assets/                                  the vocabulary
    assets.extra/model.json                  labels, settings, the other files' hashes: `trainer.savedmodel.model_info`
    assets.extra/certificate.jsonl           texts with the right ids and scores, see `certificate`
    assets.extra/tf_serving_warmup_requests  see `warmup`
    assets.extra/embedding_before.npy        rows of the most frequent words before training, float32 [words, dim]
    MODEL_CARD.md, MODEL_CARD.json           what the model learnt from and how good it is: `trainer.model_card`

The exported model does not need the records folder.
"""

import io
import logging
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.config.settings import Config
from pipeline.support.version import VERSION
from trainer import files
from trainer.evaluation.metrics import Metrics
from trainer.export import certificate, self_check
from trainer.export.served_model import ServedModel
from trainer.export.text_to_ids import TextToIds, load_text_to_ids
from trainer.export.warmup import write_warmup
from trainer.model.classifier import build_model
from trainer.model_card import Card, model_card, page, to_json
from trainer.savedmodel import versions
from trainer.savedmodel.loading import EMBEDDING_BEFORE_FILE, WORDS_BEFORE_TRAINING
from trainer.savedmodel.model_info import (
    CARD_FILE,
    CARD_JSON_FILE,
    CERTIFICATE_FILE,
    INFO_FILE,
    WARMUP_FILE,
    ModelInfo,
    sums_of,
)
from trainer.training.fit import TrainedModel
from trainer.training.run_folder import RunFolder

# Texts of the certificate that are sent as warm-up requests.
_WARMUP_TEXTS: Final = 8
# What to do if export.path can't be written, once it can.
_THEN: Final = "then run it again with --resume: nothing is published, the weights in training.path are whole"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportedVersion:
    """A published version folder. texts: how many its check had."""

    path: str
    texts: int


def export(
    trained: TrainedModel, config: Config, *, metrics: Metrics | None, text_to_ids: TextToIds | None = None
) -> ExportedVersion:
    """Publishes the model as the next version in config.export.path.

    metrics: of the test split, None if it has no rows. text_to_ids: the transform graph of the records folder; None: it
    is loaded.

    Raises:
      UserError: export.path can't be written, or the transform graph can't be loaded.
      ExportError: loaded in a fresh process the model gives other answers than here; nothing is published.
    """
    records = trained.records
    text_to_ids = text_to_ids or load_text_to_ids(records)
    expected = self_check.certify(text_to_ids, trained.model, scheme=records.scheme, samples=records.manifest.samples)
    served = ServedModel(
        text_to_ids,
        trained.model,
        scheme=records.scheme,
        padding=records.sequence.padding,
        text_columns=records.input.text_columns,
    )
    before = embedding_before(trained, config)
    named = files.naming("export.path", config.export.path, then=_THEN, disk_errors_only=True)
    with named, versions.staging(config.export.path) as folder:
        tf.saved_model.save(served, folder, signatures=served.functions)
        files.write(files.join(folder, CERTIFICATE_FILE), certificate.dumps(expected))
        files.write(files.join(folder, EMBEDDING_BEFORE_FILE), _npy(before))
        write_warmup(files.join(folder, WARMUP_FILE), expected.texts[:_WARMUP_TEXTS])
        info = _info(trained, config, metrics=metrics)
        card = _card(trained, config, metrics=metrics, of_packages=info.versions)
        files.write(files.join(folder, CARD_FILE), page(card))
        files.write(files.join(folder, CARD_JSON_FILE), to_json(card))
        all_files = {"certificate_texts": len(expected.texts), "files": sums_of(folder)}
        files.write(files.join(folder, INFO_FILE), info.model_copy(update=all_files).dumps())
        largest = self_check.check(folder, expected)
        path = versions.publish(folder, config.export.path)
    _logger.info("%s gives the right answers to %d texts (largest difference %.1g)", path, len(expected.texts), largest)
    return ExportedVersion(path, len(expected.texts))


def embedding_before(trained: TrainedModel, config: Config) -> npt.NDArray[np.float32]:
    """The embedding's first rows before the first training step, float32 [words, dim].

    They are built again from the seed. After a warm start they are read from training.path.
    """
    if config.training.start_from is not None:
        return RunFolder(config.training.path).first_vectors()
    records = trained.records
    keras.utils.set_random_seed(config.training.seed)
    model = build_model(records.vocabulary_size, config.model, scheme=records.scheme, padding=records.sequence.padding)
    return model.embedding.embeddings.numpy()[:WORDS_BEFORE_TRAINING]


def _info(trained: TrainedModel, config: Config, *, metrics: Metrics | None) -> ModelInfo:
    records = trained.records
    preprocessing = records.manifest.config
    return ModelInfo(
        labels=records.labels,
        text=preprocessing.text,
        vocabulary=preprocessing.vocabulary,
        sequence=preprocessing.sequence,
        model=config.model,
        training=config.training,
        best_epoch=trained.best_epoch,
        metrics=None if metrics is None else dict(metrics),
        text_columns=list(records.input.text_columns),
        label_map=records.input.label_map,
        several_labels=records.scheme.several,
        label_kind=records.scheme.kind,
        weighted=records.is_weighted,
        records=records.manifest_sha256,
        versions={
            "textrecords": VERSION,
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    )


def _card(trained: TrainedModel, config: Config, *, metrics: Metrics | None, of_packages: Mapping[str, str]) -> Card:
    records = trained.records
    return model_card(
        config,
        records.manifest,
        manifest_sha256=records.manifest_sha256,
        epochs=len(trained.history.epochs),
        best_epoch=trained.best_epoch,
        metrics=metrics,
        versions=of_packages,
    )


def _npy(array: npt.NDArray[np.float32]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()

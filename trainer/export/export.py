"""A trained model + its records folder -> a version folder in export.path, published once it has been checked.

    saved_model.pb, variables/               the graph of four signatures and the weights, see `serving`
    assets/                                  the vocabulary
    assets.extra/model.json                  what `exported.ModelInfo` says: labels, settings, metrics, versions
    assets.extra/certificate.jsonl           see `certificate`
    assets.extra/tf_serving_warmup_requests  see `warmup`
    assets.extra/embedding_before.npy        the embedding before training, of the most frequent words

Nothing in it refers to the records folder, which may go.
"""

import io
import logging
import platform
from dataclasses import dataclass
from typing import Final

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.config.settings import Config
from trainer import files
from trainer.evaluation.metrics import Metrics
from trainer.export import certificate, self_check
from trainer.export.served_model import ServedModel
from trainer.export.text_to_ids import TextToIds
from trainer.export.warmup import WARMUP_FILE, write_warmup
from trainer.model.classifier import build_model
from trainer.savedmodel import versions
from trainer.savedmodel.loading import BEFORE_FILE, INFO_FILE, WORDS_BEFORE, ModelInfo
from trainer.training.fit import TrainedModel
from trainer.training.run_folder import RunFolder

_WARMUP_TEXTS: Final = 8

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exported:
    """A published version. texts: how many it was checked with; largest_difference: of two scores of one of them."""

    path: str
    texts: int
    largest_difference: float


def export(trained: TrainedModel, config: Config, *, metrics: Metrics | None) -> Exported:
    """Publishes the model in config.export.path, with the test split's metrics (None: there is none).

    Raises:
      ExportError: loaded in a fresh process it gives other answers than here; nothing is published.
    """
    manifest = trained.manifest
    text_to_ids = TextToIds(manifest.folder)
    right = self_check.certify(text_to_ids, trained.model, labels=manifest.labels, samples=manifest.content.samples)
    served = ServedModel(text_to_ids, trained.model, labels=manifest.labels, padding=manifest.sequence.padding)
    with versions.staging(config.export.path) as folder:
        tf.saved_model.save(served, folder, signatures=served.functions)
        files.write(files.join(folder, certificate.CERTIFICATE_FILE), certificate.dumps(right))
        files.write(files.join(folder, INFO_FILE), _info(trained, config, metrics=metrics).dumps())
        files.write(files.join(folder, BEFORE_FILE), _npy(embedding_before(trained, config)))
        write_warmup(files.join(folder, WARMUP_FILE), right.texts[:_WARMUP_TEXTS])
        largest = self_check.check(folder, right)
        path = versions.publish(folder, config.export.path)
    _logger.info("%s gives the right answers to %d texts (largest difference %.1g)", path, len(right.texts), largest)
    return Exported(path, len(right.texts), largest)


def embedding_before(trained: TrainedModel, config: Config) -> npt.NDArray[np.float32]:
    """float32 [words, dim]: the first rows of the embedding that the training began with, made again from its seed,
    or kept where it began with another model's.
    """
    if config.training.start_from is not None:
        return RunFolder(config.training.path).first_vectors()
    manifest = trained.manifest
    keras.utils.set_random_seed(config.training.seed)
    model = build_model(
        manifest.vocabulary_size, config.model, classes=len(manifest.labels), padding=manifest.sequence.padding
    )
    return model.embedding.embeddings.numpy()[:WORDS_BEFORE]


def _info(trained: TrainedModel, config: Config, *, metrics: Metrics | None) -> ModelInfo:
    manifest = trained.manifest
    records = manifest.content.config
    return ModelInfo(
        labels=manifest.labels,
        text=records.text,
        vocabulary=records.vocabulary,
        sequence=records.sequence,
        model=config.model,
        training=config.training,
        best_epoch=trained.best_epoch,
        metrics=None if metrics is None else dict(metrics),
        records=manifest.sha256,
        versions={
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    )


def _npy(array: npt.NDArray[np.float32]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()

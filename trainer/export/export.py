"""A trained model + its records folder -> a version folder in export.path, checked before it is published.

    saved_model.pb, variables/               four signatures and the weights, see `served_model`
    assets/                                  the vocabulary
    assets.extra/model.json                  labels, settings, the other files' hashes: `trainer.savedmodel.model_info`
    assets.extra/certificate.jsonl           texts with the right ids and scores, see `certificate`
    assets.extra/tf_serving_warmup_requests  see `warmup`
    assets.extra/embedding_before.npy        rows of the most frequent words before training, float32 [words, dim]
    assets.extra/held_out.npz                logits and labels of eval and test rows: `trainer.decision.held_out`
    MODEL_CARD.md, MODEL_CARD.json           what the model learnt from and how good it is: `trainer.model_card`

The exported model does not need the records folder.
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
from pipeline.support.version import VERSION
from trainer import files
from trainer.decision.decision import NO_DECISION, Decision
from trainer.decision.held_out import HELD_OUT_FILE, HeldOut
from trainer.evaluation.metrics import Metrics
from trainer.export import certificate, rebuild, self_check
from trainer.export.served_model import ServedModel
from trainer.export.text_to_ids import TextToIds, load_text_to_ids
from trainer.export.warmup import write_warmup
from trainer.model.classifier import TextClassifier, build_model
from trainer.model_card import Card, model_card, page, to_json
from trainer.model_card.schema import SelfTraining
from trainer.savedmodel import versions
from trainer.savedmodel.loading import EMBEDDING_BEFORE_FILE, WORDS_BEFORE_TRAINING, ExportedModel
from trainer.savedmodel.model_info import (
    CARD_FILE,
    CARD_JSON_FILE,
    CERTIFICATE_FILE,
    INFO_FILE,
    WARMUP_FILE,
    ModelInfo,
    refuse_damages,
    sums_of,
)
from trainer.training.fit import TrainedModel
from trainer.training.run_folder import RunFolder

# Texts of the certificate that are sent as warm-up requests.
_WARMUP_TEXTS: Final = 8
# What to do if export.path can't be written, once it can.
_THEN: Final = "then run it again with --resume: nothing is published, the weights in training.path are whole"
_AGAIN: Final = "or give another export.path"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportedVersion:
    """A published version folder. texts: how many its check had."""

    path: str
    texts: int


@dataclass(frozen=True)
class _Parts:
    """What a version folder is made of.

    info: without the list of files. expected: the certificate. before: see `embedding_before`. card: None if the model
    was exported by a version without cards. held_out: the content of held_out.npz; None: there is no such file.
    """

    text_to_ids: TextToIds
    model: TextClassifier
    info: ModelInfo
    expected: certificate.Certificate
    before: npt.NDArray[np.float32]
    card: Card | None
    held_out: bytes | None


def export(
    trained: TrainedModel,
    config: Config,
    *,
    metrics: Metrics | None,
    decision: Decision = NO_DECISION,
    held_out: HeldOut | None = None,
    text_to_ids: TextToIds | None = None,
) -> ExportedVersion:
    """Publishes the model as the next version in config.export.path.

    metrics: of the test split, None if it has no rows. decision: how scores become labels. held_out: the rows that
    `trainer decide` will need. text_to_ids: the transform graph of the records folder; None: it is loaded.

    Raises:
      UserError: export.path can't be written, or the transform graph can't be loaded.
      ExportError: loaded in a fresh process the model gives other answers than here; nothing is published.
    """
    records = trained.records
    text_to_ids = text_to_ids or load_text_to_ids(records)
    texts, ids = self_check.certificate_texts(text_to_ids, samples=records.manifest.samples)
    info = _info(trained, config, metrics=metrics, decision=decision)
    expected = self_check.certify(trained.model, texts, ids=ids, scheme=info.scheme, decision=decision)
    card = _card(trained, config, metrics=metrics, info=info)
    kept = None if held_out is None else held_out.dumps()
    parts = _Parts(text_to_ids, trained.model, info, expected, embedding_before(trained, config), card, kept)
    return _publish(parts, config.export.path, then=_THEN)


def export_again(exported: ExportedModel, decision: Decision, *, path: str, metrics: Metrics | None) -> ExportedVersion:
    """Publishes an exported model as the next version in `path`, with the same weights and another decision.

    The records folder is not needed: words and weights come out of the export, and so do the texts of the certificate
    with their ids. metrics: of the test split with this decision, None if there are none.

    Raises:
      UserError: `path` (export.path) can't be written, or a file of the export is damaged.
      ExportError: loaded in a fresh process the model gives other answers than here; nothing is published.
    """
    has_rows = files.exists(files.join(exported.folder, HELD_OUT_FILE))
    also = [CERTIFICATE_FILE, *([HELD_OUT_FILE] if has_rows else [])]
    refuse_damages(exported.folder, exported.info, setting="--model", also=also)
    held_out = files.read(files.join(exported.folder, HELD_OUT_FILE)) if has_rows else None
    model = rebuild.keras_model(exported)
    text_to_ids = rebuild.text_to_ids_of(exported)
    earlier = certificate.open_certificate(exported.folder, exported.info)
    measured = None if metrics is None else dict(metrics)
    update = {"decision": decision, "metrics": measured, "certificate_texts": None, "files": None}
    info = exported.info.model_copy(update=update)
    expected = self_check.certify(model, earlier.texts, ids=earlier.answers.ids, scheme=info.scheme, decision=decision)
    card = rebuild.card_of(exported, decision, metrics=metrics)
    parts = _Parts(text_to_ids, model, info, expected, exported.embedding_before, card, held_out)
    return _publish(parts, path, then=_AGAIN)


def _publish(parts: _Parts, path: str, *, then: str) -> ExportedVersion:
    """Builds a version folder, checks it and publishes it in `path`; then: what to do if that can't be written."""
    info, expected = parts.info, parts.expected
    served = ServedModel(
        parts.text_to_ids,
        parts.model,
        scheme=info.scheme,
        decision=info.decision,
        padding=info.sequence.padding,
        text_columns=info.text_columns,
    )
    named = files.naming("export.path", path, then=then, disk_errors_only=True)
    with named, versions.staging(path) as folder:
        tf.saved_model.save(served, folder, signatures=served.functions)
        files.write(files.join(folder, CERTIFICATE_FILE), certificate.dumps(expected))
        files.write(files.join(folder, EMBEDDING_BEFORE_FILE), _npy(parts.before))
        write_warmup(files.join(folder, WARMUP_FILE), expected.texts[:_WARMUP_TEXTS])
        if parts.held_out is not None:
            files.write(files.join(folder, HELD_OUT_FILE), parts.held_out)
        if parts.card is not None:
            files.write(files.join(folder, CARD_FILE), page(parts.card))
            files.write(files.join(folder, CARD_JSON_FILE), to_json(parts.card))
        all_files = {"certificate_texts": len(expected.texts), "files": sums_of(folder)}
        files.write(files.join(folder, INFO_FILE), info.model_copy(update=all_files).dumps())
        largest = self_check.check(folder, expected)
        published = versions.publish(folder, path)
    texts = len(expected.texts)
    _logger.info("%s gives the right answers to %d texts (largest difference %.1g)", published, texts, largest)
    return ExportedVersion(published, texts)


def embedding_before(trained: TrainedModel, config: Config) -> npt.NDArray[np.float32]:
    """The embedding's first rows before the first training step, float32 [words, dim].

    They are built again from the seed. After a warm start, or with `embedding.from`, they are read from training.path.
    """
    if config.training.start_from is not None or config.embedding.source is not None:
        return RunFolder(config.training.path).first_vectors()
    records = trained.records
    keras.utils.set_random_seed(config.training.seed)
    model = build_model(records.vocabulary_size, config.model, scheme=records.scheme, padding=records.sequence.padding)
    return model.embedding.embeddings.numpy()[:WORDS_BEFORE_TRAINING]


def _info(trained: TrainedModel, config: Config, *, metrics: Metrics | None, decision: Decision) -> ModelInfo:
    records = trained.records
    preprocessing = records.manifest.config
    return ModelInfo(
        labels=records.labels,
        text=preprocessing.text,
        vocabulary=preprocessing.vocabulary,
        sequence=preprocessing.sequence,
        embedding=config.embedding,
        model=config.model,
        training=config.training,
        best_epoch=trained.best_epoch,
        metrics=None if metrics is None else dict(metrics),
        text_columns=list(records.input.text_columns),
        label_map=records.input.label_map,
        several_labels=records.scheme.several,
        label_kind=records.scheme.kind,
        weighted=records.is_weighted,
        decision=decision,
        records=records.manifest_sha256,
        versions={
            "textrecords": VERSION,
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    )


def _card(trained: TrainedModel, config: Config, *, metrics: Metrics | None, info: ModelInfo) -> Card:
    records = trained.records
    return model_card(
        config,
        records.manifest,
        manifest_sha256=records.manifest_sha256,
        epochs=len(trained.history.epochs),
        best_epoch=trained.best_epoch,
        metrics=metrics,
        versions=info.versions,
        decision=info.decision,
        vectors=trained.vectors,
        self_training=None
        if (given := trained.labelled) is None
        else SelfTraining(texts=given.texts, mean_weight=given.mean_weight, labels=given.labels),
    )


def _npy(array: npt.NDArray[np.float32]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()

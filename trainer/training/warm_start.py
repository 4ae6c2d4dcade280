"""`training.start_from`: an exported model -> the weights that a new training begins with, under another vocabulary.

A word's vector goes by its token, whatever its id was, so any two vocabularies will do; words that the earlier model
does not know keep the fresh vectors that the new one was built with. Every other weight goes over as it is.
"""

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

from pipeline.config.settings import ModelSettings
from pipeline.contract import PADDING_ID, VOCABULARY_FILE, oov_id
from pipeline.errors import UserError
from pipeline.records_folder.reader import REMEDY
from pipeline.records_folder.vocabulary_tsv import parse_words
from trainer import files
from trainer.data.records_folder import Manifest
from trainer.model.classifier import TextClassifier
from trainer.savedmodel.loading import ExportedModel, open_model

# What the weights' shapes and meaning depend on; dropout may change between two trainings.
_ARCHITECTURE = ("embedding_dim", "lstm_units", "bidirectional", "pooling", "mask_zero")
_SHOWN_LABELS = 3

_log = logging.getLogger(__name__)


def carry_over(model: TextClassifier, manifest: Manifest, path: str) -> None:
    """Gives a fresh model for the records the weights of the exported model at `path`, its newest version.

    Raises:
      UserError: there is none, or its architecture, its labels or all of its words are others.
    """
    earlier = open_model(path, setting="training.start_from")
    _refuse_other_architecture(model.settings, earlier)
    _refuse_other_labels(manifest.labels, earlier)
    rows = _rows(_tokens(manifest), manifest, earlier)
    for variable, value in zip(model.weights, earlier.weights, strict=True):
        if variable is model.embedding.embeddings:
            vectors = variable.numpy()
            vectors[list(rows)] = value[list(rows.values())]
            variable.assign(vectors)
        else:
            variable.assign(value)


def _rows(tokens: dict[str, int], manifest: Manifest, earlier: ExportedModel) -> dict[int, int]:
    """Row of the new embedding -> row of the earlier one, for padding, unknown words and the words that both know."""
    words = {number: earlier.words[token] for token, number in tokens.items() if token in earlier.words}
    if not words:
        raise UserError(
            f"training.start_from: {earlier.folder} knows no word of {manifest.folder}; "
            "are both of the same language, with the same settings of text?"
        )
    _log.info(
        "starting from %s: %d of %d words have their vectors from it", earlier.folder, len(words), len(tokens)
    )  # fmt: skip
    shared, its = oov_id(manifest.content.config.vocabulary.oov), oov_id(earlier.info.vocabulary.oov)
    unknown = {} if shared is None or its is None else {shared: its}
    return {PADDING_ID: PADDING_ID, **unknown, **words}


def _tokens(manifest: Manifest) -> dict[str, int]:
    path = files.join(manifest.folder, VOCABULARY_FILE)
    content = files.read(path)
    if hashlib.sha256(content).hexdigest() != manifest.content.vocabulary.sha256:
        raise UserError(f"{path} is damaged, or another folder's: its sha256 is not the manifest's; {REMEDY}")
    return {word.token: word.id for word in parse_words(content, path=path)}


def _refuse_other_architecture(settings: ModelSettings, earlier: ExportedModel) -> None:
    for name in _ARCHITECTURE:
        mine, its = _value(settings, name), _value(earlier.info.model, name)
        if mine != its:
            raise UserError(
                f"model.{name} is {mine}, but the model in {earlier.folder} (training.start_from) has {its}; "
                f"set model.{name} to {its}, or training.start_from to null"
            )


def _value(settings: ModelSettings, name: str) -> Any:
    """One layer may be written as a list."""
    value = getattr(settings, name)
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _refuse_other_labels(labels: Sequence[str], earlier: ExportedModel) -> None:
    its = earlier.info.labels
    if list(labels) != its:
        new = [label for label in labels if label not in its]
        gone = [label for label in its if label not in labels]
        raise UserError(
            f"training.start_from: the model in {earlier.folder} was trained on other labels "
            f"(new: {_listed(new)}; not in the records: {_listed(gone)}); its last layer knows those alone: "
            "take rows with other labels out, or set training.start_from to null"
        )


def _listed(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _SHOWN_LABELS} more" if len(labels) > _SHOWN_LABELS else ""
    return (", ".join(map(repr, labels[:_SHOWN_LABELS])) or "none") + more

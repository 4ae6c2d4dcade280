"""Warm start, `training.start_from`: the weights of an exported model -> a new model, perhaps of another vocabulary.

The vector of a word is copied by its token, whatever its id is. So the two vocabularies may differ in any way. Words
that the earlier model does not know keep the random vectors of the new model. All other weights are copied as they are.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.config.settings import ModelSettings
from pipeline.contract import PADDING_ID, Oov, oov_id
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.data.records_folder import RecordsFolder
from trainer.data.vocabulary import vocabulary_of
from trainer.model.classifier import TextClassifier
from trainer.savedmodel.loading import ExportedModel, open_model

# Settings that the shapes and the meaning of the weights depend on; dropout may differ between two trainings.
_ARCHITECTURE: Final = ("embedding_dim", "lstm_units", "bidirectional", "pooling", "mask_zero")
# Labels that an error message lists.
_LISTED_LABELS: Final = 3

_log = logging.getLogger(__name__)


def warm_start(model: TextClassifier, records: RecordsFolder, path: str) -> None:
    """Sets the weights of a new model for `records` to those of the exported model at `path` (its newest version).

    Raises:
      UserError: there is no model at `path`, its architecture or its labels differ, or no word is in both vocabularies.
    """
    earlier = open_model(path, setting="training.start_from")
    _refuse_other_architecture(model.settings, earlier)
    _refuse_other_labels(records.scheme, earlier)
    rows = _shared_rows(records, earlier)
    for variable, value in zip(model.weights, earlier.weights, strict=True):
        if variable is model.embedding.embeddings:
            vectors = variable.numpy()
            vectors[list(rows)] = value[list(rows.values())]
            variable.assign(vectors)
        else:
            variable.assign(value)


def shared_rows(words: Mapping[str, int], earlier: Mapping[str, int], *, oov: Oov, earlier_oov: Oov) -> dict[int, int]:
    """Row of the new embedding -> row of the earlier one: padding, unknown tokens, and words of both vocabularies.

    words, earlier: token -> id. Unknown tokens have a row only with `oov: token`.

    >>> shared_rows({"film": 2, "new": 3}, {"the": 1, "film": 2}, oov="token", earlier_oov="drop")
    {0: 0, 2: 2}
    >>> shared_rows({"film": 2, "the": 3}, {"the": 2}, oov="token", earlier_oov="token")
    {0: 0, 1: 1, 3: 2}
    """
    own, its = oov_id(oov), oov_id(earlier_oov)
    unknown = {} if own is None or its is None else {own: its}
    return {PADDING_ID: PADDING_ID, **unknown, **{id: earlier[word] for word, id in words.items() if word in earlier}}


def _shared_rows(records: RecordsFolder, earlier: ExportedModel) -> dict[int, int]:
    known = vocabulary_of(records)
    words = dict(zip(known.tokens, known.ids, strict=True))
    shared = len(words.keys() & earlier.words.keys())
    if not shared:
        raise UserError(
            f"training.start_from: {earlier.folder} knows no word of {records.path}; "
            "are both of the same language, with the same settings of text?"
        )
    _log.info("starting from %s: %d of %d words have their vectors from it", earlier.folder, shared, len(words))
    own_oov, earlier_oov = records.manifest.config.vocabulary.oov, earlier.info.vocabulary.oov
    return shared_rows(words, earlier.words, oov=own_oov, earlier_oov=earlier_oov)


def _refuse_other_architecture(settings: ModelSettings, earlier: ExportedModel) -> None:
    for name in _ARCHITECTURE:
        own, its = _value(settings, name), _value(earlier.info.model, name)
        if own != its:
            raise UserError(
                f"model.{name} is {own}, but the model in {earlier.folder} (training.start_from) has {its}; "
                f"set model.{name} to {its}, or training.start_from to null"
            )


def _value(settings: ModelSettings, name: str) -> Any:
    """The value of a setting; a list of one layer is the same as its number."""
    value = getattr(settings, name)
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _refuse_other_labels(scheme: LabelScheme, earlier: ExportedModel) -> None:
    if scheme.several != earlier.info.several_labels:
        here, there = ("several labels", "one label") if scheme.several else ("one label", "several labels")
        raise UserError(
            f"training.start_from: the model in {earlier.folder} gives {there} a text, and the records have {here}; "
            "its last layer means something else: set training.start_from to null, or make the records with another "
            "input.several_labels"
        )
    labels, its = scheme.names, earlier.info.labels
    if list(labels) != its:
        new = [label for label in labels if label not in its]
        gone = [label for label in its if label not in labels]
        raise UserError(
            f"training.start_from: the model in {earlier.folder} was trained on other labels "
            f"(new: {_list(new)}; not in the records: {_list(gone)}); its last layer knows those alone: "
            "take rows with other labels out, or set training.start_from to null"
        )


def _list(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _LISTED_LABELS} more" if len(labels) > _LISTED_LABELS else ""
    return (", ".join(map(repr, labels[:_LISTED_LABELS])) or "none") + more

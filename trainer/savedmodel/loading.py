"""A folder that `export` has published -> the model in it: scores, ids and vectors of texts, words and settings.

Needs TensorFlow and the folder, nothing else: no Keras, no records.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.config.settings import ModelSettings, SequenceSettings, TextSettings, TrainingSettings, VocabularySettings
from pipeline.contract import IDS
from pipeline.errors import UserError
from pipeline.records_folder.vocabulary_tsv import parse_words
from trainer import files
from trainer.savedmodel import versions
from trainer.savedmodel.signatures import EMBEDDINGS, SCORES, SERVING_DEFAULT, STATE, TOKEN_IDS, VECTORS

INFO_FILE: Final = "assets.extra/model.json"
BEFORE_FILE: Final = "assets.extra/embedding_before.npy"
# The neighbours that `explain` shows are looked for among so many words; those behind are too rare to have learnt much,
# and a million of them would add 128 MB to the model.
WORDS_BEFORE: Final = 10_000
FORMAT_VERSION: Final = 1

# 64 texts keep both cores of a small machine busy; more only wait for the longest among them.
_BATCH_TEXTS: Final = 64
# The graph's own copies of the longest texts, 12 times their size (measured), stay below 100 MB.
_BATCH_BYTES: Final = 8 << 20

Floats = npt.NDArray[np.float32]


class ModelInfo(BaseModel):
    """What model.json says. metrics: of the test split, None if it had no rows; records: sha256 of their manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    labels: list[str]
    text: TextSettings
    vocabulary: VocabularySettings
    sequence: SequenceSettings
    model: ModelSettings
    training: TrainingSettings
    best_epoch: int
    metrics: dict[str, Any] | None
    records: str
    versions: dict[str, str]

    def dumps(self) -> bytes:
        """The bytes of the file."""
        return (self.model_dump_json(indent=1) + "\n").encode()


class ExportedModel:
    """A model that takes raw texts; texts are bytes, UTF-8 as a rule."""

    def __init__(self, folder: str, *, setting: str = "--model") -> None:
        self.folder = folder
        self.info = _read_info(folder, setting=setting)
        self._module = tf.saved_model.load(folder)

    def scores(self, texts: Sequence[bytes]) -> Floats:
        """Probabilities, float32 [texts, classes], in the order of the labels."""
        scores = np.zeros([len(texts), len(self.info.labels)], np.float32)
        for rows in batches_by_length(texts):
            batch = tf.constant([texts[row] for row in rows], tf.string)
            scores[rows] = self._module.signatures[SERVING_DEFAULT](text=batch)[SCORES].numpy()
        return scores

    def token_ids(self, texts: Sequence[bytes]) -> npt.NDArray[np.int64]:
        """Ids as the records hold them, int64 [texts, max_length]."""
        return self._module.signatures[TOKEN_IDS](text=tf.constant(list(texts), tf.string))[IDS].numpy()

    def vectors(self, texts: Sequence[bytes]) -> tuple[Floats, Floats]:
        """What the embedding gives, float32 [texts, max_length, dim], and the LSTM's state, float32 [texts, width]."""
        found = self._module.signatures[EMBEDDINGS](text=tf.constant(list(texts), tf.string))
        return found[VECTORS].numpy(), found[STATE].numpy()

    @cached_property
    def embedding(self) -> Floats:
        """A vector an id, float32 [top_words, dim]."""
        return self._module.embedding.numpy()

    @property
    def weights(self) -> list[npt.NDArray[np.generic]]:
        """All of the model's weights, in the order of `TextClassifier.weights`."""
        return [variable.numpy() for variable in self._module.variables_]

    @cached_property
    def embedding_before(self) -> Floats:
        """The same before training, of the first ids alone."""
        with tf.io.gfile.GFile(files.join(self.folder, BEFORE_FILE), "rb") as file:
            return np.load(file)

    @cached_property
    def words(self) -> dict[str, int]:
        """The vocabulary in the order of its ids: token, as files spell it (see `pipeline.text.graph`), -> id."""
        folder = files.join(self.folder, "assets")
        (name,) = tf.io.gfile.listdir(folder)
        path = files.join(folder, name)
        return {word.token: word.id for word in parse_words(files.read(path), path=path)}


def open_model(path: str, *, setting: str = "--model") -> ExportedModel:
    """The model in a version folder, or the newest version in export.path; `setting` is where the path came from.

    Raises:
      UserError: there is none.
    """
    return ExportedModel(version_folder(path, setting=setting), setting=setting)


def version_folder(path: str, *, setting: str = "--model") -> str:
    """The version folder that `--model PATH` means: the path itself, or the newest version in it.

    Raises:
      UserError: it is neither.
    """
    for folder in (path, versions.newest_version(path)):
        if folder is not None and tf.io.gfile.exists(files.join(folder, versions.SAVED_MODEL_FILE)):
            if not tf.io.gfile.exists(files.join(folder, INFO_FILE)):
                raise UserError(
                    f"{setting}: {folder} is a SavedModel, but not one that `python -m trainer train` exported"
                )
            return folder
    what = "holds no exported model" if tf.io.gfile.isdir(path) else "is no folder"
    raise UserError(f"{setting}: {path} {what}; give the export.path of a training that has ended, or a version in it")


def batches_by_length(texts: Sequence[bytes]) -> Iterator[list[int]]:
    """The rows of the texts in batches of about the same length, the shortest first: the longest of a batch sets its
    time.

    >>> list(batches_by_length([b"a long text", b"short", b"a text"]))
    [[1, 2, 0]]
    """
    batch: list[int] = []
    size = 0
    for row in sorted(range(len(texts)), key=lambda row: len(texts[row])):
        if batch and (len(batch) == _BATCH_TEXTS or size + len(texts[row]) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += len(texts[row])
    if batch:
        yield batch


def _read_info(folder: str, *, setting: str) -> ModelInfo:
    path = files.join(folder, INFO_FILE)
    try:
        return ModelInfo.model_validate_json(files.read(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UserError(f"{setting}: {path}: {key}: {first['msg']}; another version of this program made it") from error

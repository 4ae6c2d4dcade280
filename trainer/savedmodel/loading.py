"""An exported version folder -> the model in it: scores, ids and vectors of texts, its words and its settings.

This needs TensorFlow and the folder, but no Keras and no records.
"""

import io
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.contract import IDS
from pipeline.errors import UserError
from pipeline.records_folder.vocabulary_tsv import parse_columns
from pipeline.support.arrays import Flags, Int64s
from pipeline.support.strict_json import shown
from trainer import files
from trainer.ngrams.side import NgramArrays, NgramSide
from trainer.savedmodel import versions
from trainer.savedmodel.model_info import INFO_FILE, read_info, refuse_damages
from trainer.savedmodel.signatures import (
    ABSTAINS,
    DECIDED,
    EMBEDDINGS,
    LABEL_NAME,
    RATING,
    SCORES,
    SERVING_DEFAULT,
    STATE,
    TOKEN_IDS,
    VECTORS,
)

EMBEDDING_BEFORE_FILE: Final = "assets.extra/embedding_before.npy"
# Rows of the embedding before training that the exported model holds. `explain` looks for neighbours among these words.
# Rarer words have hardly changed in training, and a million rows would add 128 MB to the model.
WORDS_BEFORE_TRAINING: Final = 10_000
# Texts of a batch. 64 keep both cores of a small machine busy; with more, all wait longer for the longest text.
_BATCH_TEXTS: Final = 64
# Most bytes of a batch's texts. The graph makes copies of 12 times their size (measured), so these stay below 100 MB.
_BATCH_BYTES: Final = 8 << 20

Floats = npt.NDArray[np.float32]


class ModelAnswers(NamedTuple):
    """The answers of a model to n texts.

    scores: float32 [n, classes], probabilities in the order of the labels. label: int64 [n], the index of the answered
    label; with several labels a text that of the most probable one. decided: bool [n, classes], the labels that a text
    has; None if each text has one. abstains: bool [n]; None if the model always answers. rating: float32 [n], the
    expected rating; None if the labels are not ordinal.
    """

    scores: Floats
    label: Int64s
    decided: Flags | None
    abstains: Flags | None
    rating: Floats | None

    @property
    def probability(self) -> Floats:
        """The score of each answered label, float32 [n]."""
        return np.take_along_axis(self.scores, self.label[:, np.newaxis], axis=1)[:, 0]


class ExportedModel:
    """A loaded model that takes raw texts, as bytes; they need not be valid UTF-8."""

    def __init__(self, folder: str, *, setting: str = "--model") -> None:
        """Compares the files of the version folder with its model.json, and loads the model.

        setting: the setting that `folder` is the value of, for error messages.

        Raises:
          UserError: the folder is damaged, or can't be loaded.
        """
        self.folder, self._setting = folder, setting
        self.info = read_info(folder, setting=setting)
        refuse_damages(folder, self.info, setting=setting)
        self._module = self._load()

    def scores(self, texts: Sequence[bytes]) -> Floats:
        """Probabilities, float32 [texts, classes], in the order of the labels.

        Raises:
          UserError: one is NaN or infinite.
        """
        return self._scored(texts, [SCORES])[SCORES]

    def answers(self, texts: Sequence[bytes]) -> ModelAnswers:
        """Scores, and what the model decides by them.

        Raises:
          UserError: a score is NaN or infinite, or a label is none of the model's.
        """
        given = self._module.signatures[SERVING_DEFAULT].structured_outputs
        optional = [name for name in (DECIDED, ABSTAINS, RATING) if name in given]
        outputs = self._scored(texts, [SCORES, LABEL_NAME, *optional])
        index = {name.encode(): index for index, name in enumerate(self.info.labels)}
        try:
            label = np.array([index[name] for name in outputs[LABEL_NAME].tolist()], np.int64)
        except KeyError as error:
            self._refuse(
                f"answers with the label {shown(error.args[0].decode())}, which {INFO_FILE} does not have", error
            )
        return ModelAnswers(outputs[SCORES], label, *[outputs.get(name) for name in (DECIDED, ABSTAINS, RATING)])

    def _scored(self, texts: Sequence[bytes], names: Sequence[str]) -> dict[str, Any]:
        """Outputs of `serving_default`, arrays by name, in the order of the texts; the scores are finite."""
        batches = list(batches_by_length(texts)) or [[]]
        parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in names}
        for rows in batches:
            batch = tf.constant([texts[row] for row in rows], tf.string)
            outputs = self._module.signatures[SERVING_DEFAULT](text=batch)
            for name in names:
                parts[name].append(outputs[name].numpy())
        place = np.argsort([row for rows in batches for row in rows])
        whole = {name: np.concatenate(arrays)[place] for name, arrays in parts.items()}
        if not np.isfinite(whole[SCORES]).all():
            self._refuse("gives a score that is not a number")
        return whole

    def token_ids(self, texts: Sequence[bytes]) -> npt.NDArray[np.int64]:
        """Ids as the records hold them, int64 [texts, max_length]."""
        return self._module.signatures[TOKEN_IDS](text=tf.constant(list(texts), tf.string))[IDS].numpy()

    def vectors(self, texts: Sequence[bytes]) -> tuple[Floats, Floats]:
        """The vector of each id, float32 [texts, max_length, dim], and the LSTM's state, float32 [texts, width]."""
        outputs = self._module.signatures[EMBEDDINGS](text=tf.constant(list(texts), tf.string))
        return outputs[VECTORS].numpy(), outputs[STATE].numpy()

    @cached_property
    def embedding(self) -> Floats:
        """The embedding: a row for each id, float32 [top_words, dim]."""
        return self._module.embedding.numpy()

    @property
    def weights(self) -> list[npt.NDArray[np.generic]]:
        """All weights of the model, float arrays in the order of `TextClassifier.weights`."""
        return [variable.numpy() for variable in self._module.variables_]

    @cached_property
    def ngrams(self) -> NgramArrays:
        """What n-grams say, of a model with model.ngrams.

        Raises:
          UserError: the model does not hold it.
        """
        try:
            return NgramSide.arrays_of(self._module.ngrams)
        except AttributeError as error:
            self._refuse("does not hold the weights of its n-grams (model.ngrams)", error)

    @property
    def transform_graph(self) -> Any:
        """The loaded transform graph: what makes ids of texts.

        Raises:
          UserError: the model does not hold it as an object of its own.
        """
        graph = getattr(getattr(self._module, "text_to_ids", None), "graph", None)
        if not hasattr(graph, "transform_fn"):
            self._refuse("does not hold the transform graph of its records")
        return graph

    @cached_property
    def embedding_before(self) -> Floats:
        """The embedding's first rows before training, float32 [words, dim]."""
        try:
            rows: Floats = np.load(io.BytesIO(files.read(files.join(self.folder, EMBEDDING_BEFORE_FILE))))
        except (OSError, ValueError, EOFError) as error:
            self._refuse(f"has no {EMBEDDING_BEFORE_FILE} that can be read ({files.reason_of(error)})", error)
        return rows

    @cached_property
    def words(self) -> dict[str, int]:
        """The vocabulary in the order of its ids: word, escaped as in vocabulary.tsv (`pipeline.text.graph`), -> id."""
        folder = files.join(self.folder, "assets")
        try:
            (name,) = files.names_in(folder)
            path = files.join(folder, name)
            words = parse_columns(files.read(path), path=path, remedy="export the model again")
        except (OSError, ValueError) as error:
            self._refuse(f"has no vocabulary that can be read ({files.reason_of(error)})", error)
        return dict(zip(words.tokens, words.ids, strict=True))

    def _load(self) -> Any:
        try:
            module = tf.saved_model.load(self.folder)
            answers = module.signatures[SERVING_DEFAULT].structured_outputs
            scores, missing = answers[SCORES], {TOKEN_IDS, EMBEDDINGS} - set(module.signatures)
        except Exception as error:  # of any kind: an export without a list of files may hold anything
            self._refuse(f"can't be loaded ({type(error).__name__}: {files.reason_of(error)})", error)
        if missing:
            self._refuse(f"has no signature {min(missing)}")
        if scores.shape[1] != len(self.info.labels):
            self._refuse(f"gives {scores.shape[1]} scores, but {INFO_FILE} has {len(self.info.labels)} labels")
        scheme, can_abstain = self.info.scheme, self.info.decision.can_abstain(self.info.scheme)
        for name, is_needed in ((DECIDED, scheme.several), (ABSTAINS, can_abstain), (RATING, scheme.has_rating)):
            if is_needed and name not in answers:
                self._refuse(f"has no output {name}, which {INFO_FILE} asks for")
        return module

    def _refuse(self, what: str, error: Exception | None = None) -> NoReturn:
        raise UserError(f"{self._setting}: the model in {self.folder} {what}; export it again") from error


def open_model(path: str, *, setting: str = "--model") -> ExportedModel:
    """Loads the model of a version folder, or of the newest version in export.path.

    setting: the setting that `path` is the value of, for error messages.

    Raises:
      UserError: there is no exported model.
    """
    return ExportedModel(version_folder(path, setting=setting), setting=setting)


def version_folder(path: str, *, setting: str = "--model") -> str:
    """The version folder that `--model PATH` means: the path itself, or the newest version in it.

    setting: the setting that `path` is the value of, for error messages.

    Raises:
      UserError: there is no exported model in either.
    """
    remedy = "give the export.path of a training that has ended, or a version in it"
    if not path:
        raise UserError(f"{setting}: it is empty; {remedy}")
    try:
        for folder in (path, versions.newest_version(path)):
            if folder is not None and files.exists(files.join(folder, versions.SAVED_MODEL_FILE)):
                if not files.exists(files.join(folder, INFO_FILE)):
                    raise UserError(
                        f"{setting}: {folder} is a SavedModel, but not one that `python -m trainer train` exported"
                    )
                return folder
    except OSError as error:
        raise UserError(f"{setting}: {path} can't be read: {files.reason_of(error)}; {remedy}") from error
    what = "holds no exported model" if tf.io.gfile.isdir(path) else "is not a folder"
    raise UserError(f"{setting}: {path} {what}; {remedy}")


def batches_by_length(texts: Sequence[bytes]) -> Iterator[list[int]]:
    """The numbers of the texts in batches of about the same length, the shortest first.

    The longest text of a batch sets the time of the batch. A batch has 64 texts and 8 MB at most; a longer text is
    alone.

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

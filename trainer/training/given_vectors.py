"""`embedding.from`: a file of word vectors -> the embedding with which a training starts."""

import logging
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.config.settings import Config
from pipeline.contract import oov_id
from pipeline.errors import UserError
from pipeline.support.printable import quote_start
from pipeline.text.escaping import unescape
from trainer import files
from trainer.data.records_folder import RecordsFolder
from trainer.data.vocabulary import vocabulary_of
from trainer.word_vectors.coverage import VectorsUsed, vectors_used
from trainer.word_vectors.read import read_vectors
from trainer.word_vectors.source import SETTING, sha256_of
from trainer.word_vectors.table import UNKNOWN, start_table

_log = logging.getLogger(__name__)


class GivenVectors(NamedTuple):
    """table: float32 [ids, dim], a row for each id. used: what the file is, and what it has of the vocabulary."""

    table: npt.NDArray[np.float32]
    used: VectorsUsed


def given_vectors(config: Config, records: RecordsFolder) -> GivenVectors | None:
    """The embedding that `embedding.from` asks for; None without it.

    Raises:
      UserError: the file can't be used, see `read_vectors`, or has none of the words.
    """
    path = config.embedding.source
    if path is None:
        return None
    files.check_reachable(path, setting=SETTING)
    words = vocabulary_of(records)
    rows = {unescape(token).encode(): id for id, token in zip(words.ids, words.tokens, strict=True)}
    unknown = oov_id(records.manifest.config.vocabulary.oov)
    if unknown is not None:
        rows.setdefault(UNKNOWN, unknown)
    given = read_vectors(path, rows, ids=records.vocabulary_size, dim=config.model.embedding_dim)
    used = vectors_used(path, given, words)
    if not used.found_words:
        raise UserError(
            f"{SETTING}: {path} has none of the {used.words:,} words of {records.path}; are both of the same language, "
            "and both in lower case?"
        )
    _log.info("%s: %s", SETTING, used.summary())
    if given.repeated:
        _log.warning(
            "%s: %s has %d words of the vocabulary more than once (%s is one); the first vector of each counts",
            *(SETTING, path, len(set(given.repeated)), quote_start(given.repeated[0])),
        )
    return GivenVectors(start_table(given.table, given.has_vector, oov_id=unknown, seed=config.training.seed), used)


def refuse_another_file(config: Config, used: VectorsUsed | None) -> None:
    """Compares the file of a training that is resumed with the one that it started from.

    If the file is not there any more, that is no mistake: the checkpoint holds all vectors.

    Raises:
      UserError: it is another file now.
    """
    path = config.embedding.source
    if path is None or used is None:
        return
    try:
        size = files.size(path) if files.exists(path) else None
        is_same = size is None or (size == used.size and sha256_of(path) == used.sha256)
    except OSError as error:
        _log.warning("%s: %s can't be read now (%s); the checkpoint has its vectors", SETTING, path, error)
        return
    if not is_same:
        raise UserError(
            f"--resume: {path} ({SETTING}) has changed since the training was started (its sha256 was {used.sha256}); "
            "put the file back, or leave --resume out to start over"
        )

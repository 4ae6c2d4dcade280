"""Vectors of ids -> a file of words and vectors, and beside it a JSON that says what they were made of.

The file appears complete and at once, and the JSON after it. The vector of unknown tokens (`oov: token`) has the name
`<unk>`, and `embedding.from` takes it for them.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.contract import oov_id
from pipeline.support.printable import json_text
from pipeline.text.escaping import unescape
from trainer import files
from trainer.data.records_folder import RecordsFolder
from trainer.data.vocabulary import vocabulary_of
from trainer.word_vectors.table import UNKNOWN
from trainer.word_vectors.write import can_hold, parts_of_binary, parts_of_text

# The ending of word2vec's binary files; all others get text.
_BINARY: Final = ".bin"
INFO_ENDING: Final = ".json"


class NamedVectors(NamedTuple):
    """words: UTF-8, in the order of the vectors, float32 [words, dim]. left_out: words that no such file can hold."""

    words: list[bytes]
    vectors: npt.NDArray[np.float32]
    left_out: int


def name_vectors(records: RecordsFolder, ids: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> NamedVectors:
    """The words of ids. vectors: float32 [ids, dim], in the order of `ids`.

    Raises:
      UserError: vocabulary.tsv is not as the manifest says.
    """
    known = vocabulary_of(records)
    names = {id: unescape(token).encode() for id, token in zip(known.ids, known.tokens, strict=True)}
    unknown = oov_id(records.manifest.config.vocabulary.oov)
    if unknown is not None:
        names.setdefault(unknown, UNKNOWN)
    words = [names.get(id, b"") for id in ids.tolist()]
    places = [place for place, word in enumerate(words) if can_hold(word)]
    return NamedVectors([words[place] for place in places], vectors[places], len(words) - len(places))


def write_vectors(path: str, named: NamedVectors) -> tuple[int, str]:
    """Writes the file, binary if its name ends in .bin; returns its size in bytes and its SHA-256.

    Raises:
      OSError: it can't be written.
    """
    form = parts_of_binary if path.endswith(_BINARY) else parts_of_text
    digest = hashlib.sha256()
    size = 0

    def write(file: BinaryIO) -> None:
        nonlocal size
        for part in form(named.words, named.vectors):
            digest.update(part)
            size += len(part)
            file.write(part)

    files.write_by(path, write)
    return size, digest.hexdigest()


def write_info(path: str, info: Mapping[str, Any]) -> None:
    """Writes the JSON beside the file of vectors.

    Raises:
      OSError: it can't be written.
    """
    files.write(path + INFO_ENDING, (json_text(dict(info), indent=1) + "\n").encode())

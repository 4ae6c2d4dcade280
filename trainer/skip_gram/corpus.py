"""The records of train and those without labels -> their ids as text, in parts on this disk, and the count of each id.

Vectors are learnt from the texts that the model may learn from: eval and test stay unseen. A record holds at most
`sequence.max_length` ids, so the words that were cut off a longer text are not learnt from either.

gensim's fast way reads files alone, a text a line, in threads of its own that Python's lock does not hold. It tells
nothing until a file is done. So the texts are cut in parts of a million words: a part takes seconds, the memory holds
a batch of records, and the disk 5 bytes a word.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from pipeline.contract import PADDING_ID
from pipeline.errors import UserError
from pipeline.records_folder.reader import REMEDY
from trainer import files
from trainer.data.checked_files import checked_parts
from trainer.data.parsed_records import parse_ids, serialized_records
from trainer.data.records_folder import RecordsFolder

_PART_WORDS: Final = 1_000_000
_BATCH_IDS: Final = 1 << 20


class Part(NamedTuple):
    """A file with a text a line, of ids with spaces between them."""

    path: Path
    texts: int
    words: int


class Corpus(NamedTuple):
    """counts: int64 [ids], how often the texts have each id."""

    parts: list[Part]
    counts: npt.NDArray[np.int64]

    @property
    def texts(self) -> int:
        """The texts with one word or more."""
        return sum(part.texts for part in self.parts)

    @property
    def words(self) -> int:
        """The words of all texts, each as often as it occurs."""
        return sum(part.words for part in self.parts)


def write_corpus(records: RecordsFolder, folder: Path, *, part_words: int = _PART_WORDS) -> Corpus:
    """Writes the parts into a folder of this machine; the same records give the same parts.

    part_words: a part is complete with so many words.

    Raises:
      UserError: a shard is missing or is not as the manifest says, or the disk is full.
    """
    shards = records.shards_to_learn_from
    for shard in shards:
        for _ in checked_parts(files.join(records.path, shard.path), bytes=shard.bytes, sha256=shard.sha256):
            pass
    paths = [files.join(records.path, shard.path) for shard in shards if shard.records]
    counts = np.zeros(records.vocabulary_size, np.int64)
    names = [b"%d" % id for id in range(records.vocabulary_size)]
    parts: list[Part] = []
    with files.naming("TMPDIR", str(folder), then="or set TMPDIR to another folder"), _Parts(folder, parts) as writer:
        for ids in _batches(paths, records):
            is_word = ids != PADDING_ID
            flat = ids[is_word]
            if flat.size and (flat.min() < 0 or flat.max() >= len(counts)):
                raise UserError(f"{records.path}: a record has an id that the vocabulary does not have; {REMEDY}")
            counts += np.bincount(flat, minlength=len(counts))
            tokens = [names[id] for id in flat.tolist()]
            end = 0
            for length in is_word.sum(axis=1).tolist():
                begin, end = end, end + length
                if length:
                    writer.add(b" ".join(tokens[begin:end]), words=length, part_words=part_words)
    return Corpus(parts, counts)


class _Parts:
    """Writes one part after the other; a part that is complete is added to `parts`."""

    def __init__(self, folder: Path, parts: list[Part]) -> None:
        self._folder, self._parts = folder, parts
        self._file: BinaryIO | None = None
        self._texts = self._words = 0

    def __enter__(self) -> "_Parts":
        return self

    def __exit__(self, *_: object) -> None:
        self._complete()

    def add(self, line: bytes, *, words: int, part_words: int) -> None:
        """Adds a text."""
        if self._file is None:
            self._file = open(self._path, "wb", buffering=1 << 20)  # noqa: SIM115  it stays open over many texts
        self._file.write(line + b"\n")
        self._texts += 1
        self._words += words
        if self._words >= part_words:
            self._complete()

    @property
    def _path(self) -> Path:
        return self._folder / f"ids-{len(self._parts):06d}.txt"

    def _complete(self) -> None:
        if self._file is not None:
            self._file.close()
            self._parts.append(Part(self._path, self._texts, self._words))
            self._file, self._texts, self._words = None, 0, 0


def _batches(paths: list[str], records: RecordsFolder) -> Iterator[npt.NDArray[np.int64]]:
    """The ids of the records, int64 [rows, max_length], in order."""
    length = records.sequence.max_length
    batches = (
        serialized_records(paths)
        .batch(max(1, _BATCH_IDS // length))
        .map(lambda serialized: parse_ids(serialized, records))
        .prefetch(1)
    )
    try:
        yield from batches.as_numpy_iterator()
    except tf.errors.OpError as error:
        raise UserError(f"{records.path}: its records can't be read: {files.reason_of(error)}; {REMEDY}") from error

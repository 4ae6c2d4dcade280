"""What a file of word vectors has of a vocabulary: by words, and by the tokens that they are in the counted texts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from pipeline.records_folder.vocabulary_tsv import WordColumns
from pipeline.support.terminal import percent

# At run time this would load TensorFlow for whoever reads the schema of the model card, as the tools of the docs do.
if TYPE_CHECKING:
    from trainer.word_vectors.read import ReadVectors

# The most frequent words without a vector that are kept, to be shown.
_MISSING: Final = 24


class MissingWord(BaseModel):
    """A word of the vocabulary that the file has no vector of, and its count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str
    count: int


class VectorsUsed(BaseModel):
    """The vectors that a training started from.

    file: its name, without its folder. size, sha256: of its stored bytes. vectors: in the file. words, tokens: of the
    vocabulary, with the counts of vocabulary.tsv; found_words, found_tokens: those among them that have a vector.
    repeated: vectors of the file that did not count, since their word had one before.
    missing: the most frequent words without a vector.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    format: str
    size: int
    sha256: str
    vectors: int
    dim: int
    words: int
    found_words: int
    tokens: int
    found_tokens: int
    repeated: int
    missing: list[MissingWord]

    @property
    def word_share(self) -> float:
        """The share of the vocabulary's words that have a vector."""
        return self.found_words / self.words

    @property
    def token_share(self) -> float | None:
        """The share of the tokens that are words of the vocabulary; None if no token was counted."""
        return self.found_tokens / self.tokens if self.tokens else None

    def summary(self) -> str:
        """One line for a log."""
        tokens = "" if self.token_share is None else f", which are {percent(self.token_share)} of their tokens"
        return (
            f"{self.file} ({self.format}, {self.vectors:,} vectors of {self.dim:,} numbers) has "
            f"{self.found_words:,} of the {self.words:,} words ({percent(self.word_share)}){tokens}"
        )


def vectors_used(path: str, given: "ReadVectors", words: WordColumns) -> VectorsUsed:
    """The coverage of a vocabulary with at least one word."""
    counts = np.array(words.counts, np.int64)
    has_vector = given.has_vector[words.ids]
    return VectorsUsed(
        file=path.rstrip("/").rpartition("/")[2],
        format=given.layout.format,
        size=given.size,
        sha256=given.sha256,
        vectors=given.vectors,
        dim=given.layout.dim,
        words=len(words.ids),
        found_words=int(has_vector.sum()),
        tokens=int(counts.sum()),
        found_tokens=int(counts[has_vector].sum()),
        repeated=len(given.repeated),
        missing=_missing(words, counts, has_vector),
    )


def _missing(
    words: WordColumns, counts: npt.NDArray[np.int64], has_vector: npt.NDArray[np.bool_]
) -> Sequence[MissingWord]:
    places = np.flatnonzero(~has_vector)
    most = places[np.argsort(-counts[places], kind="stable")[:_MISSING]].tolist()
    return [MissingWord(token=words.tokens[place], count=words.counts[place]) for place in most]

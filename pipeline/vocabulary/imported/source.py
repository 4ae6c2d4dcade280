"""A vocabulary that exists already: its words with their ids, and the settings that gave them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pipeline.config.settings import TextSettings
from pipeline.contract import Oov

Kind = Literal["keras_tokenizer", "token_list", "records_folder"]

KIND_NAMES: dict[Kind, str] = {
    "keras_tokenizer": "a Keras tokenizer",
    "token_list": "a text file with a token a line",
    "records_folder": "a records folder",
}


class Origin(NamedTuple):
    """Where a vocabulary came from. sha256: of the file, a records folder's vocabulary.tsv; words: how many it gave;
    last_id: ids behind it are of new words."""

    kind: Kind
    path: str
    sha256: str
    words: int
    last_id: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """A vocabulary that has been read.

    words: (id, token as pipeline.text.escaping spells it) by rising id; ids may have gaps.
    last_id: the highest id that is taken, which may belong to no word.
    top_words: rows of the embedding that it was made for.
    text, oov: the settings under which its words have these ids; text None: any.
    """

    kind: Kind
    path: str
    sha256: str
    words: Sequence[tuple[int, str]]
    last_id: int
    top_words: int
    oov: Oov
    text: TextSettings | None

    @property
    def origin(self) -> Origin:
        """What the manifest says of it."""
        return Origin(self.kind, self.path, self.sha256, len(self.words), self.last_id)

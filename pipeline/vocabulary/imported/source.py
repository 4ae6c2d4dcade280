"""An imported vocabulary: its words with their ids, and the settings that gave them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config.settings import TextSettings
from pipeline.contract import Oov
from pipeline.records_folder.manifest import VocabularyKind, VocabularyOrigin

KIND_NAMES: dict[VocabularyKind, str] = {
    "keras_tokenizer": "a Keras tokenizer",
    "token_list": "a text file with a token a line",
    "records_folder": "a records folder",
}


@dataclass(frozen=True, kw_only=True)
class ImportedVocabulary:
    """A vocabulary that `vocabulary.from` names.

    words: (id, token escaped as in pipeline.text.escaping) by rising id; ids may have gaps.
    last_id: the highest id in use, which may belong to no word.
    top_words: rows of the embedding that it was made for.
    text, oov: the settings under which its words have these ids; text None: any.
    """

    kind: VocabularyKind
    path: str
    sha256: str
    words: Sequence[tuple[int, str]]
    last_id: int
    top_words: int
    oov: Oov
    text: TextSettings | None

    @property
    def origin(self) -> VocabularyOrigin:
        """The vocabulary in the manifest."""
        return VocabularyOrigin(
            kind=self.kind, path=self.path, sha256=self.sha256, words=len(self.words), last_id=self.last_id
        )

"""Settings + an imported vocabulary -> the settings under which its words keep their ids."""

import json
import logging
from typing import Any, Final

from pipeline.config.settings import MAX_TOP_WORDS, Config, TextSettings, VocabularySettings
from pipeline.contract import embedding_rows, max_words_after
from pipeline.errors import UserError
from pipeline.vocabulary.imported.source import KIND_NAMES, ImportedVocabulary

# The order of their characters has no meaning.
_SETS_OF_CHARACTERS: Final = ("filters", "punctuation")

_logger = logging.getLogger(__name__)


def adopt_settings(config: Config, source: ImportedVocabulary) -> Config:
    """The settings, with those of the imported vocabulary in place of defaults.

    Raises:
      UserError: a setting that the user set contradicts the vocabulary.
    """
    wanted = {} if source.text is None else source.text.model_dump()
    text = config.text.model_copy(update=_adopted(config.text, wanted, source=source, section="text"))
    vocabulary = config.vocabulary
    adopted = _adopted(vocabulary, {"oov": source.oov}, source=source, section="vocabulary")
    vocabulary = vocabulary.model_copy(update={**adopted, "top_words": _top_words(vocabulary, source)})
    _log_adopted(text, vocabulary, source)
    return config.model_copy(update={"text": text, "vocabulary": vocabulary})


def _adopted(
    chosen: TextSettings | VocabularySettings, wanted: dict[str, Any], *, source: ImportedVocabulary, section: str
) -> dict[str, Any]:
    """The wanted settings.

    Raises:
      UserError: the user set one of them to another value.
    """
    for name, value in wanted.items():
        mine = getattr(chosen, name)
        is_same = set(mine) == set(value) if name in _SETS_OF_CHARACTERS else mine == value
        if name in chosen.model_fields_set and not is_same:
            raise UserError(
                f"{section}.{name} is {mine!r}, but {KIND_NAMES[source.kind]}, {source.path}, has {value!r} "
                f"(vocabulary.from): its words would not keep their ids; leave {section}.{name} out"
            )
    return wanted


def _top_words(vocabulary: VocabularySettings, source: ImportedVocabulary) -> int:
    """The user's value if all ids are below it. If the user set none: the vocabulary's, or with `grow` at least the
    default.
    """
    rows, needed = vocabulary.top_words, embedding_rows(source.last_id)
    if needed > MAX_TOP_WORDS:
        raise UserError(
            f"{source.path} (vocabulary.from) has an id of {source.last_id}, which needs a vocabulary.top_words of "
            f"{needed}; the most is {MAX_TOP_WORDS}: number its words anew, from the smallest id on"
        )
    if "top_words" not in vocabulary.model_fields_set:
        own = min(source.top_words, MAX_TOP_WORDS)
        rows = max(rows, own) if vocabulary.grow else own
    elif rows < needed:
        raise UserError(
            f"vocabulary.top_words is {rows}, but the ids of {source.path} (vocabulary.from) need {needed}; "
            "leave vocabulary.top_words out, or give that many or more"
        )
    if vocabulary.grow and max_words_after(source.last_id, top_words=rows) < 1:
        raise UserError(
            f"vocabulary.grow is true, but {source.path} fills vocabulary.top_words {rows} already; "
            "give a larger one, or set vocabulary.grow to false"
        )
    return rows


def _log_adopted(text: TextSettings, vocabulary: VocabularySettings, source: ImportedVocabulary) -> None:
    adopted = {f"text.{name}": value for name, value in text.model_dump().items()} if source.text else {}
    adopted |= {f"vocabulary.{name}": getattr(vocabulary, name) for name in ("top_words", "oov")}
    settings = ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in adopted.items())
    kind, words = KIND_NAMES[source.kind], len(source.words)
    _logger.info("vocabulary.from: %s, %s, gives %d words; with it come %s", source.path, kind, words, settings)

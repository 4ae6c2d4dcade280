"""Settings + a vocabulary from elsewhere -> the settings under which its words keep their ids."""

import json
import logging
from typing import Any

from pipeline.config.settings import MAX_TOP_WORDS, Config, TextSettings, VocabularySettings
from pipeline.contract import embedding_rows, max_words_after
from pipeline.errors import UserError
from pipeline.vocabulary.imported.source import KIND_NAMES, Source

_logger = logging.getLogger(__name__)


def settled(config: Config, source: Source) -> Config:
    """The settings with what the vocabulary was made with in place of what nobody chose.

    Raises:
      UserError: a setting that somebody chose contradicts the vocabulary.
    """
    wanted = {} if source.text is None else source.text.model_dump()
    text = config.text.model_copy(update=_adopted(config.text, wanted, source=source, section="text"))
    vocabulary = config.vocabulary
    adopted = _adopted(vocabulary, {"oov": source.oov}, source=source, section="vocabulary")
    vocabulary = vocabulary.model_copy(update={**adopted, "top_words": _top_words(vocabulary, source)})
    _tell(text, vocabulary, source)
    return config.model_copy(update={"text": text, "vocabulary": vocabulary})


def _adopted(
    chosen: TextSettings | VocabularySettings, wanted: dict[str, Any], *, source: Source, section: str
) -> dict[str, Any]:
    for name, value in wanted.items():
        mine = getattr(chosen, name)
        # Filters are a set of characters.
        is_same = set(mine) == set(value) if name == "filters" else mine == value
        if name in chosen.model_fields_set and not is_same:
            raise UserError(
                f"{section}.{name} is {mine!r}, but {KIND_NAMES[source.kind]}, {source.path}, has {value!r} "
                f"(vocabulary.from): its words would not keep their ids; leave {section}.{name} out"
            )
    return wanted


def _top_words(vocabulary: VocabularySettings, source: Source) -> int:
    """Those chosen, if all ids fit in; otherwise the vocabulary's own, or the default where it is to grow."""
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


def _tell(text: TextSettings, vocabulary: VocabularySettings, source: Source) -> None:
    told = {f"text.{name}": value for name, value in text.model_dump().items()} if source.text else {}
    told |= {f"vocabulary.{name}": getattr(vocabulary, name) for name in ("top_words", "oov")}
    settings = ", ".join(f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in told.items())
    kind, words = KIND_NAMES[source.kind], len(source.words)
    _logger.info("vocabulary.from: %s, %s, gives %d words; with it come %s", source.path, kind, words, settings)

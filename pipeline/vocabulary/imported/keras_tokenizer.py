"""The file of a Keras `Tokenizer.to_json()` -> its words, ids and settings, as its `texts_to_sequences` uses them.

    {"class_name": "Tokenizer", "config": {"num_words": 5000, "filters": "...", "lower": true, "split": " ",
     "char_level": false, "oov_token": null, "word_index": "{\"the\": 1, ...}", ...}}

`word_index` is JSON in a string. The whole file is JSON in a string if it was written by
`json.dump(tokenizer.to_json(), file)`.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipeline.config.settings import KERAS_FILTERS, TextSettings
from pipeline.contract import PADDING_ID, Oov, embedding_rows, oov_id
from pipeline.errors import UserError
from pipeline.support.strict_json import first_mistake, parse_json, shown
from pipeline.text.escaping import escape
from pipeline.vocabulary.imported.source import ImportedVocabulary

# The smallest vocabulary.top_words. A tokenizer of fewer words leaves a row of the embedding unused.
_MIN_TOP_WORDS = 3


# An id that int64 holds; _check_ids refuses negative ones.
_Id = Annotated[int, Field(lt=2**63)]


class _Tokenizer(BaseModel):
    """What the ids depend on. Keras ignores num_words if it is 0."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    word_index: Annotated[dict[str, _Id], BeforeValidator(lambda value: _unpacked(value))]
    num_words: Annotated[int, Field(ge=0)] | None = None
    filters: str = KERAS_FILTERS
    lower: bool = True
    split: str | None = " "
    char_level: bool = False
    oov_token: str | None = None


def read(values: dict[str, Any], *, path: str, sha256: str) -> ImportedVocabulary:
    """The tokenizer that the JSON object in the file at `path` describes.

    Raises:
      UserError: it is not a tokenizer, or one whose ids this program can't give.
    """
    tokenizer = _parse(values, path=path)
    oov: Oov = "drop" if tokenizer.oov_token is None else "token"
    text = _text_settings(tokenizer, path=path)
    _check_ids(tokenizer, path=path)
    ids = sorted((number, word) for word, number in tokenizer.word_index.items() if word != tokenizer.oov_token)
    last_id = max(tokenizer.word_index.values(), default=PADDING_ID)
    top_words = max(tokenizer.num_words or embedding_rows(last_id), _MIN_TOP_WORDS)
    # Keras ignores words with id >= num_words. Many tutorials add '<pad>' with id 0; skip it.
    used = [(number, word) for number, word in ids if PADDING_ID < number < (tokenizer.num_words or top_words)]
    words = [(number, escape(word)) for number, word in used if _is_unicode(word)]
    if not words:
        raise UserError(
            f"vocabulary.from: {path} is a Keras tokenizer without a word (num_words {tokenizer.num_words}, "
            f"{len(ids)} words counted); was fit_on_texts called before to_json?"
        )
    return ImportedVocabulary(
        kind="keras_tokenizer",
        path=path,
        sha256=sha256,
        words=words,
        last_id=used[-1][0],
        top_words=top_words,
        oov=oov,
        text=text,
    )


def _unpacked(value: object) -> object:
    return parse_json(value, half_characters=True) if isinstance(value, str) else value


def _parse(values: dict[str, Any], *, path: str) -> _Tokenizer:
    config = values.get("config")
    if values.get("class_name") != "Tokenizer" or not isinstance(config, dict):
        raise UserError(
            f"vocabulary.from: {path} is JSON, but not what Keras's Tokenizer.to_json() writes "
            f"(class_name is {shown(values.get('class_name'))}, expected 'Tokenizer')"
        )
    try:
        return _Tokenizer.model_validate(config)
    except ValidationError as error:
        raise UserError(
            f"vocabulary.from: {path} is a damaged Keras tokenizer: {first_mistake(error)}; write to_json() again"
        ) from error


def _text_settings(tokenizer: _Tokenizer, *, path: str) -> TextSettings:
    """The settings that split texts as the tokenizer does.

    Keras replaces each character of `filters` by `split`, then splits there. With char_level it filters nothing.
    """
    filters, split = tokenizer.filters, tokenizer.split
    if tokenizer.char_level:
        return TextSettings(lowercase=tokenizer.lower, filters="", split="character")
    if split == " ":
        return TextSettings(lowercase=tokenizer.lower, filters=filters, split="space")
    if split is None and not filters:
        return TextSettings(lowercase=tokenizer.lower, filters="", split="whitespace")
    if split is not None and len(split) == 1 and " " in filters:
        # Spaces are separators too, because they are filtered. So `split` is one more filtered character.
        return TextSettings(lowercase=tokenizer.lower, filters=filters + split, split="space")
    raise UserError(
        f"vocabulary.from: the tokenizer in {path} cuts texts at {shown(split)} (its split), where this program cuts "
        "at spaces: words with spaces in them would be lost; it can take tokenizers over whose split is ' ', "
        "or one other character if ' ' is among their filters"
    )


def _check_ids(tokenizer: _Tokenizer, *, path: str) -> None:
    of_unknown = None if tokenizer.oov_token is None else tokenizer.word_index.get(tokenizer.oov_token)
    if of_unknown != oov_id("drop" if tokenizer.oov_token is None else "token"):
        raise UserError(
            f"vocabulary.from: the oov_token {shown(tokenizer.oov_token)} of the tokenizer in {path} has the id "
            f"{of_unknown}, since it is a word of the texts as well; unknown words can have the id {oov_id('token')} "
            "alone here, so its ids can't be kept"
        )
    words: dict[int, str] = {}
    for word, number in tokenizer.word_index.items():
        if number in words and number > PADDING_ID:
            raise UserError(
                f"vocabulary.from: {path} gives the id {number} to two words, {shown(words[number])} and "
                f"{shown(word)}; each word needs an id of its own"
            )
        if number < PADDING_ID:
            raise UserError(
                f"vocabulary.from: {path} gives {shown(word)} the id {shown(number)}; ids begin at {PADDING_ID}"
            )
        words[number] = word


def _is_unicode(word: str) -> bool:
    """Whether a text can have the word.

    Python and JSON accept half a surrogate pair, which no text has. The id of such a word stays unused.
    """
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True

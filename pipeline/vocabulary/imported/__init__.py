"""`vocabulary.from` -> the vocabulary that it names, and the settings that come with it.

One module for each kind: a Keras tokenizer, a token list, a records folder. The content of a file decides its kind.
"""

import hashlib
import re
from typing import Any

from pipeline.config.settings import Config
from pipeline.contract import MANIFEST_FILE, VOCABULARY_FILE
from pipeline.errors import JsonError, UserError
from pipeline.files.local import FileInfo, Files
from pipeline.support.strict_json import parse_json
from pipeline.vocabulary.imported import keras_tokenizer, records_folder, token_list
from pipeline.vocabulary.imported.settings import adopt_settings
from pipeline.vocabulary.imported.source import KIND_NAMES, ImportedVocabulary

_KINDS = "a Keras Tokenizer.to_json() file, a UTF-8 text file with a token a line, or a records folder"
# Bytes of a file. A tokenizer of 10 million words has 0.9 GB.
_MAX_BYTES = 1 << 30
_PICKLE = b"\x80"
# An object, or a string with one in it.
_JSON_OBJECT = re.compile(r'\s*"?\{(\\n|\s)*\\?"')


def resolve(config: Config, files: Files) -> tuple[Config, ImportedVocabulary | None]:
    """The settings that the vocabulary of `vocabulary.from` needs, and that vocabulary; None if there is none.

    Raises:
      UserError: the vocabulary can't be read, or a setting that the user set contradicts it.
    """
    if config.vocabulary.source is None:
        return config, None
    source = read_vocabulary(config, files)
    return adopt_settings(config, source), source


def read_vocabulary(config: Config, files: Files) -> ImportedVocabulary:
    """The vocabulary that `vocabulary.from` names."""
    path = str(config.vocabulary.source).rstrip("/")
    manifests = _matches(f"{path}/{MANIFEST_FILE}", files, path=path)
    if manifests:
        try:
            return records_folder.read(manifests[0].path.removesuffix(f"/{MANIFEST_FILE}"), files)
        except UserError as error:
            raise UserError(f"vocabulary.from: {error}") from error
    matches = _matches(path, files, path=path)
    if not matches:
        raise UserError(f"vocabulary.from: there is no file or folder {path}; it can be {_KINDS}")
    if len(matches) > 1 or matches[0].path.startswith(f"{path}/"):
        raise UserError(
            f"vocabulary.from: {path} holds no {MANIFEST_FILE}, so it is not a records folder; give {_KINDS}"
        )
    return _read_file(matches[0].path, files, config)


def _matches(pattern: str, files: Files, *, path: str) -> list[FileInfo]:
    try:
        return files.match(pattern)
    except OSError as error:  # of a folder that may not be entered or listed
        raise UserError(f"vocabulary.from: {path} can't be read: {error.strerror or error}") from error


def _read_file(path: str, files: Files, config: Config) -> ImportedVocabulary:
    try:
        with files.open(path) as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UserError(f"vocabulary.from: {path} can't be read: {error.strerror or error}") from error
    if len(content) > _MAX_BYTES:
        raise UserError(f"vocabulary.from: {path} has more than {_MAX_BYTES >> 30} GB; it can be {_KINDS}")
    name = path.rpartition("/")[2]
    if name in (MANIFEST_FILE, VOCABULARY_FILE):
        raise UserError(f"vocabulary.from: {path} is a part of a records folder; give the folder")
    sha256 = hashlib.sha256(content).hexdigest()
    text = _decoded(content, path=path)
    values = _json_object(text, path=path)
    if values is not None:
        return keras_tokenizer.read(values, path=path, sha256=sha256)
    return token_list.read(text, path=path, sha256=sha256, oov=config.vocabulary.oov)


def _decoded(content: bytes, *, path: str) -> str:
    if content.startswith(_PICKLE):
        raise UserError(
            f"vocabulary.from: {path} looks like a pickle, which only the program that wrote it should load; "
            "load the tokenizer there and write its to_json() to a file"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"vocabulary.from: {path} is not UTF-8 text (byte {error.start}); it can be {_KINDS}"
        ) from error


def _json_object(text: str, *, path: str) -> dict[str, Any] | None:
    """The JSON object that a file holds, or that a string of JSON in it holds; None: it holds tokens."""
    if not _JSON_OBJECT.match(text):
        return None
    try:
        values = parse_json(text, half_characters=True)
        values = parse_json(values, half_characters=True) if isinstance(values, str) else values
    except JsonError as error:
        raise UserError(
            f"vocabulary.from: {path} begins like JSON and is not JSON ({error}); if it is a Keras tokenizer, "
            "write its to_json() again"
        ) from error
    return values if isinstance(values, dict) else None


__all__ = ["KIND_NAMES", "ImportedVocabulary", "read_vocabulary", "resolve"]

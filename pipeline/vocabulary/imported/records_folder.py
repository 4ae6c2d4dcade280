"""A records folder -> its vocabulary, and the settings of its texts."""

import hashlib

from pipeline.contract import VOCABULARY_FILE
from pipeline.errors import UserError
from pipeline.files.local import Files
from pipeline.records_folder.reader import read_manifest
from pipeline.records_folder.vocabulary_tsv import parse_columns
from pipeline.vocabulary.imported.source import ImportedVocabulary


def read(folder: str, files: Files) -> ImportedVocabulary:
    """The vocabulary of a records folder.

    Raises:
      UserError: the folder is damaged, or has another format version.
    """
    _, manifest = read_manifest(folder, files)
    path = f"{folder}/{VOCABULARY_FILE}"
    try:
        with files.open(path) as file:
            content = file.read()
    except OSError as error:
        raise UserError(f"vocabulary.from: {path} can't be read: {error}") from error
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != manifest.vocabulary.sha256:
        raise UserError(
            f"vocabulary.from: {path} is damaged, or another folder's: its sha256 is not the manifest's; "
            "`python -m pipeline verify` tells what else is wrong there"
        )
    words = parse_columns(content, path=path)
    return ImportedVocabulary(
        kind="records_folder",
        path=folder,
        sha256=sha256,
        words=list(zip(words.ids, words.tokens, strict=True)),
        last_id=words.ids[-1],
        top_words=manifest.config.vocabulary.top_words,
        oov=manifest.config.vocabulary.oov,
        text=manifest.config.text,
    )

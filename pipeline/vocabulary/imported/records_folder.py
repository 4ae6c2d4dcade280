"""A records folder -> its vocabulary, and the settings of its texts."""

from pipeline.files.local import Files
from pipeline.records_folder.reader import read_manifest
from pipeline.records_folder.vocabulary_tsv import read_columns
from pipeline.vocabulary.imported.source import ImportedVocabulary


def read(folder: str, files: Files) -> ImportedVocabulary:
    """The vocabulary of a records folder.

    Raises:
      UserError: the folder is damaged, or has another format version.
    """
    _, manifest = read_manifest(folder, files)
    sha256 = manifest.vocabulary.sha256
    words = read_columns(folder, files, sha256=sha256)
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

"""A records folder -> the words of its vocabulary, compared with the manifest."""

import hashlib

from pipeline.contract import VOCABULARY_FILE
from pipeline.errors import UserError
from pipeline.records_folder.reader import REMEDY, remedy_of
from pipeline.records_folder.vocabulary_tsv import WordColumns, parse_columns
from trainer import files
from trainer.data.records_folder import RecordsFolder


def vocabulary_of(records: RecordsFolder) -> WordColumns:
    """Ids, tokens (as files write them, see `pipeline.text.escaping`) and counts, in the order of the ids.

    Raises:
      UserError: vocabulary.tsv can't be read, or is not the one that the manifest describes.
    """
    path = records.small_file(VOCABULARY_FILE)
    try:
        content = files.read(path)
    except OSError as error:
        raise UserError(
            f"{path} can't be read: {files.reason_of(error)}; {remedy_of(error, otherwise=REMEDY)}"
        ) from error
    if hashlib.sha256(content).hexdigest() != records.manifest.vocabulary.sha256:
        raise UserError(f"{path} is damaged, or another folder's: its sha256 is not the manifest's; {REMEDY}")
    return parse_columns(content, path=path)

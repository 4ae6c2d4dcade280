"""Settings of the input -> the files of input.unlabelled: texts without a label, for a vocabulary and for pretraining.

They are read as those of input.path are, but only the columns of the text are asked for. Of a folder that has folders
named `unsup` below it, the texts in these are taken: the folder of the Large Movie Review Dataset may be given to both
settings. Otherwise a folder, a glob or a file means what it means to `predict`.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from pipeline.config.databases import database_format
from pipeline.config.dialect_names import AUTO
from pipeline.config.input_settings import InputSettings
from pipeline.contract import UNLABELLED
from pipeline.errors import UserError
from pipeline.files.hidden import WILDCARD
from pipeline.files.local import Files
from pipeline.sources.format_detection import LINES_REMEDY
from pipeline.sources.formats import folders, sample
from pipeline.sources.input_files import NamedFile, named_files
from pipeline.sources.lake_tables import LakeTables
from pipeline.sources.left_out import LABELLED, REASONS, UNLABELLED_FOLDER, LeftOut
from pipeline.sources.one_name import identity_of, once_each

# input.format has no lines.
_LINES_REMEDY: Final = "or have its name end so; if each of its lines is a text, write them as jsonl"


@contextmanager
def naming_unlabelled(*, is_unlabelled: bool = True) -> Iterator[None]:
    """Has a UserError about the files of input.unlabelled name this setting, and not input.path, and what helps there.

    >>> with naming_unlabelled():
    ...     raise UserError("input.path: no rows in a.csv")
    Traceback (most recent call last):
    pipeline.errors.UserError: input.unlabelled: no rows in a.csv
    """
    try:
        yield
    except UserError as error:
        if not is_unlabelled:
            raise
        message = str(error).replace(LINES_REMEDY, _LINES_REMEDY)
        raise UserError(re.sub(r"^input\.(path|table)\b", "input.unlabelled", message)) from error


def with_remedy(reason: str) -> str:
    """A reason of left_out.REASONS, with what helps where input.unlabelled may be set.

    >>> with_remedy(REASONS[UNLABELLED_FOLDER])
    'texts in folders named unsup have no label; set input.unlabelled to use them'
    """
    return f"{reason}; set input.unlabelled to use them" if reason == REASONS[UNLABELLED_FOLDER] else reason


def unlabelled_files(
    settings: InputSettings, files: Files, *, labelled: Sequence[NamedFile], left_out: LeftOut, lake: LakeTables
) -> Sequence[NamedFile]:
    """The files of input.unlabelled by sorted path, each once.

    Args:
      settings: the input.
      files: the filesystem.
      labelled: the files of input.path.
      left_out: counts what is left out of input.path; it becomes that of both settings.
      lake: the tables of a data lake among the input.

    Raises:
      UserError: a file is in input.path too, or as `named_files`.
    """
    labelled_paths = {entry.file.path for entry in labelled}
    named: list[NamedFile] = []
    # A database of input.path has a format that no file has.
    format = settings.format if settings.has_row_order else AUTO
    for path in settings.unlabelled_paths:
        if path == sample.NAME:
            raise UserError("input.unlabelled is sample, the built-in corpus, which has labels; name files, or null")
        if database_format(path) is not None:
            continue  # see table_planning.py
        own = LeftOut()
        entries = named_files(path, files, format=format, labelled=False, left_out=own, lake=lake)
        if any(map(_is_unsup, entries)):
            others = (entry.file.path for entry in entries if not _is_unsup(entry))
            own.add_all(LABELLED, (other for other in others if other not in labelled_paths))
            entries = [entry for entry in entries if _is_unsup(entry)]
        if path not in settings.paths:
            left_out.add_those_of(own)
        named += [entry._replace(splits=UNLABELLED) for entry in entries]
    once = once_each(named, left_out=left_out)
    _refuse_both(once, labelled)
    used = {entry.file.path for entry in once if _is_unsup(entry) and _is_below(entry.file.path, settings.paths)}
    left_out.take_back(UNLABELLED_FOLDER, used)
    return once


def _refuse_both(unlabelled: Sequence[NamedFile], labelled: Sequence[NamedFile]) -> None:
    known = {identity_of(entry.file): entry.file for entry in labelled}
    for entry in unlabelled:
        other = known.get(identity_of(entry.file))
        if other is not None and other.stamp == entry.file.stamp:  # some filesystems give an inode to several files
            also = "" if other.path == entry.file.path else f", as {other.path}"
            raise UserError(
                f"input.unlabelled: {entry.file.path} is in input.path too{also}; a text has a label or has none: name "
                "the file in one of the two"
            )


def _is_unsup(entry: NamedFile) -> bool:
    """Whether a file is a text in a folder that is named `unsup`."""
    folder = entry.file.path.rpartition("/")[0].rpartition("/")[2]
    return entry.format == folders.NAME and folder.lower() == UNLABELLED_FOLDER


def _is_below(path: str, entries: Sequence[str]) -> bool:
    """Whether an entry of input.path passed over a file in `unsup`: it names a folder above it."""
    return any(path.startswith(WILDCARD.split(entry)[0].removeprefix("./")) for entry in entries)

"""One entry of input.path (a file, a glob or a folder) -> the files that it names, and their formats.

A file that is named is taken whatever its name. Of a glob, what is hidden or describes a data set is left out, unless
its pattern spells it. Of a folder, files of a known format are taken, or texts in folders of their labels. What is left
out is counted.
"""

import errno
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from pipeline.errors import UserError
from pipeline.files.hidden import WILDCARD
from pipeline.files.local import FileInfo, Files, cannot_read
from pipeline.files.member import LOST
from pipeline.sources.archive_members import goes_into_archives, match_with_archives
from pipeline.sources.dataset_dict import DATASET_DICT, splits_of_files
from pipeline.sources.entry import Entry, name_of, taken
from pipeline.sources.formats import FORMATS, folders, format_named, text_lines
from pipeline.sources.label_folders import ENDING, has_no_ending, is_text_file, texts_in_label_folders
from pipeline.sources.lake_snapshot import a_table
from pipeline.sources.lake_tables import LakeFile, LakeTables
from pipeline.sources.left_out import OTHER_FORMAT, UNLABELLED_FOLDER, LeftOut
from pipeline.sources.metadata_files import is_metadata
from pipeline.sources.packed_beside import check_packed_beside
from pipeline.sources.tasks import Given

# Any format that reads a file from its beginning meets the damage of an archive.
_LOST_FORMAT: Final = "jsonl"


class NamedFile(NamedTuple):
    """A file of the input. format None: its content must tell. splits, table_columns: see ReadTask."""

    file: FileInfo
    format: str | None
    splits: str | None = None
    table_columns: Given | None = None


def named_files(
    path: str, files: Files, *, format: str, labelled: bool, left_out: LeftOut, lake: LakeTables
) -> Sequence[NamedFile]:
    """The files of one entry of input.path.

    Args:
      path: the entry.
      files: the filesystem.
      format: input.format; auto: each file's name tells.
      labelled: whether the rows need a label; else texts in folders without a label are taken too, and plain text
        files of a text a line.
      left_out: counts the files that are left out.
      lake: the tables of a data lake among the input.

    Raises:
      UserError: there is no such file, or a folder holds none that can be read; or a file, folder or table can't be
        read; or two files seem to be one, compressed and not.
    """
    try:
        matched = match_with_archives(path, files)
    except OSError as error:
        if not isinstance(error, PermissionError) and error.errno != errno.ENAMETOOLONG:
            raise
        raise cannot_read(error.filename or path, error.strerror or str(error)) from error
    of_tables, others = lake.split(path, matched, left_out)
    named = [_of_table(file, format) for file in of_tables]
    if not of_tables or any(map(_may_have_rows, others)):
        entry = Entry(path, taken(path, others, left_out), labelled, left_out)
        named += _with_archives(entry, format=format)
    else:
        for file in others:
            left_out.add(file.left_out or OTHER_FORMAT, file.path)
    unreadable = next((named_file.file for named_file in named if named_file.file.problem), None)
    if unreadable is not None:
        raise cannot_read(unreadable.path, unreadable.problem)
    check_packed_beside([named_file.file.path for named_file in named])
    return named


def _may_have_rows(file: FileInfo) -> bool:
    """Whether a file beside a table is more than a note about it."""
    return not file.left_out and bool(format_named(file.path) or file.archive or file.member)


def _of_table(file: LakeFile, format: str) -> NamedFile:
    snapshot = file.snapshot
    if format not in ("auto", snapshot.format):
        raise UserError(
            f"input.format: {snapshot.root} is {a_table(snapshot.kind)}, and its files are {snapshot.format}; set auto"
        )
    return NamedFile(file.file, snapshot.format, None, snapshot.files[file.path])


def _with_archives(entry: Entry, *, format: str) -> Iterator[NamedFile]:
    """The files; of an archive that a glob names, they are taken as those of a folder."""
    lost = [file for file in entry.files if file.member == LOST]
    yield from (NamedFile(file, _LOST_FORMAT) for file in lost)
    whole = [file for file in entry.files if file.member != LOST]
    inside = [file for file in whole if file.archive and entry.is_glob and not goes_into_archives(entry.path)]
    plain = [file for file in whole if not file.archive] if inside else whole
    if plain or not (inside or lost):
        yield from _named_files(entry._replace(files=plain), format=format)
    if inside:
        yield from _named_files(entry._replace(files=inside, is_inside=True), format=format)


def _named_files(entry: Entry, *, format: str) -> Sequence[NamedFile]:
    if not entry.files:
        is_glob = WILDCARD.search(entry.path)
        what = "no file matches" if is_glob else "there is no such file, or the folder is empty:"
        raise UserError(f"input.path: {what} {entry.path!r}")
    if format == folders.NAME:
        return _texts(entry)
    if entry.is_folder and not entry.is_one_packed:
        return _of_any_format(entry) if format == "auto" else _of_formats(entry, [format])
    return [NamedFile(file, format_named(file.path) if format == "auto" else format) for file in entry.data()]


def _of_any_format(entry: Entry) -> Sequence[NamedFile]:
    formats = [name for name, format in FORMATS.items() if format.endings]
    data = [file.path for file in entry.files if not is_metadata(file.path)]
    known = next((path for path in data if format_named(path) in formats), None)
    has_text_files = any(map(is_text_file, data))
    texts: Sequence[NamedFile] = []
    if known is None or has_text_files:  # a readme.txt beside tables is no text
        texts = _texts_in_folders(entry, without_ending=not has_text_files)
    if texts and known is not None:
        raise UserError(
            f"input.format: the folder {entry.path!r} holds texts in folders as well as {known}; "
            f"set folders, or {format_named(known)}"
        )
    if texts:
        return texts
    if not entry.labelled and known is None and has_text_files:
        if name_of(entry.root).lower() == UNLABELLED_FOLDER:
            return _texts_anywhere(entry)
        raise UserError(
            f"input.format: the folder {entry.path!r} holds {ENDING} files; set {folders.NAME} if each file is a text, "
            f"or name their folder {UNLABELLED_FOLDER}; name them by a glob, such as {entry.root}/*{ENDING}, if each "
            "line is one"
        )
    return _of_formats(entry, formats)


def _of_formats(entry: Entry, formats: Sequence[str]) -> Sequence[NamedFile]:
    """The files in a folder whose names tell one of the formats."""
    known: list[NamedFile] = []
    for file in entry.data():
        format = _format_in_folder(file.path)
        if format in formats:
            known.append(NamedFile(file, format))
        else:
            entry.left_out.add(OTHER_FORMAT, file.path)
    if not known:
        packed = next((file.path for file in entry.files if file.archive), None)
        raise UserError(
            f"input.path: the {'archive' if packed else 'folder'} {entry.path!r} holds no file that ends in "
            f"{_endings(formats)}; "
            + (
                f"name a file in it, such as {packed}"
                if packed
                else f"if the content of its files tells what they are, name them by a glob: {entry.root or '.'}/*"
            )
        )
    above = f"{entry.root}/" if entry.root else ""
    if entry.is_folder and any(file.path == above + DATASET_DICT for file in entry.files):
        splits = splits_of_files([file.file.path for file in known], entry.root)
        return [file._replace(splits=split) for file, split in zip(known, splits, strict=True)]
    return known


def _format_in_folder(path: str) -> str | None:
    return format_named(path) or (text_lines.NAME if is_text_file(path) else None)


def _texts(entry: Entry) -> Sequence[NamedFile]:
    """The files that are a text each."""
    texts = _texts_in_folders(entry, without_ending=True)
    if not texts and not entry.labelled:
        texts = _texts_anywhere(entry)
    if not texts:
        raise UserError(
            f"input.path: {entry.path!r} holds no text in a folder of its label, such as train/pos/1.txt or pos/1.txt"
        )
    return texts


def _texts_in_folders(entry: Entry, *, without_ending: bool) -> Sequence[NamedFile]:
    """The texts in folders of their labels; without_ending: if none ends in .txt, those without an ending are taken."""
    root = entry.root if entry.is_folder else ""
    for is_text in (is_text_file, has_no_ending) if without_ending else (is_text_file,):
        left_out = LeftOut()
        texts = texts_in_label_folders(
            entry.files, root=root, labelled=entry.labelled, left_out=left_out, is_text=is_text
        )
        if texts:
            entry.left_out.add_those_of(left_out)
            return [NamedFile(file, folders.NAME, splits) for file, splits in texts]
    return []


def _texts_anywhere(entry: Entry) -> Sequence[NamedFile]:
    """The texts in any folder, if no label is needed."""
    files = entry.data()
    is_text = is_text_file if any(is_text_file(file.path) for file in files) else has_no_ending
    texts = [NamedFile(file, folders.NAME) for file in files if is_text(file.path)]
    if texts:
        entry.left_out.add_all(OTHER_FORMAT, (file.path for file in files if not is_text(file.path)))
    return texts


def _endings(formats: Iterable[str]) -> str:
    return ", ".join(ending for format in formats for ending in FORMATS[format].endings or [ENDING])

"""One entry of input.path (a file, a glob or a folder) -> the files that it names, and their formats.

A file that is named, or matched by a glob, is taken whatever its name. Of a folder, files of a known format are taken,
or texts in folders of their labels. What a folder holds beside them is left out and counted.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.errors import UserError
from pipeline.files.local import FileInfo, Files, cannot_read
from pipeline.sources.formats import FORMATS, folders, format_named, text_lines
from pipeline.sources.label_folders import ENDING, OTHER_FORMAT, is_text_file, texts_in_label_folders

GLOB_CHARACTERS: Final = "*?["


class NamedFile(NamedTuple):
    """A file of the input. format None: its content must tell. splits: those that it may go to (None: all)."""

    file: FileInfo
    format: str | None
    splits: str | None = None


def named_files(path: str, files: Files, *, format: str, labelled: bool, left_out: Counter[str]) -> Sequence[NamedFile]:
    """The files of one entry of input.path.

    Args:
      path: the entry.
      files: the filesystem.
      format: input.format; auto: each file's name tells.
      labelled: whether the rows need a label; else texts in folders without a label are taken too, and plain text
        files of a text a line.
      left_out: counts, by kind, the files of a folder that are left out.

    Raises:
      UserError: there is no such file, or a folder holds none that can be read; or a file or folder can't be read.
    """
    try:
        matched = files.match(path)
    except PermissionError as error:
        raise cannot_read(error.filename or path, error.strerror or str(error)) from error
    named = _named_files(path, matched, format=format, labelled=labelled, left_out=left_out)
    unreadable = next((entry.file for entry in named if entry.file.problem), None)
    if unreadable is not None:
        raise cannot_read(unreadable.path, unreadable.problem)
    return named


def _named_files(
    path: str, matched: Sequence[FileInfo], *, format: str, labelled: bool, left_out: Counter[str]
) -> Sequence[NamedFile]:
    is_glob = any(character in path for character in GLOB_CHARACTERS)
    if not matched:
        what = "no file matches" if is_glob else "there is no such file, or the folder is empty:"
        raise UserError(f"input.path: {what} {path!r}")
    is_folder = not is_glob and not (len(matched) == 1 and _name(matched[0].path) == _name(path))
    if format == folders.NAME:
        return _texts(path, matched, is_folder=is_folder, labelled=labelled, left_out=left_out)
    if not is_folder:
        return [NamedFile(file, format_named(file.path) if format == "auto" else format) for file in matched]
    if format == "auto":
        return _of_any_format(path, matched, labelled=labelled, left_out=left_out)
    return _of_formats(path, matched, [format], left_out=left_out)


def _of_any_format(
    path: str, matched: Sequence[FileInfo], *, labelled: bool, left_out: Counter[str]
) -> Sequence[NamedFile]:
    formats = [name for name, format in FORMATS.items() if format.endings]
    known = next((file for file in matched if format_named(file.path) in formats), None)
    if texts_in_label_folders(matched, root=_root(path), labelled=labelled).texts:
        if known is not None:
            raise UserError(
                f"input.format: the folder {path!r} holds texts in folders as well as {known.path}; "
                f"set folders, or {format_named(known.path)}"
            )
        return _texts(path, matched, is_folder=True, labelled=labelled, left_out=left_out)
    if not labelled and known is None and any(is_text_file(file.path) for file in matched):
        raise UserError(
            f"input.format: the folder {path!r} holds {ENDING} files; set {folders.NAME} if each file is a text, "
            f"or {text_lines.NAME} if each line is one"
        )
    return _of_formats(path, matched, formats, left_out=left_out)


def _of_formats(
    path: str, matched: Sequence[FileInfo], formats: Sequence[str], *, left_out: Counter[str]
) -> Sequence[NamedFile]:
    """The files in a folder whose names tell one of the formats."""
    known = [NamedFile(file, format) for file in matched if (format := _format_in_folder(file.path)) in formats]
    if not known:
        raise UserError(f"input.path: the folder {path!r} holds no file that ends in {_endings(formats)}")
    if len(known) < len(matched):
        left_out[OTHER_FORMAT] += len(matched) - len(known)
    return known


def _format_in_folder(path: str) -> str | None:
    return format_named(path) or (text_lines.NAME if is_text_file(path) else None)


def _texts(
    path: str, matched: Sequence[FileInfo], *, is_folder: bool, labelled: bool, left_out: Counter[str]
) -> Sequence[NamedFile]:
    """The files that are a text each."""
    root = _root(path) if is_folder else ""
    texts, others = texts_in_label_folders(matched, root=root, labelled=labelled)
    if not texts and not labelled:
        texts = [(file, None) for file in matched if is_text_file(file.path)]
        others = {OTHER_FORMAT: len(matched) - len(texts)} if len(texts) < len(matched) else {}
    if not texts:
        raise UserError(
            f"input.path: {path!r} holds no text in a folder of its label, such as train/pos/1.txt or pos/1.txt"
        )
    left_out.update(others)
    return [NamedFile(file, folders.NAME, splits) for file, splits in texts]


def _root(path: str) -> str:
    """A folder, as LocalFiles begins the paths of its files: without a leading ./."""
    if "://" in path:
        return path.rstrip("/")
    root = str(Path(path))
    return "" if root == "." else root.rstrip("/")


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _endings(formats: Iterable[str]) -> str:
    return ", ".join(ending for format in formats for ending in FORMATS[format].endings or [ENDING])

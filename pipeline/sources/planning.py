"""Input settings -> what is read, in groups of files and ranges of files, in the order of the input."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.config.settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import FileInfo, Files
from pipeline.sources.format_detection import guess_formats
from pipeline.sources.formats import FORMATS, format_named, sample
from pipeline.sources.formats.folders import FOLDERS
from pipeline.sources.label_folders import OTHER_FORMAT, texts_in_label_folders
from pipeline.sources.schema import MAX_FILES, ReadTask, TaskGroup
from pipeline.sources.task_groups import InputFile, grouped, range_size

GLOB_CHARACTERS: Final = "*?["


class InputTasks(NamedTuple):
    """What is read: groups, files and their bytes as stored; and files of folders left out, by what they are."""

    groups: list[TaskGroup]
    files: int
    bytes: int
    left_out: dict[str, int]

    def tasks(self) -> Iterator[ReadTask]:
        """All tasks of all groups."""
        return (task for group in self.groups for task in group.tasks())


class _Entry(NamedTuple):
    """A file that an entry of input.path stands for; format None: its content must tell."""

    file: FileInfo
    format: str | None
    splits: str | None = None


def plan_tasks(
    settings: InputSettings, files: Files, *, range_bytes: int | None = None, cuts_quoted: bool = False
) -> InputTasks:
    """The input in groups, each readable without the others; files by sorted path, each file once.

    range_bytes: a range's size at most; None: by the size of the whole input, and by that alone.
    cuts_quoted: whether large files of csv and tsv are cut as well; their ranges are not yet readable, see `ranges`.

    Only files of more than a range, and some of those whose name does not tell their format, are opened.

    Raises:
      UserError: a file is not there or cannot be read, a glob or folder gives no file, or a format is
      unknown.
    """
    paths = [settings.path] if isinstance(settings.path, str) else settings.path
    if paths == [sample.SAMPLE]:
        return InputTasks(sample.groups(), files=1, bytes=0, left_out={})
    if not paths:
        raise UserError("input.path: the list is empty; name a file, a glob or a folder, or use sample")
    left_out: Counter[str] = Counter()
    entries = {entry.file.path: entry for path in paths for entry in _entries(path, settings.format, files, left_out)}
    if len(entries) > MAX_FILES:
        raise UserError(f"input.path: {len(entries)} files are more than {MAX_FILES}; put several into one")
    found = _found(entries, files)
    size = sum(file.size for file in found)
    range_bytes = range_size(found) if range_bytes is None else range_bytes
    groups = grouped(found, files, range_bytes=range_bytes, cuts_quoted=cuts_quoted)
    return InputTasks(groups, len(found), size, dict(left_out))


def _found(entries: dict[str, _Entry], files: Files) -> list[InputFile]:
    ordered = [entries[path] for path in sorted(entries)]
    guessed = guess_formats([entry.file.path for entry in ordered if entry.format is None], files)
    found = []
    for index, (file, format, splits) in enumerate(ordered):
        _check_name(file.path)
        found.append(InputFile(file.path, file.size, index, format or guessed[file.path], splits))
    return found


def _check_name(path: str) -> None:
    try:
        path.isascii() or path.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"input.path: the name of {path!r} is not UTF-8; rename the file") from error


def _entries(path: str, format: str, files: Files, left_out: Counter[str]) -> Iterable[_Entry]:
    """The files that one entry of input.path stands for; of a folder, those of a known format, or of its layout."""
    found = files.match(path)
    is_glob = any(character in path for character in GLOB_CHARACTERS)
    if not found:
        what = "no file matches" if is_glob else "there is no such file, or the folder is empty:"
        raise UserError(f"input.path: {what} {path!r}")
    is_folder = not is_glob and not (len(found) == 1 and _name(found[0].path) == _name(path))
    if format == FOLDERS:
        return _texts(path, found, is_folder=is_folder, left_out=left_out)
    if not is_folder:
        return [_Entry(file, format_named(file.path) if format == "auto" else format) for file in found]
    formats = [name for name, known in FORMATS.items() if known.endings] if format == "auto" else [format]
    known = [_Entry(file, name) for file in found if (name := format_named(file.path)) in formats]
    if format == "auto" and texts_in_label_folders(found, root=_root(path)).texts:
        if known:
            raise UserError(
                f"input.format: the folder {path!r} holds texts in folders as well as {known[0].file.path}; "
                f"set folders, or {known[0].format}"
            )
        return _texts(path, found, is_folder=True, left_out=left_out)
    if not known:
        raise UserError(f"input.path: the folder {path!r} holds no file that ends in {_endings(formats)}")
    if len(known) < len(found):
        left_out[OTHER_FORMAT] += len(found) - len(known)
    return known


def _texts(path: str, found: Sequence[FileInfo], *, is_folder: bool, left_out: Counter[str]) -> list[_Entry]:
    texts, others = texts_in_label_folders(found, root=_root(path) if is_folder else "")
    if not texts:
        raise UserError(
            f"input.path: {path!r} holds no text in a folder of its label, such as train/pos/1.txt or pos/1.txt"
        )
    left_out.update(others)
    return [_Entry(file, FOLDERS, splits) for file, splits in texts]


def _root(path: str) -> str:
    """A folder as the paths of the files in it begin; LocalFiles spells it so."""
    if "://" in path:
        return path.rstrip("/")
    root = str(Path(path).expanduser())
    return "" if root == "." else root.rstrip("/")


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _endings(formats: Iterable[str]) -> str:
    endings = [ending for format in formats for ending in FORMATS[format].endings]
    return ", ".join(endings)

"""Files of the input, some under two names -> each file once, by sorted path.

Two names are of one file if device and inode are the same (links, a path that is spelled in two ways); on a store, if
the paths are. A file that would be read in two ways, such as a text in the folders of two labels, is refused.
"""

import os
from collections.abc import Iterable

from pipeline.errors import UserError
from pipeline.files.local import FileInfo
from pipeline.sources.folder_columns import values_of_folders
from pipeline.sources.formats import folders
from pipeline.sources.input_files import NamedFile
from pipeline.sources.left_out import SAME_FILE, LeftOut


def once_each(named: Iterable[NamedFile], *, left_out: LeftOut) -> list[NamedFile]:
    """Each file once, under the first of its names, by sorted path; other names are counted.

    Raises:
      UserError: two names of a file stand for different labels or splits.

    >>> twice = [NamedFile(FileInfo(name, 9, identity=7), "csv") for name in ("latest.csv", "2024.csv")]
    >>> left_out = LeftOut()
    >>> [entry.file.path for entry in once_each(twice, left_out=left_out)], left_out.examples
    (['2024.csv'], {'same_file': ['latest.csv']})
    """
    by_identity: dict[int | str, NamedFile] = {}
    for entry in named:
        identity = identity_of(entry.file)
        known = by_identity.get(identity)
        if known is not None and known.file.stamp != entry.file.stamp:
            # Not one file: some filesystems give an inode to several.
            identity, known = entry.file.path, by_identity.get(entry.file.path)
        if known is None:
            by_identity[identity] = entry
            continue
        first, second = sorted((known, entry), key=lambda entry: entry.file.path)
        _check_same(first, second)
        by_identity[identity] = first
        if first.file.path != second.file.path:
            left_out.add(SAME_FILE, second.file.path)
    return sorted(by_identity.values(), key=lambda entry: entry.file.path)


def identity_of(file: FileInfo) -> int | str:
    """What two names of a file have in common."""
    return file.identity or (file.path if "://" in file.path else os.path.normpath(file.path))


def _check_same(first: NamedFile, second: NamedFile) -> None:
    if _meaning(first) != _meaning(second):
        raise UserError(
            f"input.path: {first.file.path} and {second.file.path} are one file, and their folders give it two labels, "
            "splits or columns; remove one of the names"
            if first.file.path != second.file.path
            else f"input.path: {first.file.path} is named twice, with another split or format; name it once"
        )


def _meaning(entry: NamedFile) -> tuple[object, ...]:
    path = entry.file.path
    folder = path.rpartition("/")[0].rpartition("/")[2] if entry.format == folders.NAME else None
    return entry.format, entry.splits, folder, entry.table_columns, values_of_folders(path) if "=" in path else None

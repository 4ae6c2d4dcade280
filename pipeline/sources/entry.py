"""An entry of input.path with the files that it names: whether it is a file, a folder or a glob, and which are data.

In: the entry's text and the files that match it. Out: the files that are not hidden, and do not describe a data set;
the others are counted.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import UserError
from pipeline.files.hidden import WILDCARD
from pipeline.files.local import FileInfo
from pipeline.files.table_marks import MARK
from pipeline.sources.archive_members import goes_into_archives
from pipeline.sources.left_out import METADATA, REASONS, LeftOut
from pipeline.sources.metadata_files import is_metadata


class Entry(NamedTuple):
    """An entry of input.path, and the files that it names; labelled, left_out: as in `named_files`.

    is_inside: whether the entry is a glob of archives, and the files are those of these archives.
    """

    path: str
    files: list[FileInfo]
    labelled: bool
    left_out: LeftOut
    is_inside: bool = False

    @property
    def root(self) -> str:
        """The folder, as LocalFiles begins the paths of its files: without a leading ./. Empty: a glob of archives."""
        if self.is_inside:
            return ""
        if "://" in self.path:
            return self.path.rstrip("/")
        root = str(Path(self.path))
        return "" if root == "." else root.rstrip("/")

    @property
    def is_glob(self) -> bool:
        """Whether it was read as a glob; a file or folder may have a name that looks like one."""
        above = f"{self.root}/"
        return bool(WILDCARD.search(self.path)) and not any(f"{file.path}/".startswith(above) for file in self.files)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, or its files are taken as those of one."""
        if self.is_inside:
            return True
        is_file = len(self.files) == 1 and name_of(self.files[0].path) == name_of(self.path)
        return not self.is_glob and not is_file

    @property
    def is_one_packed(self) -> bool:
        """Whether it is an archive of one file, and of what describes a data set; then the archive names this file."""
        if goes_into_archives(self.path) or not any(file.archive for file in self.files):
            return False  # as of a folder, its files are taken by their names
        data = [file for file in self.files if not is_metadata(file.path)]
        return len(data) == 1 and bool(data[0].archive)

    def data(self) -> list[FileInfo]:
        """The files without those that describe a data set, unless the entry spells their name; they are counted.

        Raises:
          UserError: none is left.
        """
        if not self.is_folder and not WILDCARD.search(name_of(self.path)):
            return self.files
        data: list[FileInfo] = []
        metadata: list[str] = []
        for file in self.files:
            if is_metadata(file.path):
                metadata.append(file.path)
            else:
                data.append(file)
        if metadata and not data:
            raise _all_left_out(self.path, metadata[0], METADATA)
        self.left_out.add_all(METADATA, metadata)
        return data


def taken(path: str, matched: Sequence[FileInfo], left_out: LeftOut) -> list[FileInfo]:
    """The files that are not hidden, nor links that lead back; those are counted.

    Raises:
      UserError: none is left.
    """
    visible = [file for file in matched if not file.left_out]
    others = [file for file in matched if file.left_out and file.left_out != MARK]
    if others and not visible:
        raise _all_left_out(path, others[0].path, others[0].left_out)
    for file in others:
        left_out.add(file.left_out, file.path)
    return visible


def _all_left_out(path: str, example: str, kind: str) -> UserError:
    return UserError(f"input.path: all that {path!r} names is left out, such as {example}: {REASONS[kind]}")


def name_of(path: str) -> str:
    """The last part of a path.

    >>> name_of("in/reviews/")
    'reviews'
    """
    return path.rstrip("/").rpartition("/")[2]

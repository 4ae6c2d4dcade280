"""Delta, Iceberg and Hudi tables among what an entry of input.path names -> the files that count, by each table's log.

A folder of such a table also holds files of earlier versions, of failed writes, and of the log. Read as a folder, a
table gives rows that were deleted, and gives others twice. So a table is read by its log, also where a glob leads into
it, or a folder holds it; if that can't be done, it is refused. A file that is named in full is read as it is.
"""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from pipeline.errors import UserError
from pipeline.files.hidden import WILDCARD
from pipeline.files.local import FileInfo, Files
from pipeline.files.table_marks import TableKind, TableRoot, table_of
from pipeline.sources import delta_table, iceberg_table
from pipeline.sources.lake_snapshot import LakeSnapshot, LakeVersion, a_table, refused
from pipeline.sources.left_out import NOT_IN_TABLE, LeftOut

# What a folder has that is a table, and the kind of the table. A folder may be read as several kinds: the first counts.
_MARKS: Final[dict[str, TableKind]] = {
    "_delta_log/*.json": "Delta",
    "metadata/*.metadata.json": "Iceberg",
    "metadata/version-hint.text": "Iceberg",
    ".hoodie/*": "Hudi",
}
_HUDI_REMEDY: Final = (
    "tables of Hudi are not read; write a copy, for example "
    "spark.read.format('hudi').load('{path}').write.parquet('copy'), and give that"
)


class LakeFile(NamedTuple):
    """A file of a table's current version; path: as the snapshot has it."""

    path: str
    file: FileInfo
    snapshot: LakeSnapshot


class LakeTables:
    """The tables of one input; each is opened once."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._kinds: dict[str, TableKind | None] = {}
        self._snapshots: dict[TableRoot, LakeSnapshot] = {}
        self._taken: dict[TableRoot, set[str]] = {}

    @property
    def versions(self) -> tuple[LakeVersion, ...]:
        """The tables that were opened, by path."""
        return tuple(
            LakeVersion(snapshot.kind, snapshot.root, snapshot.version, len(self._taken[root]))
            for root, snapshot in sorted(self._snapshots.items())
        )

    def split(self, path: str, matched: Sequence[FileInfo], left_out: LeftOut) -> tuple[list[LakeFile], list[FileInfo]]:
        """The files of tables that count, and the files that belong to no table.

        Args:
          path: the entry of input.path.
          matched: what it names.
          left_out: counts the other files of the tables.

        Raises:
          UserError: a table can't be read by its log.
        """
        if len(matched) == 1 and _spelled(matched[0].path) == _spelled(path):
            return [], list(matched)
        roots = self._roots(path, matched)
        taken: list[LakeFile] = []
        rest = list(matched)
        for root in roots:
            inside = [file for file in rest if _is_within(file.path, root.path)]
            rest = [file for file in rest if not _is_within(file.path, root.path)]
            current = list(self._current(root, inside, left_out, is_whole=_is_within(root.path, path)))
            if not current:
                raise UserError(
                    f"input.path: {path!r} names no file of the current version of {root.path}, "
                    f"{a_table(root.kind)}; give the table's folder, or another version of it"
                )
            self._taken.setdefault(root, set()).update(file.path for file in current)
            taken += current
        return taken, rest

    def _current(
        self, root: TableRoot, inside: Sequence[FileInfo], left_out: LeftOut, *, is_whole: bool
    ) -> Iterator[LakeFile]:
        """The files of a table's version: those among the files inside it, or with is_whole all."""
        snapshot = self._snapshot(root)
        missing = {_spelled(path): path for path in snapshot.files}
        for file in inside:
            named = missing.pop(_spelled(file.path), None)
            if named is not None:
                yield self._file(named, snapshot) if file.left_out else LakeFile(named, file, snapshot)
            elif not file.left_out and not _is_within(file.path, f"{root.path}/metadata"):
                left_out.add(NOT_IN_TABLE, file.path)
        for path in missing.values() if is_whole else ():
            yield self._file(path, snapshot)

    def _file(self, path: str, snapshot: LakeSnapshot) -> LakeFile:
        found = self._files.match(path)
        if not found:
            raise refused(snapshot.kind, snapshot.root, f"its log names {path}, which is not there")
        # A clone has files of another table, which are not listed again at the end of a run: their stamp is not kept.
        is_inside = _is_within(path, snapshot.root)
        return LakeFile(path, found[0] if is_inside else replace(found[0], stamp=b""), snapshot)

    def _snapshot(self, root: TableRoot) -> LakeSnapshot:
        if root.kind == "Hudi":
            raise UserError(f"input.path: {root.path} is a Hudi table; {_HUDI_REMEDY.format(path=root.path)}")
        if root not in self._snapshots:
            read = delta_table.snapshot if root.kind == "Delta" else iceberg_table.snapshot
            self._snapshots[root] = read(root.path, self._files)
        return self._snapshots[root]

    def _roots(self, path: str, matched: Sequence[FileInfo]) -> list[TableRoot]:
        """The tables that hold files of an entry, or that the entry leads into: the outermost, each once."""
        found = [table for file in matched if _may_be_log(file) and (table := table_of(file.path)) is not None]
        for folder in _looked_at(path, matched):
            kind = self._kind_of(folder)
            if kind is not None:
                found.append(TableRoot(kind, folder))
        kinds = list(dict.fromkeys(_MARKS.values()))
        roots: list[TableRoot] = []
        for root in sorted(set(found), key=lambda root: (_spelled(root.path), kinds.index(root.kind))):
            if not any(_is_within(root.path, outer.path) for outer in roots):
                roots.append(root)
        return roots

    def _kind_of(self, folder: str) -> TableKind | None:
        if folder not in self._kinds:
            self._kinds[folder] = next((kind for mark, kind in _MARKS.items() if self._has(folder, mark)), None)
        return self._kinds[folder]

    def _has(self, folder: str, mark: str) -> bool:
        inside = mark.partition("/")[0]
        if "://" not in folder and not os.path.isdir(os.path.join(folder, inside)):
            return False
        try:
            return bool(self._files.match(f"{glob.escape(folder)}/{mark}"))
        except Exception:  # who may read a folder of a store need not be allowed to list what is above it
            return False


def _looked_at(path: str, matched: Sequence[FileInfo]) -> Iterable[str]:
    """Folders that may be a table: those above an entry, and for a glob those of its files and all above them.

    What is below a folder is listed with it. The stores list the logs of tables below a glob with it, see MARK.
    """
    wildcard = WILDCARD.search(path)
    base = path[: wildcard.start()].rpartition("/")[0] if wildcard else path.rstrip("/")
    folders = {base or "."}
    if wildcard:
        around = {file.path.rpartition("/")[0] or "." for file in matched if not file.left_out}
        folders |= {folder for folder in around if "://" not in folder or folder.startswith("hdfs://")}
    looked_at: set[str] = set()
    for folder in folders:
        place = folder if "://" in folder else os.path.abspath(folder)
        while place not in looked_at and not place.endswith(("://", ":/")):
            looked_at.add(place)
            place = os.path.dirname(place) if "://" not in place else place.rpartition("/")[0]
    return sorted(looked_at)


def _may_be_log(file: FileInfo) -> bool:
    return file.left_out != "" or file.path.endswith((".metadata.json", ".metadata.json.gz", "/version-hint.text"))


def _spelled(path: str) -> str:
    """A path that two spellings of it have in common."""
    return path.rstrip("/") if "://" in path else os.path.abspath(path)


def _is_within(path: str, folder: str) -> bool:
    inner, outer = _spelled(path), _spelled(folder)
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")

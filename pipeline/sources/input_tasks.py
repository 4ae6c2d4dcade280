"""What is read of an input, and what is said of it before it is read."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pipeline.config.input_settings import InputSettings
from pipeline.contract import Split
from pipeline.sources.lake_snapshot import LakeVersion, a_table
from pipeline.sources.left_out import lines
from pipeline.sources.tables import PlannedTable
from pipeline.sources.tasks import ReadTask, TaskGroup


class InputTasks(NamedTuple):
    """What is read: groups, number of files, their bytes as stored; and how many files are left out.

    left_out: number of files by kind, a key of left_out.REASONS. examples: paths of the first ones of each kind.
    tables: of databases; each counts as a file.
    unlabelled_files, unlabelled_bytes: those of `files` and `bytes` that are in input.unlabelled. Their groups are the
      last ones; no group has files of both settings.
    lake_tables: which versions of Delta and Iceberg tables are read. named_splits: see named_splits.named_splits.
    several_labels: whether a row of input.path has a list of labels; decided once for the whole input, see
      several_labels.py.
    """

    groups: list[TaskGroup]
    files: int
    bytes: int
    left_out: dict[str, int]
    examples: Mapping[str, list[str]] = MappingProxyType({})
    tables: tuple[PlannedTable, ...] = ()
    lake_tables: tuple[LakeVersion, ...] = ()
    named_splits: Mapping[Split, int] = MappingProxyType({})
    unlabelled_files: int = 0
    unlabelled_bytes: int = 0
    several_labels: bool = False

    def resolved(self, settings: InputSettings) -> InputSettings:
        """The settings of the input, with input.several_labels as it was decided when the input was planned.

        >>> InputTasks([], files=0, bytes=0, left_out={}, several_labels=True).resolved(InputSettings()).several_labels
        True
        """
        return settings.model_copy(update={"several_labels": True}) if self.several_labels else settings

    def close(self) -> None:
        """Ends what is held open of databases, when all tasks are read."""
        for table in self.tables:
            table.close()

    def tasks(self) -> Iterator[ReadTask]:
        """All tasks of all groups."""
        return (task for group in self.groups for task in group.tasks())

    def labelled(self) -> "InputTasks":
        """Those of input.path alone."""
        groups = [group for group in self.groups if not group.is_unlabelled]
        files, size = self.files - self.unlabelled_files, self.bytes - self.unlabelled_bytes
        tables = tuple(table for table in self.tables if not table.is_unlabelled)
        return self._replace(
            groups=groups, files=files, bytes=size, tables=tables, unlabelled_files=0, unlabelled_bytes=0
        )

    def unlabelled(self) -> "InputTasks":
        """Those of input.unlabelled alone."""
        groups = [group for group in self.groups if group.is_unlabelled]
        tables = tuple(table for table in self.tables if table.is_unlabelled)
        return self._replace(groups=groups, files=self.unlabelled_files, bytes=self.unlabelled_bytes, tables=tables)

    def left_out_lines(self, *, name: Callable[[str], str] = str) -> list[str]:
        """A line for a person about each table, and about each kind of files that are left out.

        It may name a setting, as `name` puts it.

        >>> InputTasks([], files=0, bytes=0, left_out={"unsup": 3}).left_out_lines()
        ['3 files are left out: texts in folders named unsup have no label']
        """
        read = [
            f"{table.path} is {a_table(table.kind)}: {table.files} files of version {table.version} are read"
            for table in self.lake_tables
        ]
        return read + lines(self.left_out, self.examples, name=name)

"""What is read at a time: a file or a range of one, and groups of them that one worker reads."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from pipeline.config.input_settings import Escape, Quoting
from pipeline.contract import UNLABELLED
from pipeline.errors import UserError
from pipeline.files.local import STAMP_BYTES
from pipeline.files.member import MEMBER_BYTES, Member, unpacked
from pipeline.support.arrays import Int64s

# position = file_index << 40 | place. So an int64 has room for files of up to a tebibyte, and for 8 million of them.
PLACE_BITS: Final = 40
MAX_FILES: Final = 1 << (63 - PLACE_BITS)

# Names or fields of columns, each with its one value for all rows of a file.
Given: TypeAlias = tuple[tuple[str, str | None], ...]


class TextForm(NamedTuple):
    """How text files are written, as far as the settings say; what they leave open is found in each file.

    encoding: the name of a codec of Python; None: UTF-8, or UTF-16 by its mark. The others are of csv and tsv alone.
    delimiter: one character; None: found. quoting, escape: as the settings of the input. columns: the names of the
    columns of files without a header; None: the first row is the header.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quoting: Quoting = "auto"
    escape: Escape = "auto"
    columns: tuple[str, ...] | None = None


FOUND_FORM: Final = TextForm()


class TablePart(NamedTuple):
    """A part of a table of a database.

    request: what the database is asked for: the name of a stream, or SQL. snapshot: the state of the database that is
    asked, by the database's name for it; empty: the present one.
    """

    request: str
    snapshot: str = ""


@dataclass(frozen=True)
class ReadTask:
    """A file, or a range of one, that can be read without the rest of the input.

    file_index: the number of the file in the input, from 0.
    start, stop: the range, in bytes of jsonl, csv, tsv and arrow, in row groups of parquet, in rows of the sample, in
      parts of a table. A file that is read as a whole has 0 and None; None is the end of the file.
    first_row: number of rows in the file before the range, for formats that count rows (csv, tsv, arrow).
    splits: the splits that the folder's name allows, separated by spaces; None: all; UNLABELLED: the rows have no
      label, and get records beside those of the splits.
    stamp: of the file when the job was planned, see files.local.FileInfo; empty: not known, so it is not compared.
    table_columns: names and values of columns that a table's log gives for all rows of the file; None: it is of no
      table, and its folders may give some, see sources.folder_columns.
    archive, member: the archive that holds the file, and where, see files.local.FileInfo.
    given: while it is read, the fields and values of columns that are not in the file.
    form: how it is written, if it is a text.
    part: of a database's table; None: it is a file.
    """

    path: str
    file_index: int
    format: str
    start: int = 0
    stop: int | None = None
    first_row: int = 0
    splits: str | None = None
    stamp: bytes = b""
    table_columns: Given | None = None
    archive: str = ""
    member: Member | None = None
    given: Given = ()
    form: TextForm = FOUND_FORM
    part: TablePart | None = None

    def of_whole_file(self) -> "ReadTask":
        """The task that reads the whole file; a part of a table stays one."""
        return self if self.part else replace(self, start=0, stop=None, first_row=0)


class Kind(NamedTuple):
    """What a file is; the fields are those of ReadTask. form None: nothing is set."""

    format: str
    splits: str | None = None
    table_columns: Given | None = None
    form: TextForm | None = None
    archive: str = ""
    part: TablePart | None = None


@dataclass(frozen=True)
class TaskGroup:
    """Read tasks that one worker reads one after the other: a range of one file, or files that follow each other.

    first_file: the file_index of the first file. kinds: one for each file. stamps: STAMP_BYTES bytes for each file, or
    none at all. members: MEMBER_BYTES bytes for each file, if an archive holds them. A million files may be planned, so
    a group holds tuples of names and of a few kinds, and one string of stamps; an object for each file would need much
    memory.
    """

    first_file: int
    paths: tuple[str, ...]
    kinds: tuple[Kind, ...]
    start: int = 0
    stop: int | None = None
    first_row: int = 0
    stamps: bytes = b""
    members: bytes = b""

    def tasks(self) -> Iterator[ReadTask]:
        """A task for each file."""
        for number, (path, kind) in enumerate(zip(self.paths, self.kinds, strict=True)):
            yield ReadTask(
                path, self.first_file + number, kind.format, self.start, self.stop, self.first_row, kind.splits,
                self.stamps[number * STAMP_BYTES : (number + 1) * STAMP_BYTES], kind.table_columns,
                kind.archive, unpacked(self.members, number) if kind.archive else None, form=kind.form or FOUND_FORM,
                part=kind.part,
            )  # fmt: skip

    @property
    def is_unlabelled(self) -> bool:
        """Whether its rows are texts without labels. All files of a group are, or none is."""
        return self.kinds[0].splits == UNLABELLED

    def part(self, first: int, stop: int) -> "TaskGroup":
        """The group of the files of the numbers `first` to `stop`, `stop` not included.

        >>> group = TaskGroup(7, ("a", "b"), (Kind("csv"), Kind("tsv"))).part(1, 2)
        >>> group.first_file, group.paths, [kind.format for kind in group.kinds]
        (8, ('b',), ['tsv'])
        """
        return replace(
            self,
            first_file=self.first_file + first,
            paths=self.paths[first:stop],
            kinds=self.kinds[first:stop],
            stamps=self.stamps[first * STAMP_BYTES : stop * STAMP_BYTES],
            members=self.members[first * MEMBER_BYTES : stop * MEMBER_BYTES],
        )


def positions(task: ReadTask, places: Int64s) -> Int64s:
    """Places of rows in the task's file, ascending, int64 [rows] -> their positions in the input, int64 [rows].

    >>> positions(ReadTask("b.csv", file_index=1, format="csv"), np.array([0, 5])).tolist()
    [1099511627776, 1099511627781]
    """
    if places.size and int(places[-1]) >= 1 << PLACE_BITS:
        raise UserError(f"input.path: {task.path} holds more than a tebibyte; cut it into several files")
    return places | np.int64(task.file_index << PLACE_BITS)

"""What a format is: how its files are recognised, checked, read and cut. Each format's module makes one `Format`.

In: read tasks and the names of the columns. Out: batches of rows, see `sources.schema`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeAlias

import pyarrow as pa

from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import Files
from pipeline.files.text_stream import ReadSizes, compression_of
from pipeline.sources.columns import ColumnNames
from pipeline.sources.folder_columns import with_given_columns
from pipeline.sources.formats.parquet_columns import typed_columns
from pipeline.sources.schema import Batch
from pipeline.sources.tables import PlannedTable
from pipeline.sources.tasks import ReadTask

# Which values of a file are lists: none, some (each value has a type of its own), or all of them.
Lists: TypeAlias = Literal["never", "some", "always"]


class Check(Protocol):
    """Looks into a file before a job starts."""

    def __call__(self, task: ReadTask, columns: ColumnNames, files: Files, /) -> bool:
        """Whether the file has rows, or is too damaged to tell.

        Raises:
          UserError: the file is not of the format, or lacks a column.
        """


class Read(Protocol):
    """Reads one range of a file."""

    def __call__(self, task: ReadTask, columns: ColumnNames, files: Files, /, *, sizes: ReadSizes) -> Iterator[Batch]:
        """The rows of the range in order, as batches of any size; each row is used or rejected.

        A damaged file raises nothing. Its rows are read up to the damage; the rest is a LostRest of the last batch.
        """


class ReadAll(Protocol):
    """Reads several tasks of one format."""

    def __call__(
        self, tasks: Sequence[ReadTask], columns: ColumnNames, files: Files, /, *, sizes: ReadSizes
    ) -> Iterator[Batch]:
        """The rows of all tasks in order."""


class Cut(Protocol):
    """Cuts a large file into ranges."""

    def __call__(self, task: ReadTask, files: Files, *, range_bytes: int) -> list[ReadTask]:
        """The ranges, in order; the task itself where the file cannot be cut."""


class PlanTable(Protocol):
    """Asks a database for what is read of it."""

    def __call__(self, path: str, settings: InputSettings, columns: ColumnNames, /) -> PlannedTable:
        """The parts of the table, or of the rows of the query, that the settings name.

        Raises:
          UserError: the database can't be reached, or lacks the table or a column, or has no row.
        """


class Description(NamedTuple):
    """What a file says of its columns, for a person.

    facts: how it is read, in phrases such as "delimiter ;". columns: name and type of each column that it has.
    """

    facts: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()


class Fields(Protocol):
    """Says which columns a file has, of a format whose files have a schema."""

    def __call__(self, task: ReadTask, files: Files, /) -> list[pa.Field]:
        """The columns, with their types; none, where the file is too damaged to tell.

        Raises:
          UserError: the file is not of the format.
        """


class Describe(Protocol):
    """Looks into a file for a person who wants to know how it is read."""

    def __call__(self, task: ReadTask, files: Files, /) -> Description:
        """What the beginning of the file says; nothing, where that can't be read.

        Raises:
          UserError: the file is not of the format.
        """


def described_by(fields: Fields) -> Describe:
    """The description of a file by its schema: its columns, and those of a struct after it."""

    def describe(task: ReadTask, files: Files, /) -> Description:
        return Description(columns=typed_columns(fields(task, files)))

    return describe


def no_columns(_task: ReadTask, _files: Files) -> Description:
    """Of formats whose files are texts alone."""
    return Description()


@dataclass(frozen=True)
class Format:
    """One format.

    endings: how names of its files end, without the ending of a compression; empty: names do not tell the format.
    check: looks into a file before a job starts.
    read_all: reads tasks; `one_by_one` makes it of a function that reads one task.
    cut: cuts a large file into ranges; None: its files are read as a whole.
    begins: whether a file that begins with these bytes is of this format; None: the first bytes do not tell.
    is_compressible: whether its files may be compressed as a whole (gzip, zstd). Others compress what is in them.
    is_encoded: its files are texts, for which input.encoding counts.
    is_quoted: rows may hold line breaks in quotes. So a scan must first find where the rows of a range begin, see
      `csv_ranges`.
    needs_verified: whether rows of a compressed file are sure only when the checksum of the compression is compared.
      Not if each row has a checksum of its own, nor if a row is used only when its file is read to the end.
    describe: looks into a file for a person.
    fields: the columns of a file that has a schema, which tells whether a column holds lists.
    lists: of a format without a schema, which of its values are lists.
    plan: of a database, in place of `cut`; its tasks are parts of a table, and no files.
    stamp: of a database that is a file; a path of input.path -> the stamp of what it names now.
    has_labels: whether its rows can have a label; input.format offers only formats that have.
    """

    endings: tuple[str, ...]
    check: Check
    read_all: ReadAll
    cut: Cut | None = None
    begins: Callable[[bytes], bool] | None = None
    is_compressible: bool = True
    is_encoded: bool = False
    is_quoted: bool = False
    has_labels: bool = True
    needs_verified: bool = True
    describe: Describe = no_columns
    fields: Fields | None = None
    lists: Lists = "never"
    plan: PlanTable | None = None
    stamp: Callable[[str], bytes] | None = None


def not_of_format(path: str, head: bytes, format: str, *, mark: str) -> UserError:
    r"""The error for a file that does not begin as its format does; format, mark: for a person.

    >>> str(not_of_format("a.orc", b"PAR1", "ORC", mark="ORC"))
    'input.path: a.orc is not ORC (it does not begin with ORC); set input.format'
    >>> str(not_of_format("a.orc.gz", b"\x1f\x8b\x08\0", "ORC", mark="ORC"))
    'input.path: a.orc.gz is compressed as a whole (gzip), and ORC compresses inside the file; unpack it'
    """
    compression = compression_of(head)
    if compression is not None:
        return UserError(
            f"input.path: {path} is compressed as a whole ({compression.name}), and {format} compresses inside the "
            "file; unpack it"
        )
    return UserError(f"input.path: {path} is not {format} (it does not begin with {mark}); set input.format")


def one_by_one(read: Read) -> ReadAll:
    """A function that reads one task -> one that reads several, one after the other.

    Columns that the folders of a file give are not asked of the file.
    """

    def read_all(
        tasks: Sequence[ReadTask], columns: ColumnNames, files: Files, /, *, sizes: ReadSizes
    ) -> Iterator[Batch]:
        for task in tasks:
            task, in_file = with_given_columns(task, columns)
            yield from read(task, in_file, files, sizes=sizes)

    return read_all

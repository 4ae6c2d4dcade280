"""Databases of the input -> what is read of each: the parts of a table, each a task group.

    settings -> Format.plan of each entry -> PlannedTable -> task groups, one for each part

A part is read without the others, as a range of a file is. What it is depends on the table alone, never on workers. The
rows of a table have no order, so words of equal count are not ordered by their first occurrence: see
`InputSettings.has_row_order`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from pipeline.contract import UNLABELLED
from pipeline.files.local import STAMP_BYTES
from pipeline.sources.tasks import PLACE_BITS, Kind, TablePart, TaskGroup

# place = part << PART_BITS | row. So a table has up to 1,024 parts of up to a billion rows.
PART_BITS: Final = 30
MAX_PARTS: Final = 1 << (PLACE_BITS - PART_BITS)

# Texts of a part, in bytes: as much as a range of a file. A worker needs some seconds for it.
PART_BYTES: Final = 64 << 20
# A small table is cut too, so that several workers read it.
PARTS_PER_TABLE: Final = 16
MIN_PART_BYTES: Final = 1 << 20


def _nothing() -> None:
    """Of a database that holds nothing open."""


@dataclass(frozen=True, kw_only=True)
class PlannedTable:
    """A table, or the rows of a query, that is read.

    Args:
      path: the entry of input.path.
      format: that reads it.
      rows, size: their number, and the bytes of their texts. They depend on what is in the table, not on how it is
        stored. BigQuery estimates them, and its bytes are those of all columns that are read.
      taken: when the state was taken that is read, in ISO 8601.
      requests: of each part, see TablePart.request.
      snapshot: see TablePart.snapshot.
      stamp: of a file that holds the database, see ReadTask.stamp.
      splits: see ReadTask.
      has_label_lists: whether its column of labels holds lists of them.
      query_bytes: that the database had to read to answer input.query, where it bills them; None: it has no price.
      close: ends what is held open so that `snapshot` is known to the database.
    """

    path: str
    format: str
    rows: int
    size: int
    taken: str
    requests: tuple[str, ...]
    snapshot: str = ""
    stamp: bytes = b""
    splits: str | None = None
    query_bytes: int | None = None
    has_label_lists: bool = False
    close: Callable[[], None] = _nothing

    @property
    def is_unlabelled(self) -> bool:
        """Whether its rows are texts without labels."""
        return self.splits == UNLABELLED


def number_of_parts(size: int) -> int:
    """The size of the texts of a table, in bytes -> the number of its parts; it depends on nothing else.

    >>> [number_of_parts(size) for size in (0, 5 << 20, 1 << 30, 1 << 40)]
    [1, 5, 16, 1024]
    """
    part = min(PART_BYTES, max(MIN_PART_BYTES, size // PARTS_PER_TABLE))
    return max(1, min(MAX_PARTS, -(-size // part)))


def groups_of(table: PlannedTable, *, index: int) -> Iterator[TaskGroup]:
    """The parts of a table, which has this number in the input."""
    assert len(table.stamp) in (0, STAMP_BYTES)
    for number, request in enumerate(table.requests):
        # Folders of its path give no columns.
        kind = Kind(table.format, table.splits, table_columns=(), part=TablePart(request, table.snapshot))
        yield TaskGroup(index, (table.path,), (kind,), number, number + 1, stamps=table.stamp)


def first_place(part: int) -> int:
    """The place of the first row of a part in its table, see `tasks.positions`.

    >>> first_place(0), first_place(3)
    (0, 3221225472)
    """
    return part << PART_BITS

"""What the sources give, the same for every format: rows that can be used, and rejected rows with a reason.

In: the names of columns, and read tasks. Out: batches, each with two tables.

    rows      text      large_binary  valid UTF-8
              label     string        in its one spelling, see `values.canonical_name`; null if no label is asked for
              split     string        from a split column: its value; from folders of a split: the splits that the row
                                      may go to; otherwise null
              position  int64         grows with every row of a file, and from file to file
              row       int64         its number in its task, from 0; rejected rows are counted too
    rejected  file, range_start (the task's start), row (as above), reason (one of a few fixed codes), content
              (what can be shown of the row), id (null where unknown)

Every row of the input is in exactly one of the two.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.errors import UserError

ROWS_SCHEMA: Final = pa.schema(
    [
        pa.field("text", pa.large_binary(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("split", pa.string()),
        pa.field("position", pa.int64(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
    ]
)
REJECTED_SCHEMA: Final = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("range_start", pa.int64(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("content", pa.string(), nullable=False),
        pa.field("id", pa.string()),
    ]
)

# Reasons are stable codes: manifest.json counts rejected rows by them. values.py makes those of single columns:
# "missing text", "text is not a string", "label is not a string, integer or boolean" ...
BROKEN_JSON: Final = "broken JSON"
BROKEN_EXAMPLE: Final = "broken tf.train.Example"
NOT_AN_OBJECT: Final = "not a JSON object"
INVALID_UTF8: Final = "invalid UTF-8"
RAGGED: Final = "wrong number of columns"
UNCLOSED_QUOTE: Final = "unclosed quote"
TOO_LONG: Final = "row too long"
DAMAGED: Final = "damaged file"
# With these reasons one rejected row stands for the rest of its file; nobody knows how many rows that is.
REST_OF_FILE: Final = (UNCLOSED_QUOTE, TOO_LONG, DAMAGED)

# A person recognises a rejected row by its content; it is an excerpt, not a copy.
SHOWN_CHARACTERS: Final = 1000

# position = file_index << 40 | place: files of up to a tebibyte, and room for 8 million of them in an int64.
PLACE_BITS: Final = 40
MAX_FILES: Final = 1 << (63 - PLACE_BITS)

# A message about columns lists no more of them than a person reads.
LISTED_COLUMNS: Final = 20

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ColumnNames:
    """The names of the columns to read; None: not asked for. Without a label column, rows have no label."""

    text: str
    label: str | None = None
    id: str | None = None
    split: str | None = None

    def by_setting(self) -> dict[str, str]:
        """The names asked for, by the setting that a message about them names.

        >>> ColumnNames("text", "label", split="part").by_setting()
        {'input.text_column': 'text', 'input.label_column': 'label', 'split.column': 'part'}
        """
        settings = {
            "input.text_column": self.text,
            "input.label_column": self.label,
            "input.id_column": self.id,
            "split.column": self.split,
        }
        return {setting: name for setting, name in settings.items() if name is not None}

    def by_field(self) -> dict[str, str]:
        """The names asked for, by the field of `validation.Fields` that holds the column.

        >>> ColumnNames("review", split="part").by_field()
        {'text': 'review', 'split': 'part'}
        """
        fields = {"text": self.text, "label": self.label, "split": self.split, "id": self.id}
        return {field: name for field, name in fields.items() if name is not None}


@dataclass(frozen=True)
class ReadTask:
    """A range of one file, which can be read without the others.

    `start` and `stop` count bytes in jsonl, csv and tsv, row groups in parquet, rows in the sample; stop None is the
    end of the file. Where a file is not cut, start is 0 and stop None. first_row: rows of the file before the range,
    where the format counts its rows (csv, tsv). splits: the splits that a folder's name allows, with a space between;
    None: all.
    """

    path: str
    file_index: int
    format: str
    start: int = 0
    stop: int | None = None
    first_row: int = 0
    splits: str | None = None


class Kind(NamedTuple):
    """What a file is: its format, and the splits that its rows may go to (ReadTask.splits)."""

    format: str
    splits: str | None = None


@dataclass(frozen=True)
class TaskGroup:
    """What a worker reads in one go: a range of one file, or whole files that follow each other in the input.

    first_file: the file_index of the first; kinds: one a file. A million files may be planned: so a group has tuples of
    names and of few different kinds, not an object a file.
    """

    first_file: int
    paths: tuple[str, ...]
    kinds: tuple[Kind, ...]
    start: int = 0
    stop: int | None = None
    first_row: int = 0

    def tasks(self) -> Iterator[ReadTask]:
        """A task for each file."""
        for index, (path, kind) in enumerate(zip(self.paths, self.kinds, strict=True), self.first_file):
            yield ReadTask(path, index, kind.format, self.start, self.stop, self.first_row, kind.splits)


@dataclass(frozen=True)
class Batch:
    """Successive rows of a task: those used, by ROWS_SCHEMA, and those rejected, by REJECTED_SCHEMA."""

    rows: pa.RecordBatch
    rejected: pa.RecordBatch

    @property
    def count(self) -> int:
        """How many rows of the input this is: those used and those rejected."""
        return int(self.rows.num_rows + self.rejected.num_rows)


def positions(task: ReadTask, places: Int64Array) -> Int64Array:
    """Places in the task's file, ascending -> positions in the whole input.

    >>> positions(ReadTask("b.csv", file_index=1, format="csv"), np.array([0, 5])).tolist()
    [1099511627776, 1099511627781]
    """
    if places.size and int(places[-1]) >= 1 << PLACE_BITS:
        raise UserError(f"input.path: {task.path} holds more than a tebibyte; cut it into several files")
    return places | np.int64(task.file_index << PLACE_BITS)


def missing_column(setting: str, name: str, path: str, have: Sequence[str]) -> UserError:
    """The error for a column that a file lacks, naming those that it has.

    >>> str(missing_column("input.text_column", "txt", "reviews.csv", ["id", "text"]))
    "input.text_column: 'txt' is not in reviews.csv; it has the columns id, text"
    """
    listed = ", ".join(have[:LISTED_COLUMNS]) + (", ..." if len(have) > LISTED_COLUMNS else "")
    return UserError(f"{setting}: {name!r} is not in {path}; it has the columns {listed}")


class RejectedRow(NamedTuple):
    """A row that cannot be used: its place in the task, and the rest of REJECTED_SCHEMA."""

    row: int
    reason: str
    content: str
    id: str | None = None


def rejected_batch(task: ReadTask, rejects: Sequence[RejectedRow]) -> pa.RecordBatch:
    """Rejects of a task -> a batch of REJECTED_SCHEMA, ordered by row."""
    return rejected_rows((task, reject) for reject in rejects)


def rejected_rows(rejects: Iterable[tuple[ReadTask, RejectedRow]]) -> pa.RecordBatch:
    """Rejects, each with its task -> a batch of REJECTED_SCHEMA, ordered by file and row."""
    ordered = sorted(rejects, key=lambda pair: (pair[0].file_index, pair[1].row))
    columns = {
        "file": [task.path for task, _ in ordered],
        "range_start": [task.start for task, _ in ordered],
        **{name: [getattr(reject, name) for _, reject in ordered] for name in RejectedRow._fields},
    }
    return pa.RecordBatch.from_pydict(columns, schema=REJECTED_SCHEMA)


def file_indices(rows: pa.RecordBatch) -> Int64Array:
    """The file_index of each row of a batch of ROWS_SCHEMA, int64 [rows]."""
    return rows["position"].to_numpy() >> PLACE_BITS


def no_rows() -> pa.RecordBatch:
    """A batch of ROWS_SCHEMA without a row."""
    return pa.RecordBatch.from_pylist([], schema=ROWS_SCHEMA)


def only_rejected(task: ReadTask, *rejects: RejectedRow) -> Batch:
    """A batch in which no row can be used."""
    return Batch(no_rows(), rejected_batch(task, rejects))


def excerpt(value: object) -> str:
    """A value, cut to what a person needs to recognise it; bytes that are no UTF-8 become U+FFFD.

    >>> excerpt(b"caf\\xe9"), excerpt(7)
    ('caf\ufffd', '7')
    """
    if isinstance(value, bytes):
        # A character takes up to 4 bytes, so these hold all that is shown.
        return value[: 4 * SHOWN_CHARACTERS].decode("utf-8", "replace")[:SHOWN_CHARACTERS]
    # JSON can spell lone surrogates, which no file can hold: they turn into question marks.
    return str(value)[:SHOWN_CHARACTERS].encode("utf-8", "replace").decode("utf-8")

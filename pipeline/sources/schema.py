"""What the sources give, the same for every format: rows that can be used, and rejected rows with a reason.

In: the names of columns, and read tasks. Out: batches, each with two tables.

    rows      text      large_binary  valid UTF-8
              label     string        in its one spelling, see `config.label_names`; null if no label is asked for; with
                                      several labels all of them, as `sources.label_sets` spells them
              split     string        from a split column: its value; from folders of a split: the splits that the row
                                      may go to; otherwise null
              group     string        of the column split.group_column, otherwise null
              time      int64         of the column split.time_column, as formats/times.py makes it, otherwise null
              weight    float32       of the column input.weight_column, above 0, otherwise null
              slices    list<string>  of the columns of metrics.slices, otherwise null
              position  int64         grows with every row of a file, and from file to file
              row       int64         its number in its task, from 0; rejected rows are counted too
    rejected  file, range_start (the task's start), row (as above), reason (one of a few fixed codes), content
              (what can be shown of the row), id (null where unknown)

Every row of the input that can be read is in exactly one of the two, unless input.label_map leaves it out. The rest of
a damaged file is a `LostRest`: it is not a row, because nobody knows how many rows it has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import pyarrow as pa

from pipeline.config import label_names
from pipeline.sources.tasks import PLACE_BITS, ReadTask
from pipeline.support.arrays import Int64s

ROWS_SCHEMA: Final = pa.schema(
    [
        pa.field("text", pa.large_binary(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("split", pa.string()),
        pa.field("group", pa.string()),
        pa.field("time", pa.int64()),
        pa.field("weight", pa.float32()),
        pa.field("slices", pa.list_(pa.string())),
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
TOO_MANY_VALUES: Final = "too many values"
LABEL_IS_LIST: Final = "label is a list; set input.several_labels"
LABEL_IN_LIST_IS_MISSING: Final = "a label of the list is missing"
NOT_AN_OBJECT: Final = "not a JSON object"
INVALID_UTF8: Final = label_names.INVALID_UTF8
# What may help where rows are not.
ENCODING_REMEDY: Final = "if the files are in another encoding, set input.encoding, for example to latin-1"
RAGGED: Final = "wrong number of columns"
UNCLOSED_QUOTE: Final = "unclosed quote"
TOO_LONG: Final = "row too long"
DAMAGED: Final = "damaged file"
# Of rows that could be used, and that a setting leaves out (split.duplicates).
EQUAL_TEXT: Final = "text of an earlier row"
CONFLICTING_LABELS: Final = "equal texts have different labels"
ASKED_FOR: Final = frozenset({EQUAL_TEXT, CONFLICTING_LABELS})

# The most values of a long JSON object or tf.train.Example, in all its keys together.
MAX_VALUES: Final = 4_000_000

# A person recognises a rejected row by its content; it is an excerpt, not a copy.
SHOWN_CHARACTERS: Final = 1000
# Of what is wrong with a damaged file, a line.
LOST_CHARACTERS: Final = 160


class LostRest(NamedTuple):
    """The rest of a file, or of a range of it, that can't be read. The number of its rows is not known.

    file, range_start: as in REJECTED_SCHEMA. row: number of rows of the task before it. reason: UNCLOSED_QUOTE,
    TOO_LONG or DAMAGED. why: for a person, what is wrong; of an unclosed quote the characters that it begins with.
    """

    file: str
    range_start: int
    row: int
    reason: str
    why: str = ""


class LabelMapUse(NamedTuple):
    """What input.label_map did to rows.

    rows: by label before, how many rows had one of its keys. left_out: by file, how many of them are not used.
    """

    rows: Mapping[str, int] = {}
    left_out: Mapping[str, int] = {}


NOTHING_MAPPED: Final = LabelMapUse()


class Findings(NamedTuple):
    """What a person should know of the rows of some files; those of parts add up.

    spanning_rows: rows of csv and tsv on more than one line. repeated_headers: of csv and tsv, which are no rows.
    """

    spanning_rows: int = 0
    repeated_headers: int = 0

    def plus(self, other: "Findings") -> "Findings":
        """Both together.

        >>> Findings(1, 2).plus(Findings(3))
        Findings(spanning_rows=4, repeated_headers=2)
        """
        return Findings(*(mine + others for mine, others in zip(self, other, strict=True)))


NO_FINDINGS: Final = Findings()


@dataclass(frozen=True)
class Batch:
    """Rows that follow each other: the used ones by ROWS_SCHEMA, the rejected ones by REJECTED_SCHEMA.

    lost: what can't be read after these rows, at most one of each task. label_map: what input.label_map did to rows;
    those that it leaves out are neither used nor rejected. findings: what is told of the rows.
    """

    rows: pa.RecordBatch
    rejected: pa.RecordBatch
    lost: tuple[LostRest, ...] = ()
    label_map: LabelMapUse = NOTHING_MAPPED
    findings: Findings = NO_FINDINGS

    @property
    def count(self) -> int:
        """Number of rows of the input: used, rejected and left out."""
        return int(self.rows.num_rows + self.rejected.num_rows + sum(self.label_map.left_out.values()))


class RejectedRow(NamedTuple):
    """A row that cannot be used: its number in the task, and the other columns of REJECTED_SCHEMA."""

    row: int
    reason: str
    content: str
    id: str | None = None


def rejected_batch(task: ReadTask, rejected: Sequence[RejectedRow]) -> pa.RecordBatch:
    """Rejected rows of one task -> a batch of REJECTED_SCHEMA, ordered by row."""
    return rejected_rows((task, row) for row in rejected) if rejected else _no_rejected_rows()


@cache
def _no_rejected_rows() -> pa.RecordBatch:
    """One for all: to make it takes a tenth of the time that a small file needs."""
    return rejected_rows(())


def rejected_rows(rejected: Iterable[tuple[ReadTask, RejectedRow]]) -> pa.RecordBatch:
    """Rejected rows, each with its task -> a batch of REJECTED_SCHEMA, ordered by file and row."""
    ordered = sorted(rejected, key=lambda pair: (pair[0].file_index, pair[1].row))
    columns = {
        "file": [task.path for task, _ in ordered],
        "range_start": [task.start for task, _ in ordered],
        **{name: [getattr(row, name) for _, row in ordered] for name in RejectedRow._fields},
    }
    return pa.RecordBatch.from_pydict(columns, schema=REJECTED_SCHEMA)


def file_indices(rows: pa.RecordBatch) -> Int64s:
    """The file_index of each row of a batch of ROWS_SCHEMA, int64 [rows]."""
    return rows["position"].to_numpy() >> PLACE_BITS


def no_rows() -> pa.RecordBatch:
    """A batch of ROWS_SCHEMA without a row."""
    return pa.RecordBatch.from_pylist([], schema=ROWS_SCHEMA)


def only_rejected(task: ReadTask, *rejected: RejectedRow) -> Batch:
    """A batch without a used row."""
    return Batch(no_rows(), rejected_batch(task, rejected))


def only_lost(task: ReadTask, row: int, reason: str, why: str = "") -> Batch:
    """A batch without a row: from `row` on, the task can't be read.

    >>> only_lost(ReadTask("a.csv", 0, "csv"), 7, DAMAGED, "the file\\nends").lost
    (LostRest(file='a.csv', range_start=0, row=7, reason='damaged file', why='the file ends'),)
    """
    shown = " ".join(why[:SHOWN_CHARACTERS].split())[:LOST_CHARACTERS].removesuffix(".")
    return Batch(no_rows(), rejected_batch(task, ()), (LostRest(task.path, task.start, row, reason, shown),))


def excerpt(value: object) -> str:
    """The beginning of a value, enough for a person to recognise it; bytes that are not UTF-8 become U+FFFD.

    >>> excerpt(b"caf\\xe9"), excerpt(7)
    ('caf\ufffd', '7')
    """
    if isinstance(value, bytes):
        # UTF-8 needs 4 bytes for a character at most, so the slice holds all that is shown.
        return value[: 4 * SHOWN_CHARACTERS].decode("utf-8", "replace")[:SHOWN_CHARACTERS]
    # JSON can spell lone surrogates, which UTF-8 files cannot hold. They become question marks.
    return str(value)[:SHOWN_CHARACTERS].encode("utf-8", "replace").decode("utf-8")

"""Rows that cannot be used -> a batch that says which, why, and what they look like."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import pyarrow as pa

from pipeline.sources.schema import REJECTED_SCHEMA, ROWS_SCHEMA, Batch, ReadTask

# Reasons are stable codes: the counts by reason in manifest.json rest on them. Those of single columns are made in
# values.py: "missing text", "text is not a string", "label is not a string, integer or boolean" ...
BROKEN_JSON: Final = "broken JSON"
NOT_AN_OBJECT: Final = "not a JSON object"
INVALID_UTF8: Final = "invalid UTF-8"
RAGGED: Final = "wrong number of columns"
UNCLOSED_QUOTE: Final = "unclosed quote"
TOO_LONG: Final = "row too long"
DAMAGED: Final = "damaged file"

# The content of a rejected row is for a person to recognise it by; it is no copy.
SHOWN_CHARACTERS: Final = 1000


class Reject(NamedTuple):
    """A row that cannot be used: its place in the task, and the rest of REJECTED_SCHEMA."""

    row: int
    reason: str
    content: str
    id: str | None = None


def rejected_batch(task: ReadTask, rejects: Sequence[Reject]) -> pa.RecordBatch:
    """Rejects -> a batch of REJECTED_SCHEMA, ordered by row."""
    ordered = sorted(rejects, key=lambda reject: reject.row)
    columns = {
        "file": [task.path] * len(ordered),
        "range_start": [task.start] * len(ordered),
        **{name: [getattr(reject, name) for reject in ordered] for name in Reject._fields},
    }
    return pa.RecordBatch.from_pydict(columns, schema=REJECTED_SCHEMA)


def no_rows() -> pa.RecordBatch:
    """A batch of ROWS_SCHEMA without a row."""
    return pa.RecordBatch.from_pylist([], schema=ROWS_SCHEMA)


def rejects_only(task: ReadTask, *rejects: Reject) -> Batch:
    """A batch in which no row can be used."""
    return Batch(no_rows(), rejected_batch(task, rejects))


def shown(value: object) -> str:
    """A value, cut to what a person needs to recognise it; bytes that are no UTF-8 become U+FFFD.

    >>> shown(b"caf\\xe9"), shown(7)
    ('caf\ufffd', '7')
    """
    if isinstance(value, bytes):
        # A character takes up to 4 bytes, so these hold all that is shown.
        return value[: 4 * SHOWN_CHARACTERS].decode("utf-8", "replace")[:SHOWN_CHARACTERS]
    # JSON can spell lone surrogates, which no file can hold: they turn into question marks.
    return str(value)[:SHOWN_CHARACTERS].encode("utf-8", "replace").decode("utf-8")

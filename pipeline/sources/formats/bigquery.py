"""Tables of BigQuery, and rows of queries -> rows, through the streams of the Storage Read API as Arrow batches.

A read session is made when the job is planned. It fixes the columns, the state of the table (by time), and the streams,
each of which is a part. How many streams there are depends on the table; which rows are in which is BigQuery's choice.
Only the columns that are asked for are read; `review.text` is the field text of the column review.

A query is run first; BigQuery keeps its rows in a table for a day, and that is read.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Final

import pyarrow as pa

from pipeline.config import databases
from pipeline.config.databases import BigQueryTable, bigquery_table
from pipeline.config.input_settings import InputSettings
from pipeline.errors import UserError
from pipeline.files.local import Files
from pipeline.files.text_stream import ReadSizes
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import bigquery_client
from pipeline.sources.formats.arrow_tables import (
    batch_of,
    check_columns,
    check_types,
    columns_of_table,
    has_label_lists,
    pieces,
)
from pipeline.sources.formats.format import Description, Format, one_by_one
from pipeline.sources.formats.parquet_columns import find, typed_columns
from pipeline.sources.schema import Batch
from pipeline.sources.tables import MAX_PARTS, PlannedTable, first_place
from pipeline.sources.tasks import ReadTask

NAME: Final = databases.BIGQUERY


def plan(path: str, settings: InputSettings, columns: ColumnNames) -> PlannedTable:
    """The streams of a table, or of the rows of a query.

    Raises:
      UserError: BigQuery can't be reached, or has no such table or column, or the table has no row.
    """
    table = bigquery_table(path)
    at: datetime | None = None
    query_bytes = None
    if table is None:
        assert settings.query is not None
        table, query_bytes, taken = bigquery_client.answer(path.partition("://")[2], settings.query, path=path)
    else:
        at = taken = datetime.now(timezone.utc)
    session = _session(table, columns, at=at, path=path)
    check_types(list(session.schema), ReadTask(path, 0, NAME), columns)
    if not session.streams:
        raise UserError(f"input.path: no rows in {path}")
    assert len(session.streams) <= MAX_PARTS  # BigQuery makes 1,000 at most
    return PlannedTable(
        path=path,
        format=NAME,
        rows=session.rows,
        size=session.bytes,
        taken=taken.isoformat(timespec="milliseconds"),
        requests=tuple(session.streams),
        query_bytes=query_bytes,
        has_label_lists=has_label_lists(list(session.schema), columns),
    )


def _session(table: BigQueryTable, columns: ColumnNames, *, at: datetime | None, path: str) -> bigquery_client.Session:
    """A read session of the columns.

    Raises:
      UserError: one is not in the table, whose columns are listed.
    """
    names = [column.name for column in columns.wanted()]
    reason = f"the columns {', '.join(names)} can't be read"
    try:
        session = bigquery_client.session(table, fields=selected_fields(names), at=at, path=path)
    except bigquery_client.UnknownFieldError as error:
        reason = str(error)
    else:
        if all(find(list(session.schema), name) is not None for name in names):
            return session
    # One is missing, or written in another case: all columns are asked for, to list them.
    whole = bigquery_client.session(table, fields=(), at=at, path=path, streams=1)
    check_columns(list(whole.schema), ReadTask(path, 0, NAME), columns)
    raise UserError(f"input.path: {path}: {reason}")


def selected_fields(names: Sequence[str]) -> list[str]:
    """The columns to ask for: each once, and no field of a column that is asked for as a whole.

    >>> selected_fields(["review.text", "label", "review", "label"])
    ['label', 'review']
    """
    distinct = sorted(set(names))
    return [name for name in distinct if not any(name.startswith(f"{other}.") for other in distinct)]


def check(_task: ReadTask, _columns: ColumnNames, _files: Files) -> bool:
    """True: the read session was made of the columns, and says that there are rows. A stream alone may have none."""
    return True


def describe(task: ReadTask, _files: Files) -> Description:
    """The columns that are read."""
    for batch in _messages(task):
        return Description(columns=typed_columns(list(batch.schema)))
    return Description()


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a stream, up to 4,096 at a time.

    Raises:
      UserError: the read session has ended, or may not be used.
    """
    del files, sizes
    row = 0
    for message in _messages(task):
        for values in pieces(columns_of_table(message, columns)):
            batch = batch_of(values, task, columns, first_row=row, first_place=first_place(task.start) + row)
            yield batch
            row += batch.count


def _messages(task: ReadTask) -> Iterator[pa.RecordBatch]:
    assert task.part is not None
    return bigquery_client.batches(task.part.request, path=task.path)


BIGQUERY: Final = Format(
    (), check, one_by_one(read), is_compressible=False, needs_verified=False, describe=describe, plan=plan
)

"""The built-in sample corpus, which has no file -> rows. A row's place is its number."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa

from pipeline import sample_corpus
from pipeline.files.local import Files
from pipeline.files.text_stream import ReadSizes
from pipeline.sources.columns import ColumnNames, missing_column
from pipeline.sources.formats.format import Description, Format, one_by_one
from pipeline.sources.formats.parquet_columns import typed_columns
from pipeline.sources.formats.validation import excerpt_of_columns, validated
from pipeline.sources.schema import Batch
from pipeline.sources.tasks import Kind, ReadTask, TaskGroup

NAME: Final = "sample"

# 4,096 rows are worth a task, and the default corpus still makes enough tasks for several workers.
ROWS_PER_TASK: Final = 4096


def groups() -> list[TaskGroup]:
    """The whole corpus, in ranges of rows."""
    whole = TaskGroup(0, (NAME,), (Kind(NAME),))
    starts = range(0, sample_corpus.DEFAULT_ROWS, ROWS_PER_TASK)
    return [
        replace(whole, start=start, stop=min(start + ROWS_PER_TASK, sample_corpus.DEFAULT_ROWS)) for start in starts
    ]


def check(task: ReadTask, columns: ColumnNames, _files: Files) -> bool:
    """True, because the corpus always has rows.

    Raises:
      UserError: it does not have a column.
    """
    have = _first_row().schema.names
    for _, setting, name in columns.wanted():
        if name not in have:
            raise missing_column(setting, name, task.path, have)
    return True


def describe(_task: ReadTask, _files: Files) -> Description:
    """The columns of the corpus."""
    return Description(columns=typed_columns(list(_first_row().schema)))


def _first_row() -> pa.RecordBatch:
    return sample_corpus.sample_batch(0, 1, seed=sample_corpus.DEFAULT_SEED)


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a range, as one batch of ROWS_PER_TASK rows or fewer.

    Raises:
      UserError: the corpus does not have a column.
    """
    del sizes
    check(task, columns, files)
    stop = sample_corpus.DEFAULT_ROWS if task.stop is None else task.stop
    table = sample_corpus.sample_batch(task.start, stop - task.start, seed=sample_corpus.DEFAULT_SEED)

    values = {field: table.column(name) for field, _, name in columns.wanted()}
    numbers = np.arange(table.num_rows)
    yield validated(
        task,
        values,
        columns,
        ordinals=numbers,
        places=task.start + numbers,
        content=lambda row: excerpt_of_columns(columns, values, row),
    )


SAMPLE: Final = Format((), check, one_by_one(read), describe=describe)

"""input.several_labels and the first files of an input -> whether a row has a list of labels. It is decided once.

A label column that has a type decides by it: a list of strings, integers, floats or booleans is several labels. Values
of JSON have a type each: the first row that has a label decides. In a tf.train.Example every feature is a list: a
feature of two or more values among the first rows is several labels. Formats of text have no lists.

Every worker gets what was decided, so a later file of the input can't change it.
"""

from contextlib import suppress
from itertools import groupby, islice
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.input_settings import InputSettings
from pipeline.errors import DamagedFileError, UserError
from pipeline.files.local import Files
from pipeline.files.member_files import member_files
from pipeline.files.text_stream import ReadSizes
from pipeline.sources.columns import ColumnNames, columns_of
from pipeline.sources.folder_columns import with_given_columns
from pipeline.sources.formats import FORMATS
from pipeline.sources.formats.parquet_columns import find, type_of
from pipeline.sources.formats.values import is_label_list
from pipeline.sources.input_tasks import InputTasks
from pipeline.sources.schema import LABEL_IS_LIST
from pipeline.sources.tasks import ReadTask

# Files that are looked into, and how much of each. Rows with labels are mostly among the first ones.
_FILES: Final = 8
_BATCHES: Final = 32
_SIZES: Final = ReadSizes(plain_block_bytes=256 << 10, chunk_bytes=256 << 10)


def with_labels_decided(tasks: InputTasks, settings: InputSettings, files: Files) -> InputTasks:
    """The planned input, which says whether a row has a list of labels.

    Raises:
      UserError: it has, and input.several_labels is false, or input.label_kind is ordinal.
    """
    if settings.several_labels is True or settings.label_separator is not None:
        return tasks._replace(several_labels=True)
    path = _with_lists(tasks.labelled(), columns_of(settings), files)
    if path is not None and settings.several_labels is False:
        raise UserError(
            f"input.several_labels is false, but {settings.label_column!r} in {path} holds lists of labels; set it to "
            "true"
        )
    if path is not None and settings.label_kind == "ordinal":
        raise UserError(
            f"input.label_kind is ordinal, but {settings.label_column!r} in {path} holds lists of labels; set it to "
            "nominal"
        )
    return tasks._replace(several_labels=path is not None)


def _with_lists(tasks: InputTasks, columns: ColumnNames, files: Files) -> str | None:
    """The first file or table that has a label, if it has lists of them."""
    if tasks.tables:
        return next((table.path for table in tasks.tables if table.has_label_lists), None)
    whole = (next(ranges).of_whole_file() for _, ranges in groupby(tasks.tasks(), key=lambda task: task.file_index))
    some = list(islice(whole, _FILES))
    with member_files(some, files) as opened:
        for task in some:
            # A mistake is reported when the columns are checked, and damage when the rows are read.
            with suppress(UserError, DamagedFileError):
                decided = _decided_by(task, columns, opened)
                if decided is not None:
                    return task.path if decided else None
    return None


def _decided_by(task: ReadTask, columns: ColumnNames, files: Files) -> bool | None:
    """Whether a file has lists of labels; None: it has no label."""
    format = FORMATS[task.format]
    task, in_file = with_given_columns(task, columns)
    if in_file.label is None:  # its folder gives it
        return False
    if format.fields is None:
        return _decided_by_rows(task, in_file, files) if format.lists != "never" else False
    fields = format.fields(task, files)
    if find(fields, in_file.label) is None:
        return None
    kind = type_of(fields, in_file.label)
    return None if pa.types.is_null(kind) else is_label_list(kind)


def _decided_by_rows(task: ReadTask, columns: ColumnNames, files: Files) -> bool | None:
    format = FORMATS[task.format]
    batches = format.read_all([task], ColumnNames(columns.text, columns.label), files, sizes=_SIZES)
    for batch in islice(batches, _BATCHES):
        single = batch.rows["row"].to_pylist()
        lists = batch.rejected["row"].filter(pc.equal(batch.rejected["reason"], LABEL_IS_LIST)).to_pylist()
        if lists and (format.lists == "always" or lists[0] < min(single, default=lists[0] + 1)):
            return True
        if single:
            return False
    return None

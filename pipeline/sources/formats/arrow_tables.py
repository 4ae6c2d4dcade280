"""Arrow tables, as Parquet, ORC and Arrow files give them -> checked columns, and batches of rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import DamagedFileError, UserError
from pipeline.sources.columns import ColumnNames, missing_column, repeated_column
from pipeline.sources.formats.parquet_columns import column_names, column_of, find, times_named, type_of
from pipeline.sources.formats.slices import can_hold_slices
from pipeline.sources.formats.times import is_time
from pipeline.sources.formats.validation import RawColumns, excerpt_of_columns, validated
from pipeline.sources.formats.values import can_hold_labels, can_hold_texts, is_label_list, is_list
from pipeline.sources.formats.weights import can_hold_weights
from pipeline.sources.schema import Batch
from pipeline.sources.tasks import ReadTask
from pipeline.support.arrays import Int64s

# Rows that are validated together: 4,096, or fewer if texts are long, so that they need about 8 MiB.
TABLE_ROWS: Final = 4096
TABLE_BYTES: Final = 8 << 20

# The lengths of so many rows are looked at together.
LOOKED_ROWS: Final = 1 << 17

_BINARY: Final = {
    pa.string(): pa.binary(),
    pa.large_string(): pa.large_binary(),
    pa.string_view(): pa.binary_view(),
}

# The columns that are asked for, by their field (`Column.field`), equally long.
Columns: TypeAlias = dict[str, pa.Array]


def check_columns(fields: Sequence[pa.Field], task: ReadTask, columns: ColumnNames) -> None:
    """Checks that a file has the columns.

    Raises:
      UserError: it lacks one, or has one several times.
    """
    for _, setting, name in columns.wanted():
        if find(fields, name) is None:
            raise missing_column(setting, name, task.path, column_names(fields))
        if (number := times_named(fields, name)) > 1:
            raise repeated_column(setting, name, task.path, number)


def check_types(fields: Sequence[pa.Field], task: ReadTask, columns: ColumnNames) -> None:
    """Checks the types of columns that are there.

    Raises:
      UserError: one can't hold what it should: texts, labels, times, groups, weights or slices.
    """
    for name in columns.texts():
        text = type_of(fields, name)
        if not can_hold_texts(text):
            raise UserError(f"input.text_column: {name!r} in {task.path} holds {text}; it must hold texts")
    if columns.time is not None and not is_time(type_of(fields, columns.time), integer=columns.time_is_integer):
        wanted = "integers" if columns.time_is_integer else "dates, timestamps, or texts in ISO 8601"
        raise UserError(
            f"split.time_column: {columns.time!r} in {task.path} holds {type_of(fields, columns.time)}; it must hold "
            f"{wanted}, as split.eval_from and test_from are given"
        )
    if columns.group is not None and not can_hold_labels(type_of(fields, columns.group)):
        raise UserError(
            f"split.group_column: {columns.group!r} in {task.path} holds {type_of(fields, columns.group)}; "
            "it must hold strings, integers or booleans"
        )
    if columns.weight is not None and not can_hold_weights(type_of(fields, columns.weight)):
        raise UserError(
            f"input.weight_column: {columns.weight!r} in {task.path} holds {type_of(fields, columns.weight)}; "
            "it must hold numbers, or texts that write numbers"
        )
    for sliced in columns.slices:
        if sliced is not None and not can_hold_slices(type_of(fields, sliced)):
            raise UserError(
                f"metrics.slices: {sliced!r} in {task.path} holds {type_of(fields, sliced)}; it must hold texts, "
                "numbers, booleans or dates"
            )
    if columns.label is None:
        return
    label = type_of(fields, columns.label)
    if is_label_list(label) and not columns.several_labels:
        raise UserError(
            f"input.label_column: {columns.label!r} in {task.path} holds {label}; set input.several_labels to true if "
            "a text has several labels"
        )
    if not is_label_list(label) and not can_hold_labels(label):
        raise UserError(
            f"input.label_column: {columns.label!r} in {task.path} holds {label}; "
            "it must hold strings, integers or booleans, or lists of them"
        )


def has_label_lists(fields: Sequence[pa.Field], columns: ColumnNames) -> bool:
    """Whether the column of labels is there, and holds lists of them."""
    return (
        columns.label is not None
        and find(fields, columns.label) is not None
        and is_label_list(type_of(fields, columns.label))
    )


def batch_of(values: RawColumns, task: ReadTask, columns: ColumnNames, *, first_row: int, first_place: int) -> Batch:
    """The batch of rows that follow each other: the first has this number in the task, and this place in the file."""
    numbers = np.arange(len(values["text"]))
    return validated(
        task,
        values,
        columns,
        ordinals=first_row + numbers,
        places=first_place + numbers,
        content=lambda row: excerpt_of_columns(columns, values, row),
    )


def columns_of_table(table: pa.RecordBatch, columns: ColumnNames) -> Columns:
    """The columns that are asked for. They must be there."""
    return {field: column_of(table, name) for field, _, name in columns.wanted()}


def sound_columns(table: pa.RecordBatch, columns: ColumnNames) -> Columns:
    """As `columns_of_table`, of a table that a damaged file may have made; a string is binary, since nobody checked it.

    Raises:
      pyarrow.ArrowInvalid: a column is not what Arrow's format says. To use it could end the process.
    """
    table.validate()  # the sizes of all buffers
    values = {field: _as_binary(array) for field, array in columns_of_table(table, columns).items()}
    for array in values.values():
        array.validate(full=True)  # offsets and indices
    return values


def pieces(values: Columns) -> Iterator[Columns]:
    """The rows, in pieces of TABLE_ROWS rows or about TABLE_BYTES bytes; one longer row is a piece of its own.

    What a dictionary or a view holds once may be the text of 100,000 rows, so its length counts for each of them.
    """
    for first in range(0, len(values["text"]), LOOKED_ROWS):
        some = {
            field: _without_views(_without_runs(array.slice(first, LOOKED_ROWS))) for field, array in values.items()
        }
        ends = np.cumsum(sum(map(_lengths, some.values())))
        start = 0
        while start < len(ends):
            before = int(ends[start - 1]) if start else 0
            fits = int(np.searchsorted(ends, before + TABLE_BYTES, side="right"))
            stop = max(start + 1, min(start + TABLE_ROWS, fits))
            yield {field: _plain(array.slice(start, stop - start)) for field, array in some.items()}
            start = stop


def _lengths(array: pa.Array) -> Int64s:
    """The bytes that each row's value takes, int64 [rows]."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        if len(array.dictionary) == 0:
            return np.zeros(len(array), np.int64)
        return np.where(array.is_valid(), _lengths(array.dictionary)[array.indices.fill_null(0).to_numpy()], 0)
    if pa.types.is_binary_view(kind):
        # 16 bytes a value, which begin with its length; Arrow 25 has no function for it.
        views = np.frombuffer(array.buffers()[1], np.int32)[4 * array.offset :: 4][: len(array)]
        return np.where(array.is_valid(), views, 0).astype(np.int64)
    if is_list(kind):
        ends = np.concatenate([[0], np.cumsum(_lengths(array.flatten()))])
        edges = np.cumsum(pc.list_value_length(array).fill_null(0).to_numpy())
        return np.diff(ends[edges], prepend=0) + 8
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        lengths = pc.binary_length(array).fill_null(0)
        return np.asarray(lengths.cast(pa.int64()))
    return np.full(len(array), 8, np.int64)


def _without_runs(array: pa.Array) -> pa.Array:
    """Runs of equal values as a dictionary."""
    if not pa.types.is_run_end_encoded(array.type):
        return array
    rows = np.arange(array.offset, array.offset + len(array))
    numbers = np.searchsorted(array.run_ends.to_numpy(), rows, side="right")
    return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int64()), array.values)


def _without_views(array: pa.Array) -> pa.Array:
    """A dictionary of views as one of binary: Arrow 25 can't take values out of views."""
    if not pa.types.is_dictionary(array.type) or not pa.types.is_binary_view(array.type.value_type):
        return array
    return pa.DictionaryArray.from_arrays(array.indices, array.dictionary.cast(pa.large_binary()))


def _plain(array: pa.Array) -> pa.Array:
    """A dictionary's values; where Arrow can't take them, the column as it is."""
    if not pa.types.is_dictionary(array.type):
        return array
    try:
        return array.dictionary.take(array.indices)
    except pa.ArrowNotImplementedError:
        return array


def _as_binary(array: pa.Array) -> pa.Array:
    """Strings as binary, without a copy."""
    kind = array.type
    if isinstance(kind, pa.Bool8Type):
        return array.storage.cast(pa.bool_())  # as Python's values of it are
    if isinstance(kind, pa.BaseExtensionType):
        return _as_binary(array.storage)
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(array.indices, _as_binary(array.dictionary), safe=False)
    if pa.types.is_run_end_encoded(kind):
        runs = pa.RunEndEncodedArray.from_arrays(array.run_ends, _as_binary(array.values))
        return runs.slice(array.offset, len(array))
    if is_list(kind):
        return _list_of(array, _as_binary(array.values))
    for strings, binary in _BINARY.items():
        if kind.equals(strings):
            return array.view(binary)
    return array


def _list_of(array: pa.Array, values: pa.Array) -> pa.Array:
    """Lists with other values, without a look at their offsets, which nobody checked."""
    kind = array.type
    made: pa.DataType
    if pa.types.is_fixed_size_list(kind):
        made = pa.list_(values.type, kind.list_size)
    elif pa.types.is_list_view(kind) or pa.types.is_large_list_view(kind):
        made = (pa.list_view if pa.types.is_list_view(kind) else pa.large_list_view)(values.type)
    else:
        made = (pa.list_ if pa.types.is_list(kind) else pa.large_list)(values.type)
    buffers = array.buffers()[: made.num_buffers]
    return pa.Array.from_buffers(made, len(array), buffers, offset=array.offset, children=[values])


@contextmanager
def as_damage() -> Iterator[None]:
    """Turns pyarrow's errors into DamagedFileError. Errors of the filesystem, which have an errno, stay as they are."""
    try:
        yield
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise DamagedFileError(str(error)) from error

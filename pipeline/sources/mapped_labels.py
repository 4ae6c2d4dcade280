"""Batches of rows -> the same with the labels that input.label_map gives; rows that it leaves out are counted.

The one place that renames labels: `run`, `evaluate` and whatever reads labels get them from here. A label is looked up
once, so a new name is never looked up again.

With several labels a row, each of them is looked up, and one that the map leaves out is taken away from its row. A row
that had labels and has none after that is a row with an empty list: it has none of the labels that are left, or, if
input.no_labels says that an empty list is missing, it is left out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.label_names import missing
from pipeline.sources.columns import ColumnNames
from pipeline.sources.label_sets import labels_of, set_name
from pipeline.sources.schema import Batch, LabelMapUse, file_indices
from pipeline.sources.tasks import ReadTask
from pipeline.support.arrays import Flags

# The key of rows without a label.
NO_LABEL: Final = ""


def with_mapped_labels(batches: Iterable[Batch], columns: ColumnNames, tasks: Sequence[ReadTask]) -> Iterator[Batch]:
    """The batches of `tasks`, read by `columns`, with new labels; as they are without a map."""
    pairs = columns.label_map
    if not pairs:
        yield from batches
        return
    paths = {task.file_index: task.path for task in tasks}
    keys = pa.array([old for old, _ in pairs], pa.string())
    values = pa.array([new for _, new in pairs], pa.string())
    leaves_out = [new is None for _, new in pairs]
    for batch in batches:
        if NO_LABEL in dict(pairs):
            batch = _without_unlabelled(batch)
        if columns.several_labels:
            yield _mapped_lists(batch, dict(pairs), paths, no_labels_is_missing=columns.no_labels_is_missing)
        else:
            yield _mapped(batch, keys, values, np.array(leaves_out), paths)


def merged(uses: Iterable[LabelMapUse]) -> LabelMapUse:
    """What was done to the rows of several batches.

    >>> merged([LabelMapUse({"a": 1}), LabelMapUse({"a": 2, "b": 1}, {"b.csv": 1})])
    LabelMapUse(rows={'a': 3, 'b': 1}, left_out={'b.csv': 1})
    """
    rows: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for use in uses:
        rows.update(use.rows)
        left_out.update(use.left_out)
    return LabelMapUse(dict(rows), dict(left_out))


def _mapped(
    batch: Batch, keys: pa.StringArray, values: pa.StringArray, leaves_out: np.ndarray, paths: Mapping[int, str]
) -> Batch:
    """The batch, with each label that is a key as its value; without the rows whose value is null."""
    label = batch.rows["label"]
    index = pc.index_in(label, keys, skip_nulls=True)
    if index.null_count == len(index):
        return batch
    new = pc.if_else(index.is_valid(), values.take(index), label)
    at = index.fill_null(-1).to_numpy()
    counts = np.bincount(at[at >= 0], minlength=len(keys))
    is_out = np.append(leaves_out, False)[at]  # the last one is for rows that no key maps
    had = {key: rows for key, rows in zip(keys.to_pylist(), counts.tolist(), strict=True) if rows}
    return _with_labels(batch, new, is_out, had, paths)


def _mapped_lists(
    batch: Batch, new_names: Mapping[str, str | None], paths: Mapping[int, str], *, no_labels_is_missing: bool
) -> Batch:
    """The batch with each label of each row as its value; without those whose value is null."""
    encoded = batch.rows["label"].dictionary_encode()
    rows_of = np.bincount(encoded.indices.to_numpy(), minlength=len(encoded.dictionary)).tolist()
    had: Counter[str] = Counter()
    made: list[str] = []
    is_out: list[bool] = []
    for name, rows in zip(encoded.dictionary.to_pylist(), rows_of, strict=True):
        before = labels_of(name)
        after = [new for label in before if (new := new_names.get(label, label)) is not None]
        had.update({label: rows for label in before if label in new_names})
        made.append(set_name(after))
        is_out.append(no_labels_is_missing and not after)
    if not had:
        return batch
    at = encoded.indices.to_numpy()
    return _with_labels(batch, pa.array(made, pa.string()).take(encoded.indices), np.array(is_out)[at], had, paths)


def _with_labels(
    batch: Batch, labels: pa.StringArray, is_out: Flags, had: Mapping[str, int], paths: Mapping[int, str]
) -> Batch:
    """The batch with other labels, without the rows that are out; had: by key of the map, its rows."""
    rows = batch.rows.set_column(batch.rows.schema.get_field_index("label"), batch.rows.schema.field("label"), labels)
    left_out: Mapping[str, int] = {}
    if is_out.any():
        files, numbers = np.unique(file_indices(batch.rows)[is_out], return_counts=True)
        left_out = {paths[file]: rows for file, rows in zip(files.tolist(), numbers.tolist(), strict=True)}
        rows = rows.filter(pa.array(~is_out))
    return replace(batch, rows=rows, label_map=merged([batch.label_map, LabelMapUse(had, left_out)]))


def _without_unlabelled(batch: Batch) -> Batch:
    """The batch without the rows that are rejected because they have no label."""
    is_out = pc.equal(batch.rejected["reason"], missing("label"))
    files = Counter(batch.rejected["file"].filter(is_out).to_pylist())
    if not files:
        return batch
    use = LabelMapUse({NO_LABEL: files.total()}, dict(files))
    return replace(batch, rejected=batch.rejected.filter(pc.invert(is_out)), label_map=use)

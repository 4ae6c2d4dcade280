"""Rows of a batch -> what a person should see of their labels, weights and slices before a job starts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.input_settings import LabelKind
from pipeline.records_folder.label_scheme import label_value
from pipeline.sources.columns import ColumnNames
from pipeline.sources.label_sets import labels_of
from pipeline.support.printable import to_one_line

# More labels, or more slices of a column, nobody reads.
LISTED: Final = 12
# A label or a slice needs no more of a line.
_CHARACTERS: Final = 30


class LabelsSeen(NamedTuple):
    """Of some rows: how many have each label, the most that one of them has, and how many have none of them.

    most None: each row has one. weights: the least and the largest; None: rows have no weight. slices: by column of
    metrics.slices, how many rows have each value.
    """

    rows: Counter[str]
    most: int | None = None
    with_none: int = 0
    weights: tuple[float, float] | None = None
    slices: Mapping[str, Counter[str]] = MappingProxyType({})


def labels_seen(rows: pa.RecordBatch, columns: ColumnNames) -> LabelsSeen:
    """What is seen of rows of ROWS_SCHEMA that were read by `columns`."""
    values = rows["label"].drop_null().to_pylist()
    most, with_none = None, 0
    if columns.several_labels:
        lists = list(map(labels_of, values))
        most, with_none = max(map(len, lists), default=0), sum(not labels for labels in lists)
        values = [label for labels in lists for label in labels]
    weights = None
    if columns.weight is not None and rows.num_rows:
        range_ = pc.min_max(rows["weight"])
        weights = (range_["min"].as_py(), range_["max"].as_py())
    names = [name for name in columns.slices if name is not None]
    parts = zip(*rows["slices"].to_pylist(), strict=True) if rows.num_rows and names else ()
    slices = {name: Counter(part) for name, part in zip(names, parts, strict=False)}
    return LabelsSeen(Counter(values), most, with_none, weights, slices)


def shown_label(label: str, columns: ColumnNames) -> str:
    """The label of a row for a person; of several, all of them.

    >>> shown_label('["comedy", "drama"]', ColumnNames("text", several_labels=True))
    'comedy, drama'
    >>> shown_label("[]", ColumnNames("text", several_labels=True))
    'none'
    """
    if columns.several_labels:
        label = ", ".join(labels_of(label)) or "none"
    return to_one_line(label, width=_CHARACTERS)


def label_lines(seen: LabelsSeen, *, rows: int, kind: LabelKind = "nominal") -> Iterator[str]:
    """What was seen in lines for a person; rows: how many rows were read.

    >>> seen = LabelsSeen(Counter(a=2, b=1), 2, 1, (0.5, 2.0), {"year": Counter({"2024": 3})})
    >>> print(*label_lines(seen, rows=3), sep="\\n")
    labels of the first 3 rows: a (2), b (1); at most 2 in a row; rows with none of them: 1
    weights of the first 3 rows: 0.5 to 2
    slices by year of the first 3 rows: 2024 (3)
    """
    if seen.rows or seen.with_none:
        several = (
            "" if seen.most is None else f"; at most {seen.most} in a row; rows with none of them: {seen.with_none:,}"
        )
        yield f"labels of the first {rows:,} rows: {_counted(seen.rows) or 'none'}{several}"
    if kind == "ordinal" and (wrong := [label for label in seen.rows if label_value(label) is None]):
        named = ", ".join(to_one_line(label, width=_CHARACTERS) for label in wrong[:LISTED])
        yield f"input.label_kind is ordinal, and these labels are no numbers: {named}; input.label_map can rename them"
    if seen.weights is not None:
        yield f"weights of the first {rows:,} rows: {seen.weights[0]:g} to {seen.weights[1]:g}"
    for name, values in seen.slices.items():
        yield f"slices by {to_one_line(name, width=_CHARACTERS)} of the first {rows:,} rows: {_counted(values)}"


def _counted(rows: Counter[str]) -> str:
    named = [
        f"{to_one_line(name, width=_CHARACTERS) or '(empty)'} ({number:,})" for name, number in rows.most_common(LISTED)
    ]
    return ", ".join(named) + (", ..." if len(rows) > LISTED else "")

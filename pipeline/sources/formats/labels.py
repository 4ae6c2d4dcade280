"""A column of labels as a format holds it -> one string a row: a label, or several in the one spelling of `label_sets`.

    one label       a plain value; a list is a problem, which names the setting for lists
    several labels  a list of plain values; a plain value is a list of one, and a text is cut at input.label_separator

A null is a missing label. An empty list, and with a separator an empty text, has none of the labels; or it is missing
too, as input.no_labels says. A list that holds a null, an empty text or NaN is a problem: nobody knows which label
that is.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config.label_names import ASCII_SPACE, canonical_name, decoded, missing
from pipeline.errors import RejectedRowError
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats.values import (
    Problems,
    Values,
    dictionary_encoded,
    is_label_list,
    names,
    one_by_one,
    python_values,
    taken,
)
from pipeline.sources.label_sets import set_name
from pipeline.sources.schema import LABEL_IN_LIST_IS_MISSING, LABEL_IS_LIST

_COLUMN = "label"


def labels(values: Values, columns: ColumnNames) -> tuple[pa.Array, Problems]:
    """A column of labels -> a string a row, and problems. columns: whether a row has several labels, and their form.

    >>> labels(["pos", None], ColumnNames("text", "label"))[1]
    {1: 'missing label'}
    >>> several = ColumnNames("text", "label", several_labels=True, label_separator="|")
    >>> labels(["drama|comedy|", ["drama", 7], [], None], several)[0].to_pylist()
    ['["comedy", "drama"]', '["7", "drama"]', '[]', None]
    """
    if columns.several_labels:
        return _several(values, columns)
    if isinstance(values, pa.Array):
        if not is_label_list(values.type):
            return names(values, column=_COLUMN, fractions=columns.label_fractions)
        values = [[] if is_valid else None for is_valid in values.is_valid().to_pylist()]
    return one_by_one(values, partial(_one, fractions=columns.label_fractions), pa.string())


def _one(value: object, *, fractions: bool) -> str:
    """The label; fractions: it may be a number that is no integer.

    Raises:
      RejectedRowError: the value can't be one.
    """
    try:
        return canonical_name(value, column=_COLUMN, fractions=fractions)
    except RejectedRowError as error:
        if isinstance(value, list):
            raise RejectedRowError(LABEL_IS_LIST) from error
        raise


def _several(values: Values, columns: ColumnNames) -> tuple[pa.Array, Problems]:
    spell = _speller(columns)
    if not isinstance(values, pa.Array):
        return one_by_one(values, spell, pa.string())
    values = plain_lists(values)
    if is_label_list(values.type):
        return _of_lists(values, columns)
    encoded = dictionary_encoded(values)  # there are many rows and few different values
    if encoded is None:
        return one_by_one(python_values(values), spell, pa.string())
    return taken(one_by_one(python_values(encoded.dictionary), spell, pa.string()), encoded.indices, column=_COLUMN)


def _speller(columns: ColumnNames) -> Callable[[object], str]:
    """A function from a value, as Python has it, to the spelling of its labels.

    It raises RejectedRowError if there are none, or one of them can't be a label.
    """

    def spell(value: object) -> str:
        if isinstance(value, list):
            return _spelling(map(_of_list, value), columns)
        if isinstance(value, bytes):
            value = decoded(value)
        if columns.label_separator is not None and isinstance(value, str):
            parts = (part.strip(ASCII_SPACE) for part in value.split(columns.label_separator))
            return _spelling((canonical_name(part, column=_COLUMN) for part in parts if part), columns)
        return set_name([canonical_name(value, column=_COLUMN)])

    return spell


def _of_list(value: object) -> str:
    try:
        return canonical_name(value, column=_COLUMN)
    except RejectedRowError as error:
        raise RejectedRowError(_reason_in_list(str(error))) from error


def _reason_in_list(reason: str) -> str:
    return LABEL_IN_LIST_IS_MISSING if reason == missing(_COLUMN) else reason


def _spelling(labels: Iterable[str], columns: ColumnNames) -> str:
    listed = list(labels)
    if not listed and columns.no_labels_is_missing:
        raise RejectedRowError(missing(_COLUMN))
    return set_name(listed)


def _of_lists(lists: pa.Array, columns: ColumnNames) -> tuple[pa.Array, Problems]:
    """Lists of plain values: every label is spelled once, and so is every list of them."""
    spelled, wrong = names(lists.flatten(), column=_COLUMN)
    encoded = spelled.dictionary_encode()
    codes, distinct = encoded.indices.to_pylist(), encoded.dictionary.to_pylist()
    edges = np.concatenate([[0], np.cumsum(pc.list_value_length(lists).fill_null(0).to_numpy())]).tolist()
    known: dict[tuple[int | None, ...], str] = {}
    found: list[str | None] = []
    problems: Problems = {}
    for row, ((start, stop), is_valid) in enumerate(zip(pairwise(edges), lists.is_valid().to_pylist(), strict=True)):
        name = None
        of_row = tuple(codes[start:stop])
        if not is_valid or (not of_row and columns.no_labels_is_missing):
            problems[row] = missing(_COLUMN)
        elif None in of_row:
            problems[row] = _reason_in_list(wrong[start + of_row.index(None)])
        elif (name := known.get(of_row)) is None:
            name = known[of_row] = set_name(distinct[code] for code in of_row if code is not None)
        found.append(name)
    return pa.array(found, pa.string()), problems


def plain_lists(values: pa.Array) -> pa.Array:
    """Lists out of an extension, a dictionary or runs; other values as they are."""
    while is_label_list(values.type):
        if isinstance(values, pa.ExtensionArray):
            values = values.storage
        elif pa.types.is_dictionary(values.type):
            values = _without_views(values.dictionary).take(values.indices)
        elif pa.types.is_run_end_encoded(values.type):
            rows = np.arange(values.offset, values.offset + len(values))
            places = pa.array(np.searchsorted(values.run_ends.to_numpy(), rows, side="right"))
            values = _without_views(values.values).take(places)
        else:
            break
    return values


def _without_views(lists: pa.Array) -> pa.Array:
    """Lists of strings or binary as views -> lists of binary: Arrow 25 can't take such lists.

    It can take list views of them, and casts those wrongly: [["a"], ["b"]] becomes [["a"], []].
    """
    is_list = (
        pa.types.is_list(lists.type) or pa.types.is_large_list(lists.type) or pa.types.is_fixed_size_list(lists.type)
    )
    if is_list and (pa.types.is_binary_view(lists.type.value_type) or pa.types.is_string_view(lists.type.value_type)):
        return lists.cast(pa.large_list(pa.large_binary()))
    return lists

"""The name of a column, which may lead into structs -> its field in an Arrow schema, and its values in a table.

`review.text` is the field text of the struct column review.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

FieldPath = tuple[int, ...]


def find(fields: Sequence[pa.Field], name: str) -> FieldPath | None:
    """The field numbers that lead to a column: of the field with its name, or else of a struct before a dot, and on.

    None: there is no such column.
    """
    names = [field.name for field in fields]
    if name in names:
        return (names.index(name),)
    for dot in (place for place, character in enumerate(name) if character == "."):
        if name[:dot] in names:
            number = names.index(name[:dot])
            inner = find(_fields_of(fields[number]), name[dot + 1 :])
            if inner is not None:
                return (number, *inner)
    return None


def times_named(fields: Sequence[pa.Field], name: str) -> int:
    """How often a column is there: more than once if fields beside each other have a name on the way to it.

    >>> times_named([pa.field("label", pa.string()), pa.field("label", pa.int64())], "label")
    2
    """
    number = 1
    for place in find(fields, name) or ():
        number *= sum(field.name == fields[place].name for field in fields)
        fields = _fields_of(fields[place])
    return number


def column_names(fields: Sequence[pa.Field]) -> list[str]:
    """The names of all columns; fields of a struct follow it."""
    names = []
    for field in fields:
        names.append(field.name)
        names.extend(f"{field.name}.{name}" for name in column_names(_fields_of(field)))
    return names


def typed_columns(fields: Sequence[pa.Field]) -> tuple[tuple[str, str], ...]:
    """Name and type of each column; fields of a struct follow it.

    >>> typed_columns([pa.field("id", pa.int64()), pa.field("review", pa.struct({"text": pa.string()}))])
    (('id', 'int64'), ('review', 'struct'), ('review.text', 'string'))
    """
    return tuple(
        (name, "struct" if pa.types.is_struct(kind) else str(kind))
        for name, kind in ((name, type_of(fields, name)) for name in column_names(fields))
    )


def _fields_of(field: pa.Field) -> list[pa.Field]:
    return list(field.type) if pa.types.is_struct(field.type) else []


def type_of(fields: Sequence[pa.Field], name: str) -> pa.DataType:
    """The type of a column that is there."""
    first, *within = find(fields, name) or ()
    kind = fields[first].type
    for number in within:
        kind = kind[number].type
    return kind


def column_of(table: pa.RecordBatch, name: str) -> pa.Array:
    """The values of a column that is there."""
    first, *within = find(list(table.schema), name) or ()
    array = table.column(first)
    for number in within:
        # A null struct makes its fields null.
        array = pc.struct_field(array, [number])
    return array

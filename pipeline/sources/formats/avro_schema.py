"""The schema of an Avro file -> the Arrow types of its columns, and the schema of the wanted columns alone.

fastavro reads values in C, without limits: a schema that contains itself ends the process when the values are deep, and
a list of values that take no bytes may never end. Such schemas are refused here.

Logical types are left to `avro_values`: fastavro's conversions fail for some values, and then for the whole block.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import fastavro.schema
import pyarrow as pa

# A name, a list of the types of a union, or a dictionary.
Schema: TypeAlias = Any
Path: TypeAlias = tuple[str, ...]

# Brackets in brackets; a record in a union in a record takes four.
_DEEPEST: Final = 200
# The types in a schema, each counted wherever it is used. 1,000 columns that may be null have 3,000.
_MOST_TYPES: Final = 100_000
_RECORDS: Final = ("record", "error")
_LOGICAL: Final = "logicalType"
# Where a logical type is kept, out of fastavro's sight.
_HIDDEN: Final = "textrecords.logicalType"

_PRIMITIVE: Final = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
}
_TIMES: Final = {
    "date": pa.date32(),
    "time-millis": pa.time32("ms"),
    "time-micros": pa.time64("us"),
    "timestamp-millis": pa.timestamp("ms", "UTC"),
    "timestamp-micros": pa.timestamp("us", "UTC"),
    "timestamp-nanos": pa.timestamp("ns", "UTC"),
    "local-timestamp-millis": pa.timestamp("ms"),
    "local-timestamp-micros": pa.timestamp("us"),
    "local-timestamp-nanos": pa.timestamp("ns"),
}
_LARGEST_FIXED: Final = 256 << 20
_MAX_DIGITS: Final = 76  # of a decimal in Arrow


class SchemaError(Exception):
    """Why a schema can't be read, for a person."""


class AvroSchema(NamedTuple):
    """A schema without logical types. rows: of a list of the file's rows. named: the definitions of its names."""

    rows: Schema
    named: dict[str, Schema]

    @property
    def row(self) -> Schema:
        """The schema of a row."""
        return self.rows["items"]


def parse_schema(text: bytes) -> AvroSchema:
    """The schema in a file's header.

    Raises:
      SchemaError: it is not one, or can't be read.

    >>> schema = parse_schema(b'{"type": "record", "name": "row", "fields": [{"name": "text", "type": "string"}]}')
    >>> schema.row["fields"]
    [{'name': 'text', 'type': 'string'}]
    """
    named: dict[str, Schema] = {}
    try:
        raw = _hidden(json.loads(text), depth=0)
        rows = fastavro.schema.parse_schema({"type": "array", "items": raw}, named)
        schema = AvroSchema(rows, named)
        sizes: dict[str, tuple[int, bool]] = {}
        _size(schema.row, named, sizes, above=())
    except fastavro.schema.UnknownType as error:
        raise SchemaError(f"it has the unknown type {error.name!r}") from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise SchemaError(f"it is not one of Avro: {error}") from error
    except fastavro.schema.SchemaParseException as error:
        raise SchemaError(f"it is not one of Avro: {error}") from error
    return schema


def arrow_fields(schema: AvroSchema) -> list[pa.Field]:
    """The columns, with the types that the same columns have in Parquet.

    Raises:
      SchemaError: the rows are not records.
    """
    kind = _arrow_type(schema.row, schema.named)
    if not pa.types.is_struct(kind):
        raise SchemaError(f"its rows are not records, but {kind}")
    return list(kind)


def projected(schema: AvroSchema, columns: Sequence[str]) -> Schema | None:
    """The schema of a list of rows that have some columns alone; None: all must be read.

    Values of other columns are passed over. They would take memory: a list of integers 36 bytes for each.
    """
    try:
        return {
            "type": "array",
            "items": _Parts(schema.named).part(schema.row, {tuple(name.split(".")) for name in columns}),
        }
    except _TwoPartsError:
        return None


def _hidden(raw: Schema, *, depth: int) -> Schema:
    """A schema as JSON whose logical types fastavro does not see."""
    if depth > _DEEPEST:
        raise SchemaError("it is too deep")
    if isinstance(raw, dict):
        return {_HIDDEN if key == _LOGICAL else key: _hidden(value, depth=depth + 1) for key, value in raw.items()}
    return [_hidden(value, depth=depth + 1) for value in raw] if isinstance(raw, list) else raw


def _size(
    schema: Schema, named: dict[str, Schema], sizes: dict[str, tuple[int, bool]], *, above: Path
) -> tuple[int, bool]:
    """The number of types in a schema, and whether its values may take no bytes. sizes: those of names.

    Raises:
      SchemaError: it is too large, contains itself, or has a list of values that may take no bytes.
    """
    if isinstance(schema, list):
        return 1 + sum(_size(branch, named, sizes, above=above)[0] for branch in schema), False
    if isinstance(schema, str):
        if schema in _PRIMITIVE:
            return 1, schema == "null"
        if schema in above:
            raise SchemaError(f"the type {schema} contains itself")
        if schema not in sizes:
            sizes[schema] = _size(named[schema], named, sizes, above=above)
        return sizes[schema]
    kind = schema["type"]
    if kind in _RECORDS:
        within = (*above, schema["name"])
        parts = [_size(field["type"], named, sizes, above=within) for field in schema["fields"]]
        count, is_empty = 1 + sum(part for part, _ in parts), all(empty for _, empty in parts)
        sizes[schema["name"]] = count, is_empty
    elif kind in ("array", "map"):
        part, is_empty = _size(schema["items" if kind == "array" else "values"], named, sizes, above=above)
        if is_empty and kind == "array":
            raise SchemaError("it has a list of values that take no bytes")
        count, is_empty = 1 + part, False
    elif kind == "fixed":
        count, is_empty = 1, schema["size"] <= 0
        if schema["size"] > _LARGEST_FIXED:
            raise SchemaError(f"it has a type of {schema['size']} bytes")
    elif kind == "enum":
        count, is_empty = 1, False
    else:
        return _size(kind, named, sizes, above=above)
    if count > _MOST_TYPES:
        raise SchemaError(f"it has more than {_MOST_TYPES} types")
    return count, is_empty


def _arrow_type(schema: Schema, named: dict[str, Schema]) -> pa.DataType:
    if isinstance(schema, list):
        return _arrow_union([_arrow_type(branch, named) for branch in schema])
    if isinstance(schema, str):
        return _PRIMITIVE[schema] if schema in _PRIMITIVE else _arrow_type(named[schema], named)
    kind, logical = schema["type"], schema.get(_HIDDEN)
    if kind in _RECORDS:
        return pa.struct([(field["name"], _arrow_type(field["type"], named)) for field in schema["fields"]])
    if kind == "array":
        return pa.list_(_arrow_type(schema["items"], named))
    if kind == "map":
        return pa.map_(pa.string(), _arrow_type(schema["values"], named))
    if kind == "enum":
        return pa.dictionary(pa.int32(), pa.string())
    if kind in ("int", "long") and logical in _TIMES:
        return _TIMES[logical]
    if logical == "decimal" and kind in ("bytes", "fixed"):
        return pa.decimal256(_MAX_DIGITS, _scale(schema))
    if kind == "fixed":
        return pa.binary(schema["size"])
    return _arrow_type(kind, named)


def _arrow_union(kinds: list[pa.DataType]) -> pa.DataType:
    """The type of a value that may have several: that of its strings, else of its numbers, else the first."""
    kinds = [kind for kind in kinds if not pa.types.is_null(kind)] or [pa.null()]
    return min(kinds, key=lambda kind: (not pa.types.is_string(kind), pa.types.is_nested(kind)))


def _scale(schema: Schema) -> int:
    scale = schema.get("scale", 0)
    if not isinstance(scale, int) or not 0 <= scale <= _MAX_DIGITS:
        raise SchemaError("a decimal has a wrong scale")
    return scale


class _TwoPartsError(Exception):
    """A named type is needed in two different parts."""


class _Parts:
    """Makes the schema of a part of a row. A name is defined where it comes first, and named afterwards."""

    def __init__(self, named: dict[str, Schema]) -> None:
        self._named = named
        self._defined: dict[str, set[Path] | None] = {}

    def part(self, schema: Schema, paths: set[Path] | None) -> Schema:
        """Of a record, the fields that the paths begin with; paths None: all of the schema."""
        if isinstance(schema, list):
            return [self.part(branch, paths) for branch in schema]
        if isinstance(schema, str):
            return schema if schema in _PRIMITIVE else self.part(self._named[schema], paths)
        kind = schema["type"]
        if "name" not in schema:
            inner = {"array": "items", "map": "values"}.get(kind)
            return {"type": kind, inner: self.part(schema[inner], None)} if inner else self.part(kind, paths)
        if kind not in _RECORDS:
            paths = None
        name = schema["name"]
        if name in self._defined:
            if self._defined[name] != paths:
                raise _TwoPartsError
            return name
        self._defined[name] = paths
        if kind not in _RECORDS:
            return schema
        return {"type": kind, "name": name, "fields": list(self._fields(schema, paths))}

    def _fields(self, schema: Schema, paths: set[Path] | None) -> Sequence[Schema]:
        fields = []
        for field in schema["fields"]:
            rests = None if paths is None else {path[1:] for path in paths if path[0] == field["name"]}
            if rests is None or rests:
                whole = rests is None or () in rests
                fields.append({"name": field["name"], "type": self.part(field["type"], None if whole else rests)})
        return fields

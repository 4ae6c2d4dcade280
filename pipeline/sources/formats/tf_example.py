"""Bytes of a tf.train.Example -> its features as Python values, without TensorFlow.

Protobuf's own parser reads the bytes. TensorFlow brings the description of the message, and is not imported here; so
the message is described here again, in a descriptor pool of its own.
"""

from typing import Any, Final, TypeAlias

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory

from pipeline.errors import RejectedRowError
from pipeline.sources.formats.tf_wire import count_values
from pipeline.sources.schema import BROKEN_EXAMPLE, MAX_VALUES, TOO_MANY_VALUES

# What a feature may hold, in the order of the numbers in Feature, and the protobuf type of its values.
_KINDS: Final = (("bytes_list", "TYPE_BYTES"), ("float_list", "TYPE_FLOAT"), ("int64_list", "TYPE_INT64"))
_PACKAGE: Final = "textrecords.sources"

# The longest record that is parsed without a look at its values.
SHORT_RECORD_BYTES: Final = 4 << 20

Features: TypeAlias = Any  # A protobuf map from names to features.


def parse_features(record: bytes) -> Features:
    """A record's features by name.

    Raises:
      RejectedRowError: it is not a tf.train.Example, or has too many values.
    """
    if len(record) > SHORT_RECORD_BYTES:
        try:
            values = count_values(record, most=MAX_VALUES)
        except ValueError as error:
            raise RejectedRowError(BROKEN_EXAMPLE) from error
        if values > MAX_VALUES:
            raise RejectedRowError(TOO_MANY_VALUES)
    try:
        return _EXAMPLE.FromString(record).features.feature
    except message.DecodeError as error:
        raise RejectedRowError(BROKEN_EXAMPLE) from error


def value_of(features: Features, name: str) -> object:
    """The value of a feature with one value: bytes, int or float; of one with more, a list. None: it is missing, or []

    >>> features = parse_features(bytes.fromhex("0a0f0a0d0a046e616d6512050a030a0161"))
    >>> value_of(features, "name"), value_of(features, "other")
    (b'a', None)
    """
    values = values_of(features, name) or [None]
    return values[0] if len(values) == 1 else values


def values_of(features: Features, name: str) -> list[Any] | None:
    """The values of a feature: bytes, ints or floats. None: it is missing, or nothing says which kind it has.

    >>> features = parse_features(bytes.fromhex("0a0f0a0d0a046e616d6512050a030a0161"))
    >>> values_of(features, "name"), values_of(features, "other")
    ([b'a'], None)
    """
    if name not in features:  # Indexing the map would add the feature.
        return None
    feature = features[name]
    kind = feature.WhichOneof("kind")
    return None if kind is None else list(getattr(feature, kind).value)


def _example_class() -> Any:
    """The message class of tf.train.Example; its fields have the numbers of tensorflow/core/example/*.proto."""
    file = descriptor_pb2.FileDescriptorProto(name="textrecords_example.proto", package=_PACKAGE, syntax="proto3")
    field = descriptor_pb2.FieldDescriptorProto
    for name, kind in _KINDS:
        values = file.message_type.add(name=_camel(name)).field.add(
            name="value", number=1, label=field.LABEL_REPEATED, type=field.Type.Value(kind)
        )
        if kind != "TYPE_BYTES":
            values.options.packed = True
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, _) in enumerate(_KINDS, 1):
        feature.field.add(
            name=name, number=number, label=field.LABEL_OPTIONAL, type=field.TYPE_MESSAGE,
            type_name=f".{_PACKAGE}.{_camel(name)}", oneof_index=0,
        )  # fmt: skip
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=field.LABEL_OPTIONAL, type=field.TYPE_STRING)
    entry.field.add(
        name="value", number=2, label=field.LABEL_OPTIONAL, type=field.TYPE_MESSAGE, type_name=f".{_PACKAGE}.Feature"
    )
    features.field.add(
        name="feature", number=1, label=field.LABEL_REPEATED, type=field.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.Features.FeatureEntry",
    )  # fmt: skip
    file.message_type.add(name="Example").field.add(
        name="features", number=1, label=field.LABEL_OPTIONAL, type=field.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.Features",
    )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Example"))


def _camel(name: str) -> str:
    """
    >>> _camel("int64_list")
    'Int64List'
    """
    return name.title().replace("_", "")


_EXAMPLE: Final = _example_class()

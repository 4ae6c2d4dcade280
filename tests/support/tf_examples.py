"""tf.train.Example without TensorFlow: its published schema, given to protobuf's own runtime.

    message Example { Features features = 1; }       message Features { map<string, Feature> feature = 1; }
    message Feature { oneof kind { BytesList bytes_list = 1; FloatList float_list = 2; Int64List int64_list = 3; } }

graph/test_records.py holds that TensorFlow's own class writes the same bytes.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

Value = bytes | int | float | Sequence[bytes] | Sequence[int] | Sequence[float] | None

_FIELD = descriptor_pb2.FieldDescriptorProto
_ONE, _MANY = _FIELD.LABEL_OPTIONAL, _FIELD.LABEL_REPEATED


def _example_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="tests/example.proto", package="tests", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, int, str | int], inside: Any = None) -> Any:
        described = (file.message_type if inside is None else inside.nested_type).add(name=name)
        for field, number, label, kind in fields:
            made = described.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                made.type, made.type_name = _FIELD.TYPE_MESSAGE, f".tests.{kind}"
            else:
                made.type = kind
        return described

    message("BytesList", ("value", 1, _MANY, _FIELD.TYPE_BYTES))
    message("FloatList", ("value", 1, _MANY, _FIELD.TYPE_FLOAT))
    message("Int64List", ("value", 1, _MANY, _FIELD.TYPE_INT64))
    feature = message("Feature", ("bytes_list", 1, _ONE, "BytesList"), ("float_list", 2, _ONE, "FloatList"),
                      ("int64_list", 3, _ONE, "Int64List"))  # fmt: skip
    feature.oneof_decl.add(name="kind")
    for field in feature.field:
        field.oneof_index = 0
    features = message("Features", ("feature", 1, _MANY, "Features.FeatureEntry"))
    entry = message("FeatureEntry", ("key", 1, _ONE, _FIELD.TYPE_STRING), ("value", 2, _ONE, "Feature"),
                    inside=features)  # fmt: skip
    entry.options.map_entry = True
    message("Example", ("features", 1, _ONE, "Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tests.Example"))


_Example = _example_class()


def serialized(features: Mapping[str, Value]) -> bytes:
    """A tf.train.Example, the same bytes in every process. A value's type chooses its list; None: a feature of no kind.

    >>> serialized({"label": 1}).hex(" ")
    '0a 10 0a 0e 0a 05 6c 61 62 65 6c 12 05 1a 03 0a 01 01'
    """
    example = _Example()
    example.features.SetInParent()
    for name, value in features.items():
        feature = example.features.feature[name]
        values = list(value) if isinstance(value, list | tuple) else [value]
        if value is None:
            continue
        if values and isinstance(values[0], float):
            feature.float_list.value.extend(values)
        elif values and isinstance(values[0], int):
            feature.int64_list.value.extend(values)
        else:
            feature.bytes_list.SetInParent()
            feature.bytes_list.value.extend(values)
    content: bytes = example.SerializeToString(deterministic=True)
    return content


def int64_example(
    features: Mapping[str, Sequence[int]],
    *,
    floats: Mapping[str, Sequence[float]] | None = None,
    texts: Mapping[str, Sequence[bytes]] | None = None,
) -> bytes:
    """A tf.train.Example of numbers, and of others if they are given; an empty list is an empty list of its kind."""
    example = _Example()
    for kind, lists in (("int64_list", features), ("float_list", floats or {}), ("bytes_list", texts or {})):
        for name, values in lists.items():
            of_kind = getattr(example.features.feature[name], kind)
            of_kind.SetInParent()
            of_kind.value.extend(values)
    content: bytes = example.SerializeToString(deterministic=True)
    return content


def framed(*records: bytes) -> bytes:
    """The records in the frames that TFRecord's documentation describes."""

    def checksum(data: bytes) -> bytes:
        crc = google_crc32c.value(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    lengths = [struct.pack("<Q", len(record)) for record in records]
    return b"".join(
        length + checksum(length) + record + checksum(record) for length, record in zip(lengths, records, strict=True)
    )

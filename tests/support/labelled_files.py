"""Rows with lists of labels, weights and slices as files of every format, by writers that we did not write."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import fastavro
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq

from tests.support.tf_examples import framed, serialized

SEPARATOR: Final = "|"


class LabelledRow(NamedTuple):
    """A row; labels None: it has no label. weight None: it has none."""

    text: str
    labels: list[str] | None
    weight: float | None = 1.0
    part: str | None = "x"


def arrow_table(rows: Sequence[LabelledRow]) -> pa.Table:
    """The rows as Arrow has them."""
    return pa.table(
        {
            "text": pa.array([row.text for row in rows], pa.string()),
            "labels": pa.array([row.labels for row in rows], pa.list_(pa.string())),
            "weight": pa.array([row.weight for row in rows], pa.float64()),
            "part": pa.array([row.part for row in rows], pa.string()),
        }
    )


def parquet(rows: Sequence[LabelledRow]) -> bytes:
    """A Parquet file, three rows a row group."""
    file = io.BytesIO()
    pq.write_table(arrow_table(rows), file, row_group_size=3)
    return file.getvalue()


def arrow(rows: Sequence[LabelledRow]) -> bytes:
    """An Arrow file, two rows a batch."""
    table = arrow_table(rows)
    file = io.BytesIO()
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return file.getvalue()


def orc(rows: Sequence[LabelledRow]) -> bytes:
    """An ORC file."""
    file = io.BytesIO()
    pyarrow.orc.write_table(arrow_table(rows), file)
    return file.getvalue()


def avro(rows: Sequence[LabelledRow]) -> bytes:
    """An Avro file."""
    kinds: list[tuple[str, object]] = [
        ("text", "string"),
        ("labels", ["null", {"type": "array", "items": "string"}]),
        ("weight", ["null", "double"]),
        ("part", ["null", "string"]),
    ]
    schema = {"type": "record", "name": "row", "fields": [{"name": name, "type": kind} for name, kind in kinds]}
    file = io.BytesIO()
    fastavro.writer(file, schema, [row._asdict() for row in rows])
    return file.getvalue()


def jsonl(rows: Sequence[LabelledRow]) -> bytes:
    """Lines of JSON; weights are numbers."""
    return "".join(json.dumps(row._asdict()) + "\n" for row in rows).encode()


def tfrecord(rows: Sequence[LabelledRow]) -> bytes:
    """TFRecord; a missing value is a feature of no kind. Weights are texts: a float_list has 32 bits."""
    records = []
    for row in rows:
        features: dict[str, Any] = {
            "text": row.text.encode(),
            "labels": None if row.labels is None else [label.encode() for label in row.labels],
            "weight": None if row.weight is None else repr(row.weight).encode(),
            "part": None if row.part is None else row.part.encode(),
        }
        records.append(serialized(features))
    return framed(*records)


def delimited(rows: Sequence[LabelledRow]) -> bytes:
    r"""CSV, whose labels are joined by SEPARATOR; \N is a missing list."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_MINIMAL)
    writer.writerow(LabelledRow._fields)
    for row in rows:
        labels = r"\N" if row.labels is None else SEPARATOR.join(row.labels)
        writer.writerow([row.text, labels, "" if row.weight is None else repr(row.weight), row.part or ""])
    return file.getvalue().encode()


WRITERS: Final[dict[str, Callable[[Sequence[LabelledRow]], bytes]]] = {
    "a.parquet": parquet,
    "a.arrow": arrow,
    "a.orc": orc,
    "a.avro": avro,
    "a.jsonl": jsonl,
    "a.tfrecord": tfrecord,
    "a.csv": delimited,
}

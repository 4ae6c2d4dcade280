"""Rows that can't be used -> rejected/*.jsonl, a line a row, and how many for which reason.

A line holds `file`, `row` (1 is the file's first row of data), `reason`, `id` where there is one, and `content`, the
row as far as it can be shown. A part of a file counts its rows from its own start; where that is in the file is known
once all parts are read, so rows get their numbers here.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import pyarrow as pa
import xxhash

from pipeline.contract import REJECTED_FOLDER
from pipeline.files.beam import BeamFiles
from pipeline.statistics.row_counts import TaskRows
from pipeline.support import arrow_ipc

_EXAMPLES = 3


class Rejected(NamedTuple):
    """What the manifest tells of the rejected rows of some files: rows by reason, and a few examples of each."""

    by_reason: dict[str, int]
    examples: dict[str, list[dict[str, Any]]]


class WriteRejects(beam.PTransform):
    """Tables of rejected rows -> Rejected, one for each file written; `task_rows` is a PCollection of TaskRows."""

    def __init__(self, folder: str, *, shards: int, task_rows: beam.PCollection) -> None:
        super().__init__()
        self._folder = folder
        self._shards = shards
        self._task_rows = task_rows

    def expand(self, tables: beam.PCollection) -> beam.PCollection:
        """Brings the rejected rows of a file together and writes them."""
        return (
            tables
            | "ByFile" >> beam.FlatMap(_by_shard, shards=self._shards).with_output_types(tuple[int, bytes])
            | "GroupByShard" >> beam.GroupByKey()
            | "WriteRejected"
            >> beam.Map(
                _write,
                folder=self._folder,
                shards=self._shards,
                task_rows=beam.pvalue.AsList(self._task_rows),
            )
        )


def merge(parts: Iterable[Rejected]) -> Rejected:
    """The rejected rows of all parts together.

    >>> merge([Rejected({"no text": 2}, {}), Rejected({"no text": 1}, {})]).by_reason
    {'no text': 3}
    """
    by_reason: Counter[str] = Counter()
    examples: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for part in parts:
        by_reason.update(part.by_reason)
        for reason, rows in part.examples.items():
            examples[reason].extend(rows)
    return Rejected(
        dict(sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))),
        {reason: sorted(rows, key=_place)[:_EXAMPLES] for reason, rows in examples.items()},
    )


def rows_before(task_rows: Iterable[TaskRows]) -> dict[tuple[str, int], int]:
    """How many rows of its file come before each part of it.

    >>> rows_before([TaskRows("a", 90, 2), TaskRows("a", 0, 5), TaskRows("b", 0, 1)])
    {('a', 0): 0, ('a', 90): 5, ('b', 0): 0}
    """
    before: dict[tuple[str, int], int] = {}
    counted: Counter[str] = Counter()
    for part in sorted(task_rows, key=lambda part: (part.path, part.start)):
        before[part.path, part.start] = counted[part.path]
        counted[part.path] += part.rows
    return before


def lines(table: pa.Table, *, before: Mapping[tuple[str, int], int]) -> list[dict[str, Any]]:
    """A table of sources.schema.REJECTED_SCHEMA -> what is written, by file and row."""
    written = []
    for reject in table.to_pylist():
        row = before.get((reject["file"], reject["range_start"]), 0) + reject["row"] + 1
        line = {"file": reject["file"], "row": row, "reason": reject["reason"], "content": reject["content"]}
        if reject["id"] is not None:
            line["id"] = reject["id"]
        written.append(line)
    return sorted(written, key=_place)


def _place(line: Mapping[str, Any]) -> tuple[str, int]:
    return line["file"], line["row"]


def _by_shard(table: pa.Table, *, shards: int) -> Iterator[tuple[int, bytes]]:
    # A table comes from one group of read tasks, whose rows stay together; a large file's ranges do not, as all of its
    # rows may be bad.
    place = f"{table['file'][0].as_py()} {table['range_start'][0].as_py()}"
    yield xxhash.xxh3_64_intdigest(place.encode()) % shards, arrow_ipc.pack(table)


def _write(shard: tuple[int, Iterable[bytes]], *, folder: str, shards: int, task_rows: Sequence[TaskRows]) -> Rejected:
    index, packed = shard
    table = pa.concat_tables([arrow_ipc.unpack(blob) for blob in packed])
    rejected = lines(table, before=rows_before(task_rows))
    name = f"{REJECTED_FOLDER}/rejected-{index:05d}-of-{shards:05d}.jsonl"
    content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in rejected)
    BeamFiles().write(f"{folder}/{name}", content.encode())
    by_reason = Counter(line["reason"] for line in rejected)
    examples = {reason: [line for line in rejected if line["reason"] == reason][:_EXAMPLES] for reason in by_reason}
    return Rejected(dict(by_reason), examples)

"""Rejected rows -> rejected/*.jsonl, one line a row, and the number of rows for each reason.

A line holds `file`, `row` (1 is the first row of data), `reason`, `id` if there is one, and `content`, the row as
far as it can be shown. A range of a file numbers its rows from its own start. The number of the rows before it is known
when all ranges are read; so rows get their final numbers here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import apache_beam as beam
import pyarrow as pa
import xxhash
from apache_beam.metrics import Metrics

from pipeline.contract import REJECTED_FOLDER
from pipeline.files.beam import BeamFiles
from pipeline.records_folder.rejected_summary import RejectedExample
from pipeline.statistics.row_counts import TaskRows
from pipeline.support import arrow_ipc
from pipeline.support.counters import LISTED_ROWS, NAMESPACE
from pipeline.support.printable import json_text

# Rows that the manifest shows for each reason.
_EXAMPLES = 3


class RejectCounts(NamedTuple):
    """Rejected rows of some files for the manifest: their number by reason, and a few examples of each reason."""

    by_reason: dict[str, int]
    examples: dict[str, list[RejectedExample]]


class WriteRejects(beam.PTransform):
    """Tables of rejected rows -> RejectCounts of each file written; `task_rows`: a PCollection of TaskRows."""

    def __init__(self, folder: str, *, files: int, task_rows: beam.PCollection) -> None:
        super().__init__()
        self._folder = folder
        self._files = files
        self._task_rows = task_rows

    def expand(self, tables: beam.PCollection) -> beam.PCollection:
        """Brings the rejected rows of a file together and writes them."""
        return (
            tables
            | "ByFile" >> beam.FlatMap(_by_file, files=self._files).with_output_types(tuple[int, bytes])
            | "GroupByFile" >> beam.GroupByKey()
            | "WriteRejected"
            >> beam.Map(
                _write,
                folder=self._folder,
                files=self._files,
                task_rows=beam.pvalue.AsList(self._task_rows),
            )
        )


def merge(parts: Iterable[RejectCounts]) -> RejectCounts:
    """The rejected rows of all parts together.

    >>> merge([RejectCounts({"no text": 2}, {}), RejectCounts({"no text": 1}, {})]).by_reason
    {'no text': 3}
    """
    by_reason: Counter[str] = Counter()
    examples: defaultdict[str, list[RejectedExample]] = defaultdict(list)
    for part in parts:
        by_reason.update(part.by_reason)
        for reason, rows in part.examples.items():
            examples[reason].extend(rows)
    return RejectCounts(
        dict(sorted(by_reason.items(), key=lambda item: (-item[1], item[0]))),
        {reason: sorted(rows, key=_file_and_row)[:_EXAMPLES] for reason, rows in examples.items()},
    )


def rows_before(task_rows: Iterable[TaskRows]) -> dict[tuple[str, int], int]:
    """{(path, start of a range): number of the file's rows before it}.

    >>> rows_before([TaskRows("a", 90, 2), TaskRows("a", 0, 5), TaskRows("b", 0, 1)])
    {('a', 0): 0, ('a', 90): 5, ('b', 0): 0}
    """
    before: dict[tuple[str, int], int] = {}
    rows: Counter[str] = Counter()
    for part in sorted(task_rows, key=lambda part: (part.path, part.start)):
        before[part.path, part.start] = rows[part.path]
        rows[part.path] += part.rows
    return before


def to_lines(table: pa.Table, *, before: Mapping[tuple[str, int], int]) -> list[RejectedExample]:
    """A table of sources.schema.REJECTED_SCHEMA -> the lines, ordered by file and row."""
    lines = []
    for reject in table.to_pylist():
        row = before.get((reject["file"], reject["range_start"]), 0) + reject["row"] + 1
        line: RejectedExample = {
            "file": reject["file"],
            "row": row,
            "reason": reject["reason"],
            "content": reject["content"],
        }
        if reject["id"] is not None:
            line["id"] = reject["id"]
        lines.append(line)
    return sorted(lines, key=_file_and_row)


def _file_and_row(line: RejectedExample) -> tuple[str, int]:
    return line["file"], line["row"]


def _by_file(table: pa.Table, *, files: int) -> Iterator[tuple[int, bytes]]:
    # The rows of a table come from one task group and go into one file. The ranges of a large file go into several: all
    # of its rows may be bad.
    source = f"{table['file'][0].as_py()} {table['range_start'][0].as_py()}"
    yield xxhash.xxh3_64_intdigest(source.encode()) % files, arrow_ipc.pack(table)


def _write(
    file: tuple[int, Iterable[bytes]], *, folder: str, files: int, task_rows: Sequence[TaskRows]
) -> RejectCounts:
    index, packed = file
    table = pa.concat_tables([arrow_ipc.unpack(part) for part in packed])
    rejected = to_lines(table, before=rows_before(task_rows))
    name = f"{REJECTED_FOLDER}/rejected-{index:05d}-of-{files:05d}.jsonl"
    content = "".join(json_text(line) + "\n" for line in rejected)
    BeamFiles().write(f"{folder}/{name}", content.encode())
    Metrics.counter(NAMESPACE, LISTED_ROWS).inc(len(rejected))
    by_reason = Counter(line["reason"] for line in rejected)
    examples = {reason: [line for line in rejected if line["reason"] == reason][:_EXAMPLES] for reason in by_reason}
    return RejectCounts(dict(by_reason), examples)

"""The formats, each with its module: the one place to name a new one.

A format's module has two functions, and a third where its files can be cut:
    check(task, columns, files)                whether the file has rows; raises UserError where it is not what it
                                               should be or lacks a column
    read(task, columns, files)                 the rows of a range as batches of any size, in order
    cut(task, files, *, range_bytes)           the ranges of a large file
Where a file is one row, read_all reads many together.
A file that is damaged is no error: its rows are read up to the damage, and one reject stands for the rest.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from pipeline.files.local import Files
from pipeline.files.text_stream import compression_ending
from pipeline.sources.formats import delimited, folders, json_lines, parquet, sample, tfrecord
from pipeline.sources.schema import Batch, ColumnNames, ReadTask


class Cut(Protocol):
    """Cuts a whole-file task into ranges."""

    def __call__(self, task: ReadTask, files: Files, *, range_bytes: int) -> list[ReadTask]:
        """The ranges, in order; the task itself where the file cannot be cut."""


@dataclass(frozen=True)
class Format:
    """How files of a format are recognised by name, looked at, read and cut.

    is_quoted: rows may hold line breaks in quotes, so a scan must find where the rows of a range begin, see `ranges`.
    """

    endings: tuple[str, ...]
    check: Callable[[ReadTask, ColumnNames, Files], bool]
    read_all: Callable[[Sequence[ReadTask], ColumnNames, Files], Iterator[Batch]]
    cut: Cut | None = None
    is_quoted: bool = False


def _each(read: Callable[[ReadTask, ColumnNames, Files], Iterator[Batch]]) -> Callable[..., Iterator[Batch]]:
    def read_all(tasks: Sequence[ReadTask], columns: ColumnNames, files: Files) -> Iterator[Batch]:
        for task in tasks:
            yield from read(task, columns, files)

    return read_all


# Behind the ending, where a file is one of several: train.tfrecord-00001-of-00008.
SHARD_SUFFIX: Final = re.compile(r"-\d+-of-\d+$")

FORMATS: Final[dict[str, Format]] = {
    "csv": Format((".csv",), delimited.check, _each(delimited.read), delimited.cut, is_quoted=True),
    "tsv": Format((".tsv", ".tab"), delimited.check, _each(delimited.read), delimited.cut, is_quoted=True),
    "jsonl": Format((".jsonl", ".ndjson", ".json"), json_lines.check, _each(json_lines.read), json_lines.cut),
    "parquet": Format((".parquet", ".pq"), parquet.check, _each(parquet.read), parquet.cut),
    "tfrecord": Format((".tfrecord", ".tfrecords", ".tfrec"), tfrecord.check, _each(tfrecord.read)),
    folders.FOLDERS: Format((), folders.check, folders.read_all),
    sample.SAMPLE: Format((), sample.check, _each(sample.read)),
}


def format_named(path: str) -> str | None:
    """The format that a file's name tells, the ending of a compression left aside.

    >>> format_named("data/reviews.JSONL.gz"), format_named("a.tfrecord-00001-of-00008"), format_named("reviews.dat")
    ('jsonl', 'tfrecord', None)
    """
    name = SHARD_SUFFIX.sub("", path.lower())
    compression = compression_ending(name)
    if compression:
        name = name.removesuffix(f".{compression}")
    return next((format for format, known in FORMATS.items() if name.endswith(known.endings)), None)

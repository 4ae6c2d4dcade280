"""What the tests of the sources share: files in memory, and one call from bytes to used and rejected rows."""

import io
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config.input_settings import InputSettings
from pipeline.files.hidden import HIDDEN, is_hidden_below, visible
from pipeline.files.local import FileInfo
from pipeline.files.text_stream import READ_SIZES, ReadSizes
from pipeline.sources import plan_tasks, read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.schema import Batch
from pipeline.sources.tasks import PLACE_BITS, ReadTask

COLUMNS = ColumnNames("text", "label")

Row = tuple[str, str, int]
Rejected = tuple[int, str]


class MemoryFiles:
    """pipeline.files.local.Files over a dictionary."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents
        self.opened: list[str] = []

    def match(self, pattern: str) -> list[FileInfo]:
        names = [name for name in self.contents if fnmatch(name, pattern) or name.startswith(f"{pattern}/")]
        below = [name for name in names if name.startswith(f"{pattern}/") and is_hidden_below(name, pattern)]
        is_visible = visible(pattern.replace("*", "**")).fullmatch  # of fnmatch a wildcard may be a slash, too
        hidden = {*below, *(name for name in names if not name.startswith(f"{pattern}/") and not is_visible(name))}
        return [
            FileInfo(name, len(self.contents[name]), left_out=HIDDEN if name in hidden and name != pattern else "")
            for name in names
        ]

    def stamp(self, _path: str) -> bytes:
        return b""

    def open(self, path: str) -> BinaryIO:
        self.opened.append(path)
        return io.BytesIO(self.contents[path])


class ManyFiles:
    """pipeline.files.local.Files of `count` files, each with the same few bytes; counts what is opened."""

    def __init__(self, ending: str, count: int) -> None:
        self.ending, self.count, self.opened = ending, count, 0

    def match(self, pattern: str) -> list[FileInfo]:
        return [FileInfo(f"gs://bucket/{pattern}/{n % 100:02}/{n:06}{self.ending}", 100) for n in range(self.count)]

    def stamp(self, _path: str) -> bytes:
        return b""

    def open(self, _path: str) -> BinaryIO:
        self.opened += 1
        return io.BytesIO(b'{"text":"a","label":1}\n')


def parquet(columns: Mapping[str, object] | pa.Table, *, row_group_size: int | None = None) -> bytes:
    """A Parquet file of the columns."""
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, row_group_size=row_group_size)
    return buffer.getvalue()


def plan(files: MemoryFiles, path: str = "*", *, range_bytes: int = 1 << 20, **settings: Any) -> list[ReadTask]:
    """The tasks of some files; settings: of the section input."""
    return list(plan_tasks(InputSettings(path=path, **settings), files, range_bytes=range_bytes).tasks())


def sizes_of(size: int) -> ReadSizes:
    """Blocks and chunks of the same size; a row may be as long as always."""
    return ReadSizes(stored_block_bytes=size, plain_block_bytes=size, chunk_bytes=size)


def batches_of(
    content: bytes, name: str, columns: ColumnNames = COLUMNS, *, sizes: ReadSizes = READ_SIZES, **options: Any
) -> list[Batch]:
    """The batches of a file; what is whole of it, if it is damaged."""
    files = MemoryFiles({name: content})
    return [
        batch
        for task in plan(files, **options)
        for batch in read_tasks([task], columns, files, damaged="use_what_is_whole", sizes=sizes)
    ]


def rows_of(batches: list[Batch]) -> list[Row]:
    """Text, label and place in the file of each row."""
    found = []
    for batch in batches:
        batch.rows.validate(full=True)
        for row in batch.rows.to_pylist():
            found.append((row["text"].decode(), row["label"], row["position"] & ((1 << PLACE_BITS) - 1)))
    return found


def rejected_of(batches: list[Batch]) -> list[Rejected]:
    """Row and reason of each rejected row; of a damaged file also the first row that can't be read, and why."""
    return [
        *[(row["row"], row["reason"]) for batch in batches for row in batch.rejected.to_pylist()],
        *[(lost.row, lost.reason) for batch in batches for lost in batch.lost],
    ]


def read(content: bytes, name: str, columns: ColumnNames = COLUMNS, **options: Any) -> tuple[list[Row], list[Rejected]]:
    batches = batches_of(content, name, columns, **options)
    return rows_of(batches), rejected_of(batches)

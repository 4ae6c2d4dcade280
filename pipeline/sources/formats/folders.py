"""Files that are a text each, in folders of their labels -> rows. The Large Movie Review Dataset has train/pos/1.txt.

The text is the whole file without its byte order mark. A file may be compressed, and be UTF-16 with a byte order mark.
A file is one row, at place 0. `label_folders` says which files these are, and to which splits they may go.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import ReadSizes, check_compression, strip_mark, text_blocks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.folder_columns import values_of_folders
from pipeline.sources.formats.format import Format
from pipeline.sources.formats.validation import validated
from pipeline.sources.formats.values import Values
from pipeline.sources.schema import DAMAGED, ROWS_SCHEMA, TOO_LONG, Batch, RejectedRow, excerpt, no_rows, rejected_rows
from pipeline.sources.tasks import PLACE_BITS, ReadTask

NAME: Final = "folders"

# Texts are validated 1,024 at a time, or 2 MiB at a time. To validate each alone would cost ten times as much as to
# read it.
TEXTS_PER_BATCH: Final = 1024
TEXT_BYTES_PER_BATCH: Final = 2 << 20


_THERE: Final = frozenset({"text", "label"})


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """True, because a file is a row.

    Raises:
      UserError: a column is asked for, or the file is not compressed as its name says.
    """
    given = values_of_folders(task.path)
    for field, setting, name in columns.wanted():
        if field.partition(".")[0] not in _THERE and name not in given:
            remedy = "take it away" if field.partition(".")[0] == "slices" else "leave it null"
            raise UserError(f"{setting}: {name!r} is a column, and texts in folders have none; {remedy}")
    with open_file(files, task.path) as file:
        check_compression(file, task.path)
    return True


def read_all(tasks: Sequence[ReadTask], columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The texts of files, up to 1,024 at a time; a damaged file is a rejected row."""
    read: list[tuple[ReadTask, bytes]] = []
    damaged: list[tuple[ReadTask, RejectedRow]] = []
    size = 0
    for task in tasks:
        content, reason = _content(task, files, sizes=sizes)
        if reason:
            damaged.append((task, RejectedRow(0, reason, excerpt(content))))
        else:
            read.append((task, content))
            size += len(content)
        if len(read) + len(damaged) == TEXTS_PER_BATCH or size >= TEXT_BYTES_PER_BATCH:
            yield _batch(read, damaged, columns)
            read, damaged, size = [], [], 0
    if read or damaged:
        yield _batch(read, damaged, columns)


def label_of(path: str, column: str) -> str | None:
    """The label of a file: the value of a folder that names the column, as Hive writes it, or its folder's name.

    >>> label_of("aclImdb/train/pos/0_9.txt", "label"), label_of("in/label=pos/0_9.txt", "label")
    ('pos', 'pos')
    """
    above = path.rpartition("/")[0]
    given = values_of_folders(path) if "=" in above else {}
    return given[column] if column in given else above.rpartition("/")[2]


def _content(task: ReadTask, files: Files, *, sizes: ReadSizes) -> tuple[bytes, str | None]:
    """The text of a file, or what is left of it; and the reason why it is rejected, if it is."""
    blocks: list[bytes] = []
    size = 0
    with open_file(files, task.path) as file:
        try:
            for block in strip_mark(text_blocks(file, task.path, sizes=sizes, encoding=task.form.encoding)):
                blocks.append(block)
                size += len(block)
                if size > sizes.max_row_bytes:
                    return blocks[0], TOO_LONG
        except DamagedFileError:
            return b"".join(blocks), DAMAGED
    return b"".join(blocks), None


def _batch(
    read: Sequence[tuple[ReadTask, bytes]], damaged: Sequence[tuple[ReadTask, RejectedRow]], columns: ColumnNames
) -> Batch:
    if not read:
        return Batch(no_rows(), rejected_rows(damaged))
    tasks = [task for task, _ in read]
    contents = [content for _, content in read]
    numbers = np.arange(len(read))
    texts: dict[str, Values] = {"text": pa.array(contents, pa.large_binary())}
    if columns.label is not None:
        texts["label"] = pa.array([label_of(task.path, columns.label) for task in tasks], pa.string())
    for field, _, name in columns.wanted():
        if field.partition(".")[0] not in _THERE:
            texts[field] = pa.array([values_of_folders(task.path).get(name) for task in tasks], pa.string())
    # They are validated as rows of one file. Then each becomes row 0 of its own file.
    batch = validated(
        tasks[0], texts, columns, ordinals=numbers, places=numbers, content=lambda row: excerpt(contents[row])
    )
    own = [tasks[row] for row in batch.rows["row"].to_pylist()]
    by_name = {
        "text": batch.rows["text"],
        "label": batch.rows["label"],
        "split": batch.rows["split"] if columns.split else pa.array([task.splits for task in own], pa.string()),
        "group": batch.rows["group"],
        "time": batch.rows["time"],
        "weight": batch.rows["weight"],
        "slices": batch.rows["slices"],
        "position": pa.array([task.file_index << PLACE_BITS for task in own], pa.int64()),
        "row": pa.array(np.zeros(len(own), np.int64)),
    }
    bad = [(tasks[row["row"]], RejectedRow(0, row["reason"], row["content"])) for row in batch.rejected.to_pylist()]
    return Batch(pa.RecordBatch.from_pydict(by_name, schema=ROWS_SCHEMA), rejected_rows([*damaged, *bad]))


FOLDERS: Final = Format((), check, read_all, is_encoded=True, needs_verified=False)

"""Arrow IPC files and streams -> rows: Feather, and the folders that `save_to_disk` of Hugging Face's datasets makes.

Columns are those of Parquet: `review.text` is the field text of the struct column review. A row's place is its number
in the file. A large file on a disk is cut between batches, unless dictionaries come between them.

Arrow has no checksums. What can be known is checked before it is used: the end mark and the footer, and of each batch
its sizes, its offsets and its indices.
"""

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO, Final

import pyarrow as pa

from pipeline.errors import DamagedFileError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import ReadSizes, read_up_to
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import arrow_messages
from pipeline.sources.formats.arrow_messages import BATCH, FILE_MARK, STREAM_MARK, Bounds, Message, bounds_of
from pipeline.sources.formats.arrow_tables import as_damage, batch_of, check_columns, check_types, pieces, sound_columns
from pipeline.sources.formats.format import Format, described_by, not_of_format, one_by_one
from pipeline.sources.formats.parquet_columns import column_names, find
from pipeline.sources.schema import DAMAGED, Batch, only_lost
from pipeline.sources.tasks import ReadTask


def cut(task: ReadTask, files: Files, *, range_bytes: int) -> list[ReadTask]:
    """Ranges of batches, of `range_bytes` bytes each; a file of a store, and a damaged one, stays whole.

    The metadata of each batch are read, because a row's place is its number. In a store that would take as long as to
    read the file.
    """
    if "://" in task.path:
        return [task]
    starts: list[tuple[int, int]] = []
    rows = size = 0
    with open_file(files, task.path) as file:
        try:
            for message, _ in _messages(file, bounds_of(file)):
                if message.kind == BATCH:
                    if not starts or size >= range_bytes:
                        starts.append((message.start, rows))
                        size = 0
                    rows += message.rows
                    size += message.end - message.start
                elif starts:
                    return [task]  # a dictionary that the batches after it need
        except DamagedFileError:
            return [task]
    if len(starts) < 2:
        return [task]
    starts[0] = (0, 0)
    stops = [start for start, _ in starts[1:]]
    return [
        replace(task, start=start, stop=stop, first_row=before)
        for (start, before), stop in zip(starts, [*stops, None], strict=True)
    ]


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell.

    Raises:
      UserError: the file is not Arrow, lacks a column, or has one of a type that cannot be used.
    """
    with open_file(files, task.path) as file:
        head = read_up_to(file, 16)
        if head and not _begins(head) and not FILE_MARK.startswith(head) and not STREAM_MARK.startswith(head):
            raise not_of_format(task.path, head, "Arrow IPC", mark="ARROW1, nor as a stream does")
        try:
            bounds = bounds_of(file)
            stream = _open(_Feed(file, bounds, task))
            fields = list(stream.schema)
            check_columns(fields, task, columns)
            check_types(fields, task, columns)
            return any(message.rows for message, _ in _messages(file, bounds) if message.kind == BATCH)
        except DamagedFileError:
            return True


def fields_of(task: ReadTask, files: Files) -> list[pa.Field]:
    """The columns of a file; none, where it is too damaged to tell."""
    with open_file(files, task.path) as file, suppress(DamagedFileError):
        return list(_open(_Feed(file, bounds_of(file), task)).schema)
    return []


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a range of batches.

    Raises:
      UserError: the file lacks a column, has one of a type that can't be used, or a batch is too large.
    """
    del sizes  # A file is read by batches.
    row = 0
    with open_file(files, task.path) as file:
        try:
            bounds = bounds_of(file)
            fields = list(_open(_Feed(file, bounds, task)).schema)
            check_columns(fields, task, columns)
            check_types(fields, task, columns)
            wanted = sorted({(find(fields, column.name) or (0,))[0] for column in columns.wanted()})
            stream = _open(_Feed(file, bounds, task), included=wanted)
            while (table := _next(stream)) is not None:
                with as_damage():
                    values = sound_columns(table, columns)
                for piece in pieces(values):
                    yield batch_of(piece, task, columns, first_row=row, first_place=task.first_row + row)
                    row += len(piece["text"])
        except DamagedFileError as error:
            yield only_lost(task, row, DAMAGED, str(error))


def _open(feed: "_Feed", *, included: list[int] | None = None) -> pa.ipc.RecordBatchStreamReader:
    options = pa.ipc.IpcReadOptions(use_threads=False, included_fields=included or [])
    with as_damage():
        stream = pa.ipc.open_stream(pa.PythonFile(feed, "r"), options=options)
        column_names(list(stream.schema))  # pyarrow decodes a name when it is asked for
        return stream


def _next(stream: pa.ipc.RecordBatchStreamReader) -> pa.RecordBatch | None:
    try:
        with as_damage():
            return stream.read_next_batch()
    except StopIteration:
        return None


def _messages(file: BinaryIO, bounds: Bounds) -> Iterator[tuple[Message, bytes]]:
    return arrow_messages.messages(file, bounds, start=bounds.first)


class _Feed(io.RawIOBase):
    """The messages of a range, as pyarrow reads them: those before the first batch, then the batches of the range."""

    def __init__(self, file: BinaryIO, bounds: Bounds, task: ReadTask) -> None:
        self._blocks = self._checked(file, bounds, task)
        self._waiting = b""

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, up to the end of a block.

        Raises:
          DamagedFileError: the next message is not one.
          UserError: it is too large.
        """
        if not self._waiting:
            self._waiting = next(self._blocks, b"")
        data = self._waiting if size < 0 else self._waiting[:size]
        self._waiting = self._waiting[len(data) :]
        return data

    def _checked(self, file: BinaryIO, bounds: Bounds, task: ReadTask) -> Iterator[bytes]:
        """Bytes before a body, and bodies, one after the other."""
        seen: list[int] = []
        begin = bounds.first
        if task.start:
            for message, head in arrow_messages.messages(file, bounds, start=bounds.first):
                if message.kind == BATCH:
                    break
                yield head
                yield from _body(file, message, task)
            begin = task.start
        for message, head in arrow_messages.messages(file, bounds, start=begin):
            if task.stop is not None and message.start >= task.stop:
                break
            if message.kind == BATCH:
                seen.append(message.start)
            yield head
            yield from _body(file, message, task)
        arrow_messages.check_footer(seen, bounds, start=begin, stop=task.stop)


def _body(file: BinaryIO, message: Message, task: ReadTask) -> Iterator[bytes]:
    size = message.end - message.body
    if size > arrow_messages.BATCH_BYTES:
        raise arrow_messages.too_large(task.path, size)
    file.seek(message.body)
    body = read_up_to(file, size)
    unpacked = arrow_messages.unpacked_bytes(message, body)
    if unpacked > arrow_messages.BATCH_BYTES:
        raise arrow_messages.too_large(task.path, unpacked)
    if body:
        yield body


def _begins(head: bytes) -> bool:
    if head.startswith(STREAM_MARK):
        length, root = int.from_bytes(head[4:8], "little"), int.from_bytes(head[8:12], "little")
        return 0 < root < length <= arrow_messages.METADATA_BYTES
    return head.startswith(FILE_MARK + b"\0\0")


ARROW: Final = Format(
    (".arrow", ".feather", ".ipc", ".arrows"),
    check,
    one_by_one(read),
    cut,
    begins=_begins,
    is_compressible=False,
    describe=described_by(fields_of),
    fields=fields_of,
)

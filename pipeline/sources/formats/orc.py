"""ORC files -> rows. Columns are those of Parquet: `review.text` is the field text of the struct column review.

A row's place is its number in the file. A file is read as a whole, a stripe at a time, by a process of its own: see
`pipeline/support/orc_child.py`. If that process ends, the file is damaged.

ORC has no checksums, unless its compression has. The number of rows is compared with the footer's.
"""

import io
import json
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import BinaryIO, Final

import pyarrow as pa

from pipeline.errors import DamagedFileError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import ReadSizes, read_up_to
from pipeline.sources.columns import ColumnNames, repeated_column
from pipeline.sources.formats.arrow_tables import as_damage, batch_of, check_columns, check_types, pieces, sound_columns
from pipeline.sources.formats.format import Format, described_by, not_of_format
from pipeline.sources.formats.parquet_columns import column_names, find
from pipeline.sources.schema import DAMAGED, Batch, only_lost
from pipeline.sources.tasks import ReadTask
from pipeline.support import frames

MAGIC: Final = b"ORC"
_COMMAND: Final = (sys.executable, "-m", "pipeline.support.orc_child")


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell.

    Raises:
      UserError: the file is not ORC, lacks a column, or has one of a type that cannot be used.
    """
    with open_file(files, task.path) as file:
        head = read_up_to(file, 16)
        if not MAGIC.startswith(head[: len(MAGIC)]):
            raise not_of_format(task.path, head, "ORC", mark="ORC")
        try:
            with _child() as child:
                found = _Found(child, file, task)
                check_columns(found.fields, task, columns)
                check_types(found.fields, task, columns)
                _check_dots(found.fields, task, columns)
                return bool(found.rows)
        except DamagedFileError:
            return True


def fields_of(task: ReadTask, files: Files) -> list[pa.Field]:
    """The columns of a file; none, where it is too damaged to tell."""
    with open_file(files, task.path) as file, suppress(DamagedFileError), _child() as child:
        return _Found(child, file, task).fields
    return []


def read_all(tasks: Sequence[ReadTask], columns: ColumnNames, files: Files, /, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of all files, which one process reads, unless one of them ends it.

    Raises:
      UserError: a file lacks a column, or has one of a type that can't be used.
    """
    del sizes  # A file is read by stripes.
    left = list(tasks)
    while left:
        with _child() as child:
            while left and child.poll() is None:
                yield from _read(child, left.pop(0), columns, files)


def _read(child: "_Child", task: ReadTask, columns: ColumnNames, files: Files) -> Iterator[Batch]:
    row = 0
    with open_file(files, task.path) as file:
        try:
            fields = _Found(child, file, task).fields
            check_columns(fields, task, columns)
            check_types(fields, task, columns)
            _check_dots(fields, task, columns)
            wanted = list(
                dict.fromkeys(fields[(find(fields, column.name) or (0,))[0]].name for column in columns.wanted())
            )
            found = _Found(child, file, task, columns=wanted)
            for table in found.tables():
                with as_damage():
                    values = sound_columns(table, columns)
                for piece in pieces(values):
                    yield batch_of(piece, task, columns, first_row=row, first_place=row)
                    row += len(piece["text"])
            if row != found.rows:
                raise DamagedFileError(f"its stripes have {row} rows, and the footer says {found.rows}")
        except DamagedFileError as error:
            yield only_lost(task, row, DAMAGED, str(error))


def _check_dots(fields: Sequence[pa.Field], task: ReadTask, columns: ColumnNames) -> None:
    """Checks that the names of columns name one column each: pyarrow reads columns of ORC by names alone.

    Raises:
      UserError: a column whose name has a dot has the name of a field of a struct.
    """
    for _, setting, name in columns.wanted():
        if any(field.name == name for field in fields) and find([f for f in fields if f.name != name], name):
            raise repeated_column(setting, name, task.path, 2)


class _Found:
    """What the other process finds in a file. rows: as the footer says, once all has been read."""

    def __init__(
        self, child: "_Child", file: BinaryIO, task: ReadTask, *, columns: Sequence[str] | None = None
    ) -> None:
        self._child, self._file, self._path = child, file, task.path
        self.rows = 0
        about = {"size": file.seek(0, io.SEEK_END), "columns": columns}
        child.send(b"F", json.dumps(about).encode())
        kind, content = self._next()
        if kind != b"S":
            raise DamagedFileError("it has no schema")
        with as_damage():
            self.fields = list(pa.ipc.read_schema(pa.py_buffer(content)))
            column_names(self.fields)  # pyarrow decodes a name when it is asked for
        if columns is None:
            next(self.tables(), None)

    def tables(self) -> Iterator[pa.RecordBatch]:
        """The rows, some at a time.

        Raises:
          DamagedFileError: the rest can't be read.
        """
        while True:
            kind, content = self._next()
            if kind != b"B":
                (self.rows,) = struct.unpack("<q", content)
                return
            with as_damage(), pa.ipc.open_stream(pa.py_buffer(content)) as stream:
                yield from stream

    def _next(self) -> tuple[bytes, bytes]:
        while True:
            kind, content = self._child.receive()
            if kind == b"R":
                offset, size = struct.unpack("<qq", content)
                self._file.seek(offset)
                self._child.send(b"A", read_up_to(self._file, size))
            elif kind == b"E":
                raise self._refusal(content.decode("utf-8", "replace"))
            elif not kind:
                raise DamagedFileError(f"it ended the process that read it (status {self._child.wait()})")
            else:
                return kind, content

    def _refusal(self, why: str) -> Exception:
        if "Time zone file" in why:
            return UserError(
                f"input.path: {self._path} can't be read without the system's time zones ({why}); install the package "
                "tzdata, or set the environment variable TZDIR to a folder that has them"
            )
        return DamagedFileError(why)


class _Child:
    """The process that reads files."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in, self._out = self._process.stdin, self._process.stdout
        self.poll, self.wait = self._process.poll, self._process.wait

    def send(self, kind: bytes, content: bytes) -> None:
        """Sends a frame; nothing, if the process has ended."""
        with suppress(BrokenPipeError):
            frames.send(self._in, kind, content)

    def receive(self) -> tuple[bytes, bytes]:
        """The next frame; two times nothing, if the process has ended."""
        return frames.receive(self._out)

    def end(self) -> None:
        """Ends the process, if it still runs."""
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):
            self._in.close()
        self._out.close()


@contextmanager
def _child() -> Iterator[_Child]:
    child = _Child()
    try:
        yield child
    finally:
        child.end()


def _begins(head: bytes) -> bool:
    return head.startswith(MAGIC)


ORC: Final = Format(
    (".orc",),
    check,
    read_all,
    begins=_begins,
    is_compressible=False,
    describe=described_by(fields_of),
    fields=fields_of,
)

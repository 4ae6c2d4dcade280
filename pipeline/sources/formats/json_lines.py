"""JSON Lines files, with a JSON object on each line, and files with one array of objects -> rows.

A column is a key; `review.text` is the key text of the object under the key review. LF ends a line; a CR before it is
white space. A blank line is not a row. Text is UTF-8, or UTF-16 with a byte order mark. The first character tells an
array, which is read as a whole, see `json_arrays`.

A row's place is the offset of the first byte of its line. So a large file can be cut into ranges: a line belongs to the
range that holds its first byte.
"""

import codecs
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, BinaryIO, Final

import numpy as np

from pipeline.errors import DamagedFileError, RejectedRowError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import READ_SIZES, ReadSizes, check_compression, read_up_to, text_blocks
from pipeline.sources.columns import ColumnNames, missing_column
from pipeline.sources.formats.chunks import Chunk, cut_in, whole_rows
from pipeline.sources.formats.format import Description, Format, one_by_one
from pipeline.sources.formats.json_arrays import (
    BEGIN_BYTES,
    ArrayReader,
    array_chunks,
    is_array,
    looked_at,
    parse_element,
)
from pipeline.sources.formats.json_objects import ABSENT, ends_early, getter, kind_of, lookup, parse_object
from pipeline.sources.formats.json_tables import check_is_no_table, way_to_objects
from pipeline.sources.formats.lines import bytes_between, last_line_end, line_ranges, line_start
from pipeline.sources.formats.validation import ROWS_PER_BATCH, validated
from pipeline.sources.schema import DAMAGED, Batch, RejectedRow, excerpt, only_lost
from pipeline.sources.tasks import ReadTask

# A column is missing if none of the first 100 objects has it. One object is not enough: writers leave out keys whose
# value is null.
CHECKED_OBJECTS: Final = 100


def cut(task: ReadTask, files: Files, *, range_bytes: int) -> list[ReadTask]:
    """Ranges of `range_bytes` bytes; the whole file if it can only be read from its beginning."""
    with open_file(files, task.path) as file:
        if is_array(read_up_to(file, BEGIN_BYTES)):
            return [task]
        file.seek(0)
        return line_ranges(task, file, range_bytes=range_bytes)


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell, by its first objects.

    Raises:
      UserError: the file is not compressed as its name says, holds no JSON objects, or lacks a column.
    """
    with open_file(files, task.path) as file:
        check_compression(file, task.path)
        rows = _Rows(file, task, sizes=READ_SIZES)
        for chunk in rows.chunks:
            # One line that does not begin as an object is refused below, because it is of another format.
            is_one_row = chunk.open_bytes == len(chunk.data) and _unmarked(chunk.data).startswith(b"{")
            if chunk.reason or (is_one_row and _is_cut(chunk)):
                return True
            try:
                lines = [line for _, line in islice(rows.of(chunk), CHECKED_OBJECTS)]
            except DamagedFileError:
                return True
            if lines:
                _check_lines(lines, task, columns, is_array=rows.is_array)
                return True
    return False


def _check_lines(lines: list[bytes], task: ReadTask, columns: ColumnNames, *, is_array: bool) -> None:
    objects = list(_objects(lines))
    if not objects:
        content = "an array without objects" if is_array else "no JSON object in its first lines"
        remedy = None if is_array else way_to_objects(_unmarked(b"\n".join(lines)), task.path, columns)
        remedy = f"; write it anew: {remedy}" if remedy else " (or set input.format)"
        raise UserError(f"input.path: {task.path} holds {content}; jsonl is one JSON object a line{remedy}")
    if len(lines) == 1 and not is_array:
        check_is_no_table(objects[0], task.path, columns)
    for _, setting, name in columns.wanted():
        if all(lookup(value, name, ABSENT) is ABSENT for value in objects):
            keys = list(dict.fromkeys(key for value in objects for key in value))
            raise missing_column(setting, name, task.path, [excerpt(key) for key in keys])


def describe(task: ReadTask, files: Files) -> Description:
    """The keys of the first objects; those of an inner object follow it."""
    found: dict[str, dict[str, None]] = {}
    with open_file(files, task.path) as file:
        rows = _Rows(file, task, sizes=READ_SIZES)
        for chunk in rows.chunks:
            with suppress(DamagedFileError):
                for value in _objects(line for _, line in islice(rows.of(chunk), CHECKED_OBJECTS)):
                    _add_kinds(value, found)
            if found or chunk.reason:
                break
    return Description(columns=tuple((name, " or ".join(kinds)) for name, kinds in found.items()))


def _add_kinds(value: dict[str, Any], found: dict[str, dict[str, None]], *, before: str = "") -> None:
    for key, inner in value.items():
        name = before + excerpt(key)
        found.setdefault(name, {})[kind_of(inner)] = None
        if isinstance(inner, dict) and not before:
            _add_kinds(inner, found, before=f"{name}.")


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a range, a batch or more for each chunk of it; a key that an object lacks counts as null.

    Raises:
      UserError: the file is one object that holds a whole table.
    """
    row = 0
    with open_file(files, task.path) as file:
        rows = _Rows(file, task, sizes=sizes)
        try:
            for chunk in rows.chunks:
                if chunk.reason:
                    yield only_lost(task, row, chunk.reason, chunk.why)
                    return
                if chunk.offset == 0 and not rows.is_array:
                    _check_only_line(chunk.data.strip(), task, columns)
                is_cut = not rows.is_array and _is_cut(chunk)
                lines = rows.of(chunk.without_open_row() if is_cut else chunk)
                for batch in _batches(lines, task, columns, first_row=row, is_array=rows.is_array):
                    row += batch.count
                    yield batch
                if is_cut:
                    yield only_lost(task, row, DAMAGED, cut_in(chunk.open_row))
            rows.check_end()
        except DamagedFileError as error:
            yield only_lost(task, row, DAMAGED, str(error))


def _check_only_line(line: bytes, task: ReadTask, columns: ColumnNames) -> None:
    for value in _objects([] if b"\n" in line else [_unmarked(line)]):
        check_is_no_table(value, task.path, columns)


def _unmarked(data: bytes) -> bytes:
    return data.removeprefix(codecs.BOM_UTF8)


def _is_cut(chunk: Chunk) -> bool:
    """Whether the last row has no line end, and can't be read because it ends early."""
    line = _unmarked(chunk.open_row)
    return bool(line) and not line.isspace() and ends_early(line)


class _Rows:
    """The rows of a range, as bytes of JSON. chunks: of whole rows, in order; `of` takes each of them apart."""

    def __init__(self, file: BinaryIO, task: ReadTask, *, sizes: ReadSizes) -> None:
        self.is_array = False
        if task.stop is not None:
            # Both ends move to the next beginning of a line. So each line is in exactly one range.
            first, end = line_start(file, task.start), line_start(file, task.stop)
            blocks = bytes_between(file, first, end, sizes=sizes)
            self.chunks = whole_rows(blocks, last_line_end, offset=first, sizes=sizes)
            return
        begin, blocks = looked_at(text_blocks(file, task.path, sizes=sizes, encoding=task.form.encoding))
        self.is_array = is_array(begin)
        self._array = ArrayReader()
        self.chunks = (
            array_chunks(blocks, sizes=sizes) if self.is_array else whole_rows(blocks, last_line_end, sizes=sizes)
        )

    def of(self, chunk: Chunk) -> Iterator[tuple[int, bytes]]:
        """Each row of a chunk, and its place.

        Raises:
          DamagedFileError: of an array, after its last whole element.
        """
        return self._array.elements(chunk) if self.is_array else _lines(chunk)

    def check_end(self) -> None:
        """Checks that an array has ended.

        Raises:
          DamagedFileError: it has not.
        """
        if self.is_array:
            self._array.check_end()


def _lines(chunk: Chunk) -> Iterator[tuple[int, bytes]]:
    """Each line that is not blank, and the offset of its first byte."""
    data = chunk.data
    if chunk.offset == 0 and data.startswith(codecs.BOM_UTF8):
        # Spaces instead of the mark: JSON ignores them, and offsets stay as they are.
        data = data.replace(codecs.BOM_UTF8, b" " * len(codecs.BOM_UTF8), 1)
    place = chunk.offset
    for line in data.split(b"\n"):
        if line and not line.isspace():
            yield place, line
        place += len(line) + 1


def _objects(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        with suppress(RejectedRowError):
            yield parse_object(line)


def _batches(
    lines: Iterator[tuple[int, bytes]], task: ReadTask, columns: ColumnNames, *, first_row: int, is_array: bool
) -> Iterator[Batch]:
    """The rows, up to ROWS_PER_BATCH together.

    Raises:
      DamagedFileError: of an array, after the last element that is sound.
    """
    while True:
        batch, damage = _parse(islice(lines, ROWS_PER_BATCH), task, columns, first_row=first_row, is_array=is_array)
        if batch.count:
            yield batch
            first_row += batch.count
        if damage is not None:
            raise damage
        if batch.count < ROWS_PER_BATCH:
            return


def _parse(
    numbered: Iterable[tuple[int, bytes]], task: ReadTask, columns: ColumnNames, *, first_row: int, is_array: bool
) -> tuple[Batch, DamagedFileError | None]:
    """The rows up to the first damage, and that."""
    parse = parse_element if is_array else parse_object
    wanted = columns.wanted()
    collected: dict[str, list[object]] = {column.field: [] for column in wanted}
    collectors = [(getter(name), collected[field].append) for field, _, name in wanted]
    lines: list[bytes] = []
    places: list[int] = []
    ordinals: list[int] = []
    rejected: list[RejectedRow] = []
    damage = None
    try:
        for row, (place, line) in enumerate(numbered, first_row):
            try:
                value = parse(line)
            except RejectedRowError as error:
                rejected.append(RejectedRow(row, str(error), excerpt(line)))
                continue
            for get, append in collectors:
                append(get(value))
            lines.append(line)
            places.append(place)
            ordinals.append(row)
    except DamagedFileError as error:
        damage = error
    batch = validated(
        task,
        collected,
        columns,
        ordinals=np.array(ordinals, np.int64),
        places=np.array(places, np.int64),
        content=lambda row: excerpt(lines[row]),
        rejected=rejected,
    )
    return batch, damage


JSON_LINES: Final = Format(
    (".jsonl", ".ndjson", ".json"), check, one_by_one(read), cut, is_encoded=True, describe=describe, lists="some"
)

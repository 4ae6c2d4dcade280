"""JSON Lines files, with a JSON object on each line -> rows.

A column is a key; `review.text` is the key text of the object under the key review. LF ends a line; a CR before it is
white space. A blank line is not a row. Text is UTF-8, or UTF-16 with a byte order mark.

A row's place is the offset of the first byte of its line. So a large file can be cut into ranges: a line belongs to the
range that holds its first byte.
"""

import codecs
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any, BinaryIO, Final

import numpy as np

from pipeline.errors import RejectedRowError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import READ_SIZES, ReadSizes, check_compression, text_blocks
from pipeline.sources.columns import ColumnNames, missing_column
from pipeline.sources.formats.chunks import Chunk, cut_in, whole_rows
from pipeline.sources.formats.format import Description, Format, one_by_one
from pipeline.sources.formats.json_objects import ABSENT, ends_early, getter, kind_of, lookup, parse_object
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
        return line_ranges(task, file, range_bytes=range_bytes)


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell, by its first objects.

    Raises:
      UserError: the file is not compressed as its name says, holds no JSON objects, or lacks a column.
    """
    with open_file(files, task.path) as file:
        check_compression(file, task.path)
        for chunk in _chunks(file, task, sizes=READ_SIZES):
            # One line that does not begin as an object is refused below, because it is of another format.
            is_one_row = chunk.open_bytes == len(chunk.data) and _unmarked(chunk.data).startswith(b"{")
            if chunk.reason or (is_one_row and _is_cut(chunk)):
                return True
            lines = [line for _, line in islice(_lines(chunk), CHECKED_OBJECTS)]
            if lines:
                _check_lines(lines, task, columns)
                return True
    return False


def _check_lines(lines: list[bytes], task: ReadTask, columns: ColumnNames) -> None:
    objects = list(_objects(lines))
    is_array = lines[0].lstrip().startswith(b"[")
    if is_array or not objects:
        content = "a JSON array" if is_array else "no JSON object in its first lines"
        raise UserError(
            f"input.path: {task.path} holds {content}; jsonl is one JSON object a line (or set input.format)"
        )
    for _, setting, name in columns.wanted():
        if all(lookup(value, name, ABSENT) is ABSENT for value in objects):
            keys = list(dict.fromkeys(key for value in objects for key in value))
            raise missing_column(setting, name, task.path, [excerpt(key) for key in keys])


def describe(task: ReadTask, files: Files) -> Description:
    """The keys of the first objects; those of an inner object follow it."""
    found: dict[str, dict[str, None]] = {}
    with open_file(files, task.path) as file:
        for chunk in _chunks(file, task, sizes=READ_SIZES):
            lines = [] if chunk.reason else [line for _, line in islice(_lines(chunk), CHECKED_OBJECTS)]
            for value in _objects(lines):
                _add_kinds(value, found)
            if found:
                break
    return Description(columns=tuple((name, " or ".join(kinds)) for name, kinds in found.items()))


def _add_kinds(value: dict[str, Any], found: dict[str, dict[str, None]], *, before: str = "") -> None:
    for key, inner in value.items():
        name = before + excerpt(key)
        found.setdefault(name, {})[kind_of(inner)] = None
        if isinstance(inner, dict) and not before:
            _add_kinds(inner, found, before=f"{name}.")


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a range, a batch or more for each chunk of it; a key that an object lacks counts as null."""
    row = 0
    with open_file(files, task.path) as file:
        for chunk in _chunks(file, task, sizes=sizes):
            if chunk.reason:
                yield only_lost(task, row, chunk.reason, chunk.why)
            else:
                is_cut = _is_cut(chunk)
                lines = _lines(chunk.without_open_row() if is_cut else chunk)
                for line in lines:
                    some = chain([line], islice(lines, ROWS_PER_BATCH - 1))
                    batch = _parse(some, task, columns, first_row=row)
                    row += batch.count
                    yield batch
                if is_cut:
                    yield only_lost(task, row, DAMAGED, cut_in(chunk.open_row))


def _unmarked(data: bytes) -> bytes:
    return data.removeprefix(codecs.BOM_UTF8)


def _is_cut(chunk: Chunk) -> bool:
    """Whether the last row has no line end, and can't be read because it ends early."""
    line = _unmarked(chunk.open_row)
    return bool(line) and not line.isspace() and ends_early(line)


def _chunks(file: BinaryIO, task: ReadTask, *, sizes: ReadSizes) -> Iterator[Chunk]:
    if task.stop is None:
        return whole_rows(
            text_blocks(file, task.path, sizes=sizes, encoding=task.form.encoding), last_line_end, sizes=sizes
        )
    # Both ends move to the next beginning of a line. So each line is in exactly one range.
    first, end = line_start(file, task.start), line_start(file, task.stop)
    return whole_rows(bytes_between(file, first, end, sizes=sizes), last_line_end, offset=first, sizes=sizes)


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


def _parse(numbered: Iterable[tuple[int, bytes]], task: ReadTask, columns: ColumnNames, *, first_row: int) -> Batch:
    wanted = columns.wanted()
    collected: dict[str, list[object]] = {column.field: [] for column in wanted}
    collectors = [(getter(name), collected[field].append) for field, _, name in wanted]
    lines: list[bytes] = []
    places: list[int] = []
    ordinals: list[int] = []
    rejected: list[RejectedRow] = []
    for row, (place, line) in enumerate(numbered, first_row):
        try:
            value = parse_object(line)
        except RejectedRowError as error:
            rejected.append(RejectedRow(row, str(error), excerpt(line)))
            continue
        for get, append in collectors:
            append(get(value))
        lines.append(line)
        places.append(place)
        ordinals.append(row)
    return validated(
        task,
        collected,
        ordinals=np.array(ordinals, np.int64),
        places=np.array(places, np.int64),
        content=lambda row: excerpt(lines[row]),
        rejected=rejected,
    )


JSON_LINES: Final = Format((".jsonl", ".ndjson", ".json"), check, one_by_one(read), cut, describe=describe)

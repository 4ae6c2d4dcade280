"""TFRecord files of tf.train.Example -> rows. A column is a feature's name; a record is a row, its place its number.

A text is a feature of one bytes value, a label one of bytes, int64 or a float that stands for an integer. Files may be
compressed as a whole (gzip, zstd). Every checksum is compared; from the first wrong one on, nothing in the file can be
trusted. A file is not cut into ranges: where a record begins only the one before it tells.
"""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Final

import numpy as np

from pipeline.errors import DamagedFileError, DamagedRecordsError, RejectedRowError, UserError
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import check_compression, content_blocks, is_plain, read_up_to
from pipeline.records.framing import FOOTER_BYTES, HEADER_BYTES, is_header, unframe
from pipeline.sources.formats.chunks import MAX_ROW_BYTES
from pipeline.sources.formats.format import Format, one_by_one
from pipeline.sources.formats.tf_example import parse_features, value_of
from pipeline.sources.formats.validation import Fields, columns_shown, finish
from pipeline.sources.schema import (
    DAMAGED,
    TOO_LONG,
    Batch,
    ColumnNames,
    ReadTask,
    RejectedRow,
    excerpt,
    missing_column,
    only_rejected,
)

# Records are parsed in pieces of this size.
PARSE_BYTES: Final = 1 << 20

# Records looked at for a column before it is said to be missing: a feature may be left out where there is no value.
CHECKED_RECORDS: Final = 100


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell; its first records are looked at.

    Raises:
      UserError: the file is not compressed as its name says, holds no tf.train.Example, or lacks a column.
    """
    with open_file(files, task.path) as file:
        check_compression(file, task.path)
        _check_begin(file, task)
        pieces = _pieces(file, task.path)
        records = next(pieces)
        if isinstance(records, str) or not records:
            return isinstance(next(pieces, None), str)
    found = []
    for record in islice(records, CHECKED_RECORDS):
        try:
            found.append(parse_features(record))
        except RejectedRowError:
            continue
    if not any(found):
        raise UserError(
            f"input.path: {task.path} holds no tf.train.Example with features in its first records; "
            "other records can't be read"
        )
    for setting, name in columns.by_setting().items():
        if not any(name in features for features in found):
            raise missing_column(
                setting, name, task.path, sorted({excerpt(key) for features in found for key in features})
            )
    return True


def read(task: ReadTask, columns: ColumnNames, files: Files) -> Iterator[Batch]:
    """The rows of a file, a megabyte at a time; a feature that a record lacks counts as null."""
    row = 0
    with open_file(files, task.path) as file:
        for piece in _pieces(file, task.path):
            if isinstance(piece, str):
                yield only_rejected(task, RejectedRow(row, piece, "no record from here on can be read"))
            elif piece:
                batch = _parse(piece, task, columns, first_row=row)
                row += batch.count
                yield batch


def is_tfrecord(head: bytes) -> bool:
    """Whether a file that begins so holds TFRecord frames, uncompressed: the checksum of the first length says so."""
    return len(head) >= HEADER_BYTES and is_header(head[:HEADER_BYTES])


def _check_begin(file: BinaryIO, task: ReadTask) -> None:
    head = read_up_to(file, HEADER_BYTES)
    file.seek(0)
    if len(head) == HEADER_BYTES and not is_header(head) and is_plain(head):
        raise UserError(f"input.path: {task.path} is not TFRecord (its first checksum is wrong); set input.format")


def _parse(records: list[bytes], task: ReadTask, columns: ColumnNames, *, first_row: int) -> Batch:
    wanted = columns.by_field()
    values: dict[str, list[object]] = {field: [] for field in wanted}
    takers = [(name, values[field].append) for field, name in wanted.items()]
    ordinals: list[int] = []
    rejects: list[RejectedRow] = []
    for row, record in enumerate(records, first_row):
        try:
            features = parse_features(record)
        except RejectedRowError as rejected:
            rejects.append(RejectedRow(row, str(rejected), excerpt(record)))
            continue
        for name, append in takers:
            append(value_of(features, name))
        ordinals.append(row)
    fields = Fields(**values)
    numbers = np.array(ordinals, np.int64)
    return finish(
        task,
        fields,
        ordinals=numbers,
        places=numbers,
        content=lambda row: columns_shown(columns, fields, row),
        rejects=rejects,
    )


def _pieces(file: BinaryIO, path: str) -> Iterator[list[bytes] | str]:
    """Successive records in lists, the first of which may be empty; at last the reason why the rest can't be had."""
    wanted = 0
    pending: list[bytes] = []
    size = 0
    reason = None
    try:
        for block in _blocks(file, path):
            pending.append(block)
            size += len(block)
            if size < wanted:
                continue
            data = b"".join(pending)
            complete, used, is_whole = _unframed(data)
            if not is_whole:
                yield complete
                yield DAMAGED
                return
            if complete:
                yield complete
            pending, size = [data[used:]], len(data) - used
            if size > MAX_ROW_BYTES:
                reason = TOO_LONG
                break
            # A record longer than a piece is looked at again once it has doubled.
            wanted = size + max(size, PARSE_BYTES) if not complete else PARSE_BYTES
    except DamagedFileError:
        reason = DAMAGED
    yield from _last(b"".join(pending), reason)


def _last(data: bytes, reason: str | None) -> Iterator[list[bytes] | str]:
    complete, used, is_whole = _unframed(data)
    yield complete
    if reason or not is_whole or used < len(data):
        yield reason or DAMAGED


def _unframed(data: bytes) -> tuple[list[bytes], int, bool]:
    """The whole records up to the first damaged one, where they end, and whether none is damaged."""
    is_whole = True
    while True:
        try:
            return *unframe(data), is_whole
        except DamagedRecordsError as damage:
            # What comes before is looked at again: of several wrong checksums any may be told first.
            data, is_whole = data[: _frames_end(data, damage.record)], False


def _frames_end(data: bytes, count: int) -> int:
    at = 0
    for _ in range(count):
        at += HEADER_BYTES + int.from_bytes(data[at : at + 8], "little") + FOOTER_BYTES
    return at


def _blocks(file: BinaryIO, path: str) -> Iterator[bytes]:
    """The file's bytes, decompressed. What begins with a right frame is not compressed, whatever else it looks like:
    a first record of 559,903 bytes begins as gzip does."""
    head = read_up_to(file, HEADER_BYTES)
    file.seek(0)
    if is_tfrecord(head):
        yield from iter(lambda: file.read(PARSE_BYTES), b"")
    else:
        yield from content_blocks(file, path)


TFRECORD: Final = Format((".tfrecord", ".tfrecords", ".tfrec"), check, one_by_one(read), begins=is_tfrecord)

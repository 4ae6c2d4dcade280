"""TFRecord files of tf.train.Example -> rows. A record is a row, a column is a feature. A row's place is its number.

A text is a feature with one bytes value. A label is a feature with one value: bytes, int64, or a float that is an
integer. Files may be compressed as a whole (gzip, zstd, bzip2, xz; or zlib, as TensorFlow does it). Every checksum is
compared; nothing after the first wrong one is used. A file is not cut into ranges, because only the record before it
tells where a record begins.
"""

import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from pipeline.errors import DamagedFileError, DamagedRecordsError, RejectedRowError, UserError
from pipeline.files.gzip_members import ZLIB, read_members
from pipeline.files.local import Files, open_file
from pipeline.files.text_stream import READ_SIZES, ReadSizes, check_compression, content_blocks, is_plain, read_up_to
from pipeline.records.framing import FOOTER_BYTES, HEADER_BYTES, is_header, unframe
from pipeline.sources.columns import ColumnNames, missing_column
from pipeline.sources.formats.format import Description, Format, one_by_one
from pipeline.sources.formats.tf_example import Features, parse_features, value_of, values_of
from pipeline.sources.formats.validation import excerpt_of_columns, validated
from pipeline.sources.schema import DAMAGED, TOO_LONG, Batch, RejectedRow, excerpt, only_lost
from pipeline.sources.tasks import ReadTask

# Records are parsed 1 MiB at a time.
PARSE_BYTES: Final = 1 << 20

# Enough of a zlib stream for its first 12 bytes: the tables of a deflate block take 300 bytes at most.
HEAD_BYTES: Final = 512

# A column is missing if none of the first 100 records has it. Writers may leave out features without a value.
CHECKED_RECORDS: Final = 100


class _Lost(NamedTuple):
    """The rest of a file that can't be read; see schema.LostRest."""

    reason: str
    why: str


_WRONG_CHECKSUM: Final = _Lost(DAMAGED, "the checksum of a record is wrong")


def check(task: ReadTask, columns: ColumnNames, files: Files) -> bool:
    """Whether the file has rows, or is too damaged to tell, by its first records.

    Raises:
      UserError: the file is not compressed as its name says, holds no tf.train.Example, or lacks a column.
    """
    with open_file(files, task.path) as file:
        check_compression(file, task.path)
        _check_begin(file, task)
        parts = _record_lists(file, task.path, sizes=READ_SIZES)
        records = next(parts)
        if isinstance(records, _Lost) or not records:
            return isinstance(next(parts, None), _Lost)
    examples = _parsed(islice(records, CHECKED_RECORDS))
    if not any(examples):
        raise UserError(
            f"input.path: {task.path} holds no tf.train.Example with features in its first records; "
            "other records can't be read"
        )
    for _, setting, name in columns.wanted():
        if not any(name in features for features in examples):
            raise missing_column(
                setting, name, task.path, sorted({excerpt(key) for features in examples for key in features})
            )
    return True


def describe(task: ReadTask, files: Files) -> Description:
    """The features of the first records."""
    with open_file(files, task.path) as file:
        _check_begin(file, task)
        records = next(_record_lists(file, task.path, sizes=READ_SIZES))
    found: dict[str, dict[str, None]] = {}
    for features in _parsed(islice([] if isinstance(records, _Lost) else records, CHECKED_RECORDS)):
        for name in features:
            found.setdefault(excerpt(name), {})[features[name].WhichOneof("kind") or "empty"] = None
    return Description(columns=tuple((name, " or ".join(kinds)) for name, kinds in sorted(found.items())))


def _parsed(records: Iterable[bytes]) -> list[Features]:
    """The features of those records that are a tf.train.Example."""
    examples = []
    for record in records:
        with suppress(RejectedRowError):
            examples.append(parse_features(record))
    return examples


def read(task: ReadTask, columns: ColumnNames, files: Files, *, sizes: ReadSizes) -> Iterator[Batch]:
    """The rows of a file, a megabyte at a time; a feature that a record lacks counts as null."""
    row = 0
    with open_file(files, task.path) as file:
        for records in _record_lists(file, task.path, sizes=sizes):
            if isinstance(records, _Lost):
                yield only_lost(task, row, records.reason, records.why)
            elif records:
                batch = _parse(records, task, columns, first_row=row)
                row += batch.count
                yield batch


def is_tfrecord(head: bytes) -> bool:
    """Whether a file that begins with these bytes holds TFRecord frames: the checksum of the first length is right."""
    return _is_frame(head) or _is_zlib(head)


def _is_frame(head: bytes) -> bool:
    return len(head) >= HEADER_BYTES and is_header(head[:HEADER_BYTES])


def _is_zlib(head: bytes) -> bool:
    """Whether the bytes begin a zlib stream of frames, or of nothing."""
    if not head.startswith(ZLIB.magics):
        return False
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(head, HEADER_BYTES)
    except zlib.error:
        return False
    return _is_frame(content) or (stream.eof and not content)


def _check_begin(file: BinaryIO, task: ReadTask) -> None:
    head = read_up_to(file, HEAD_BYTES)
    file.seek(0)
    if len(head) >= HEADER_BYTES and not is_tfrecord(head) and is_plain(head):
        raise UserError(f"input.path: {task.path} is not TFRecord (its first checksum is wrong); set input.format")


def _parse(records: list[bytes], task: ReadTask, columns: ColumnNames, *, first_row: int) -> Batch:
    wanted = columns.wanted()
    collected: dict[str, list[object]] = {column.field: [] for column in wanted}
    lists = {"label"} if columns.several_labels else set()
    collectors = [
        (name, values_of if field in lists else value_of, collected[field].append) for field, _, name in wanted
    ]
    ordinals: list[int] = []
    rejected: list[RejectedRow] = []
    for row, record in enumerate(records, first_row):
        try:
            features = parse_features(record)
        except RejectedRowError as error:
            rejected.append(RejectedRow(row, str(error), excerpt(record)))
            continue
        for name, get, append in collectors:
            append(get(features, name))
        ordinals.append(row)
    numbers = np.array(ordinals, np.int64)
    return validated(
        task,
        collected,
        columns,
        ordinals=numbers,
        places=numbers,
        content=lambda row: excerpt_of_columns(columns, collected, row),
        rejected=rejected,
    )


def _record_lists(file: BinaryIO, path: str, *, sizes: ReadSizes) -> Iterator[list[bytes] | _Lost]:
    """The records in order, in lists; the first list may be empty. If the rest can't be read, that comes last."""
    parse_bytes = min(PARSE_BYTES, sizes.chunk_bytes)
    wanted = 0
    pending: list[bytes] = []
    size = 0
    lost = None
    try:
        for block in _blocks(file, path, sizes=sizes):
            pending.append(block)
            size += len(block)
            if size < wanted:
                continue
            data = b"".join(pending)
            complete, used, is_whole = _unframed(data)
            if not is_whole:
                yield complete
                yield _WRONG_CHECKSUM
                return
            if complete:
                yield complete
            pending, size = [data[used:]], len(data) - used
            if size > sizes.max_row_bytes:
                lost = _Lost(TOO_LONG, "")
                break
            # A record that is longer than what is parsed at a time is tried again once its bytes have doubled.
            wanted = size + max(size, parse_bytes) if not complete else parse_bytes
    except DamagedFileError as error:
        lost = _Lost(DAMAGED, str(error))
    yield from _last(b"".join(pending), lost)


def _last(data: bytes, lost: _Lost | None) -> Iterator[list[bytes] | _Lost]:
    complete, used, is_whole = _unframed(data)
    yield complete
    if lost or not is_whole:
        yield lost or _WRONG_CHECKSUM
    elif used < len(data):
        yield _Lost(DAMAGED, "the file ends within a record")


def _unframed(data: bytes) -> tuple[list[bytes], int, bool]:
    """The whole records up to the first damaged one, where they end, and whether none is damaged."""
    is_whole = True
    while True:
        try:
            return *unframe(data), is_whole
        except DamagedRecordsError as damage:
            # If several checksums are wrong, any of them may be reported. So the bytes before it are checked again.
            data, is_whole = data[: _frames_end(data, damage.record)], False


def _frames_end(data: bytes, count: int) -> int:
    at = 0
    for _ in range(count):
        at += HEADER_BYTES + int.from_bytes(data[at : at + 8], "little") + FOOTER_BYTES
    return at


def _blocks(file: BinaryIO, path: str, *, sizes: ReadSizes) -> Iterator[bytes]:
    """The bytes of the file, decompressed.

    A file that begins with a right frame is not compressed, even if it looks so: a first record of 559,903 bytes begins
    with gzip's magic number.
    """
    head = read_up_to(file, HEAD_BYTES)
    file.seek(0)
    if _is_frame(head):
        yield from iter(lambda: file.read(min(PARSE_BYTES, sizes.plain_block_bytes)), b"")
    elif _is_zlib(head):
        stored = iter(lambda: file.read(sizes.stored_block_bytes), b"")
        yield from read_members(stored, ZLIB, zeros_may_follow=False, largest_piece=sizes.plain_block_bytes)
    else:
        yield from content_blocks(file, path, sizes=sizes)


TFRECORD: Final = Format(
    (".tfrecord", ".tfrecords", ".tfrec"),
    check,
    one_by_one(read),
    begins=is_tfrecord,
    needs_verified=False,
    describe=describe,
    lists="always",
)

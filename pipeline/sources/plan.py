"""Input settings -> the ranges of files to read, in the order of the input."""

from collections.abc import Iterable
from itertools import chain
from typing import Final

from pipeline.config import InputSettings
from pipeline.errors import UserError
from pipeline.records.framing import HEADER_BYTES
from pipeline.sources import parquet, sample, tfrecord
from pipeline.sources.files import FileInfo, Files, open_file
from pipeline.sources.formats import FORMATS, format_named
from pipeline.sources.schema import MAX_FILES, ReadTask
from pipeline.sources.streams import DamagedError, read_up_to, text_blocks, without_mark

# A range at the most: a worker takes about a second for it. Small enough to share a large file out evenly.
RANGE_BYTES: Final = 64 << 20
# Of less input each range is this part, so that one small file keeps several cores busy as well: 25,000 reviews in one
# Parquet file of 15 MB are read by 2 threads instead of 1. Below 1 MB a task costs more than it shares out.
RANGES_OF_INPUT: Final = 16
LEAST_RANGE_BYTES: Final = 1 << 20

# So much of a file tells its format where its name does not.
GUESSED_BYTES: Final = 64 << 10

GLOB: Final = "*?["


def plan_tasks(settings: InputSettings, files: Files, *, range_bytes: int | None = None) -> list[ReadTask]:
    """The input as ranges, each readable without the others; files by sorted path, each file once.

    range_bytes: a range's size at most; None: by the size of the whole input, and by that alone.

    Only files of more than that, and those whose name does not tell their format, are opened.

    Raises:
      UserError: a file is not there or cannot be read, a glob or folder gives no file, or a format is
      unknown.
    """
    paths = [settings.path] if isinstance(settings.path, str) else settings.path
    if paths == [sample.SAMPLE]:
        return sample.tasks()
    if not paths:
        raise UserError("input.path: the list is empty; name a file, a glob or a folder, or use sample")
    found = {file.path: file for path in paths for file in _matching(path, settings.format, files)}
    if len(found) > MAX_FILES:
        raise UserError(f"input.path: {len(found)} files are more than {MAX_FILES}; put several into one")
    ordered = [found[path] for path in sorted(found)]
    if range_bytes is None:
        whole = sum(file.size for file in ordered)
        range_bytes = min(RANGE_BYTES, max(LEAST_RANGE_BYTES, whole // RANGES_OF_INPUT))
    return list(
        chain.from_iterable(
            _ranges(file, index, settings.format, files, range_bytes=range_bytes) for index, file in enumerate(ordered)
        )
    )


def _matching(path: str, format: str, files: Files) -> list[FileInfo]:
    """The files that one entry of input.path stands for; of a folder, those of a known format."""
    found = files.match(path)
    is_glob = any(character in path for character in GLOB)
    if not found:
        what = "no file matches" if is_glob else "there is no such file, or the folder is empty:"
        raise UserError(f"input.path: {what} {path!r}")
    is_itself = len(found) == 1 and _name(found[0].path) == _name(path)
    if is_glob or is_itself:
        return found
    formats = FORMATS if format == "auto" else [format]
    known = [file for file in found if format_named(file.path) in formats]
    if not known:
        raise UserError(f"input.path: the folder {path!r} holds no file that ends in {_endings(formats)}")
    return known


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _endings(formats: Iterable[str]) -> str:
    endings = [ending for format in formats for ending in FORMATS[format].endings]
    return ", ".join(endings)


def _ranges(file: FileInfo, index: int, format: str, files: Files, *, range_bytes: int) -> list[ReadTask]:
    if format == "auto":
        format = format_named(file.path) or _guess(file, files)
    whole = ReadTask(file.path, index, format)
    cut = FORMATS[format].cut
    if cut is None or file.size <= range_bytes:
        return [whole]
    return cut(whole, files, range_bytes=range_bytes)


def _guess(file: FileInfo, files: Files) -> str:
    """The format that a file's beginning tells.

    Raises:
      UserError: it tells none.
    """
    with open_file(files, file.path) as stored:
        head = read_up_to(stored, len(parquet.MAGIC) + HEADER_BYTES)
        if head.startswith(parquet.MAGIC):
            return "parquet"
        if tfrecord.is_tfrecord(head):
            return "tfrecord"
        stored.seek(0)
        head = b""
        try:
            for block in without_mark(text_blocks(stored, file.path)):
                head += block
                if len(head) >= GUESSED_BYTES:
                    break
        except DamagedError:
            pass
    if tfrecord.is_tfrecord(head):
        return "tfrecord"
    head = head[:GUESSED_BYTES].lstrip()
    first_line = head.splitlines()[0] if head else b""
    if b"\0" not in head:
        if head.startswith(b"{"):
            return "jsonl"
        if b"\t" in first_line:
            return "tsv"
        if b"," in first_line:
            return "csv"
    known = [name for name, known in FORMATS.items() if known.endings]
    raise UserError(f"input.format: neither name nor content tells the format of {file.path}; set {', '.join(known)}")

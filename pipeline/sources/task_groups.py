"""Files in the order of the input -> task groups of about the same work, each readable without the others.

A large file is cut into ranges if its format allows it. Small files that follow each other are put together, up to
1,024 into one group, so a million files make about a thousand groups. A group is an interval of the input. So are the
batches read from it; that gives the words of all batches one order.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, NamedTuple

from pipeline.files.local import Files
from pipeline.files.member import Member, Storage
from pipeline.files.member_files import member_files
from pipeline.sources.formats import FORMATS
from pipeline.sources.tasks import FOUND_FORM, Given, Kind, ReadTask, TaskGroup, TextForm

# The largest range. A worker needs about a second for it, so several workers finish a large file at the same time.
MAX_RANGE_BYTES: Final = 64 << 20
# A small input is cut into 16 ranges, so that one file keeps several cores busy too: 25,000 reviews in one Parquet file
# of 15 MB are read by 2 threads instead of 1. A range below 1 MB costs more than it gains.
RANGES_PER_INPUT: Final = 16
MIN_RANGE_BYTES: Final = 1 << 20

# To open a file costs as much as to read 64 KiB. So a group of 64 MiB has 1,024 files at most. A worker opens those in
# 3 seconds if each takes 50 ms and 16 are opened at a time.
OPEN_COST_BYTES: Final = 64 << 10

# A file of an archive costs no opening, but a row and a name of its own.
MEMBER_COST_BYTES: Final = 1 << 10

# Each group of a compressed tar unpacks it from its beginning, 300 MB/s; reading and tokenizing take ten times as long
# or more. So 8 groups at most unpack it 4.5 times, and 8 workers still share it.
GROUPS_PER_STREAM: Final = 8

# Large files are opened before they are cut, 16 at a time, because an object store needs tens of milliseconds for each.
CONCURRENT_CUTS: Final = 16


class InputFile(NamedTuple):
    """A file of the input: its number in the order of all, its format, and the splits it may go to (None: all).

    stamp, archive, member: see files.local.FileInfo. table_columns: see ReadTask. form: how it is written; None:
    nothing is set.
    """

    path: str
    size: int
    file_index: int
    format: str
    splits: str | None = None
    stamp: bytes = b""
    table_columns: Given | None = None
    form: TextForm | None = None
    archive: str = ""
    member: Member | None = None

    @property
    def work(self) -> int:
        """The cost of reading it, as a number of bytes."""
        return self.size + (MEMBER_COST_BYTES if self.member else OPEN_COST_BYTES)


def range_size(input_files: Iterable[InputFile]) -> int:
    """The size in bytes of ranges and groups; it depends on the size of the input and on nothing else."""
    whole = sum(file.work for file in input_files)
    return min(MAX_RANGE_BYTES, max(MIN_RANGE_BYTES, whole // RANGES_PER_INPUT))


def grouped(input_files: Sequence[InputFile], files: Files, *, range_bytes: int, cuts_quoted: bool) -> list[TaskGroup]:
    """All files in groups, in the order of the input.

    cuts_quoted: whether files of csv and tsv are cut too; a scan must then find the rows of their ranges, see
      `csv_ranges`.
    """
    large = [file for file in input_files if file.size > range_bytes and _may_cut(file, cuts_quoted=cuts_quoted)]
    with member_files(large, files) as opened:
        cut = _cut(large, opened, range_bytes=range_bytes)
    limits = _limits_of_streams(input_files)
    groups: list[TaskGroup] = []
    members: list[InputFile] = []
    work = 0
    for file in input_files:
        ranges = cut.get(file.file_index)
        its_work = file.work
        is_full = work + its_work > (max(range_bytes, limits.get(file.archive, 0)) if limits else range_bytes)
        if members and (ranges or is_full or file.archive != members[0].archive):
            groups.append(_group(members))
            members, work = [], 0
        if ranges:
            groups += ranges
        else:
            members.append(file)
            work += its_work
    return [*groups, _group(members)] if members else groups


def _limits_of_streams(input_files: Iterable[InputFile]) -> dict[str, int]:
    """The work of a group of each compressed tar."""
    work: Counter[str] = Counter()
    for file in input_files:
        if file.member is not None and file.member.storage == Storage.TAR_STREAM:
            work[file.archive] += file.work
    return {archive: whole // GROUPS_PER_STREAM for archive, whole in work.items()}


def _may_cut(file: InputFile, *, cuts_quoted: bool) -> bool:
    if file.member is not None and not file.member.can_seek:
        return False
    format = FORMATS[file.format]
    return format.cut is not None and (cuts_quoted or not format.is_quoted)


def _cut(large: Sequence[InputFile], files: Files, *, range_bytes: int) -> dict[int, list[TaskGroup]]:
    """The ranges of files, by file_index."""

    def ranges(file: InputFile) -> list[ReadTask]:
        cut = FORMATS[file.format].cut
        assert cut is not None
        task = ReadTask(file.path, file.file_index, file.format, form=file.form or FOUND_FORM)
        return cut(task, files, range_bytes=range_bytes)

    with ThreadPoolExecutor(CONCURRENT_CUTS) as pool:
        cut = zip(large, pool.map(ranges, large), strict=True)
        return {
            file.file_index: [
                replace(_group([file]), start=task.start, stop=task.stop, first_row=task.first_row) for task in tasks
            ]
            for file, tasks in cut
        }


def _group(members: Sequence[InputFile]) -> TaskGroup:
    once: dict[Kind, Kind] = {}
    kinds = (Kind(file.format, file.splits, file.table_columns, file.form, file.archive) for file in members)
    return TaskGroup(
        members[0].file_index,
        tuple(file.path for file in members),
        tuple(once.setdefault(kind, kind) for kind in kinds),
        stamps=b"".join(file.stamp for file in members) if all(file.stamp for file in members) else b"",
        members=b"".join(file.member.packed() for file in members if file.member),
    )

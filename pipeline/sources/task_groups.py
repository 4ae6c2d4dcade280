"""Files in the order of the input -> groups of about the same work, each readable without the others.

A large file is cut into ranges where its format allows it; small files that follow each other are put together, a
thousand and more into one group. Of a million files some thousand groups come. Groups are intervals of the input: so
are the batches read from them, and the words of a batch have an order among those of all others.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final, NamedTuple

from pipeline.files.local import Files
from pipeline.sources.formats import FORMATS
from pipeline.sources.schema import Kind, ReadTask, TaskGroup

# A range at the most: a worker takes about a second for it. Small enough to share a large file out evenly.
MAX_RANGE_BYTES: Final = 64 << 20
# Of less input each range is this part, so that one small file keeps several cores busy as well: 25,000 reviews in one
# Parquet file of 15 MB are read by 2 threads instead of 1. Below 1 MB a task costs more than it shares out.
RANGES_PER_INPUT: Final = 16
MIN_RANGE_BYTES: Final = 1 << 20

# Opening a file counts as reading so many bytes: at 64 MiB a group, no group holds more than 1,024 files, which a
# worker opens in a few seconds even where each takes 50 ms and 16 are opened at a time.
OPEN_COST_BYTES: Final = 64 << 10

# Large files are looked at side by side before they are cut: of an object store each takes tens of milliseconds.
CONCURRENT_CUTS: Final = 16


class InputFile(NamedTuple):
    """A file of the input: its place in the order of all, its format, and the splits it may go to (None: all)."""

    path: str
    size: int
    file_index: int
    format: str
    splits: str | None = None

    @property
    def work(self) -> int:
        """What reading it costs, in bytes."""
        return self.size + OPEN_COST_BYTES


def range_size(found: Iterable[InputFile]) -> int:
    """How large ranges and groups are: by the size of the whole input and that alone."""
    whole = sum(file.work for file in found)
    return min(MAX_RANGE_BYTES, max(MIN_RANGE_BYTES, whole // RANGES_PER_INPUT))


def grouped(found: Sequence[InputFile], files: Files, *, range_bytes: int, cuts_quoted: bool) -> list[TaskGroup]:
    """All files in groups, in the order of the input.

    cuts_quoted: whether files whose ranges a scan must yet find the rows of are cut as well, see `ranges`.
    """
    large = [file for file in found if file.size > range_bytes and _may_cut(file, cuts_quoted=cuts_quoted)]
    cut = _cut(large, files, range_bytes=range_bytes)
    groups: list[TaskGroup] = []
    members: list[InputFile] = []
    work = 0
    for file in found:
        ranges = cut.get(file.file_index)
        if members and (ranges or work + file.work > range_bytes):
            groups.append(_group(members))
            members, work = [], 0
        if ranges:
            groups += ranges
        else:
            members.append(file)
            work += file.work
    return [*groups, _group(members)] if members else groups


def _may_cut(file: InputFile, *, cuts_quoted: bool) -> bool:
    format = FORMATS[file.format]
    return format.cut is not None and (cuts_quoted or not format.is_quoted)


def _cut(large: Sequence[InputFile], files: Files, *, range_bytes: int) -> dict[int, list[TaskGroup]]:
    """The ranges of files, by file_index."""

    def ranges(file: InputFile) -> list[ReadTask]:
        cut = FORMATS[file.format].cut
        assert cut is not None
        return cut(ReadTask(file.path, file.file_index, file.format), files, range_bytes=range_bytes)

    with ThreadPoolExecutor(CONCURRENT_CUTS) as pool:
        cut = zip(large, pool.map(ranges, large), strict=True)
        return {
            file.file_index: [replace(_group([file]), start=task.start, stop=task.stop) for task in tasks]
            for file, tasks in cut
        }


def _group(members: Sequence[InputFile]) -> TaskGroup:
    kinds = {Kind(file.format, file.splits): Kind(file.format, file.splits) for file in members}  # each once
    return TaskGroup(
        members[0].file_index,
        tuple(file.path for file in members),
        tuple(kinds[Kind(file.format, file.splits)] for file in members),
    )

"""Files in the order of the input -> groups of about the same work, each readable without the others.

A large file is cut into ranges where its format allows it; small files of one kind are put together, thousands of them
into one group. Of a million files some thousand groups come.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from pipeline.sources.files import Files
from pipeline.sources.formats import FORMATS
from pipeline.sources.schema import ReadTask, TaskGroup

# A range at the most: a worker takes about a second for it. Small enough to share a large file out evenly.
RANGE_BYTES: Final = 64 << 20
# Of less input each range is this part, so that one small file keeps several cores busy as well: 25,000 reviews in one
# Parquet file of 15 MB are read by 2 threads instead of 1. Below 1 MB a task costs more than it shares out.
RANGES_OF_INPUT: Final = 16
LEAST_RANGE_BYTES: Final = 1 << 20

# Opening a file counts as reading so many bytes: at 64 MiB a group, no group holds more than 1,024 files, which a
# worker opens in a few seconds even where each takes 50 ms and 16 are opened at a time.
OPENING_BYTES: Final = 64 << 10

# Large files are looked at side by side before they are cut: of an object store each takes tens of milliseconds.
CUT_AT_A_TIME: Final = 16


class Found(NamedTuple):
    """A file of the input: its place in the order of all, its format, and the splits it may go to (None: all)."""

    path: str
    size: int
    file_index: int
    format: str
    splits: str | None = None

    @property
    def work(self) -> int:
        """What reading it costs, in bytes."""
        return self.size + OPENING_BYTES


def range_size(found: Iterable[Found]) -> int:
    """How large ranges and groups are: by the size of the whole input and that alone."""
    whole = sum(file.work for file in found)
    return min(RANGE_BYTES, max(LEAST_RANGE_BYTES, whole // RANGES_OF_INPUT))


def grouped(found: Sequence[Found], files: Files, *, range_bytes: int, cuts_quoted: bool) -> list[TaskGroup]:
    """All files in groups, by the first file of each.

    cuts_quoted: whether files whose ranges a scan must yet find the rows of are cut as well, see `ranges`.
    """
    large = [file for file in found if file.size > range_bytes and _may_cut(file, cuts_quoted=cuts_quoted)]
    groups = _cut(large, files, range_bytes=range_bytes)
    if len(large) < len(found):
        taken = {file.file_index for file in large}
        groups += _together((file for file in found if file.file_index not in taken), range_bytes=range_bytes)
        groups.sort(key=lambda group: (group.file_indices[0], group.start))
    return groups


def _may_cut(file: Found, *, cuts_quoted: bool) -> bool:
    format = FORMATS[file.format]
    return format.cut is not None and (cuts_quoted or not format.is_quoted)


def _cut(large: Sequence[Found], files: Files, *, range_bytes: int) -> list[TaskGroup]:
    def ranges(file: Found) -> list[ReadTask]:
        cut = FORMATS[file.format].cut
        assert cut is not None
        return cut(ReadTask(file.path, file.file_index, file.format), files, range_bytes=range_bytes)

    with ThreadPoolExecutor(min(CUT_AT_A_TIME, len(large) or 1)) as pool:
        return [
            TaskGroup(task.format, (task.path,), (task.file_index,), task.start, task.stop)
            for tasks in pool.map(ranges, large)
            for task in tasks
        ]


def _together(found: Iterable[Found], *, range_bytes: int) -> list[TaskGroup]:
    """Groups of whole files of one format and one part of a layout, each within `range_bytes` of work."""
    groups: list[TaskGroup] = []
    open_groups: dict[tuple[str, str | None], list[Found]] = {}
    work: dict[tuple[str, str | None], int] = {}
    for file in found:
        kind = file.format, file.splits
        if kind in open_groups and work[kind] + file.work > range_bytes:
            groups.append(_group(open_groups.pop(kind)))
        work[kind] = file.work + (work[kind] if kind in open_groups else 0)
        open_groups.setdefault(kind, []).append(file)
    return groups + [_group(members) for members in open_groups.values()]


def _group(members: Sequence[Found]) -> TaskGroup:
    paths, indices = tuple(file.path for file in members), tuple(file.file_index for file in members)
    return TaskGroup(members[0].format, paths, indices, splits=members[0].splits)

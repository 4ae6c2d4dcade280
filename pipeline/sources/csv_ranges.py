"""Ranges of a csv or tsv file, cut anywhere -> ranges of whole rows, the same rows as if it were read in one go.

Whether a line break ends a row depends on the quotes before it, back to the file's beginning. So each range is scanned
for both cases, that it begins outside of quotes or within, by itself; that is cheap (2 ms of CPU a MB; parsing takes
3 or 4, the graph some tens) and can be done anywhere at the same time. Laid end to end the scans tell of every range
which case it is, where its first row begins and how many rows come before it. Nothing is guessed.

    cut          a large file -> nominal ranges                       (lines.line_ranges)
    scan_range   a nominal range -> its lines in both cases           (on any worker)
    resolve      all scans of a file -> ranges of whole rows, with their first row's number

A scanned range consists of lines: it begins behind the first LF at its nominal start and ends behind the first LF at
its nominal stop, so that no pair of quotes lies astride.
"""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pipeline.errors import UserError
from pipeline.files.local import Files, open_file
from pipeline.sources.formats import FORMATS
from pipeline.sources.formats.chunks import whole_rows
from pipeline.sources.formats.csv_quotes import Quotes
from pipeline.sources.formats.delimited import DELIMITERS
from pipeline.sources.formats.lines import bytes_between, last_line_end, line_start
from pipeline.sources.schema import TaskGroup


class Lines(NamedTuple):
    """Some lines, in one case: whether a quote is open behind them, how many rows begin in them, and where in the file
    the first may do so (None: nowhere)."""

    in_quotes: bool
    rows: int = 0
    begin: int | None = None

    def then(self, cases: "Cases") -> "Lines":
        """These lines and those behind them."""
        following = cases[self.in_quotes]
        begin = following.begin if self.begin is None else self.begin
        return Lines(following.in_quotes, self.rows + following.rows, begin)


# By whether the lines begin in quotes.
Cases = tuple[Lines, Lines]


class RangeScan(NamedTuple):
    """What a nominal range holds; cases None: it can't be told, and the file has to be read as a whole."""

    path: str
    start: int
    cases: Cases | None


def to_scan(groups: Iterable[TaskGroup]) -> Iterator[TaskGroup]:
    """The nominal ranges among all groups."""
    return (group for group in groups if is_nominal(group))


def is_nominal(group: TaskGroup) -> bool:
    """Whether a group is a range whose rows are not known yet."""
    return group.stop is not None and FORMATS[group.kinds[0].format].is_quoted


def scan_range(group: TaskGroup, files: Files) -> RangeScan:
    """Scans a nominal range, some megabytes at a time."""
    (path,), stop = group.paths, group.stop
    assert stop is not None
    try:
        with open_file(files, path) as file:
            begin, end = line_start(file, group.start), line_start(file, stop)
            cases: Cases = Lines(False, begin=begin), Lines(True)
            for chunk in whole_rows(bytes_between(file, begin, end), last_line_end, offset=begin):
                if chunk.reason:
                    return RangeScan(path, group.start, None)
                found = scan_lines(chunk.data, DELIMITERS[group.kinds[0].format], offset=chunk.offset)
                cases = cases[0].then(found), cases[1].then(found)
    except UserError:
        return RangeScan(path, group.start, None)  # Who reads the file will say it.
    return RangeScan(path, group.start, cases)


def scan_lines(data: bytes, delimiter: str, *, offset: int = 0) -> Cases:
    """Lines in both cases; `offset` is their place in the file.

    >>> scan_lines(b'a,"b\\nc,d\\n"\\ne\\n', ",")
    (Lines(in_quotes=False, rows=2, begin=0), Lines(in_quotes=True, rows=2, begin=5))
    """
    mark = codecs.BOM_UTF8 if offset == 0 and data.startswith(codecs.BOM_UTF8) else b""
    data, offset = data[len(mark) :], offset + len(mark)
    quotes = Quotes(data, delimiter)
    return _case(quotes, len(data), offset, in_quotes=False), _case(quotes, len(data), offset, in_quotes=True)


def _case(quotes: Quotes, size: int, offset: int, *, in_quotes: bool) -> Lines:
    flips = quotes.flips(in_quotes=in_quotes)
    ends = quotes.row_ends(flips, in_quotes=in_quotes)
    behind = (len(flips) + in_quotes) % 2 == 1
    # A row begins behind a row's end, and at the beginning, but not where there is another end: lines may be empty.
    begins = ends + 1 if in_quotes else np.concatenate([[0], ends + 1])
    empty = np.count_nonzero(np.isin(begins, ends, assume_unique=True)) if begins.size else 0
    rows = begins.size - int(empty) - int(begins.size > 0 and begins[-1] == size)
    return Lines(behind, rows, offset + int(begins[0]) if begins.size else None)


def resolve(groups: Iterable[TaskGroup], scans: Iterable[RangeScan]) -> Iterator[TaskGroup]:
    """All groups, the nominal ranges of each file replaced by ranges of whole rows."""
    by_path: dict[str, list[RangeScan]] = {}
    for scan in scans:
        by_path.setdefault(scan.path, []).append(scan)
    done: set[str] = set()
    sizes: dict[str, TaskGroup] = {}
    listed = list(groups)
    for group in listed:
        if is_nominal(group):
            sizes[group.paths[0]] = group  # the last one ends where the file does
    for group in listed:
        if not is_nominal(group):
            yield group
        elif group.paths[0] not in done:
            done.add(group.paths[0])
            yield from _whole_rows(sizes[group.paths[0]], by_path[group.paths[0]])


def _whole_rows(last: TaskGroup, scans: Sequence[RangeScan]) -> Iterator[TaskGroup]:
    before = Lines(False)
    begins: list[tuple[int, int]] = []
    for scan in sorted(scans):
        if scan.cases is None:
            yield replace(last, start=0, stop=None)
            return
        found = scan.cases[before.in_quotes]
        if found.rows and found.begin is not None:
            begins.append((found.begin if begins else 0, before.rows))
        before = Lines(found.in_quotes, before.rows + found.rows)
    begins = begins or [(0, 0)]
    ends = [begin for begin, _ in begins[1:]] + [last.stop]
    for (begin, rows), end in zip(begins, ends, strict=True):
        # The first row names the columns.
        yield replace(last, start=begin, stop=end, first_row=max(0, rows - 1))

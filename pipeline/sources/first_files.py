"""A look into the first files before a job starts: whether they are damaged, as far as a few seconds show."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import Final, NamedTuple

from pipeline.files.local import Files
from pipeline.files.member_files import member_files
from pipeline.files.text_stream import READ_SIZES
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import FORMATS
from pipeline.sources.reading import CHECKED_FILES
from pipeline.sources.schema import LostRest
from pipeline.sources.tasks import ReadTask

# Texts that are read. It takes a second: parsing reads 50 to 100 MB/s.
LOOK_BYTES: Final = 64 << 20


class FirstFiles(NamedTuple):
    """lost: of each damaged file. begun: files that were opened. whole: those of them that were read to their end."""

    lost: list[LostRest]
    begun: int
    whole: int


def look_into_first_files(
    tasks: Iterable[ReadTask], columns: ColumnNames, files: Files, *, look_bytes: int = LOOK_BYTES
) -> FirstFiles:
    """Reads the first files of an input until there are `look_bytes` of texts; a file that is begun gives one batch.

    Raises:
      UserError: a file is not there or may not be read, or lacks a column.
    """
    lost: list[LostRest] = []
    begun = whole = read = 0
    some = list(islice(_files(tasks), CHECKED_FILES))
    with member_files(some, files) as opened:
        for task in some:
            begun += 1
            is_whole = True
            for batch in FORMATS[task.format].read_all([task], columns, opened, sizes=READ_SIZES):
                lost += batch.lost
                read += batch.rows["text"].nbytes
                if read > look_bytes:
                    is_whole = False
                    break
            whole += is_whole and not any(rest.file == task.path for rest in lost)
    return FirstFiles(lost, begun, whole)


def _files(tasks: Iterable[ReadTask]) -> Iterator[ReadTask]:
    """A task for each file as a whole."""
    for _, ranges in groupby(tasks, key=lambda task: task.file_index):
        yield next(ranges).of_whole_file()

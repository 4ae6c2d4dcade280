"""Files as they were when the job was planned, compared with the files as they are after they are read.

In: read tasks with the stamps of their files. Out: nothing, or an error that names a file that changed meanwhile.

A database that is a file has a stamp too. What other databases give is of one state of theirs, so it has none.

A stamp is taken before a file is opened for the first time. If it is the same after the file was read for the last
time, all reads gave the same content: a change in between leaves a later time.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from pipeline.config.databases import database_format
from pipeline.contract import UNLABELLED
from pipeline.errors import UserError
from pipeline.files.local import Files
from pipeline.sources.formats import FORMATS
from pipeline.sources.tasks import ReadTask


@contextmanager
def unchanged(tasks: Sequence[ReadTask], files: Files) -> Iterator[None]:
    """Compares the files of the tasks when all of them are read, or when that fails.

    A group of small remote files is compared only if it fails, because each would cost a request; the end of the run
    compares them by a listing.

    Raises:
      UserError: a file has changed since it was planned. This comes before any other error, which may follow from it.
    """
    try:
        yield
    except Exception:
        _compare(tasks, files.stamp)
        raise
    if len(tasks) == 1 or "://" not in tasks[0].path or tasks[0].archive:
        _compare(tasks, files.stamp)


def check_unchanged(tasks: Iterable[ReadTask], paths: Sequence[str], files: Files) -> None:
    """Compares all files of an input at the end of a run.

    paths: the entries of input.path. What they name is listed again where files are remote: a store lists 1,000 files
    in the time that it needs for one.

    Raises:
      UserError: a file has changed since it was planned.
    """
    listed = {file.path: file.stamp for path in paths if _is_listed(path) for file in files.match(path)}

    def stamp_now(path: str) -> bytes:
        # A path into an archive, reviews.zip/a.csv, lists nothing; the archive itself is asked for then.
        return listed.get(path, b"") or files.stamp(path)

    _compare(tasks, stamp_now)


def _is_listed(path: str) -> bool:
    return "://" in path and database_format(path) is None


def _compare(tasks: Iterable[ReadTask], stamp_now: Callable[[str], bytes]) -> None:
    archive_stamp = cache(stamp_now)
    for task in tasks:
        stamp = FORMATS[task.format].stamp or (archive_stamp if task.archive else stamp_now)
        if task.stamp and task.stamp != stamp(task.archive or task.path):
            setting = "input.unlabelled" if task.splits == UNLABELLED else "input.path"
            raise UserError(
                f"{setting}: {task.archive or task.path} changed while it was read; "
                "start again when no other program writes, moves or deletes the input"
            )

"""Small files of a remote filesystem -> the same files, several of them fetched at a time before they are read.

An object store takes tens of milliseconds to open a file of any size. One after the other, 25,000 files take a quarter
of an hour.
"""

import io
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import BinaryIO, Final

from pipeline.files.local import FileInfo, Files
from pipeline.sources.tasks import ReadTask

# Files that are read at a time. They are small: all files of a group together have the size of a range at most.
CONCURRENT_READS: Final = 16


@contextmanager
def prefetching(tasks: Sequence[ReadTask], files: Files) -> Iterator[Files]:
    """The filesystem from which to open the files of the tasks, in their order.

    It is `files` itself for one file, for files of this machine, and for those of archives.
    """
    if len(tasks) < 2 or "://" not in tasks[0].path or any(task.archive for task in tasks):
        yield files
        return
    with ThreadPoolExecutor(CONCURRENT_READS) as pool:
        prefetched = _PrefetchedFiles([task.path for task in tasks], files, pool)
        try:
            yield prefetched
        finally:
            prefetched.stop()


class _PrefetchedFiles:
    """A filesystem over another one. The next few files to be opened are already being read."""

    def __init__(self, paths: Sequence[str], files: Files, pool: ThreadPoolExecutor) -> None:
        self._files = files
        self._pool = pool
        self._paths = iter(paths)
        self._waiting: deque[tuple[str, Future[bytes]]] = deque()
        for _ in range(CONCURRENT_READS):
            self._fetch_next()

    def match(self, pattern: str) -> list[FileInfo]:
        """The files that the other filesystem names."""
        return self._files.match(pattern)

    def stamp(self, path: str) -> bytes:
        """The stamp that the other filesystem gives."""
        return self._files.stamp(path)

    def open(self, path: str) -> BinaryIO:
        """The bytes of the next file; an error while it was read is raised here."""
        expected, content = self._waiting.popleft()
        assert path == expected
        self._fetch_next()
        return io.BytesIO(content.result())

    def stop(self) -> None:
        """Cancels what is not yet being read."""
        for _, content in self._waiting:
            content.cancel()

    def _fetch_next(self) -> None:
        path = next(self._paths, None)
        if path is not None:
            self._waiting.append((path, self._pool.submit(self._read, path)))

    def _read(self, path: str) -> bytes:
        with self._files.open(path) as file:
            return file.read()

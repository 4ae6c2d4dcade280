"""The filesystem of this machine: what is opened, what is refused, and that nothing waits."""

import errno
import io
import os
import socket
from pathlib import Path
from typing import BinaryIO

import pytest

from pipeline.errors import UserError
from pipeline.files.local import LocalFiles, open_file, open_regular
from pipeline.sources import read_tasks
from pipeline.sources.columns import ColumnNames
from pipeline.sources.formats import FORMATS
from pipeline.sources.tasks import ReadTask


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one entry of each kind, as the current folder: a socket's path must be short."""
    monkeypatch.chdir(tmp_path)
    Path("regular").write_bytes(b"content")
    Path("link").symlink_to("regular")
    Path("loop").symlink_to("loop")
    Path("nowhere").symlink_to("missing")
    Path("folder").mkdir()
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["regular", "link"])
def test_open_regular_reads(name: str) -> None:
    with open_regular(name) as file:
        assert (file.read(), file.seek(3), file.read()) == (b"content", 3, b"tent")


# name, what its error says.
NOT_REGULAR = [
    ("pipe", "a named pipe"),
    ("socket", "a socket"),
    ("/dev/zero", "a device"),
    ("folder", "a folder"),
    ("loop", "symbolic links"),
    ("nowhere", "No such file"),
    ("missing", "No such file"),
    ("regular/within", "Not a directory"),
    ("x" * 300, "name too long"),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("name", "what"), NOT_REGULAR)
def test_open_regular_refuses(name: str, what: str) -> None:
    with pytest.raises(OSError, match=what):
        open_regular(name)
    with pytest.raises(UserError, match=f"^input.path: cannot read {name}: .*{what}"):
        open_file(LocalFiles(), name).__enter__()


class FailingFiles(LocalFiles):
    """A filesystem whose disk gives the first bytes of each file, and then an error."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.opened: list[FailingStream] = []

    def open(self, path: str) -> BinaryIO:
        """A file."""
        del path
        self.opened.append(FailingStream(self.number))
        return self.opened[-1]


class FailingStream(io.BytesIO):
    """A file of 99 bytes, of which the first 4 can be read."""

    def __init__(self, number: int) -> None:
        super().__init__(b"PAR1" + bytes(95))
        self.number = number

    def read(self, size: int | None = -1) -> bytes:
        """Some of the 4 bytes; an error for more."""
        if size is None or size < 0 or self.tell() + size > 4:
            raise OSError(self.number, os.strerror(self.number))
        return super().read(size)


# path, error                                  what comes of it
@pytest.mark.parametrize(("path", "number", "what"), [
    ("a.csv",      errno.EIO,    "^input.path: cannot read a.csv: Input/output error; try again, or give a copy"),
    ("a.csv",      errno.ESTALE, "^input.path: cannot read a.csv: Stale file handle; try again"),
    ("a.csv",      errno.EISDIR, "^input.path: cannot read a.csv: Is a directory; give regular files"),
    ("a.csv",      errno.ENFILE, None),  # no fault of the file
    ("gs://b/csv", errno.EIO,    None),  # a runner tries again
])  # fmt: skip
def test_open_file_names_a_file_whose_disk_fails(path: str, number: int, what: str | None) -> None:
    files = FailingFiles(number)
    with pytest.raises(UserError if what else OSError, match=what), open_file(files, path) as file:
        list(iter(lambda: file.read(2), b""))
    assert files.opened[0].closed


# A process of its own reads orc: tests/job/test_sources_orc.py.
@pytest.mark.parametrize(
    "format",
    sorted(name for name, format in FORMATS.items() if name not in {"sample", "orc"} and format.plan is None),
)
def test_every_format_names_a_file_whose_disk_fails(format: str) -> None:
    files, columns = FailingFiles(errno.EIO), ColumnNames("text", "label")
    task = ReadTask("a/b", 0, format)
    with pytest.raises(UserError, match=r"^input.path: cannot read a/b: Input/output error; "):
        list(read_tasks([task], columns, files))


# glob -> the folders of it in which nobody may look
UNREADABLE = [
    ("*/*.csv", ["closed"]),
    ("**/*.csv", ["closed", "open/closed"]),
    ("open/*/*.csv", ["open/closed"]),
    ("closed/*.csv", ["closed"]),
    ("open/*.csv", []),
    ("*.csv", []),  # nobody looks into a folder
    ("*/reviews.csv", ["closed"]),
    ("o*/closed/reviews.csv", ["open/closed"]),
]


@pytest.mark.parametrize(("pattern", "closed"), UNREADABLE)
def test_local_files_names_folders_in_which_a_glob_cannot_look(
    pattern: str, closed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their rows would be lost without a word. The tests may run as root, for whom no folder is closed."""
    for name in ("closed", "open/closed"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "closed" or not mode & os.X_OK)
    problems = [(file.path, file.problem) for file in LocalFiles().match(pattern)]
    assert problems == [(path, "Permission denied") for path in closed]

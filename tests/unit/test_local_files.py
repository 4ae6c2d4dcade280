"""The filesystem of this machine: what is opened, what is refused, and that nothing waits."""

import os
import socket
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.files.local import LocalFiles, open_file, open_regular


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
        open_file(LocalFiles(), name)


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

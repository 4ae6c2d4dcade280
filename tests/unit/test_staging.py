"""pipeline.files.staging: whose a staging folder is, and a rename that replaces nothing but files."""

import errno
import os
import re
import socket
from contextlib import nullcontext
from pathlib import Path

import pytest

from pipeline.files.staging import flush, is_abandoned, rename_durably, staging_name

HERE = socket.gethostname()
DEAD = 99_999_999  # above the largest process id of Linux

# name -> whether it is abandoned
NAMES = [
    (f".staging-{HERE}-{DEAD}-0a1b2c3d", True),
    (f".staging-{HERE}-{DEAD}-x_9", True),  # as tempfile would end it
    (f".staging-{HERE}-{10**20}-0a1b2c3d", True),  # no process has such a number
    (f".staging-{HERE}-{os.getpid()}-0a1b2c3d", False),
    (f".staging-{HERE}-{os.getpid()}-7x0a1b2c3d", True),  # its id is used again: it started at another time
    (f".staging-{HERE}-1-0a1b2c3d", False),  # alive, and perhaps another user's
    (f".staging-elsewhere-{DEAD}-0a1b2c3d", False),
    (f".unpublished-{HERE}-{DEAD}-0a1b2c3d", False),  # another prefix
    (".staging-by-hand", False),
    ("records", False),
]


@pytest.mark.parametrize(("name", "abandoned"), NAMES, ids=range(len(NAMES)))  # the names hold the process id
def test_staging_folder_is_abandoned_by_a_dead_process_of_this_machine(name: str, abandoned: bool) -> None:
    assert is_abandoned(name, prefix=".staging-") == abandoned


def test_staging_names_differ_and_hold_machine_and_process() -> None:
    names = {staging_name(".staging-") for _ in range(100)}
    assert len(names) == 100
    pattern = rf"\.staging-{re.escape(HERE)}-{os.getpid()}-(\d+x)?[0-9a-f]{{8}}"
    assert all(re.fullmatch(pattern, name) for name in names)


def test_staging_rename_moves_a_folder_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "new" / "variables").mkdir(parents=True)
    (tmp_path / "new" / "variables" / "index").write_text("7")
    rename_durably(tmp_path / "new", tmp_path / "1")
    assert (tmp_path / "1" / "variables" / "index").read_text() == "7"
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_staging_rename_replaces_files_and_no_folders(tmp_path: Path) -> None:
    for name in ("new", "old"):
        (tmp_path / name).write_text(name)
        (tmp_path / f"{name} folder").mkdir()
        (tmp_path / f"{name} folder" / "file").write_text(name)
    rename_durably(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "new"
    with pytest.raises(OSError, match="not empty"):
        rename_durably(tmp_path / "new folder", tmp_path / "old folder")
    assert (tmp_path / "old folder" / "file").read_text() == "old"


# error of a flush, of a folder or a file -> whether it is an error
FLUSHES = [
    (errno.EINVAL, "folder", False),  # a network disk that does not know it
    (errno.ENOTSUP, "folder", False),
    (errno.EIO, "folder", True),
    (errno.ENOSPC, "folder", True),
    (errno.EINVAL, "folder/file", True),
]


@pytest.mark.parametrize(("number", "flushed", "is_error"), FLUSHES)
def test_staging_flush_passes_over_folders_that_a_disk_cannot_flush(
    number: int, flushed: str, is_error: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), (tmp_path / flushed).stat()):
            raise OSError(number, os.strerror(number))

    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").touch()
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match=os.strerror(number)) if is_error else nullcontext():
        flush(tmp_path / "folder")

"""pipeline.files.local_storage: folders that other threads and processes change meanwhile."""

import errno
import shutil
from pathlib import Path

import pytest

from pipeline.files.local_storage import LocalStorage, remove


@pytest.mark.parametrize("number", [errno.ENOTEMPTY, errno.ENOENT], ids=["a file was added", "a file was removed"])
def test_local_storage_removes_what_a_thread_changes_meanwhile(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "staging"
    (folder / "work").mkdir(parents=True)
    errors = [OSError(number, "changed", "staging/work/file")]
    rmtree = shutil.rmtree

    def changed_once(path: str) -> None:
        if errors:
            raise errors.pop()
        rmtree(path)

    monkeypatch.setattr("shutil.rmtree", changed_once)
    remove(str(folder))
    assert list(tmp_path.iterdir()) == []
    remove(str(folder))


def test_local_storage_sizes_pass_over_a_file_that_goes_meanwhile(tmp_path: Path) -> None:
    """Another run that asks for the lock makes and removes a file in the output."""
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "part").write_bytes(b"four")
    (tmp_path / ".lock-other").symlink_to("gone")  # it is listed, and has no size
    assert LocalStorage().sizes(str(tmp_path)) == {"records/part": 4}

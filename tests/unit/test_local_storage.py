"""pipeline.files.local_storage: a folder is removed though a thread still changes it."""

import errno
import shutil
from pathlib import Path

import pytest

from pipeline.files.local_storage import remove


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

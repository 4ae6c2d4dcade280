"""pipeline.files.temporary: the one folder for a command's temporary files, and who removes it."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.files.staging import staging_name
from pipeline.files.temporary import place_of_temporary_files, temporary_files

DEAD = 99_999_999  # above the largest process id of Linux


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the user named in TMPDIR."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_temporary_all_lies_in_one_folder_that_goes(place: Path) -> None:
    with temporary_files():
        (folder,) = place.iterdir()
        assert folder.name.startswith("textrecords-")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(folder)
        Path(tempfile.mkdtemp(), "file").touch()
        assert place_of_temporary_files() == str(place)
    assert not list(place.iterdir())
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == place_of_temporary_files() == str(place)


def test_temporary_goes_after_an_interrupt_and_leaves_no_variable(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR")
    monkeypatch.setattr(tempfile, "tempdir", str(place))

    def interrupted() -> None:
        with temporary_files():
            tempfile.mkdtemp()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(place.iterdir())
    assert "TMPDIR" not in os.environ


def test_temporary_folders_of_killed_commands_go_and_others_stay(place: Path) -> None:
    host = socket.gethostname()
    stay = [staging_name("textrecords-"), f"textrecords-elsewhere-{DEAD}-0a1b2c3d", "textrecords-mine", "beam-temp"]
    for name in [f"textrecords-{host}-{DEAD}-0a1b2c3d", *stay]:
        (place / name / "below").mkdir(parents=True)
    with temporary_files():
        pass
    assert sorted(path.name for path in place.iterdir()) == sorted(stay)


def test_temporary_place_that_cant_be_written_is_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with (
        pytest.raises(UserError, match=f"^TMPDIR: can't write in {place}: No space left on device$"),
        temporary_files(),
    ):
        pass


def test_temporary_place_that_is_named_and_full_is_not_replaced_by_another(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/")  # Python's next choice
    with pytest.raises(UserError, match=f"^TMPDIR: no file can be written in {place}; free space"):
        temporary_files().__enter__()


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_temporary_place_that_is_named_and_not_there_is_not_replaced_by_another(
    place: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (place / "file").touch()
    monkeypatch.setenv("TMPDIR", str(place / name))
    monkeypatch.setattr(tempfile, "tempdir", str(place))  # Python's next choice
    with pytest.raises(UserError, match=f"^TMPDIR: {place}/{name} is not a folder; make it, or name another folder$"):
        temporary_files().__enter__()
    monkeypatch.setenv("TMPDIR", "")
    with temporary_files():
        assert len(list(place.iterdir())) == 2


def test_temporary_place_that_python_does_not_have_is_an_error_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_usable() -> str:
        raise FileNotFoundError(2, "No usable temporary directory in ['/tmp']")

    monkeypatch.setattr("tempfile.gettempdir", none_usable)
    with pytest.raises(UserError, match=r"^TMPDIR: no folder for temporary files can be written: No usable"):
        temporary_files().__enter__()

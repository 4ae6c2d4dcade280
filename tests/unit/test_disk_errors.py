"""pipeline.support.disk_errors: which errors are of a disk, and what a person reads about them."""

import errno
from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.support.disk_errors import DiskError, describe_disk_error, find_disk_error, find_in_text
from pipeline.support.exit_status import run_command

FULL, QUOTA, READ_ONLY, DENIED, BROKEN = errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def handled(error: Exception, before: BaseException, *, suppressed: bool = False) -> Exception:
    """An error that came up while `before` was handled; suppressed: raised `from None`."""
    error.__context__ = before
    error.__suppress_context__ = suppressed
    return error


# error -> what is found
ERRORS = [
    (OSError(FULL, "No space left on device"), DiskError(FULL, None)),
    (OSError(QUOTA, "Disk quota exceeded", "/a"), DiskError(QUOTA, "/a")),
    (OSError(READ_ONLY, "", b"/\xff"), DiskError(READ_ONLY, "/\udcff")),
    (PermissionError(DENIED, "", "/a"), DiskError(DENIED, "/a")),
    (OSError(BROKEN, "", 3), DiskError(BROKEN, None)),  # a file that is open has only a number
    (FileNotFoundError(errno.ENOENT, "", "/a"), None),
    (OSError("No space"), None),  # without a number
    (caused(RuntimeError("bundle failed"), OSError(FULL, "", "/a")), DiskError(FULL, "/a")),
    (caused(OSError(FULL, ""), OSError(FULL, "", "/a")), DiskError(FULL, "/a")),  # the inner one names the file
    (handled(KeyError("a"), OSError(FULL, "", "/a")), DiskError(FULL, "/a")),
    (handled(KeyError("a"), PermissionError(DENIED, "", "/a")), None),  # a bug while a missing right was handled
    (handled(KeyError("a"), OSError(FULL, "", "/a"), suppressed=True), None),
    (RuntimeError("x\nOSError: [Errno 28] No space left on device: '/a b' [while running 'Read']"),
     DiskError(FULL, "/a b")),
    (RuntimeError("OSError: [Errno 28] No space left on device\n...\nOSError: [Errno 28] No space: \"/it's\""),
     DiskError(FULL, "/it's")),
    (RuntimeError("PermissionError: [Errno 13] Permission denied: '/a\\'\\\"b'"), DiskError(DENIED, "/a'\"b")),
    (RuntimeError("FileNotFoundError: [Errno 2] No such file or directory: '/a'"), None),
    (RuntimeError("the text [Errno 28] of a row"), None),
    (RuntimeError("UnknownError: a.pb; No space left on device"), DiskError(FULL, None)),  # TensorFlow's words
    (RuntimeError(r"OSError: [Errno 28] No space: '\x'"), DiskError(FULL, None)),  # not as Python quotes
    (RuntimeError("OSError: [Errno 28] No space: '\0'"), DiskError(FULL, None)),
    (ValueError("28"), None),
]  # fmt: skip


@pytest.mark.parametrize(("error", "found"), ERRORS)
def test_disk_errors_are_found_by_number(error: Exception, found: DiskError | None) -> None:
    assert find_disk_error(error) == found


def test_disk_errors_end_where_causes_go_in_a_circle() -> None:
    error = ValueError()
    error.__cause__ = caused(ValueError(), error)
    assert find_disk_error(error) is None
    assert find_in_text("") is None


FOLDERS = {"output.path": "/data/run", "TMPDIR": "/data/r"}
# error -> what is said before the remedy
SAID = [
    (DiskError(FULL, "/data/run/.staging/a"), "output.path: /data/run: No space left on device"),
    (DiskError(QUOTA, "/data/r/a"), "TMPDIR: /data/r: Disk quota exceeded"),
    (DiskError(BROKEN, "/in/a.csv"), "/in/a.csv: Input/output error"),
    (DiskError(DENIED, "/data/run"), "output.path: /data/run: Permission denied"),
]


@pytest.mark.parametrize(("error", "said"), SAID)
def test_disk_errors_name_setting_and_folder(error: DiskError, said: str) -> None:
    assert describe_disk_error(error, FOLDERS).startswith(f"{said}; ")


def test_disk_errors_without_a_file_name_the_fullest_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full, roomy = tmp_path / "full", tmp_path / "roomy"
    full.mkdir()
    roomy.mkdir()

    class Usage:
        def __init__(self, folder: str) -> None:
            self.free = 0 if folder == str(full) else 10**9

    monkeypatch.setattr("shutil.disk_usage", Usage)
    folders = {"output.path": f"{full}/not/yet/there", "TMPDIR": str(roomy)}
    said = describe_disk_error(DiskError(FULL, None), folders)
    assert said.startswith(f"output.path: {full}/not/yet/there: No space left on device; ")
    assert describe_disk_error(DiskError(FULL, None), {}).startswith("No space left on device; free space")


def test_disk_errors_of_any_command_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise OSError(FULL, "", "/data/a")

    assert run_command("pipeline", command) == 2
    said = "pipeline: error: /data/a: No space left on device; free space there, or use another folder\n"
    assert capsys.readouterr() == ("", said)


def test_disk_errors_do_not_hide_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise caused(UserError("output.path: no"), OSError(FULL, "", "/data/a"))

    assert run_command("pipeline", command) == 2
    assert capsys.readouterr().err == "pipeline: error: output.path: no\n"

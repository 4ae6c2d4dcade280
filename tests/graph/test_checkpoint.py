"""A checkpoint gives every bit back, or says that it can't."""

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipeline.errors import UserError
from trainer import files
from trainer.training import checkpoint


def variables() -> list[tf.Variable]:
    odd = np.array([1.1, -0.0, np.inf, np.nan], np.float32)
    return [tf.Variable(odd), tf.Variable(7, dtype=tf.int64), tf.Variable([1, 2], dtype=tf.uint32)]


def bits(values: list[tf.Variable]) -> list[bytes]:
    return [value.numpy().tobytes() for value in values]


def test_checkpoint_gives_back_every_bit(tmp_path: Path) -> None:
    path = str(tmp_path / "new" / "checkpoint.npz")
    checkpoint.save(path, variables(), state='{"label": "好"}')
    stored = checkpoint.load(path)
    assert stored is not None
    assert stored.state == '{"label": "好"}'
    others = [tf.Variable(tf.zeros_like(variable)) for variable in variables()]
    checkpoint.restore(others, stored, path=path)
    assert bits(others) == bits(variables())
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["checkpoint.npz"]


def test_checkpoint_load_without_a_file_is_none(tmp_path: Path) -> None:
    assert checkpoint.load(str(tmp_path / "checkpoint.npz")) is None


@pytest.mark.parametrize(
    # share of the file that is left
    "share",
    [0.0, 0.3, 0.99],
)
def test_checkpoint_that_is_damaged_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(str(path), variables(), state="{}")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match="is damaged"):
        checkpoint.load(str(path))


def test_checkpoint_with_one_wrong_bit_is_refused_or_the_same(tmp_path: Path) -> None:
    """A bit of a date or of a file attribute changes nothing; no other may go unnoticed or raise another error."""
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(str(path), variables(), state='{"a": 1}')
    content, refused = path.read_bytes(), 0
    expected = [array.tobytes() for array in checked(path).arrays]
    for place in range(0, len(content), 2):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        try:
            stored = checked(path)
        except UserError:
            refused += 1
        else:
            assert stored.state == '{"a": 1}'
            assert [array.tobytes() for array in stored.arrays] == expected, place
    assert refused > 0.35 * len(content)


def checked(path: Path) -> checkpoint.Checkpoint:
    stored = checkpoint.load(str(path))
    assert stored is not None
    return stored


@pytest.mark.parametrize(
    # the variables that are restored
    "others",
    [
        pytest.param([tf.Variable(0.0)], id="another number"),
        pytest.param([tf.Variable(0.0), *variables()[1:]], id="another shape"),
        pytest.param([*variables()[:1], tf.Variable(7), *variables()[2:]], id="another type"),
    ],
)
def test_checkpoint_of_another_model_is_refused(tmp_path: Path, others: list[tf.Variable]) -> None:
    path = str(tmp_path / "checkpoint.npz")
    checkpoint.save(path, variables(), state="{}")
    stored = checkpoint.load(path)
    assert stored is not None
    with pytest.raises(UserError, match="holds the variables of another model"):
        checkpoint.restore(others, stored, path=path)


def test_files_write_leaves_the_old_content_if_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.write(str(path), b"old")

    def disk_full(_: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="no space left"):
        files.write(str(path), b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_remove_what_a_killed_process_left(tmp_path: Path) -> None:
    host = socket.gethostname()
    names = [f".unfinished-{host}-{10**9}-1x0a1b2c3d", f".unfinished-{host}-{os.getpid()}-0a1b2c3d", "history.csv"]
    for name in names:
        (tmp_path / name).touch()
    files.remove_abandoned(str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == names[1:]  # the second one is this process's
    files.remove_abandoned(str(tmp_path / "none"))


def test_files_of_another_user_that_was_killed_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(path))

    (tmp_path / f".unfinished-{socket.gethostname()}-{10**9}-1x0a1b2c3d").touch()
    monkeypatch.setattr(Path, "unlink", refuse)
    files.remove_abandoned(str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 1


# what is at the path                                       what the message says
@pytest.mark.parametrize(("make", "message"), [
    (Path,                                                  "No such file or directory"),
    (lambda path: path.mkdir(),                             "it is a folder"),
    (os.mkfifo,                                             "it is a named pipe"),  # it would wait for ever
    (lambda path: path.symlink_to(path),                    "Too many levels of symbolic links"),
    (lambda path: path.write_bytes(b"x" * 11),              "it has more than 10 bytes"),
])  # fmt: skip
def test_files_read_says_why_it_can_not(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    path = tmp_path / "file"
    make(path)
    with pytest.raises(OSError, match=message):
        files.read(str(path), most_bytes=10)


def test_files_name_a_full_disk_and_what_to_do() -> None:
    full = tf.errors.ResourceExhaustedError(None, None, "{{node SaveV2}} out/a; No space left on device [Op:SaveV2]")
    # error                                             message
    cases = [
        (full,                                          "No space left on device; make room there, then go on"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"),  "Disk quota exceeded; make room there, then go on"),
        (OSError(errno.EROFS, "Read-only file system"), "Read-only file system; give this user the right to write "
                                                        "there, then go on"),
    ]  # fmt: skip
    for error, message in cases:
        with pytest.raises(UserError) as refused, files.naming("export.path", "out", then="then go on"):
            raise error
        assert str(refused.value) == f"export.path: out can't be written: {message}"


def test_files_let_an_error_of_tensorflow_through_that_no_disk_has() -> None:
    bug = tf.errors.InvalidArgumentError(None, None, "{{node MatMul}} Matrix size-incompatible")
    no_memory = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    for error in (bug, no_memory):
        with (
            pytest.raises(type(error)),
            files.naming("export.path", "out", then="then go on", disk_errors_only=True),
        ):
            raise error
    denied = tf.errors.UnknownError(None, None, "out/saved_model.pb; Permission denied")
    with (
        pytest.raises(
            UserError, match=r"^export\.path: out can't be written: Permission denied; give this user the right"
        ),
        files.naming("export.path", "out", then="then go on", disk_errors_only=True),
    ):
        raise denied


def test_files_remove_deletes_files_and_folders_and_ignores_missing_ones(tmp_path: Path) -> None:
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "file").touch()
    for name in ("folder", "file", "nothing"):
        files.remove(str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []

"""A checkpoint gives every bit back, or says that it can't."""

import os
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


def test_files_remove_deletes_files_and_folders_and_ignores_missing_ones(tmp_path: Path) -> None:
    (tmp_path / "folder" / "below").mkdir(parents=True)
    (tmp_path / "file").touch()
    for name in ("folder", "file", "nothing"):
        files.remove(str(tmp_path / name))
    assert list(tmp_path.iterdir()) == []

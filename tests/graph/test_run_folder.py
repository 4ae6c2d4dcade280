"""training.path: one training at a time, disks without room, files of another training, damaged files."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tensorflow as tf

from pipeline.config.settings import Config
from pipeline.errors import UserError
from pipeline.files import lock
from tests.support.toy_records import toy_config, toy_folder, weights
from trainer.commands.train import train_and_export
from trainer.data.records_folder import RecordsFolder
from trainer.training import checkpoint
from trainer.training.disk_space import Need, check_room
from trainer.training.fit import train
from trainer.training.progress import EpochEvent, StepEvent


class Run(NamedTuple):
    config: Config
    records: RecordsFolder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A training of an epoch of 6 steps that has ended; tests must not change it."""
    folder = tmp_path_factory.mktemp("finished")
    run = Run(toy_config(folder / "training", epochs=1), toy_folder(folder / "records"))
    train(*run)
    return run


def copied(run: Run, folder: Path) -> Run:
    """The same training in another folder."""
    shutil.copytree(run.config.training.path, folder, dirs_exist_ok=True)
    training = run.config.training.model_copy(update={"path": str(folder)})
    return Run(run.config.model_copy(update={"training": training}), run.records)


@pytest.mark.parametrize("resume", [False, True])
def test_training_refuses_a_folder_in_which_another_one_runs(finished: Run, tmp_path: Path, resume: bool) -> None:
    config = copied(finished, tmp_path).config
    before = sorted(tmp_path.rglob("*"))
    with (
        lock.hold(tmp_path, setting="training.path", command="trainer train"),
        pytest.raises(UserError, match=r"^training\.path: .* is in use by `trainer train` on .*process "),
    ):
        train_and_export(config, resume=resume)
    with pytest.raises(UserError, match="is not a complete records folder"):  # out/records: the lock let it pass
        train_and_export(config, resume=resume)
    assert sorted(tmp_path.rglob("*")) == before


def test_training_refuses_weights_of_another_training(finished: Run, tmp_path: Path) -> None:
    """In an object store no lock keeps two trainings from writing into one folder."""
    run = copied(finished, tmp_path)
    assert weights(train(*run, resume=True))
    path = str(tmp_path / "weights-epoch-00001.npz")
    stored = checkpoint.load(path)
    assert stored is not None
    checkpoint.save(path, [tf.Variable(array) for array in stored.arrays], state='{"run": "another"}')
    with pytest.raises(UserError, match=r"weights-epoch-00001\.npz is of another training"):
        train(*run, resume=True)


def changed(**values: Any) -> Callable[[str], str]:
    return lambda state: json.dumps({**json.loads(state), **values})


# state of the checkpoint                                   what is said of it
@pytest.mark.parametrize(("change", "message"), [
    (lambda state: state[:-1],                              "is damaged (Expecting ',' delimiter"),
    (lambda _: "[]",                                        "is damaged (it is not an object)"),
    (lambda _: "[" * 100_000,                               "is damaged (lists and objects are nested more than 100"),
    (changed(history={"epochs": [{"loss": None}]}),         "is damaged (history.epochs.0."),
    (changed(settings=[]),                                  "is damaged (settings is a list of 0 items"),
    (lambda state: state.replace('"loss":0.', '"loss":NaN,"x":0.', 1), "is damaged (NaN is not a number"),
])  # fmt: skip
def test_training_refuses_a_checkpoint_with_a_damaged_state(
    finished: Run, tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    run = copied(finished, tmp_path)
    path = str(tmp_path / "checkpoint.npz")
    stored = checkpoint.load(path)
    assert stored is not None
    checkpoint.save(path, [tf.Variable(array) for array in stored.arrays], state=change(stored.state))
    with pytest.raises(UserError) as refused:
        train(*run, resume=True)
    assert str(refused.value).startswith(f"{path} {message}")
    assert str(refused.value).endswith("; train again without --resume")


def full_at(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the disk is full for a file of this name."""
    replace = Path.replace

    def replace_or_fail(source: Path, target: Path) -> Path:
        if target.name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", replace_or_fail)


# file, and the (epoch, step) after which the disk is full  what the message advises
@pytest.mark.parametrize(("name", "after", "advice"), [
    ("checkpoint.npz",          (0, 0),                     "or give another training.path"),
    ("weights-epoch-00001.npz", (1, 5),                     "then go on with --resume: the checkpoint of step 4 is"),
])  # fmt: skip
def test_training_says_what_is_safe_when_the_disk_is_full(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, after: tuple[int, int], advice: str
) -> None:
    def progress(event: StepEvent | EpochEvent) -> None:
        if isinstance(event, StepEvent) and (event.epoch, event.step) == after:
            full_at(name, monkeypatch)

    if after == (0, 0):
        full_at(name, monkeypatch)
    config = toy_config(tmp_path, epochs=1)
    with pytest.raises(UserError) as refused:
        train(config, finished.records, progress=progress)
    path = f"{tmp_path}/{name}"
    assert str(refused.value).startswith(
        f"training.path: {path} can't be written: No space left on device; make room there, {advice}"
    )
    assert not list(tmp_path.glob(".unfinished-*"))
    if after != (0, 0):
        monkeypatch.undo()
        train(config, finished.records, resume=True)  # test_fit compares such weights


def test_training_checks_the_room_before_the_first_step(
    finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    run = copied(finished, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=r"^training\.path: .* about 4\.\d\d MB are needed, 1\.00 MB are free"):
        train(*run)
    assert sorted(tmp_path.rglob("*")) == before  # the earlier training is as it was


def test_disk_space_adds_up_what_goes_to_one_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5_000_000))
    here, there = Need("training.path", f"{tmp_path}/a/b", 3_000_000), Need("export.path", f"{tmp_path}/c", 2_000_000)
    check_room([here, there])
    check_room([here, Need("export.path", "gs://bucket/model", 10**12)])
    with pytest.raises(UserError) as refused:
        check_room([here, there._replace(size=2_010_000)])
    assert str(refused.value) == (
        f"training.path: the disk of {tmp_path}/a/b and {tmp_path}/c has too little room: about 5.01 MB are needed, "
        "5.00 MB are free; make room there, or give another training.path or export.path"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_training_path_that_is_read_only_is_told(finished: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match=r"^training\.path: .*Permission denied"):
        train_and_export(copied(finished, tmp_path).config)

"""`python -m trainer train` on two workers: one is killed, then both go on with --resume."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.support.exported_models import QUICK
from tests.support.paths import REPOSITORY
from tests.support.replicas import finish, killed_before_step, run_on_devices, start_workers, train_mirrored


def test_train_on_two_workers_killed_and_resumed(small_records: Path, tmp_path: Path) -> None:
    """The checkpoint is that of an unbroken training on two devices of one process, bit for bit, dropouts included."""
    settings = {
        **QUICK,
        "output.path": str(small_records),
        "training.epochs": "2",
        "training.checkpoint_steps": "2",
        "model.dropout": "0.3",
    }
    paths = {"training.path": str(tmp_path / "training"), "export.path": str(tmp_path / "model")}
    options = [part for name, value in {**settings, **paths}.items() for part in (f"--{name}", value)]
    command = ["train", *options]

    chief, killed = finish(start_workers([["trainer", *command], killed_before_step(14, command)]))
    assert killed[0] == -9
    assert (chief[0], chief[1]) == (1, "")
    *_, last = chief[2].splitlines()
    assert last.startswith("trainer: error: worker 1 (localhost:")
    assert last.endswith(") is gone; start all workers again with --resume")
    assert list((tmp_path / "model").iterdir()) == []

    resumed = ["trainer", *command, "--resume"]
    chief, follower = finish(start_workers([resumed, resumed]))
    assert (chief[0], follower[0]) == (0, 0), chief[2] + follower[2]
    assert follower[1] == "done; the chief (worker 0) writes the files\n"
    assert "epoch 1/2" not in chief[2]  # done before the kill

    unbroken = tmp_path / "unbroken"
    unbroken.mkdir()
    mirrored = {**settings, "training.path": str(unbroken / "training"), "training.strategy": "mirrored"}
    (unbroken / "config.json").write_text(json.dumps(mirrored))
    run_on_devices(2, train_mirrored, unbroken)
    with (
        np.load(tmp_path / "training" / "checkpoint.npz") as ended,
        np.load(unbroken / "training" / "checkpoint.npz") as wanted,
    ):
        assert ended.files == wanted.files
        assert [name for name in wanted if ended[name].tobytes() != wanted[name].tobytes()] == ["state"]


def test_train_waiting_for_another_worker_ends_at_ctrl_c(small_records: Path, tmp_path: Path) -> None:
    cluster = {"cluster": {"worker": ["localhost:0", "localhost:1"]}, "task": {"type": "worker", "index": 0}}
    command = [sys.executable, "-m", "trainer", "train", "--output.path", str(small_records)]
    command += ["--training.path", str(tmp_path / "training"), "--export.path", str(tmp_path / "model")]
    environment = {**os.environ, "TF_CONFIG": json.dumps(cluster)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stderr is not None
        assert "waits for the others (localhost:1)" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(timeout=60) in (-signal.SIGINT, 130)  # before TensorFlow waits, or then
        finally:
            process.kill()
    assert list(tmp_path.iterdir()) == []

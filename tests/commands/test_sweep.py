"""`python -m trainer sweep` on the small records: stopped by Ctrl-C in the middle, then to its end with --resume."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.exported_models import QUICK
from tests.support.paths import REPOSITORY

SPACE = "model.lstm_units: {values: [4, 6]}\n"


def command(records: Path, folder: Path, *more: str) -> list[str]:
    settings = {**QUICK, "output.path": str(records), "training.epochs": "1"}
    del settings["model.lstm_units"]
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    sweep = ["sweep", str(folder / "space.yaml"), "--output", str(folder / "sweep"), "--sampler", "grid"]
    return [sys.executable, "-m", "trainer", *sweep, *options, *more]


def processes_in(folder: Path) -> list[int]:
    """The processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            named = os.fsencode(folder) in (entry / "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        if named:
            found.append(int(entry.name))
    return found


def test_sweep_stopped_and_resumed(small_records: Path, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(SPACE)
    started = command(small_records, tmp_path)
    with subprocess.Popen(started, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "trainer: interrupted\n"
    assert first.startswith("trial 1 of 2  model.lstm_units ")
    assert process.returncode == 130
    assert processes_in(tmp_path) == []

    done = subprocess.run(
        [*started, "--resume"], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(tmp_path / "sweep" / "study.db") as study:
        states = study.execute("select number, state from trials order by number").fetchall()
    study.close()
    assert states == [(0, "COMPLETE"), (1, "COMPLETE")]  # the first one was taken up
    assert (tmp_path / "sweep" / "sweep.html").exists()
    assert "model.lstm_units" in done.stdout
    best = (tmp_path / "sweep" / "best.yaml").read_text()
    assert "lstm_units: 4" in best or "lstm_units: 6" in best
    assert processes_in(tmp_path) == []
    events = [path.parent.name for path in (tmp_path / "sweep" / "tensorboard").rglob("events*")]
    assert sorted(events) == ["trial-0001", "trial-0002"]


@pytest.mark.parametrize(
    # what is given, the error
    ("more", "named"),
    [
        (["--resume"], "holds no study.db"),
        (["--sampler", "tpe", "--model.lstm_units", "3"], "on the command line"),
        (["--training.self_training", "2"], "training.self_training is 2, but a sweep compares first trainings alone"),
    ],
)
def test_sweep_refuses(
    small_records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], named: str
) -> None:
    from trainer.cli import main

    (tmp_path / "space.yaml").write_text(SPACE)
    assert main([*command(small_records, tmp_path)[3:], *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line

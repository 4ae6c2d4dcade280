"""A training of a sweep -> a process of its own, `python -m trainer train`, in a folder of its own.

settings.yaml   its settings, for --config
training/       training.path
model/          export.path
log             what it said
"""

import contextlib
import csv
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import yaml

from pipeline.config.settings import Config

SETTINGS_FILE: Final = "settings.yaml"
TRAINING: Final = "training"
MODEL: Final = "model"
LOG_FILE: Final = "log"
_SECTIONS: Final = ("embedding", "model", "training", "metrics", "decision", "export")
_STOP_SECONDS: Final = 10.0
# The child ends when this process ends, however that happens.
_CHILD: Final = """
import runpy, sys
from pipeline.support.end_with_parent import end_with_parent
end_with_parent(int(sys.argv.pop(1)))
runpy.run_module("trainer", run_name="__main__", alter_sys=True)
"""


def settings_yaml(config: Config) -> str:
    """The settings of a training, and where its records are, as YAML."""
    sections = {name: getattr(config, name).model_dump(mode="json") for name in _SECTIONS}
    return yaml.safe_dump({"output": {"path": config.output.path}, **sections}, sort_keys=False, allow_unicode=True)


class TrainingProcess:
    """A training that runs in `folder`. pipe: of `parent_pipe`."""

    def __init__(self, folder: Path, config: Config, *, pipe: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.peak = 0  # bytes, of the process and its children
        (folder / SETTINGS_FILE).write_text(settings_yaml(config), encoding="utf-8")
        resume = ["--resume"] if (folder / TRAINING / "checkpoint.npz").exists() else []
        command = [sys.executable, "-c", _CHILD, str(pipe), "train", "--config", str(folder / SETTINGS_FILE), *resume]
        with (folder / LOG_FILE).open("ab") as log:
            # In a session of its own: Ctrl-C is for the sweep, which ends its trainings in order.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[pipe], start_new_session=True
            )

    def status(self) -> int | None:
        """The exit status; None while it runs. Measures the memory meanwhile."""
        self.peak = max(self.peak, memory_of_group(self._process.pid))
        return self._process.poll()

    def eval_losses(self) -> list[float | None]:
        """Those of the epochs that have ended; None without eval rows."""
        return eval_losses(self.folder / TRAINING / "history.csv")

    def last_line(self) -> str:
        """What it said last."""
        lines = (self.folder / LOG_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"

    def stop(self) -> None:
        """Ends it and its children; its last checkpoint stays."""
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def eval_losses(history: Path) -> list[float | None]:
    """The eval losses of a history.csv; none if there is no such file yet."""
    try:
        with history.open(newline="", encoding="utf-8") as file:
            return [float(line["eval_loss"]) if line["eval_loss"] else None for line in csv.DictReader(file)]
    except FileNotFoundError:
        return []


def memory_of_group(group: int, *, proc: Path = Path("/proc")) -> int:
    """The bytes that the processes of a group hold; 0 where /proc is not there."""
    total = 0
    for folder in proc.glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == group:
                total += int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, ValueError, IndexError):  # it has ended
            continue
    return total


def free_memory(meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """The bytes that new processes can have; None where /proc is not there."""
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None

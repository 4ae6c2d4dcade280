"""Trainings on several devices, in processes of their own: TensorFlow takes its devices before its first operation.

python -m tests.support.replicas devices N FUNCTION FOLDER      FUNCTION of this module, on N devices of the CPU
python -m tests.support.replicas killed STEP ARGUMENT...        `trainer ARGUMENT...`, killed before a step
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

from tests.support.paths import REPOSITORY

_PROGRAM: Final = "tests.support.replicas"


def run_on_devices(number: int, function: Callable[[Path], dict[str, Any]], folder: Path) -> dict[str, Any]:
    """What a function of this module returns where TensorFlow sees several devices."""
    command = [sys.executable, "-m", _PROGRAM, "devices", str(number), function.__name__, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def start_workers(commands: Sequence[Sequence[str]]) -> list[subprocess.Popen[str]]:
    """Starts `python -m COMMAND` for each worker of a cluster on this machine."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in commands]
        for one in sockets:
            one.bind(("localhost", 0))
        addresses = [f"localhost:{one.getsockname()[1]}" for one in sockets]
    processes = []
    for number, command in enumerate(commands):
        cluster = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": number}}
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", *command],
                env={**os.environ, "TF_CONFIG": json.dumps(cluster)},
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY,
            )
        )  # fmt: skip
    return processes


def finish(processes: Sequence[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    """The exit status, stdout and stderr of each; all are ended if one hangs."""
    try:
        ended = [process.communicate(timeout=400) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, *streams) for process, streams in zip(processes, ended, strict=True)]


def killed_before_step(step: int, arguments: Sequence[str]) -> list[str]:
    """The command of a worker that is killed before a step (counted from 1)."""
    return [_PROGRAM, "killed", str(step), *arguments]


def losses_of_strategies(folder: Path) -> dict[str, Any]:
    """The losses of each step and epoch on one device and on all, by case; and what the replicas' variables are."""
    from tests.support.toy_records import Row, toy_config, toy_folder, toy_rows, write_folder
    from trainer.devices.choose import open_devices
    from trainer.devices.devices import ONE_DEVICE
    from trainer.training.fit import train

    plain = toy_folder(folder / "plain")
    rows: list[Row] = [(row[0], row[1], 0.5 * (1 + index % 3)) for index, row in enumerate(toy_rows(43))]
    weighted = write_folder(folder / "weighted", train=[rows], evaluation=rows)
    cases: dict[str, Any] = {
        "clipped": (plain, {"bidirectional": True, "pooling": "mean_max"}, {"clipnorm": 0.01}),
        "weighted": (weighted, {}, {"class_weight": "balanced"}),
        "averaged": (plain, {"mask_zero": False}, {"average": 0.9, "label_smoothing": 0.2}),
    }
    several = open_devices(toy_config(folder, strategy="mirrored").training)
    found: dict[str, Any] = {"replicas": several.replicas}
    for name, (records, model, training) in cases.items():
        of_devices = []
        for devices in (ONE_DEVICE, several):
            config = toy_config(folder / "training", model=model, epochs=1, **training)
            history = train(config, records, devices=devices).history
            epochs = [[record.loss, record.accuracy, record.eval_loss] for record in history.epochs]
            of_devices.append({"steps": [point.loss for point in history.curve], "epochs": epochs})
        found[name] = of_devices
    return found


def train_mirrored(folder: Path) -> dict[str, Any]:
    """Trains with the settings of `folder`/config.json on all devices."""
    from pipeline.config.load import load
    from trainer.data.records_folder import open_records_folder
    from trainer.devices.choose import open_devices
    from trainer.training.fit import train

    config = load(None, json.loads((folder / "config.json").read_text()))
    train(config, open_records_folder(config.output.path), devices=open_devices(config.training))
    return {}


def _on_devices(number: int, function: str, folder: Path) -> None:
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * number)
    sys.stdout.write(f"\n{json.dumps(globals()[function](folder))}\n")


def _killed(step: int, arguments: list[str]) -> None:
    from trainer.cli import main
    from trainer.training.step import TrainingStep

    run_batch = TrainingStep.run_batch

    def run_or_die(self: TrainingStep, batch: Any) -> Any:
        if self.steps_done == step - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return run_batch(self, batch)

    setattr(TrainingStep, "run_batch", run_or_die)  # noqa: B010
    sys.exit(main(arguments))


if __name__ == "__main__":
    what, number, *others = sys.argv[1:]
    if what == "devices":
        _on_devices(int(number), others[0], Path(others[1]))
    else:
        _killed(int(number), others)

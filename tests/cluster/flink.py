"""A Flink standalone cluster on this machine: one job manager and two task managers.

In: a folder with Flink's `lib`, as in PyPI's `apache-flink-libraries` (`pyflink/lib` of it, once installed), and Beam's
job server. Out: the address of the job manager, which `--flink_master` takes.

    python -m tests.cluster.flink FOLDER JAR        holds one up until Ctrl-C
"""

import json
import os
import signal
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.cluster.parts import free_port, process

_TASK_MANAGERS = 2
_SECONDS_TO_START = 45
# Flink 1.20 on Java 17.
_OPENED = ["java.base/java.util", "java.base/java.lang", "java.base/java.net", "java.base/java.nio"]
_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_WORKER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"


@contextmanager
def flink_cluster(home: Path, job_server: Path, folder: Path) -> Iterator[str]:
    """Holds the cluster up while the context lasts; `folder` takes its settings and logs.

    Flink loads Beam's classes from `job_server`, once. Otherwise it loads them anew for each stage of a job, and starts
    the Python workers anew too: 7 min 46 s for 3,000 rows instead of 1 min 14 s.
    """
    page = free_port()
    settings = {
        "jobmanager.rpc.address": "localhost",
        "jobmanager.rpc.port": free_port(),
        "rest.address": "localhost",
        "rest.port": page,
        "io.tmp.dirs": str(folder),
        "taskmanager.numberOfTaskSlots": 2,
        # Flink's own scripts work these out.
        "taskmanager.cpu.cores": 2,
        "taskmanager.memory.framework.heap.size": "128m",
        "taskmanager.memory.framework.off-heap.size": "128m",
        "taskmanager.memory.jvm-metaspace.size": "256m",
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        "taskmanager.memory.task.heap.size": "512m",
        "taskmanager.memory.task.off-heap.size": "0b",
        "taskmanager.memory.managed.size": "256m",
        # The job needs 512 buffers of 32 KB a task manager at the least; with 64 MB it had too few.
        "taskmanager.memory.network.min": "256m",
        "taskmanager.memory.network.max": "256m",
        "classloader.resolve-order": "parent-first",
        # A task manager that was killed is noticed after 50 s.
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": 30,
        "restart-strategy.fixed-delay.delay": "5 s",
    }
    (folder / "config.yaml").write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
    java = ["java", "-Xmx1g", *(f"--add-opens={name}=ALL-UNNAMED" for name in _OPENED), "-cp"]
    java.append(f"{home}/lib/*{os.pathsep}{job_server}")
    with ExitStack() as parts:
        parts.enter_context(process([*java, _MANAGER, "--configDir", str(folder)], log=folder / "manager.log"))
        for number in range(_TASK_MANAGERS):
            log = folder / f"worker-{number}.log"
            parts.enter_context(process([*java, _WORKER, "--configDir", str(folder)], log=log))
        _wait_for_workers(page)
        yield f"localhost:{page}"


def _wait_for_workers(page: int) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    pause = threading.Event()
    while time.monotonic() < deadline:
        with suppress(urllib.error.URLError, ConnectionError):
            with urllib.request.urlopen(f"http://localhost:{page}/overview") as answer:
                found = json.load(answer)
            if found["taskmanagers"] == _TASK_MANAGERS:
                return
        pause.wait(0.2)
    raise TimeoutError(f"Flink did not start in {_SECONDS_TO_START} s; its logs say why")


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="flink-") as place,
        flink_cluster(Path(sys.argv[1]), Path(sys.argv[2]), Path(place)) as master,
    ):
        sys.stdout.write(f"{master}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            signal.pause()

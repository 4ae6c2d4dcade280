"""Parts of a cluster as processes of this machine: a job server and worker pools, started and stopped.

In: programs (`make cluster-tools` builds Prism and Beam's boot program into .cluster-tools/). Out: addresses that
Beam's `--job_endpoint` and `--environment_config` take.
"""

import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import distribution, version
from pathlib import Path

import grpc

from tests.support.paths import REPOSITORY

# Not in build/: with that folder in the checkout, Beam's `python -m build`, which packs what a job ships, finds it and
# not the module, and falls back with "No module named build.__main__".
TOOLS = REPOSITORY / ".cluster-tools" / f"beam-{version('apache-beam')}"
PRISM, BOOT = TOOLS / "prism", TOOLS / "container"

_PACKAGE = "textrecords"
_SECONDS_TO_START = 60
_SECONDS_TO_STOP = 20

BUNDLES = "bundles"
# Every worker begins with this. It tells of each bundle that it takes: its process and the stage, a line in BUNDLES.
# And workers number the names of their metrics from 1, each for itself, while Prism 2.77 keeps one table of them for a
# whole job: it takes a second worker's numbers for the first one's and falls over them. So each starts elsewhere.
_BEGIN = """\
import os
import sys

if "apache_beam.runners.worker.sdk_worker_main" in sys.orig_argv:
    from apache_beam.runners.worker import sdk_worker

    sdk_worker.SHORT_ID_CACHE._last_short_id = os.getpid() << 32
    process_bundle = sdk_worker.SdkWorker.process_bundle

    def told(self, request, instruction_id):
        with open(os.path.join(sys.prefix, "bundles"), "a") as file:
            file.write(f"{os.getpid()} {request.process_bundle_descriptor_id}\\n")
        return process_bundle(self, request, instruction_id)

    sdk_worker.SdkWorker.process_bundle = told
"""


@contextmanager
def job_server(log: Path) -> Iterator[str]:
    """Prism as a server of its own; gives its address."""
    port = free_port()
    with process([str(PRISM), f"--job_port={port}", "--serve_http=false"], log=log):
        yield _listening(port)


@contextmanager
def worker_pool(folder: Path, log: Path) -> Iterator[str]:
    """A service that starts workers with Beam's boot program in the clean environment `folder`; gives its address.

    Its working folder is empty, and PYTHONPATH is not set: what workers know of the package comes from the job.
    """
    here = folder / "here"
    here.mkdir(exist_ok=True)
    # Boot keeps staged files in /tmp/staged by default, where two pools would take each other's.
    boot = folder / "boot"
    boot.write_text(f'#!/bin/sh\nexec "{BOOT}" --semi_persist_dir="{folder}/persistent" "$@"\n')
    boot.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {
        # The pool starts plain `python`, boot as well.
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        # Otherwise boot makes an environment in /opt/apache, as in Beam's own image.
        "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    port = free_port()
    # Without a container executable the pool ignores what the job ships.
    command = [str(folder / "bin" / "python"), "-m", "apache_beam.runners.worker.worker_pool_main"]
    command += [f"--service_port={port}", f"--container_executable={boot}"]
    with process(command, log=log, environment=environment, folder=here):
        yield _listening(port)


def clean_environment(folder: Path) -> Path:
    """A virtual environment with all that the lock file installs here, linked, and without this package."""
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, symlinks=True, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    ours = {Path(file).parts[0] for file in distribution(_PACKAGE).files or ()} | {_PACKAGE}
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if entry.name not in ours and not entry.name.startswith((f"{_PACKAGE}-", f"__editable__.{_PACKAGE}")):
            (packages / entry.name).symlink_to(entry)
    (packages / "sitecustomize.py").write_text(_BEGIN)
    return folder


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("localhost", 0))
        return int(found.getsockname()[1])


def _listening(port: int) -> str:
    address = f"localhost:{port}"
    with grpc.insecure_channel(address) as channel:
        grpc.channel_ready_future(channel).result(timeout=_SECONDS_TO_START)
    return address


@contextmanager
def process(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a group of its own, which is gone with all its children when the context ends."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=folder, start_new_session=True
        )
        try:
            yield started
        finally:
            # Ctrl-C: a pool then ends its workers, which have groups of their own.
            started.send_signal(signal.SIGINT)
            try:
                started.wait(_SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()

"""A command in processes of its own, killed or not; which of its processes still run; what it left in TMPDIR."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.paths import REPOSITORY

_HOOK: Final = Path(__file__).parent / "kill_hook"
_MARK: Final = "SOAK_TRY"
# After a kill of the main process the workers have this long to end. They look at their parent every second.
_SECONDS_TO_END: Final = 20.0
_SECONDS_OF_A_COMMAND: Final = 600


@dataclass(frozen=True)
class Ended:
    """A command that has ended. output: stdout and stderr; left: processes of it that did not end."""

    status: int
    output: str
    seconds: float
    left: tuple[int, ...]


def run_command(
    arguments: Sequence[str],
    *,
    temporary: Path,
    environment: Mapping[str, str] | None = None,
    kill_after: float | None = None,
    kills_all: bool = False,
    patience: float = _SECONDS_TO_END,
) -> Ended:
    """Runs `python ARGUMENT...` to its end, or kills it after some seconds.

    temporary: TMPDIR. environment: variables to add. kills_all: kill all its processes, not the main one alone.
    patience: seconds that its other processes have to end; then they are killed, and are in `left`.
    """
    mark = uuid.uuid4().hex
    variables = {
        **os.environ,
        "TMPDIR": str(temporary),
        "PYTHONPATH": f"{_HOOK}:{REPOSITORY}",
        _MARK: mark,
        **(environment or {}),
    }
    log = temporary.parent / f"{mark}.log"
    begin = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=variables,
            start_new_session=True,
        )
        try:
            process.wait(timeout=_SECONDS_OF_A_COMMAND if kill_after is None else kill_after)
        except subprocess.TimeoutExpired:
            if kill_after is None:
                os.killpg(process.pid, signal.SIGKILL)
                raise
            (os.killpg if kills_all else os.kill)(process.pid, signal.SIGKILL)
        status = process.wait()
    seconds = time.monotonic() - begin
    left = _still_running(mark, patience)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    text = log.read_text(errors="replace")
    log.unlink()
    return Ended(status, text, seconds, left)


def _still_running(mark: str, patience: float) -> tuple[int, ...]:
    """The processes of a try that still run after `patience` seconds."""
    deadline = time.monotonic() + patience
    while left := _marked(mark):
        if time.monotonic() > deadline:
            return left
        time.sleep(0.05)
    return ()


def _marked(mark: str) -> tuple[int, ...]:
    wanted = f"{_MARK}={mark}".encode()
    marked = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    marked.append(int(folder.name))
            except OSError:  # it has ended, or is another user's
                continue
    return tuple(marked)
